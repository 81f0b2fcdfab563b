"""`--actions-from nuvla.job_engine.job.actions`: upstream's actions under our executor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fleet.deployments_api import DeploymentsApi
from tests.fleet.installation import ADMIN, HERE, PEER_PYTHON, Fleet
from tests.support import eventually

ROOT = HERE.parent.parent
REGISTERED = "from nuvla.job_engine.job.actions import Actions as a; print(*sorted(a.actions))"
JANE = {
    "user-id": "user/jane",
    "active-claim": "user/jane",
    "claims": ["group/nuvla-user", "user/jane"],
}
DEPLOYMENTS = ["deployment/one", "deployment/two", "deployment/three"]


def peers(code: str) -> str:
    """Return what a line of Python prints in the published engine's own environment."""
    assert PEER_PYTHON.exists(), "the peer is missing: run 'make setup'"
    command = [str(PEER_PYTHON), "-c", code]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=60
    ).stdout.strip()


@pytest.fixture(scope="module")
def beside() -> dict[str, str]:
    """The variables that put the published engine beside ours."""
    packages = peers("import nuvla.api; print(nuvla.api.__path__[0].removesuffix('/nuvla/api'))")
    return {"PEER_PACKAGES": packages, "OUR_ROOT": str(ROOT)}


def registered(beside: dict[str, str], *missing: str) -> dict[str, Any]:
    """Return what `--actions-from` finds where some modules are not installed."""
    command = [sys.executable, str(HERE / "both_engines.py"), "list", *missing]
    environment = {"PATH": os.environ["PATH"], **beside}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # neither its tracebacks nor a line for each action
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_all_of_upstreams_actions_are_registered(beside: dict[str, str]) -> None:
    theirs = peers(REGISTERED).split()
    found = registered(beside)
    assert len(theirs) > 40
    assert sorted(found["places"]) == theirs  # those that we ship have the same names
    assert found["broken"] == []
    assert all("/nuvla/job_engine/job/actions/" in place for place in found["places"].values())


def test_a_module_without_its_library_is_reported_and_the_others_load(
    beside: dict[str, str],
) -> None:
    found = registered(beside, "yaml")
    (reported,) = [line for line in found["broken"] if ".dct_check:" in line]
    assert "ModuleNotFoundError: import of yaml halted" in reported
    assert "dct_check" not in found["places"]
    assert {"cleanup_jobs", "cancel_children_jobs"} <= found["places"].keys()


class Site:
    """The platform, deployments before it, and an executor of ours with upstream's actions."""

    def __init__(self, fleet: Fleet, beside: dict[str, str]) -> None:
        self.fleet = fleet
        self.api = DeploymentsApi(fleet.url, DEPLOYMENTS)
        command = [sys.executable, str(HERE / "both_engines.py"), "executor", "--name", "both"]
        command += ["--zk-hosts", fleet.hosts, "--api-url", self.api.url]
        identity = {"NUVLA_API_AUTHN_HEADER": "group/nuvla-admin"}
        self.executor = fleet.start("both", command, **identity, **beside)

    def add(
        self, action: str, target: str | None = None, payload: dict[str, Any] | None = None
    ) -> str:
        """Add a job."""
        job: dict[str, Any] = {"action": action}
        if target is not None:
            job["target-resource"] = {"href": target}
        if payload is not None:
            job["payload"] = json.dumps(payload)
        url = f"{self.fleet.url}/api/job"
        added = requests.post(url, json=job, headers=ADMIN, timeout=30)
        added.raise_for_status()
        return str(added.json()["resource-id"])

    def read(self, job_id: str) -> dict[str, Any]:
        """Return a document."""
        answer = requests.get(f"{self.fleet.url}/api/{job_id}", headers=ADMIN, timeout=30)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def ended(self, job_id: str) -> dict[str, Any]:
        """Return a document once it is final."""

        def final() -> dict[str, Any] | None:
            assert self.executor.is_running, self.executor.output()
            job = self.read(job_id)
            return job if job["state"] in ("SUCCESS", "FAILED", "CANCELED") else None

        return eventually(final, f"{job_id} ends", within=60, every=0.1)


@pytest.fixture
def site(fleet: Fleet, beside: dict[str, str]) -> Iterator[Site]:
    """A site of this test's own."""
    made = Site(fleet, beside)
    try:
        yield made
    finally:
        made.api.close()


def test_a_set_of_upstreams_actions_runs_over_the_local_platform(site: Site) -> None:
    dummy = site.add("dummy_test_action")
    cleanup = site.add("cleanup_jobs", "job")
    usage = site.add("register_usage_record", "deployment/one")
    pull_only = site.add("coe_resource_actions", "nuvlabox/one", {"docker": []})
    without_log = site.add("fetch_deployment_log", "deployment-log/none")
    unknown = site.add("no_such_action")
    assert site.ended(dummy)["return-code"] == 0
    assert site.ended(cleanup)["status-message"].startswith("Cleanup of completed jobs finished.")
    assert site.ended(usage)["status-message"] == "{'status': 200, 'message': 'registered'}"
    refused = site.ended(pull_only)
    assert (refused["state"], refused["return-code"]) == ("FAILED", 1)
    assert refused["status-message"] == "Job is only available in pull mode"
    raised = site.ended(without_log)
    assert raised["state"] == "FAILED"
    assert "NuvlaError" in raised["status-message"] and "Traceback" in raised["status-message"]
    assert "no_such_action" in site.ended(unknown)["status-message"]
    eventually(lambda: not site.fleet.left_over(), "nothing is left in the queue", within=60)


def test_a_bulk_action_acts_as_its_user_and_monitor_bulk_job_ends_it(site: Site) -> None:
    payload = {"filter": "state='STARTED'", "authn-info": JANE}
    bulk = site.add("bulk_stop_deployment", payload=payload)

    def children() -> list[dict[str, Any]]:
        query = {"filter": f"parent-job='{bulk}'"}
        url = f"{site.fleet.url}/api/job"
        answer = requests.put(url, data=query, headers=ADMIN, timeout=30)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["resources"]
        return found

    eventually(lambda: site.read(bulk).get("tags") == ["monitor"], "it hands over", within=60)
    eventually(
        lambda: all(job["state"] == "SUCCESS" for job in children()), "its jobs end", within=60
    )
    assert site.read(bulk)["state"] == "RUNNING"
    assert sorted(site.api.hooked) == sorted(DEPLOYMENTS)
    assert "user/jane user/jane group/nuvla-user user/jane" in site.api.identities
    site.ended(site.add("monitor_bulk_job", bulk))
    done = site.ended(bulk)
    result = json.loads(done["status-message"])
    assert (done["state"], done["return-code"], result["jobs_count"]) == ("SUCCESS", 0, 3)
    assert sorted(result["success"]) == sorted(DEPLOYMENTS)


def test_children_of_a_cancelled_bulk_job_are_cancelled(site: Site) -> None:
    parent = site.add("bulk_stop_deployment_by_hand", "job")  # fails: nobody has it
    site.ended(parent)
    waiting = {"action": "any", "parent-job": parent, "execution-mode": "pull"}
    url = f"{site.fleet.url}/api/job"
    child = requests.post(url, json=waiting, headers=ADMIN, timeout=30).json()["resource-id"]
    assert site.ended(site.add("cancel_children_jobs", parent))["state"] == "SUCCESS"
    assert site.read(child)["state"] == "CANCELED"


def test_a_package_that_is_not_installed_ends_the_start_with_a_clear_message(
    tmp_path: Path,
) -> None:
    words = ["executor", "--api-authn-header", "group/nuvla-admin"]
    command = [sys.executable, "-m", "engine.cli.main", *words, "--actions-from", "no.such.package"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert "actions-from: the package 'no.such.package' cannot be imported" in last
    assert "Traceback" not in done.stderr
