"""The catalogue of stuck states, each row made for real twenty times.

ZooKeeper and the API are real, and so are the executors, of ours and of the published engine.

A seed varies priorities, states, modes and what else is in the queue. What takes minutes in life is
shortened by the limits; what is judged is what `nuvla-engine why` and `doctor` judge.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from benchmarks.fill import fill
from engine.local.zookeeper import ZooKeeperServer
from engine.models import Diagnosis, Finding, Verdict
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.service.distributor import Distributor
from engine.service.intake import IntakeRules
from engine.service.registry import DistributorPlugin
from engine.service.runner import RunnerRules
from engine.settings import Secret
from engine.view.checkup import read_checkup
from engine.view.diagnosis import diagnose, find_cluster_faults, limits
from engine.view.dossier import Closely, look, read_document, read_dossier
from engine.view.elections import read_elections
from engine.view.queue import read_depth
from engine.zookeeper.election import Election
from engine.zookeeper.paths import election_path, entry_prefix
from tests.faults.proxy import Proxy
from tests.fleet.scene import LONG_SESSION, OWN, SEEDS, Crew, Scene, each_seed, noise
from tests.local_api import LocalApi, running_api
from tests.support import eventually

pytestmark = pytest.mark.timeout(180)
HOUR = timedelta(hours=1)
QUICK = RunnerRules(
    intake=IntakeRules(leave_unknown=True), first_cooldown=0.02, longest_cooldown=2.0
)
BLINK = 0.5
"""Seconds that a run of the tests' history may take, at least."""


@pytest.fixture
def scene(zk_hosts: str, local_api: LocalApi, tmp_path: Path) -> Iterator[Scene]:
    """An installation without executors."""
    made = Scene(zk_hosts, local_api, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def own_scene(tmp_path: Path) -> Iterator[Scene]:
    """The same on a ZooKeeper of its own: with long sessions, and quick to throw away."""
    server = ZooKeeperServer(tmp_path / "zk", durable=False, leash=True)
    server.start()
    try:
        with running_api(tmp_path / "api.sqlite", server.hosts) as api:
            made = Scene(server.hosts, api, tmp_path)
            try:
                yield made
            finally:
                made.close()
    finally:
        server.stop()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What is a sign after a minute is one at once."""
    for name in ("ENQUEUE", "SETTLED", "NO_START", "FOREIGN_START", "PROGRESS"):
        monkeypatch.setattr(limits, name, 0.0)
    monkeypatch.setattr(limits, "HUNG_LEAST", BLINK)
    return monkeypatch


def fully_held(scene: Scene) -> dict[int, str]:
    """Return jobs that executors of both kinds work on, all at once."""
    scene.crew(threads=9)
    scene.crew(threads=9)
    scene.peers(2)
    scene.history(limits.HISTORY_LEAST)
    jobs = each_seed(lambda chance: scene.add_waiting(priority=chance.randrange(1000)))
    scene.await_threads(list(jobs.values()))
    return jobs


def _standing(diagnosis: Diagnosis) -> str:
    """Return where the thread stands that works on the job; "" where no stack was read."""
    seen = (each for each in diagnosis.evidence if each.source == "stacks")
    return next((each.claim for each in seen if each.age_s is not None), "")


def owners(scene: Scene) -> list[int]:
    """Return how many locks each of our executors holds, and how many others do."""
    ours = [len(crew.executor.jobs_by_thread()) for crew in scene.crews]
    return [*ours, len(scene.kazoo.get_children("/job/taken")) - sum(ours)]


def test_s1_waiting(scene: Scene) -> None:
    crew = scene.crew(threads=2)
    busy = [scene.add_waiting(priority=0) for _ in range(2)]
    scene.await_threads(busy)

    def make(chance: random.Random) -> str:
        noise(scene, chance)
        for _ in range(chance.randrange(4)):
            scene.add(priority=chance.randrange(1000))
        return scene.add(priority=chance.randrange(1000))

    jobs = each_seed(make)
    scene.expect(Verdict.WAITING, jobs)
    for seed, job_id in jobs.items():
        dossier = read_dossier(job_id, scene.zk, scene.client, OWN)
        assert dossier.ahead is not None
        later = datetime.now(UTC) + seed * HOUR
        assert diagnose(dossier, later).verdict is Verdict.WAITING, (seed, dossier)
    assert len(crew.executor.jobs_by_thread()) == 2


def test_s2_working(scene: Scene) -> None:
    jobs = fully_held(scene)
    scene.expect(Verdict.WORKING, jobs)
    held = owners(scene)
    assert sum(held) == len(SEEDS)
    assert min(held) > 0, "executors of both kinds took part"
    eventually(
        lambda: any("open" in _standing(scene.why(job)) for job in jobs.values()),
        "it is shown where a thread stands",
        within=60,
    )


def test_s3_hung(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    jobs = fully_held(scene)
    longest = max(eventually(lambda: durations(scene), "the history is counted"))
    hasty.setattr(limits, "HUNG_TIMES", BLINK / max(longest, 1))
    started = datetime.now(UTC)
    eventually(lambda: (datetime.now(UTC) - started).total_seconds() > 2 * BLINK)
    hung_jobs = scene.expect(Verdict.HUNG, jobs)
    for each in hung_jobs:
        says = " ".join(one.datum for one in each.evidence if one.source == "stacks")
        assert "3 samples, all equal" in says or "py-spy" in says, "read, or the missing right"
    found = read_checkup(scene.zk, scene.client, OWN).findings
    hung = [each for each in found if each.verdict is Verdict.HUNG]
    assert sum(each.count for each in hung) == len(SEEDS)
    (ours,) = (each for each in hung if "read_bytes" in each.subject)
    assert ours.count == sum(owners(scene)[:-1]), "equal stacks of two executors are one finding"


def durations(scene: Scene) -> list[int]:
    """Return how long the finished jobs ran, in seconds."""
    page = scene.client.search_jobs(filter="state='SUCCESS'", last=50)
    return [job.duration for job in page.jobs if job.duration is not None]


def test_s4_ghost_lock(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    hasty.setattr(limits, "NOTICED", 0.0)
    scene.crew(threads=2)
    busy = [scene.add_waiting(priority=0) for _ in range(2)]
    scene.await_threads(busy)
    jobs = each_seed(lambda chance: scene.add(priority=1 + chance.randrange(999)))
    half = len(SEEDS) // 2
    # A claim whose answer got lost: the session has the lock, and no thread knows of it.
    lost_answers = [scene.crews[0].queue.take(f"nobody-{n}", 30) for n in range(half)]
    scene.holder(len(SEEDS) - half)
    scene.expect(Verdict.GHOST_LOCK, jobs)
    assert owners(scene)[-1] == len(SEEDS), "none of them is on a thread of ours"
    for claim in lost_answers:
        assert claim is not None
        scene.crews[0].queue.release(claim)


@pytest.mark.parametrize("state", ["SUCCESS", "FAILED"])
def test_s5_wedged_owner(scene: Scene, hasty: pytest.MonkeyPatch, state: str) -> None:
    jobs = fully_held(scene)
    for job_id in jobs.values():
        scene.client.edit_job(job_id, {"state": state})
    scene.expect(Verdict.WEDGED_OWNER, jobs)


def test_s6_lock_expiring(own_scene: Scene) -> None:
    """The owners are killed; their sessions would last for another while."""
    scene, half = own_scene, len(SEEDS) // 2
    ours = scene.ours(threads=half)
    jobs = [scene.add_waiting(priority=n) for n in range(half)]
    scene.await_state(jobs, "RUNNING")
    jobs += [scene.add(priority=n) for n in range(half, len(SEEDS))]
    held = scene.holder(len(SEEDS) - half)
    for child in (ours, held):
        child.kill()
    left = datetime.now(UTC)
    scene.expect(Verdict.LOCK_EXPIRING, jobs)
    took = (datetime.now(UTC) - left).total_seconds()
    assert took < LONG_SESSION, "the sessions expired before all were looked at"


def test_s7_lost(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    def make(chance: random.Random) -> str:
        noise(scene, chance)
        mode = chance.choice(["push", "mixed", None])
        extra = {} if mode is None else {"execution_mode": mode}
        job_id = scene.add(priority=chance.randrange(1000), **extra)
        if chance.random() < 0.5:
            scene.client.edit_job(job_id, {"state": "RUNNING"})
        scene.kazoo.delete(scene.entry(job_id))
        return job_id

    jobs = each_seed(make)
    scene.expect(Verdict.LOST, jobs)
    (finding,) = (
        each
        for each in read_checkup(scene.zk, scene.client, OWN).findings
        if each.verdict is Verdict.LOST
    )
    assert finding.count == len(SEEDS)


def test_s8_elsewhere(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    def make(chance: random.Random) -> str:
        kind = chance.choice(["pull", "fallen back", "bulk"])
        if kind == "pull":
            job_id = scene.add(execution_mode="pull", priority=chance.randrange(1000))
            if chance.random() < 0.5:
                scene.client.edit_job(job_id, {"state": "RUNNING"})
            return job_id
        if kind == "fallen back":
            job_id = scene.add(execution_mode="mixed")
            scene.client.edit_job(job_id, {"state": "QUEUED", "execution-mode": "pull"})
            scene.kazoo.delete(scene.entry(job_id))
            return job_id
        job_id = scene.add(action=chance.choice(["bulk_update", "bulk_force_delete"]))
        path = scene.entry(job_id)
        scene.client.edit_job(job_id, {"state": "RUNNING", "tags": ["monitor"]})
        scene.kazoo.delete(path)
        return job_id

    scene.expect(Verdict.ELSEWHERE, each_seed(make))
    assert read_checkup(scene.zk, scene.client, OWN).findings == ()


def test_s9_leftover(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    def make(chance: random.Random) -> str:
        noise(scene, chance)
        job_id = scene.add(priority=chance.randrange(1000))
        if chance.random() < 0.5:
            scene.client.cancel_job(job_id)
        else:
            scene.client.edit_job(job_id, {"state": chance.choice(["SUCCESS", "FAILED"])})
        return job_id

    scene.expect(Verdict.LEFTOVER, each_seed(make))
    assert read_checkup(scene.zk, scene.client, OWN).findings == ()


def test_s10_cancelled_running(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    jobs = fully_held(scene)
    for job_id in jobs.values():
        scene.client.cancel_job(job_id)
    scene.expect(Verdict.CANCELLED_RUNNING, jobs)


def test_s11_duplicate(scene: Scene) -> None:
    def make(chance: random.Random) -> str:
        noise(scene, chance)
        job_id = scene.add(priority=chance.randrange(1000))
        for _ in range(chance.randrange(1, 4)):
            priority = chance.randrange(1000)
            scene.kazoo.create(entry_prefix(priority), job_id.encode(), sequence=True)
        if chance.random() < 0.3:
            scene.client.edit_job(job_id, {"state": "RUNNING"})
        return job_id

    jobs = each_seed(make)
    if len(scene.kazoo.get_children("/job/entries")) > len(SEEDS):
        scene.holder(3)
    scene.expect(Verdict.DUPLICATE, jobs)


def _findings(scene: Scene) -> tuple[Finding, ...]:
    return read_checkup(scene.zk, scene.client, OWN).findings


def test_s12_poison_as_our_executors_tell(scene: Scene) -> None:
    crews = [scene.crew(threads=3, rules=QUICK) for _ in range(2)]
    jobs = each_seed(lambda chance: scene.add(version=3, priority=chance.randrange(1000)))

    def is_told() -> bool:
        told = [
            {each.job_id: each.times for each in crew.executor._runner.releases.repeated()}
            for crew in crews
        ]
        return all(sum(each.get(j, 0) for each in told) >= limits.FLAPS for j in jobs.values())

    eventually(is_told, "all were put back again and again", within=60)
    eventually(
        lambda: all(scene.why(j).verdict is Verdict.POISON for j in jobs.values()),
        "all are poison",
        within=60,
        every=0.2,
    )
    assert "newer engine" in scene.why(jobs[0]).summary
    wanted = {Verdict.POISON: len(SEEDS)}
    eventually(
        lambda: {each.verdict: each.count for each in _findings(scene)} == wanted,
        "the check-up finds them all",
        within=60,
        every=0.2,
    )


def test_s12_poison_as_a_watch_sees_it(scene: Scene) -> None:
    """An executor of the published engine takes a job of a newer version, and puts it back."""
    (peer,) = scene.peers(1)
    scene.history(1)
    for seed in SEEDS:
        chance = random.Random(seed)
        noise(scene, chance, 3)
        job_id = scene.add(version=3, priority=chance.randrange(1000))
        found = scene.why(job_id, Closely(watch=60.0))
        assert found.verdict is Verdict.POISON, (seed, found, peer.output()[-2000:])
        # It would be taken again and again for ever: the version is looked at before the state.
        scene.kazoo.delete(scene.entry(job_id))


def test_s13_starved(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STARVED", 3.0)
    jobs = each_seed(lambda chance: scene.add(action="worse", priority=500 + chance.randrange(400)))
    ahead = [scene.add(priority=100) for _ in range(40)]
    scene.crew(threads=1, rules=RunnerRules(cancel_poll=60.0))
    stop = threading.Event()

    def keep_coming() -> None:
        chance = random.Random(1)
        with NuvlaClient(scene.api.url, credentials=Header(Secret("group/nuvla-admin"))) as client:
            while not stop.is_set():
                waiting = [job for job in ahead[-60:] if client.get_job(job)["state"] == "QUEUED"]
                for _ in range(60 - len(waiting)):
                    body = {"action": "hold", "priority": chance.randrange(10, 400)}
                    ahead.append(client.add_job(body))
                stop.wait(0.02)

    feeder = threading.Thread(target=keep_coming)
    feeder.start()
    try:
        wanted = set(jobs)
        eventually(
            lambda: all(_has_starved(scene, jobs[seed], wanted, seed) for seed in list(wanted)),
            "all have starved",
            within=90,
        )
    finally:
        stop.set()
        feeder.join(60)


def _has_starved(scene: Scene, job_id: str, wanted: set[int], seed: int) -> bool:
    found = scene.why(job_id).verdict
    assert found in (Verdict.STARVED, Verdict.WAITING), (seed, found)
    if found is Verdict.STARVED:
        wanted.discard(seed)
    return found is Verdict.STARVED


def test_s14_no_consumer(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    def make(chance: random.Random) -> str:
        noise(scene, chance)
        return scene.add(priority=chance.randrange(1000))

    jobs = list(each_seed(make).values())
    scene.expect(Verdict.NO_CONSUMER, jobs[:7])
    scene.kazoo.create(OWN.pause, b"by ops: upgrade", makepath=True)
    crew = scene.crew(is_paused=True)
    eventually(lambda: '"paused"' in _presence(scene, crew), "it says that it is", within=30)
    scene.expect(Verdict.NO_CONSUMER, jobs[7:14])
    assert [act.act for act in scene.why(jobs[7]).acts] == ["unpause"]
    crew.executor.drain()
    eventually(lambda: "drained" in _presence(scene, crew), "it is drained", within=30)
    scene.kazoo.delete(OWN.pause)
    scene.expect(Verdict.NO_CONSUMER, jobs[14:])


def _presence(scene: Scene, crew: Crew) -> str:
    text: bytes = scene.kazoo.get(OWN.member(crew.member.instance))[0]
    return text.decode()


def test_s15_no_distributor(scene: Scene) -> None:
    """Elections that nobody contends for, and a leader whose distributions hang."""
    half = len(SEEDS) // 2
    vacant = {f"vacant_{seed}" for seed in SEEDS[:half]}
    for name in vacant:
        scene.kazoo.ensure_path(election_path(name))
    hanging = {f"hanging_{seed}" for seed in SEEDS[half:]}
    goes_on = threading.Event()
    crew = scene.crew()
    distributor = Distributor(
        crew.zk,
        crew.client,
        {name: _hanging(name, goes_on) for name in hanging},
        elect=lambda name: Election(crew.zk, name, "dist-a"),
        own=OWN,
        instance="dist-a",
    )
    thread = threading.Thread(target=distributor.run)
    thread.start()
    try:
        found = eventually(
            lambda: _without_distributor(scene) >= vacant | hanging, "all are noticed", within=60
        )
        assert found
    finally:
        goes_on.set()
        distributor.stop()
        thread.join(60)


def _without_distributor(scene: Scene) -> set[str]:
    findings = read_checkup(scene.zk, scene.client, OWN).findings
    return {each.subject for each in findings if each.verdict is Verdict.NO_DISTRIBUTOR}


def _hanging(name: str, goes_on: threading.Event) -> DistributorPlugin:
    """Return a distributor whose second distribution hangs."""
    runs = iter([False])

    class Hanging:
        def job_generator(self) -> Iterator[dict[str, str]]:
            if next(runs, True):
                goes_on.wait(120)
            yield {"action": name, "execution-mode": "pull"}

    return DistributorPlugin(
        name=name, place="here", make=lambda _: Hanging(), every=0.3, election=name
    )


def test_s16_orphan_entry(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    def make(chance: random.Random) -> str:
        noise(scene, chance)
        job_id = f"job/{uuid.UUID(int=chance.getrandbits(128))}"
        prefix = entry_prefix(chance.randrange(1000))
        scene.kazoo.create(prefix, job_id.encode(), sequence=True)
        return job_id

    jobs = each_seed(make)
    scene.holder(5)
    scene.expect(Verdict.ORPHAN_ENTRY, jobs)
    (finding,) = read_checkup(scene.zk, scene.client, OWN).findings
    assert (finding.verdict, finding.count) == (Verdict.ORPHAN_ENTRY, len(SEEDS))


def test_s17_oversized(own_scene: Scene) -> None:
    scene = own_scene
    fill(scene.hosts, limits.JAVA_LISTING - len(SEEDS) // 2)
    for seed in SEEDS:
        chance = random.Random(seed)
        depth = read_depth(scene.zk)
        faults = find_cluster_faults(read_elections(scene.zk, OWN), depth, datetime.now(UTC))
        verdicts = [fault.verdict for fault in faults]
        assert verdicts == [Verdict.OVERSIZED] * (depth > limits.JAVA_LISTING), (seed, depth)
        prefix = entry_prefix(chance.randrange(1000))
        for _ in range(2):
            scene.kazoo.create(prefix, f"job/{uuid.uuid4()}".encode(), sequence=True)
    checkup = read_checkup(scene.zk, scene.client, OWN)
    assert Verdict.OVERSIZED in {each.verdict for each in checkup.findings}
    assert checkup.left_out, "most of the documents were not looked for, and that is said"


def test_s18_api_down(scene: Scene, hasty: pytest.MonkeyPatch) -> None:
    """The API goes away for two executors of ours; they give their jobs back and wait."""
    port = int(scene.api.url.rpartition(":")[2])
    with Proxy(port) as link:
        url = f"http://{link.hosts}"
        crews = [
            scene.crew(threads=5, url=url, rules=RunnerRules(longest_probe_pause=0.5))
            for _ in range(2)
        ]
        jobs = each_seed(lambda chance: scene.add_waiting(priority=chance.randrange(1000)))
        eventually(
            lambda: sum(len(crew.executor.jobs_by_thread()) for crew in crews) == 10,
            "ten are worked on",
            within=60,
        )
        link.close()
        credentials = Header(Secret("group/nuvla-admin"))
        with NuvlaClient(url, credentials=credentials, timeout=2.0) as down:
            eventually(
                lambda: all('"paused"' in _presence(scene, crew) for crew in crews),
                "the executors noticed",
                within=60,
            )
            for seed, job_id in jobs.items():
                found = look(read_document(job_id, down), scene.zk, down, OWN)
                assert found.verdict is Verdict.API_DOWN, (seed, found)
            (finding,) = read_checkup(scene.zk, down, OWN).findings
            assert finding.verdict is Verdict.API_DOWN


def test_s19_unknown_action(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NO_START", 0.0)
    scene.crew(threads=2, rules=QUICK)
    scene.crew(threads=2, rules=QUICK, action="another")

    def make(chance: random.Random) -> str:
        noise(scene, chance)
        action = f"unheard_of_{chance.randrange(5)}"
        return scene.add(action=action, priority=chance.randrange(1000))

    jobs = each_seed(make)
    for seed, job_id in jobs.items():
        # For a moment, each time that an executor looks at it, it is held.
        found = eventually(partial(_unless_held, scene, job_id), "it is not held", within=30)
        assert found.verdict is Verdict.UNKNOWN_ACTION, (seed, found)


def _unless_held(scene: Scene, job_id: str) -> Diagnosis | None:
    found = scene.why(job_id)
    return None if found.verdict is Verdict.WORKING else found
