"""Operators, executors and accidents at random moments, and the judgement on what came of it.

The executors are processes of their own. One that crashes is killed with -9, and its session is
ended right then, as the server does after the timeout; one that loses its session has it ended
while it works. Sessions are long, so that none is lost by itself on a busy machine.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from engine.errors import EngineError
from engine.models import LockNote, Member
from engine.nuvla.client import NuvlaClient
from engine.states import FINAL_STATES, JobState
from engine.zookeeper.paths import ENTRIES, TAKEN, OwnPaths, entry_path, lock_path
from tests.faults.children import Child
from tests.faults.journal import Journal
from tests.faults.sessions import expire
from tests.support import eventually

HERE = Path(__file__).parent
SESSION_SECONDS = 30.0
THREADS = 8
AT_HAND = 40
"""Entries that are kept in the queue while acts are made."""
OPERATORS = 4

Act = Callable[["Theatre", random.Random], str | None]
"""Makes one act and returns what became of it, or None where there was nothing to act on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job's action."""

    job: str
    pid: int
    number: int
    epoch: int
    """How many sessions its executor had lost when it claimed the job."""
    start: float
    end: float
    """Infinite where it never ended: its process was killed."""
    how: str


@dataclass(frozen=True, slots=True)
class Accident:
    """An executor crashed, or lost its session: what it had claimed in it may run elsewhere."""

    pid: int
    at: float
    """Not later than the loss."""


@dataclass(frozen=True, slots=True)
class Request:
    """An executor was asked to let go of a job: what it has done of it may not count."""

    job: str
    began: float
    ended: float


@dataclass
class Theatre:
    """A queue, an API, executors of ours, and the journal of what they ran."""

    hosts: str
    url: str
    client: NuvlaClient
    folder: Path
    seed: int
    kazoo: KazooClient
    busy: tuple[float, float] = (0.02, 0.3)
    """Seconds that most jobs take."""
    heeding: float = 0.5
    """Part of the jobs that end early when they are told to."""
    jobs: list[str] = field(default_factory=list)
    accidents: list[Accident] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    executors: list[Child] = field(default_factory=list)
    ended: list[Child] = field(default_factory=list)
    peers: list[Child] = field(default_factory=list)
    foreign_sessions: set[int] = field(default_factory=set)
    """Of locks that the peers held."""

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder / "journal")
        for path in (ENTRIES, TAKEN):
            self.kazoo.ensure_path(path)

    # The stage.

    def add_executor(self) -> Child:
        """Start one more executor."""
        name = f"ex-{len(self.executors) + len(self.ended)}"
        words = ["-m", "engine.cli.main", "executor", "--name", name, "--threads", str(THREADS)]
        words += ["--zk-hosts", self.hosts, "--api-url", self.url, "--grace", "5"]
        words += ["--zk-session-timeout", str(SESSION_SECONDS)]
        words += ["--actions-path", str(HERE / "busy_actions")]
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "FAULTS_JOURNAL": str(self.journal.path),
            "NUVLA_API_AUTHN_HEADER": "group/nuvla-admin",
        }
        child = Child(name, [sys.executable, *words], folder=self.folder, env=env)
        self.executors.append(child)
        return child

    def add_peer(self) -> Child:
        """Start an executor of the published engine; it has no accidents."""
        python = HERE.parent.parent / ".peer" / "bin" / "python"
        assert python.exists(), "the peer is missing: run 'make setup'"
        words = ["-P", str(HERE / "busy_peer.py"), "--zk-hosts", self.hosts]
        words += ["--api-url", self.url, "--api-authn-header", "group/nuvla-admin"]
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "FAULTS_JOURNAL": str(self.journal.path),
        }
        child = Child("peer", [str(python), *words], folder=self.folder, env=env)
        self.peers.append(child)
        return child

    def close(self) -> None:
        """End all executors."""
        for child in [*self.executors, *self.ended, *self.peers]:
            child.kill()

    def member_of(self, child: Child) -> Member | None:
        """Return the presence of an executor."""
        own = OwnPaths()
        try:
            for name in self.kazoo.get_children(own.members):
                data, stat = self.kazoo.get(own.member(name))
                member = Member.from_node(name, data, session=stat.ephemeralOwner)
                if member is not None and member.pid == child.pid:
                    return member
        except NoNodeError:
            pass
        return None

    def wait_for_executors(self) -> None:
        """Wait until all are members."""
        for child in self.executors:
            eventually(lambda child=child: self.member_of(child), "it is a member", within=60)  # type: ignore[misc]  # bound early
        for peer in self.peers:
            peer.says("I am executor", within=60)

    def add_job(self, chance: random.Random) -> None:
        """Add a job that is busy for a random while; a few take long, and some are deaf."""
        seconds = chance.uniform(*self.busy)
        if chance.random() < 0.05:
            seconds += chance.uniform(0.5, 1.2)
        payload = json.dumps({"seconds": seconds, "heeds": chance.random() < self.heeding})
        self.jobs.append(self.client.add_job({"action": "busy", "payload": payload}))

    def held(self) -> list[str]:
        """Return the names of the entries that are held."""
        return sorted(self.kazoo.get_children(TAKEN))

    def job_in(self, entry: str) -> str | None:
        """Return the job of an entry; None where it is gone."""
        try:
            data: bytes = self.kazoo.get(entry_path(entry))[0]
        except NoNodeError:
            return None
        return data.decode()

    # The play.

    def play(self, act: Act, acts: int, *, accidents: bool) -> None:
        """Make so many acts, while jobs come and, where wanted, executors crash and lose sessions.

        Args:
            act: what operators do.
            acts: how many in all that found something to act on.
            accidents: whether executors have some.
        """
        self.wait_for_executors()
        over = threading.Event()
        errors: list[BaseException] = []
        left = iter(range(acts))
        turn = threading.Lock()

        def operate(number: int) -> None:
            chance = random.Random(f"{self.seed} operator {number}")
            while not over.is_set():
                word = act(self, chance)
                if word is None:
                    over.wait(0.02)
                    continue
                with turn:
                    self.outcomes[word] += 1
                    if next(left, None) is None:
                        over.set()

        roles: list[Callable[[], None]] = [lambda n=n: operate(n) for n in range(OPERATORS)]  # type: ignore[misc]  # bound early
        roles.append(lambda: self._feed(over))
        if accidents:
            roles.append(lambda: self._have_accidents(over))
        threads = [threading.Thread(target=_guarded(role, errors, over)) for role in roles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        self.wait_drained()

    def wait_drained(self) -> None:
        """Wait until no entry and no lock is left: nothing is lost or wedged."""
        eventually(
            lambda: not self.kazoo.get_children(ENTRIES) and not self.held(),
            f"the queue is drained (seed {self.seed})",
            within=90,
            every=0.1,
        )

    def _feed(self, over: threading.Event) -> None:
        chance = random.Random(f"{self.seed} jobs")
        while not over.is_set():
            stat = self.kazoo.exists(ENTRIES)
            for _ in range(max(0, AT_HAND - stat.children_count)):
                self.add_job(chance)
            self._watch_peers()
            over.wait(0.05)

    def _watch_peers(self) -> None:
        for entry in self.held() if self.peers else ():
            try:
                data, stat = self.kazoo.get(lock_path(entry))
            except NoNodeError:
                continue
            if LockNote.from_node(data) is None:
                self.foreign_sessions.add(stat.ephemeralOwner)

    def _have_accidents(self, over: threading.Event) -> None:
        chance = random.Random(f"{self.seed} accidents")
        while not over.wait(chance.uniform(0.3, 1.2)):
            child = chance.choice(self.executors)
            member = self.member_of(child)
            if member is None:
                continue
            accident = Accident(child.pid, time.monotonic())
            is_crash = chance.random() < 0.4
            if is_crash:
                child.kill()
                self.executors.remove(child)
                self.ended.append(child)
                self.add_executor()
            if expire(self.hosts, member.session) or is_crash:
                self.accidents.append(accident)

    # The judgement.

    def runs(self) -> dict[str, list[Run]]:
        """Return the runs of each job, by their start."""
        ends = {line.detail[0]: line for line in self.journal.lines("end")}
        found: dict[str, list[Run]] = {}
        for line in self.journal.lines("start"):
            number = line.detail[0]
            end = ends.get(number)
            at, how = (float("inf"), "killed") if end is None else (end.at, end.detail[2])
            run = Run(line.job, line.pid, number, line.detail[1], line.at, at, how)
            found.setdefault(line.job, []).append(run)
        return {job: sorted(runs, key=lambda run: run.start) for job, runs in found.items()}

    def overlaps(self) -> list[str]:
        """Return where a job ran twice at once, though the first run's executor had no accident."""
        return [
            f"{first} while {second}"
            for first, second in self._pairs()
            if second.start < first.end and not self._is_excused(first, second)
        ]

    def repeats(self) -> list[str]:
        """Return where a job ran again after a run that had come to its end."""
        return [
            f"{second} after {first}"
            for first, second in self._pairs()
            if first.how == "done"
            and not self._is_excused(first, second)
            and not self._is_told_to_stop(first)
        ]

    def unfinished(self) -> list[str]:
        """Return the jobs that are not final."""
        page = self.client.search_jobs(last=10_000, select=("state", "return-code"))
        final = {job.id for job in page.jobs if job.state in FINAL_STATES}
        return [job for job in self.jobs if job not in final]

    def false_results(self) -> list[str]:
        """Return the jobs whose result is not that of a run of theirs that had come to its end."""
        page = self.client.search_jobs(last=10_000, select=("state", "return-code"))
        numbers = {
            job: {run.number for run in runs if run.how == "done"}
            for job, runs in self.runs().items()
        }
        return [
            f"{job.id}: {job.state} {job.return_code}"
            for job in page.jobs
            if job.state is not JobState.CANCELED
            and job.return_code not in numbers.get(job.id, set())
        ]

    def _pairs(self) -> Iterator[tuple[Run, Run]]:
        for runs in self.runs().values():
            for place, second in enumerate(runs):
                for first in runs[:place]:
                    yield first, second

    def _is_excused(self, first: Run, second: Run) -> bool:
        """Whether one of two runs was begun on a claim that was lost before the other began. Which
        of them begins first does not tell: who lost its session learns it a moment later."""
        return self._lost_at(first) <= second.start or self._lost_at(second) <= first.start

    def _lost_at(self, run: Run) -> float:
        """Return when the session that a run's claim belongs to was lost, at the earliest."""
        is_foreign = any(run.pid == peer.pid for peer in self.peers)
        if is_foreign and len(self.foreign_sessions) > len(self.peers):
            return 0.0  # the machine was so busy that the peer, whose session is short, lost it
        losses = [accident.at for accident in self.accidents if accident.pid == run.pid]
        return losses[run.epoch] if run.epoch < len(losses) else float("inf")

    def _is_told_to_stop(self, run: Run) -> bool:
        return any(
            run.job == asked.job and asked.began < run.end and run.start < asked.ended
            for asked in self.requests
        )


def _guarded(
    role: Callable[[], None], errors: list[BaseException], over: threading.Event
) -> Callable[[], None]:
    def play() -> None:
        try:
            role()
        except BaseException as error:
            errors.append(error)
        finally:
            over.set()

    return play


def refused(error: EngineError) -> str:
    """Return the word for an act that a source did not let through."""
    return f"error {type(error).__name__}"
