"""`python -m benchmarks.http_client`: processor time of one call, by the client that makes it.

One thread reads one document again and again from the job endpoint, which is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from http.client import HTTPConnection

import requests
import urllib3

from benchmarks.stage import Endpoint
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.settings import Secret

JOB = "job/00000000-0000-4000-8000-000000000001"
HEADERS = {"nuvla-authn-info": "group/nuvla-admin", "Accept": "application/json"}
ROUNDS = 5


def main() -> None:
    """Measure each client and print the best of its rounds, which noise disturbs least."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls in a round")
    calls = parser.parse_args().calls
    endpoint = Endpoint()
    try:
        for name, call in clients(endpoint.url).items():
            times = [measure(call, calls) for _ in range(ROUNDS)]
            print(
                f"{name:<12} {min(times):.3f} ms of processor time a call "
                f"(median {statistics.median(times):.3f})"
            )
    finally:
        endpoint.close()


def clients(url: str) -> dict[str, Callable[[], object]]:
    """Return one read of the document for each client, its connection kept."""
    address = f"{url}/api/{JOB}"
    ours = NuvlaClient(url, credentials=Header(Secret(HEADERS["nuvla-authn-info"])))
    plain = HTTPConnection(url.removeprefix("http://"))
    pool = urllib3.PoolManager()
    session = requests.Session()

    def read_plain() -> object:
        plain.request("GET", f"/api/{JOB}", headers=HEADERS)
        return json.loads(plain.getresponse().read())

    return {
        "ours": lambda: ours.get_job(JOB),
        "http.client": read_plain,
        "urllib3": lambda: pool.request("GET", address, headers=HEADERS).json(),
        "requests": lambda: session.get(address, headers=HEADERS, timeout=30).json(),
        "nuvla-api": lambda: ours.official().get(JOB),
    }


def measure(call: Callable[[], object], calls: int) -> float:
    """Return the milliseconds of this thread's processor time that one call takes."""
    call()
    before = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - before) / calls * 1000


if __name__ == "__main__":
    main()
