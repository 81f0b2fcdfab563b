"""An executor and the verbs over a ZooKeeper with TLS, SASL and the ACLs of docs/security.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from engine.cli.exit_codes import ExitCode
from engine.zookeeper.paths import ENTRIES
from tests.faults.children import Child
from tests.local_api import ADMIN_HEADER, LocalApi
from tests.secured import OWN_ACL, PASSWORDS, SecuredZooKeeper, lay_out, rights, secured_zookeeper
from tests.support import eventually

MEMBERS = "/nuvla-engine/members"


class Site:
    """The server, the API, and `nuvla-engine` as one user or another."""

    def __init__(self, folder: Path, secured: SecuredZooKeeper, api: LocalApi) -> None:
        self.folder, self.secured, self.api = folder, secured, api
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NUVLA_AUDIT_FILE": str(folder / "audit.jsonl"),
        }

    def words(self, verb: str, user: str | None, *more: str) -> list[str]:
        """Return a command that reaches both servers."""
        command = [sys.executable, "-m", "engine.cli.main", verb, *more]
        command += ["--zk-hosts", self.secured.tls_hosts, "--zk-tls"]
        command += ["--zk-ca", str(self.secured.authority.pem)]
        command += ["--zk-cert", str(self.secured.client.chain)]
        command += ["--zk-key", str(self.secured.client.key)]
        command += ["--api-url", self.api.url, "--api-authn-header", ADMIN_HEADER]
        if user is not None:
            command += ["--zk-auth-file", str(self.secret(user, PASSWORDS[user]))]
        return command

    def secret(self, user: str, password: str) -> Path:
        """Return a private file with a log-in."""
        file = self.folder / f"{user}-{len(password)}"
        file.write_text(f"sasl:{user}:{password}\n")
        file.chmod(0o600)
        return file

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end; again, where a busy machine took too long to connect."""

        def attempt() -> subprocess.CompletedProcess[str] | None:
            done = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, timeout=60
            )
            is_late = "was not reached within" in done.stderr and "SASL" not in done.stderr
            return None if is_late else done

        return eventually(attempt, "the verb connects", within=60)


@pytest.fixture
def site(tmp_path: Path, local_api: LocalApi) -> Iterator[Site]:
    """A site whose queue is laid out."""
    folder = tmp_path / "secured"
    folder.mkdir()
    with secured_zookeeper(folder) as secured:
        with secured.admin() as kazoo:
            lay_out(kazoo)
        yield Site(tmp_path, secured, local_api)


def test_an_executor_works_and_a_reader_watches_it(site: Site) -> None:
    command = site.words("executor", "engine", "--zk-acl", OWN_ACL)
    executor = Child("executor", command, folder=site.folder, env=site.environment)
    try:
        # The local API queues it in the shared ZooKeeper, where nobody claims it.
        job = {"action": "dummy_test_action", "payload": '{"seconds": 0.1}'}
        url, identity = f"{site.api.url}/api/job", {"nuvla-authn-info": ADMIN_HEADER}
        job_id = requests.post(url, json=job, headers=identity, timeout=30).json()["resource-id"]
        with site.secured.admin() as kazoo:
            acl = rights(admin="cdrwa", engine="r", console="r")
            kazoo.create(f"{ENTRIES}/entry-999-", job_id.encode(), sequence=True, acl=acl)
            eventually(
                lambda: not kazoo.get_children(ENTRIES) or not executor.is_running,
                "the job is done",
                within=60,
            )
        assert executor.is_running, executor.output()
        answer = requests.get(f"{site.api.url}/api/{job_id}", headers=identity, timeout=30)
        assert answer.json()["state"] == "SUCCESS"

        def kinds_seen() -> list[str]:
            seen = site.run(site.words("members", "console", "--json"))
            assert seen.returncode == 0, seen.stderr
            return [member["kind"] for member in json.loads(seen.stdout)["members"]]

        assert eventually(kinds_seen, "its presence is read", within=60) == ["executor"]
        executor.terminate()
        assert executor.wait(60) == 0
        output = executor.output()
        assert "forbids" not in output and "Traceback" not in output, output
        assert PASSWORDS["engine"] not in output
    finally:
        executor.kill()


@pytest.mark.parametrize(
    ("user", "password", "wanted"),
    [
        ("engine", "hunter2-canary", "does not accept the SASL log-in of 'engine'"),
        (None, "", "client.pem: have the node's ACL give the right"),
    ],
    ids=["wrong password", "no log-in"],
)
def test_a_verb_that_is_not_let_in_says_what_to_do(
    site: Site, user: str | None, password: str, wanted: str
) -> None:
    command = site.words("queue", None)
    if user is not None:
        command += ["--zk-auth-file", str(site.secret(user, password))]
    done = site.run(command)
    assert done.returncode == ExitCode.UNREACHED, done.stderr
    assert wanted in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_an_executor_that_is_not_let_in_says_so_and_tries_on(site: Site) -> None:
    command = site.words("executor", None)
    command += ["--zk-auth-file", str(site.secret("engine", "hunter2-canary"))]
    executor = Child("executor", command, folder=site.folder, env=site.environment)
    try:
        executor.says("does not accept the SASL log-in of 'engine'", within=60)
        assert executor.is_running
        assert "hunter2" not in executor.output()
        assert "Traceback" not in executor.output()
    finally:
        executor.kill()


def test_an_executor_without_the_right_to_its_own_nodes_says_which(site: Site) -> None:
    executor = Child(
        "executor", site.words("executor", "console"), folder=site.folder, env=site.environment
    )
    try:
        executor.says("the presence node cannot be written: ZooKeeper forbids this", within=60)
        assert "to the sasl user 'console': have the node's ACL give the right" in executor.output()
    finally:
        executor.kill()


def test_an_operator_steers_and_a_reader_may_not(site: Site) -> None:
    words = site.words("executor", "engine", "--zk-acl", OWN_ACL, "--name", "exec-a")
    executor = Child("executor", words, folder=site.folder, env=site.environment)
    try:
        with site.secured.admin() as kazoo:
            eventually(
                lambda: kazoo.exists(MEMBERS) and kazoo.get_children(MEMBERS),
                "it is there",
                within=60,
            )
        acting = ("--zk-acl", OWN_ACL, "--yes", "--reason", "a test")
        refused = site.run(site.words("drain", "console", "exec-a", *acting))
        assert refused.returncode in (ExitCode.REFUSED, ExitCode.UNREACHED), refused.stderr
        assert "forbids this" in refused.stderr and "Traceback" not in refused.stderr
        for verb, subject in (("drain", ["exec-a"]), ("resume", ["exec-a"]), ("pause", [])):
            done = site.run(site.words(verb, "operator", *subject, *acting))
            assert done.returncode == 0, (verb, done.stdout, done.stderr)
        executor.says("paused: a test", within=60)
        assert site.run(site.words("unpause", "operator", *acting)).returncode == 0
    finally:
        executor.kill()


def test_a_distributor_leads_with_its_rights(site: Site) -> None:
    words = site.words("distributor", "engine", "jobs_cleanup", "--zk-acl", OWN_ACL)
    distributor = Child("distributor", words, folder=site.folder, env=site.environment)
    try:
        url, identity = f"{site.api.url}/api/job", {"nuvla-authn-info": ADMIN_HEADER}

        def has_added() -> bool:
            query = {"filter": "action='cleanup_jobs'", "last": "0"}
            answer = requests.put(url, data=query, headers=identity, timeout=30)
            return bool(answer.json()["count"] == 1)

        eventually(has_added, "its first job", within=60)
        assert "forbids" not in distributor.output(), distributor.output()
    finally:
        distributor.kill()
