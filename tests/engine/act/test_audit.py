"""Tests of the record of acts: no record no act, and a reader that bears damage."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from engine.act import audit as audit_module
from engine.act import audit_file as writing
from engine.act.audit import Audit, who_acts
from engine.act.audit_nodes import AuditNodes
from engine.cli.wiring import open_zookeeper
from engine.errors import AuditError
from engine.models import Ending
from engine.settings import Secret, load
from engine.settings.redaction import Redactor
from engine.view.audit import Wanted, read_audit_file, read_audit_nodes
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths
from tests.engine.act.attempts import JOB, WHO, Planned


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the record is; neither it nor its folder is there yet."""
    return tmp_path / "state" / "nuvla" / "audit.jsonl"


@pytest.fixture
def zk(zk_hosts: str) -> Iterator[ZooKeeper]:
    """A session of ours."""
    zk = ZooKeeper(zk_hosts)
    zk.start()
    assert zk.wait_connected(15)
    yield zk
    zk.close()


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("ascii").splitlines()]


def test_an_act_is_on_record_before_it_is_done_and_its_end_after(file: Path) -> None:
    audit = Audit(file, profile="prod")
    attempt = audit.attempt(Planned(body={"operations": ["x"]}), by=WHO, reason="it hangs")
    (first,) = lines(file)
    assert (first["record"], first["act"], first["subject"]) == ("attempt", "cancel", JOB)
    assert (first["profile"], first["reason"]) == ("prod", "it hangs")
    assert first["who"] == {"user": "root", "host": "node1", "pid": 4121, "login": "jane"}
    assert first["plan"] == {"act": "cancel", "subject": JOB, "operations": ["x"]}
    assert attempt.outcome(Ending.DONE, "it is CANCELED") is None
    (record,) = read_audit_file(file).records
    assert record.id == attempt.id == first["id"]
    assert (record.ending, record.detail) == (Ending.DONE, "it is CANCELED")
    assert str(record.who) == "jane as root@node1"
    assert record.ended_at is not None and record.ended_at >= record.at


def test_only_its_owner_can_read_the_record_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        Audit(file).attempt(Planned(), by=WHO)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_file_that_cannot_keep_a_record_is_refused(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").touch(0o600)
    planted = tmp_path / "link"
    planted.symlink_to(tmp_path / "elsewhere")
    wide = tmp_path / "wide"
    wide.touch()
    wide.chmod(0o620)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    below_a_file = wide / "audit.jsonl"
    for path in (planted, wide, pipe, below_a_file, tmp_path):
        with pytest.raises(AuditError, match="Without a record nothing is changed"):
            Audit(path).attempt(Planned(), by=WHO)
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_full_disk_refuses_the_act(file: Path) -> None:
    Audit(file).attempt(Planned(), by=WHO).outcome(Ending.DONE)
    # A write beyond the limit is cut there, as on a full disk.
    code = (
        "import sys, pathlib, resource\n"
        "from engine.act.audit import Audit\n"
        "from engine.errors import AuditError\n"
        "from tests.engine.act.attempts import WHO, Planned\n"
        "limit = int(sys.argv[2])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try:\n"
        "    Audit(pathlib.Path(sys.argv[1])).attempt(Planned(), by=WHO)\n"
        "except AuditError as error:\n"
        "    sys.exit(str(error))\n"
    )
    limit = str(file.stat().st_size + 50)
    command = [sys.executable, "-B", "-c", code, str(file), limit]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and "only 50 of" in ended.stderr
    # Half a line is in the file; what is written once there is room again is not harmed by it.
    Audit(file).attempt(Planned(subject="job/next"), by=WHO).outcome(Ending.FAILED, "no")
    log = read_audit_file(file)
    assert [record.subject for record in log.records] == [JOB, "job/next"]
    assert [record.ending for record in log.records] == [Ending.DONE, Ending.FAILED]
    assert log.damaged == 1


def test_an_end_that_cannot_be_noted_is_told_and_not_raised(file: Path) -> None:
    attempt = Audit(file).attempt(Planned(), by=WHO)
    file.chmod(0o666)
    assert "its end is not on record" in (attempt.outcome(Ending.DONE) or "")
    file.chmod(0o600)
    assert read_audit_file(file).records[0].ending is None


def test_a_record_that_another_process_blocks_refuses_the_act(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LOCK_SECONDS", 0.05)
    Audit(file).attempt(Planned(), by=WHO)
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match="another process has held it"):
            Audit(file).attempt(Planned(), by=WHO)
    Audit(file).attempt(Planned(), by=WHO)
    assert len(lines(file)) == 2


def test_the_file_may_be_rotated_between_two_lines(file: Path) -> None:
    audit = Audit(file)
    audit.attempt(Planned(), by=WHO)
    file.rename(file.with_suffix(".1"))
    audit.attempt(Planned(subject="job/second"), by=WHO)
    assert [record.subject for record in read_audit_file(file).records] == ["job/second"]


def test_no_secret_and_no_data_of_a_job_is_on_record(file: Path) -> None:
    audit = Audit(file, redactor=Redactor([Secret("canary-1")]))
    body = {
        "operations": [
            {
                "words": 'POST job {"payload": "canary-2"}',
                "body": {"payload": "canary-2", "api-secret": "canary-3", "action": "x"},
            },
            {"note": "nuvla-authn-info: canary-4", "url": "https://jane:canary-5@host/"},
        ]
    }
    audit.attempt(Planned(body=body), by=WHO, reason="canary-1 leaked").outcome(
        Ending.FAILED, "canary-1"
    )
    assert "canary" not in file.read_text("ascii")
    (record,) = read_audit_file(file).records
    assert record.plan["operations"][0]["body"]["payload"].startswith("(8 characters, sha256 ")


def test_hostile_text_stays_one_line_and_drives_no_terminal(file: Path) -> None:
    hostile = 'x\n{"record": "end"}\r\x1b[31m\u2028\u202e\ud800'
    audit = Audit(file)
    audit.attempt(Planned(subject=hostile), by=WHO, reason=hostile).outcome(Ending.DONE, hostile)
    assert len(file.read_bytes().splitlines()) == 2
    assert file.read_bytes().isascii()
    (record,) = read_audit_file(file).records
    assert record.ending is Ending.DONE
    for text in (record.subject, record.reason or "", record.detail):
        assert text.isprintable()


def test_garbage_does_no_harm(file: Path) -> None:
    audit = Audit(file)
    audit.attempt(Planned(subject="job/first"), by=WHO)
    garbage = [b"\xff\xfe\x00", b"null", b"[]", b"{}", b'{"record": "end"}', b"[" * 100_000]
    garbage += [b'{"record": "end", "id": "x", "ending": "done"}', b'{"record": "attempt"}', b"1"]
    with file.open("ab") as other:
        other.write(b"\n".join(garbage) + b"\n\n" + b'{"record": "attempt", "id": "cut')
    audit.attempt(Planned(subject="job/second"), by=WHO).outcome(Ending.DONE)
    log = read_audit_file(file)
    assert [record.subject for record in log.records] == ["job/first", "job/second"]
    assert log.records[1].ending is Ending.DONE
    assert log.damaged == 9


def test_a_file_that_is_not_there_holds_no_acts(file: Path) -> None:
    assert read_audit_file(file).records == ()


def test_the_newest_acts_are_read_by_time_name_and_job(file: Path) -> None:
    audit = Audit(file)
    audit.attempt(Planned(subject="job/3-0"), by=WHO)
    for number in range(5):
        audit.attempt(Planned(act="release", subject=f"job/{number}"), by=WHO).outcome(Ending.DONE)
    told = {"evidence": ["The entry holds job/3."]}
    audit.attempt(Planned(act="drop", subject="entry-1", body=told), by=WHO)
    newest = read_audit_file(file, Wanted(limit=2))
    assert [record.subject for record in newest.records] == ["job/4", "entry-1"]
    assert newest.left_out == 5
    drops = read_audit_file(file, Wanted(act="drop")).records
    assert [record.subject for record in drops] == ["entry-1"]
    about = read_audit_file(file, Wanted(job="job/3")).records
    assert [record.act for record in about] == ["release", "drop"]
    third = read_audit_file(file).records[3].at
    assert all(record.at >= third for record in read_audit_file(file, Wanted(since=third)).records)


def test_processes_and_threads_that_write_at_once_lose_no_line(file: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from engine.act.audit import Audit\n"
        "from engine.models import Ending\n"
        "from tests.engine.act.attempts import WHO, Planned\n"
        "audit = Audit(pathlib.Path(sys.argv[1]))\n"
        "for _ in range(40):\n"
        "    audit.attempt(Planned(body={'long': 'x' * 9000}), by=WHO).outcome(Ending.DONE)\n"
    )
    command = [sys.executable, "-c", code, str(file)]
    others = [subprocess.Popen(command) for _ in range(2)]
    audit = Audit(file)

    def act(number: int) -> None:
        audit.attempt(Planned(subject=f"job/{number}"), by=WHO).outcome(Ending.DONE)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(act, range(40)))
    assert [other.wait(60) for other in others] == [0, 0]
    log = read_audit_file(file)
    assert (len(log.records), log.damaged) == (120, 0)
    assert all(record.ending is Ending.DONE for record in log.records)


def test_a_shared_record_is_one_node_for_each_act(file: Path, zk: ZooKeeper) -> None:
    own = OwnPaths()
    audit = Audit(file, nodes=AuditNodes(zk, own, keep=100))
    audit.attempt(Planned(subject="job/first"), by=WHO).outcome(Ending.DONE, "gone")
    audit.attempt(Planned(subject="job/second"), by=WHO)
    audit.attempt(Planned(subject="job/large", body={"x": "y" * 1_000_000}), by=WHO).outcome(
        Ending.DONE
    )
    log = read_audit_nodes(zk, own)
    assert [record.subject for record in log.records] == ["job/first", "job/second", "job/large"]
    assert [record.ending for record in log.records] == [Ending.DONE, None, Ending.DONE]
    assert log.records[2].plan == {"left_out": True}
    assert [record.id for record in read_audit_file(file).records] == [r.id for r in log.records]


def test_the_shared_record_is_bounded(file: Path, zk: ZooKeeper) -> None:
    audit = Audit(file, nodes=AuditNodes(zk, OwnPaths(), keep=10))
    for number in range(61):
        audit.attempt(Planned(subject=f"job/{number}"), by=WHO)
    subjects = [record.subject for record in read_audit_nodes(zk, OwnPaths()).records]
    assert subjects == [f"job/{number}" for number in range(51, 61)]


def test_a_shared_record_that_cannot_be_written_refuses_the_act(
    file: Path, zk: ZooKeeper, kazoo: KazooClient
) -> None:
    audit = Audit(file, nodes=AuditNodes(zk, OwnPaths(), keep=10))
    zk.close()
    with pytest.raises(AuditError, match="in ZooKeeper cannot be written"):
        audit.attempt(Planned(), by=WHO)
    (record,) = read_audit_file(file).records
    assert record.ending is Ending.REFUSED
    assert kazoo.exists(OwnPaths().audit) is None


def test_who_logged_in_is_known_whatever_sudo_made_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = tmp_path / "loginuid"
    monkeypatch.setattr(audit_module, "LOGIN_ID", login)
    root = pwd.getpwuid(os.getuid()).pw_name
    assert who_acts().login is None
    for number, name in ((os.getuid(), None), (2**32 - 1, None), (4_000_000, "4000000")):
        login.write_text(str(number))
        assert (who_acts().user, who_acts().login) == (root, name)
    assert str(who_acts()) == f"4000000 as {root}@{socket.gethostname()}"
    login.write_text("garbage")
    assert str(who_acts()) == f"{root}@{socket.gethostname()}"


def test_settings_say_where_the_record_is(
    file: Path, zk_hosts: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    environ = {"NUVLA_ZK_HOSTS": zk_hosts, "NUVLA_AUDIT_ZOOKEEPER": "5"}
    named = load(environ={**environ, "NUVLA_AUDIT_FILE": str(file)}, folders=[tmp_path])
    assert Audit.from_settings(named).file == file
    by_default = Audit.from_settings(load(environ=environ, folders=[tmp_path])).file
    is_root = os.geteuid() == 0
    whose = Path("/var/log/nuvla/log") if is_root else tmp_path / "state" / "nuvla-console"
    assert by_default == whose / "audit.jsonl"
    with open_zookeeper(named) as zk:
        Audit.from_settings(named, zk).attempt(Planned(), by=WHO)
        assert len(read_audit_nodes(zk, OwnPaths()).records) == 1
