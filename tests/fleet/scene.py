"""What the catalogue of stuck states is played on: real servers, and executors of both kinds."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kazoo.client import KazooClient

from engine.cli.steering import answering, executor_control
from engine.models import Diagnosis, JobRequest, Member, MemberKind, Verdict
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey, Header
from engine.service.executor import Executor
from engine.service.pause import PauseNode
from engine.service.runner import RunnerRules
from engine.service.stacks import capture
from engine.settings import Secret
from engine.view.dossier import AT_A_GLANCE, Closely, look, read_document
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.members import Presence
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.queue import JobQueue
from tests.engine.service.fakes import make_actions
from tests.faults.children import Child
from tests.fleet.installation import PEER_PYTHON, peer_command
from tests.local_api import LocalApi
from tests.support import eventually

OWN = OwnPaths()
SEEDS = range(20)
LONG_SESSION = 40.0
HERE = Path(__file__).parent


class Crew:
    """An executor of ours inside this process, with all that it shows of itself."""

    def __init__(
        self,
        scene: Scene,
        *,
        threads: int = 8,
        action: str = "hold",
        rules: RunnerRules | None = None,
        url: str = "",
        is_paused: bool = False,
    ) -> None:
        """Args:
        action: the one that it offers; it reads the pipe that its job names.
        url: the API, where it is not the scene's own address.
        is_paused: it finds the pause node at its start, before it claims anything.
        """
        self.zk = ZooKeeper(scene.hosts, session_timeout=LONG_SESSION)
        self.zk.start()
        assert self.zk.wait_connected(30)
        self.member = Member(
            instance=f"exec-{uuid.uuid4().hex[:8]}",
            kind=MemberKind.EXECUTOR,
            name="exec",
            host="here",
            pid=os.getpid(),
            version="1",
            started=datetime.now(UTC),
            threads=threads,
            offers=(action,),
        )
        self.client = NuvlaClient(
            url or scene.api.url, credentials=Header(Secret("group/nuvla-admin"))
        )
        self.queue = JobQueue(self.zk, instance=self.member.instance)
        self.executor = Executor(
            self.queue,
            self.client,
            make_actions(_hold, action),
            Presence(self.zk, OWN, self.member),
            threads=threads,
            grace=0.5,
            rules=rules,
            paused_by=PauseNode(self.zk, OWN.pause).reason,
        )
        self._parts = ExitStack()
        control = executor_control(
            self.member,
            self.executor,
            self.queue,
            lambda: capture(self.executor.jobs_by_thread()),
        )
        self._parts.enter_context(answering(self.zk, OWN, self.member, control))
        if is_paused:
            self.queue.pause("paused")
        self.queue.start()
        self._thread = threading.Thread(target=self.executor.run, daemon=True)
        self._thread.start()
        eventually(lambda: scene.kazoo.exists(OWN.member(self.member.instance)), within=30)

    def close(self) -> None:
        """Stop it; its actions must have been let go."""
        self.executor.stop()
        self._thread.join(30)
        self._parts.close()
        self.zk.close()
        self.client.close()


def _hold(job: Any) -> int:
    wants = job.payload or {}
    if wants.get("pipe"):
        Path(wants["pipe"]).read_bytes()
    return 0


class Scene:
    """One queue and one API; what was started on it ends with it."""

    def __init__(self, hosts: str, api: LocalApi, folder: Path) -> None:
        self.hosts, self.api, self.folder = hosts, api, folder
        self.kazoo = KazooClient(hosts, timeout=LONG_SESSION)
        self.kazoo.start(timeout=30)
        for path in ("/job/entries", "/job/taken"):
            self.kazoo.ensure_path(path)
        self.zk = ZooKeeper(hosts, session_timeout=LONG_SESSION)
        self.zk.start()
        assert self.zk.wait_connected(30)
        credentials = ApiKey(api.api_key, Secret(api.api_secret))
        self.client = NuvlaClient(api.url, credentials=credentials)
        self.crews: list[Crew] = []
        self.children: list[Child] = []
        self.pipes: set[Path] = set()

    def close(self) -> None:
        """End all that was started."""
        for child in self.children:
            child.kill()
        stop = threading.Event()
        # An action may come to its pipe only now.
        opener = threading.Thread(target=self._keep_open, args=(stop,))
        opener.start()
        for crew in self.crews:
            crew.close()
        stop.set()
        opener.join(30)
        self.zk.close()
        self.client.close()
        self.kazoo.stop()
        self.kazoo.close()

    def _keep_open(self, stop: threading.Event) -> None:
        while not stop.wait(0.05):
            self.let_go()

    def crew(self, **options: Any) -> Crew:
        """Start an executor of ours in this process."""
        self.crews.append(Crew(self, **options))
        return self.crews[-1]

    def peers(self, number: int) -> list[Child]:
        """Start executors of the published engine."""
        return [
            self.start(f"peer-{n}", peer_command("peer_holding.py", self.hosts, self.api.url))
            for n in range(number)
        ]

    def holder(self, number: int) -> Child:
        """Start a stock consumer that keeps so many entries, and wait until it has them."""
        assert PEER_PYTHON.exists(), "the peer is missing: run 'make setup'"
        command = [str(PEER_PYTHON), str(HERE / "stock_holder.py"), self.hosts, str(number)]
        child = self.start(f"holder-{len(self.children)}", command)
        child.says("holding", within=60)
        return child

    def start(self, name: str, command: list[str]) -> Child:
        """Start a process whose output is kept."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        self.children.append(Child(name, command, folder=self.folder, env=env))
        return self.children[-1]

    def ours(self, threads: int) -> Child:
        """Start an executor of ours as a process of its own, whose one action is `hold`."""
        words = ["--zk-hosts", self.hosts, "--api-url", self.api.url, "--threads", str(threads)]
        words += ["--api-authn-header", "group/nuvla-admin", "--actions-path", str(HERE / "held")]
        words += ["--zk-session-timeout", str(int(LONG_SESSION))]
        return self.start("ours", [sys.executable, "-m", "engine.cli.main", "executor", *words])

    def add(self, **changes: Any) -> str:
        """Create a job of the action `hold`."""
        extra = {name.replace("_", "-"): value for name, value in changes.items()}
        return self.client.add_job({**JobRequest(action="hold").to_json(), **extra})

    def add_waiting(self, **changes: Any) -> str:
        """Create a job whose thread will stand at its pipe."""
        pipe = self.folder / f"pipe-{uuid.uuid4().hex[:8]}"
        os.mkfifo(pipe)
        self.pipes.add(pipe)
        return self.add(payload=json.dumps({"pipe": str(pipe)}), **changes)

    def let_go(self) -> None:
        """Let those go on who stand at a pipe now."""
        for pipe in self.pipes:
            with contextlib.suppress(OSError):  # nobody stands there
                os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))

    def entry(self, job_id: str) -> str:
        """Return the path of the entry that the server made."""
        return str(self.client.get_job(job_id)["tags"][0])

    def state(self, job_id: str) -> str:
        """Return the state in the document."""
        return str(self.client.get_job(job_id)["state"])

    def history(self, number: int) -> None:
        """Let so many jobs of the action `hold` run and end."""
        jobs = [self.add(priority=0) for _ in range(number)]
        self.await_state(jobs, "SUCCESS")

    def await_state(self, jobs: list[str], state: str) -> None:
        """Wait until all jobs have this state."""
        left = set(jobs)

        def all_have() -> bool:
            left.difference_update({job for job in left if self.state(job) == state})
            return not left

        eventually(all_have, f"all are {state}", within=60, every=0.05)

    def await_threads(self, jobs: list[str]) -> None:
        """Wait until each job is RUNNING, and those that ours hold are told of by their member."""
        self.await_state(jobs, "RUNNING")
        ours = {job for crew in self.crews for job in crew.executor.jobs_by_thread().values()}

        def told() -> bool:
            nodes = [self.kazoo.get(OWN.member(crew.member.instance))[0] for crew in self.crews]
            raw = [job["job_id"] for node in nodes for job in json.loads(node)["jobs"]]
            return ours <= set(raw)

        eventually(told, "the presence nodes tell of all jobs", within=60, every=0.1)

    def why(self, job_id: str, closely: Closely = AT_A_GLANCE) -> Diagnosis:
        """Return what `nuvla-engine why` finds."""
        document = read_document(job_id, self.client)
        return look(document, self.zk, self.client, OWN, closely=closely)

    def expect(self, verdict: Verdict, jobs: Mapping[int, str] | list[str]) -> list[Diagnosis]:
        """Check that each seed's job has this verdict, and evidence for it; return all of them."""
        found = {
            seed: self.why(job_id)
            for seed, job_id in (dict(enumerate(jobs)) if isinstance(jobs, list) else jobs).items()
        }
        wrong = {seed: each for seed, each in found.items() if each.verdict is not verdict}
        assert not wrong, f"not {verdict}: {wrong}"
        assert all(each.evidence and each.summary for each in found.values())
        assert all(each.acts for each in found.values() if not each.is_healthy)
        return list(found.values())


def noise(scene: Scene, chance: random.Random, most: int = 6) -> None:
    """Add jobs that have nothing to do with the case: for devices, and some that ended."""
    for _ in range(chance.randrange(most)):
        other = scene.add(action="other", execution_mode="pull")
        if chance.random() < 0.5:
            scene.client.cancel_job(other)


def each_seed(make: Callable[[random.Random], str]) -> dict[int, str]:
    """Return the job that each seed makes; the order of the seeds differs too."""
    seeds = list(SEEDS)
    random.Random(len(make.__name__)).shuffle(seeds)
    return {seed: make(random.Random(seed)) for seed in seeds}
