"""A consumer of the published kind: kazoo's LockingQueue, with the calls that upstream makes.

Run as a child: ``python stock_consumer.py HOSTS API_URL JOURNAL TIMEOUT [HOLD_FILE]``. It runs each
job by two journal lines (between them it waits for HOLD_FILE, where one is named), makes the
document final, and notes what its consume gave. SIGTERM ends it after the job at hand.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError
from kazoo.retry import KazooRetry

stopping = threading.Event()


def note(journal: str, job: str, event: str, detail: object = None) -> None:
    """Append one line."""
    line = {"at": time.monotonic(), "pid": os.getpid(), "job": job, "event": event}
    file = os.open(journal, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, (json.dumps({**line, "detail": detail}) + "\n").encode())
        os.fsync(file)
    finally:
        os.close(file)


def call(url: str, job: str, changes: dict[str, object] | None = None) -> dict[str, object]:
    """Read the document of a job, or edit it."""
    request = urllib.request.Request(
        f"{url}/api/{job}",
        method="GET" if changes is None else "PUT",
        data=None if changes is None else json.dumps(changes).encode(),
        headers={"nuvla-authn-info": "group/nuvla-admin", "Content-Type": "application/json"},
    )
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                document: dict[str, object] = json.load(answer)
                return document
        except urllib.error.HTTPError:
            raise
        except OSError:  # the API is away for a moment
            time.sleep(0.05)
    raise TimeoutError("the API stayed away")


def run(url: str, journal: str, job: str, hold: Path | None) -> None:
    """Run one job, unless it is final."""
    if call(url, job)["state"] in ("SUCCESS", "FAILED", "CANCELED"):
        return
    note(journal, job, "start")
    while hold is not None and not hold.exists() and not stopping.is_set():
        time.sleep(0.02)
    note(journal, job, "end")
    try:
        call(url, job, {"state": "SUCCESS", "return-code": 0})
    except urllib.error.HTTPError as error:
        if error.code != 409:  # final already: somebody else ran it as well
            raise


def main(hosts: str, url: str, journal: str, timeout: str, hold: str = "") -> None:
    """Consume until told to stop."""
    retry = {"max_tries": -1, "max_delay": 1.0}
    client = KazooClient(
        hosts,
        timeout=float(timeout),
        connection_retry=KazooRetry(**retry),
        command_retry=KazooRetry(**retry),
    )
    client.start(timeout=30)
    queue = client.LockingQueue("/job")
    print("ready", flush=True)
    while not stopping.is_set():
        data = queue.get(timeout=1)
        if not data:
            continue
        job = data.decode()
        run(url, journal, job, Path(hold) if hold else None)
        try:
            consumed = queue.consume()
        except NoNodeError:
            consumed = False
        note(journal, job, "stock consumed" if consumed else "stock lost")
    client.stop()
    client.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    main(*sys.argv[1:])
