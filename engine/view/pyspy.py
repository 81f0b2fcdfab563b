"""The stacks of a process of this host through py-spy: of ours, or of a published executor.

py-spy reads the memory of the process from outside, so it answers while the interpreter lock is
held, and for processes that know nothing of this engine. It needs the right to trace the process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import StacksUnavailable
from engine.models.stacks import Frame, StackReport, ThreadStack, busy_first, capped
from engine.text import clean
from engine.zookeeper.paths import is_job_id

SOURCE = "py-spy"
THREAD_PREFIX = "exec-"
"""A worker of ours is named after its job."""

_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
_CAP_SYS_PTRACE = 19
"""Source: capabilities(7), linux/capability.h."""
_QUOTED = re.compile(r'"(job/[a-z0-9-]+)"')


def dump(pid: int, *, program: str | None = None, timeout: float = 10.0) -> StackReport:
    """Return the stacks of a Python process of this host; it stops for some milliseconds.

    The values of local variables are looked at for job ids only, and are not kept.

    Args:
        pid: the process.
        program: py-spy; found beside the interpreter or in PATH where it is not named.
        timeout: seconds to wait for it.

    Raises:
        StacksUnavailable: there is no such process, or it cannot be read; the message says what
            is missing.
    """
    command = [program or _find(), "dump", "--json", "--locals", "--pid", str(pid)]
    if not _exists(pid):
        raise StacksUnavailable(f"there is no process {pid} on this host")
    try:
        ended = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False
        )
    except OSError as error:
        raise StacksUnavailable(f"py-spy cannot be started: {error}") from error
    except subprocess.TimeoutExpired:
        raise StacksUnavailable(f"py-spy did not answer within {timeout:g} s") from None
    if ended.returncode != 0:
        raise StacksUnavailable(_explain(pid, ended.stderr.decode("utf-8", "replace")))
    return parse(pid, ended.stdout, datetime.now(UTC))


def parse(pid: int, text: bytes, taken_at: datetime) -> StackReport:
    """Return what py-spy printed as a report.

    Raises:
        StacksUnavailable: it is not what py-spy 0.4 prints.
    """
    try:
        threads = [_thread(raw) for raw in _listed(json.loads(text))]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StacksUnavailable(
            f"py-spy answered in a form that is not known ({type(error).__name__}): "
            "version 0.4 is expected"
        ) from error
    return StackReport(source=SOURCE, taken_at=taken_at, pid=pid, threads=busy_first(threads))


def missing_right(*, owner: int | None, user: int, capabilities: int, scope: int | None) -> str:
    """Return which right a refused trace lacks, and how to get it.

    Args:
        owner: the user id of the process; None where it cannot be told.
        user: our effective user id.
        capabilities: our effective ones, as a mask.
        scope: kernel.yama.ptrace_scope; None where the kernel has none.
    """
    has_capability = bool(capabilities >> _CAP_SYS_PTRACE & 1)
    if scope == 3:
        return "kernel.yama.ptrace_scope is 3: nobody may trace until the host is restarted"
    if scope == 2 and not has_capability:
        return "kernel.yama.ptrace_scope is 2: CAP_SYS_PTRACE is needed (run it with sudo)"
    if owner is not None and owner != user and not has_capability:
        how = "with it (in a container: --cap-add SYS_PTRACE)" if user == 0 else "with sudo"
        return (
            f"it belongs to uid {owner}, you are uid {user} without CAP_SYS_PTRACE: "
            f"run this as that user, or {how}"
        )
    if scope == 1 and not has_capability:
        return (
            "kernel.yama.ptrace_scope is 1, so only its parent may trace a process: use sudo, "
            "or sysctl kernel.yama.ptrace_scope=0"
        )
    if not has_capability:
        return "CAP_SYS_PTRACE is missing (in a container: --cap-add SYS_PTRACE; else: sudo)"
    return (
        "the kernel refuses although CAP_SYS_PTRACE is held: a seccomp profile or another user "
        "namespace may forbid it"
    )


def _find() -> str:
    beside = Path(sys.executable).parent / "py-spy"
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise StacksUnavailable("py-spy is not installed: pip install 'nuvla-console[stacks]'")
    return found


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return pid < 2**31
    return True


def _explain(pid: int, said: str) -> str:
    first = clean(
        next((line for line in said.splitlines() if line.strip()), "no reason"), limit=200
    )
    lowered = said.lower()
    if "permission denied" in lowered or "operation not permitted" in lowered or "eperm" in lowered:
        right = missing_right(
            owner=_owner(pid),
            user=os.geteuid(),
            capabilities=_capabilities(),
            scope=_scope(),
        )
        return f"process {pid} may not be traced: {right}"
    if "python version" in lowered:
        return f"process {pid} is not a Python process, or is one that py-spy does not know"
    if not _exists(pid):
        return f"process {pid} ended meanwhile"
    return f"py-spy cannot read process {pid}: {first.removeprefix('Error: ')}"


def _owner(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def _scope() -> int | None:
    try:
        return int(_SCOPE.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _capabilities() -> int:
    try:
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.partition("CapEff:")[2].split()[0], 16)
    except (OSError, ValueError, IndexError):
        return 0


def _listed(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise TypeError("no list")
    return raw


def _thread(raw: dict[str, Any]) -> ThreadStack:
    name = raw["thread_name"] or f"thread {raw['os_thread_id']}"
    frames = [
        Frame.of(str(frame["name"]), str(frame["filename"]), int(frame["line"]))
        for frame in raw["frames"]
    ]
    return ThreadStack(
        ident=int(raw["thread_id"]),
        name=clean(str(name), limit=240),
        job_id=_job_of_name(str(name)) or _job_of_locals(raw["frames"]),
        frames=capped(frames),
    )


def _job_of_name(name: str) -> str | None:
    job_id = name.removeprefix(THREAD_PREFIX)
    return job_id if job_id != name and is_job_id(job_id) else None


def _job_of_locals(frames: Iterable[dict[str, Any]]) -> str | None:
    """Return the job that a published executor's thread works on.

    Its `process_job` holds the id as a text. The loop around it keeps the last id as bytes while
    it waits for the next one, which says nothing.
    """
    for frame in frames:
        for local in frame.get("locals") or ():
            found = _QUOTED.fullmatch(local.get("repr") or "")
            if local.get("name") == "job_id" and found and is_job_id(found[1]):
                return found[1]
    return None
