"""Evidence: each claim with the datum that it rests on."""

from __future__ import annotations

from collections.abc import Iterator

from engine.models import Evidence, Member, MemberState, format_time
from engine.view.diagnosis.case import Case
from engine.wording import age, count, counted


def facts(case: Case) -> Iterator[Evidence]:
    """Yield what was read of the job itself: document, entries, lock, owner."""
    if case.record is not None:
        yield document(case)
    yield from entries(case)
    if case.lock is not None:
        yield lock(case)
        yield from link(case)
        yield owner(case)


def document(case: Case, claim: str | None = None) -> Evidence:
    """Return the state of the document."""
    record = case.record
    if record is None:
        missing = case.dossier.source("api").error or "404 not found"
        return _of(case, claim or "The job's document was not read.", missing, "api")
    written = "" if record.updated is None else f", updated {format_time(record.updated)}"
    datum = f"state={record.state}, execution-mode={record.execution_mode}{written}"
    return _of(case, claim or f"The document says {record.state}.", datum, "api")


def created(case: Case, claim: str) -> Evidence:
    """Return when the job was created."""
    when = case.record.created if case.record else None
    datum = "created is not known" if when is None else f"created={format_time(when)}"
    return _of(case, claim, datum, "api")


def entries(case: Case) -> Iterator[Evidence]:
    """Yield the entries, or that there are none; and how far they were looked for."""
    searched = "all entries were read" if case.dossier.is_searched else _SHORT
    if not case.dossier.entries:
        yield _of(case, "No entry of the queue holds the job.", searched, "zookeeper")
        return
    for entry in case.dossier.entries:
        made = "" if entry.created is None else f", made {format_time(entry.created)}"
        state = "held" if entry.is_taken else "held by nobody"
        datum = f"/job/entries/{entry.name}{made}"
        yield _of(case, f"An entry of the queue holds the job, and is {state}.", datum, "zookeeper")
    if not case.dossier.is_searched:
        yield _of(case, "Further entries of the job were not looked for.", _SHORT, "zookeeper")


_SHORT = "the entry that the document's tags name, and the first that are held, were read"


def lock(case: Case) -> Evidence:
    """Return the lock: since when, and whose."""
    held = case.lock
    if held is None:
        return _of(case, "Nobody holds the entry.", "/job/taken has no lock of it", "zookeeper")
    who = held.owner.instance or "an executor that does not announce itself"
    datum = f"/job/taken/{held.entry} version {held.version}, session {held.owner.session:#x}"
    return _of(case, f"It has been held for {age(case.held)} by {who}.", datum, "zookeeper")


def link(case: Case) -> Iterator[Evidence]:
    """Yield what the servers say of the owner's session, or which right is missing."""
    found = case.dossier.link
    if found is None:
        return
    if found.client:
        silent = "not known" if found.silence is None else f"{found.silence:.1f} s"
        claim = f"The owner's session is connected from {found.client}."
        yield _of(case, claim, f"cons: sid={found.session:#x}, silent for {silent}", "zookeeper")
    elif found.trouble:
        claim = "The servers do not say from where the owner's session is connected."
        yield _of(case, claim, found.trouble, "zookeeper", known=False)
    else:
        claim = "No server has a connection of the owner's session."
        yield _of(case, claim, f"cons: no sid={found.session:#x} on any server", "zookeeper")


def owner(case: Case) -> Evidence:
    """Return what the owner says of its work on the job."""
    if case.owner is None:
        return _no_owner(case)
    node = _presence(case.owner)
    if case.running is None:
        claim = f"{case.owner.name} does not list the job among those that its threads work on."
        return _of(case, claim, f"{node}: {counted(len(case.owner.jobs), 'job')}", "presence")
    since = age(case.age(case.running.since))
    claim = f"Thread {case.running.thread} of {case.owner.name} has worked on it for {since}."
    return _of(case, claim, f"{node}: since {format_time(case.running.since)}", "presence")


def _no_owner(case: Case) -> Evidence:
    if case.dossier.members is None:
        datum = "the presence nodes were not read"
        return _of(case, "What its owner does is not known.", datum, "presence", known=False)
    owned = case.lock.owner if case.lock else None
    if owned is not None and owned.instance is not None:
        claim = f"The owner {owned.instance} has no presence node."
        return _of(case, claim, f"no member has session {owned.session:#x}", "presence")
    claim = "The owner does not announce itself, so it cannot be asked what its threads do."
    datum = case.dossier.stacks_trouble or "py-spy on its host would tell: why JOB --pid PID"
    if case.dossier.stacks:
        return _of(
            case, claim, "its process is on this host, and was read from outside", "presence"
        )
    return _of(case, claim, datum, "presence", known=False)


def stray(case: Case, member: Member) -> Evidence:
    """Return that a member works on the job without its lock."""
    claim = f"{member.name} works on the job without holding its lock."
    return _of(case, claim, _presence(member), "presence")


def history(case: Case) -> Evidence:
    """Return how long jobs of the action ran before."""
    action = case.record.action if case.record else "the action"
    known = case.dossier.history
    if known is None or not known.count:
        claim = f"How long {action} takes is not known."
        return _of(case, claim, "no finished jobs of it were counted", "api", known=False)
    claim = f"{action} took {age(known.longest)} at most in {counted(known.count, 'run')}."
    datum = f"duration: average {known.average:.0f} s, longest {known.longest:.0f} s"
    return _of(case, claim, datum, "api")


def stacks(case: Case) -> Evidence:
    """Return what the stack samples show; or that the presence node stands for them."""
    samples = case.dossier.stacks
    if not samples:
        claim = "No stack was read: this rests on what the owner says of its threads."
        if case.lock is not None and case.owner is None:
            claim = "No stack was read: this rests on the document and the run time."
        datum = case.dossier.stacks_trouble or "nobody was asked for one"
        return _of(case, claim, datum, "stacks", known=False)
    last = samples[-1]
    if last.frames is None:
        claim, datum = "No thread of the owner works on the job.", "no frame names it"
    else:
        unchanged = all(sample.frames == last.frames for sample in samples)
        how = "stands" if unchanged and len(samples) > 1 else "is"
        claim = f"Its thread {how} in {last.frames[0] if last.frames else 'no frame'}."
        own = next((frame for frame in last.frames if "actions/" in frame), "")
        equal = "all equal" if unchanged else "they change"
        datum = counted(len(samples), "sample") + (f", {equal}" if len(samples) > 1 else "")
        datum += f", called from {own}" if own and own != last.frames[0] else ""
        datum += f"; {case.dossier.stacks_trouble}" if case.dossier.stacks_trouble else ""
    return Evidence(
        claim=claim,
        datum=f"{datum} ({last.source})",
        source="stacks",
        age_s=case.age(last.at),
    )


def place(case: Case) -> Iterator[Evidence]:
    """Yield the job's place in the queue, the rate, and an estimate of its turn."""
    ahead, free = case.dossier.ahead, case.dossier.ahead_free
    if ahead is None or free is None:
        return
    depth = case.dossier.depth or 0
    claim = f"{counted(ahead, 'entry', 'entries')} of {count(depth)} stand before it."
    yield _of(case, claim, f"{count(free)} of them are held by nobody", "zookeeper")
    pace = case.dossier.pace
    if pace is None:
        return
    rate = pace.started / pace.window
    turn = f"its turn comes in about {age((free + 1) / rate)}" if rate else "nothing was started"
    claim = f"Executors start {rate * 60:.1f} jobs a minute: {turn}."
    yield _of(case, claim, f"{count(pace.started)} started in {age(pace.window)}", "api")


def consumers(case: Case) -> Iterator[Evidence]:
    """Yield who could take the job."""
    members = case.dossier.members
    if members is None:
        yield _of(case, "Who runs is not known.", "presence not read", "presence", known=False)
        return
    if members.paused is not None:
        claim = f"The executors are paused: {members.paused}"
        yield _of(case, claim, "the pause node exists", "presence")
    names = ", ".join(f"{m.name} {m.state}" for m in case.executors[:5]) or "no presence node"
    able = sum(member.state is MemberState.RUNNING for member in case.executors)
    claim = f"{able} of {counted(len(case.executors), 'executor')} take jobs."
    yield _of(case, claim, names, "presence")
    for member in case.executors[:5]:
        for hold in member.holds:
            since = age(case.age(hold.since))
            claim = f"{member.name} has claimed nothing for {since}: {hold.reason}."
            yield _of(case, claim, _presence(member), "presence")
    if case.dossier.foreign_locks:
        held = counted(case.dossier.foreign_locks, "lock")
        claim = "Executors that do not announce themselves hold jobs."
        yield _of(case, claim, f"{held} in /job/taken", "zookeeper")


def offers(case: Case) -> Evidence:
    """Return which actions the executors offer."""
    action = case.record.action if case.record else ""
    able = [member.name for member in case.executors if action in member.offers]
    claim = f"{action} is offered by {', '.join(able[:5]) or 'no executor'}."
    return _of(case, claim, f"offers of {counted(len(case.executors), 'executor')}", "presence")


def last_start(case: Case) -> Evidence:
    """Return when a job was last started."""
    pace = case.dossier.pace
    if pace is None:
        datum = "the documents were not counted"
        return _of(case, "When a job was last started is not known.", datum, "api", known=False)
    if pace.last_started is None:
        claim = f"No job was started within {age(pace.window)}."
        return _of(case, claim, "started: 0 documents", "api")
    ago = age(case.age(pace.last_started))
    return _of(
        case, f"The last start of a job was {ago} ago.", format_time(pace.last_started), "api"
    )


def overtaken(case: Case) -> Evidence:
    """Return what went past a job of a worse priority."""
    pace = case.dossier.pace
    if pace is None:
        return last_start(case)
    claim = (
        f"Within {age(pace.window)}, {pace.better_arrived} jobs of a better priority came and "
        f"{pace.better_started} were started, but {pace.others_started} of its own or a worse one."
    )
    return _of(case, claim, "created, started and tags of the documents", "api")


def flaps(case: Case) -> Evidence:
    """Return how often it was taken and released."""
    seen = case.flaps
    if seen is None:
        datum = "nobody watched"
        return _of(case, "Takes and releases were not counted.", datum, "watch", known=False)
    why = f"; the last time because {seen.reason}" if seen.reason else ""
    claim = f"It was taken and released {counted(seen.times, 'time')} in {age(seen.window)}{why}."
    if seen.source == "presence":
        names = [member.instance for member, _ in case.put_back]
        return _of(case, claim, f"presence node {', '.join(names[:5])}", "presence")
    return _of(case, claim, "creates and deletes of its lock", "watch")


def missing(case: Case, claim: str, datum: str, source: str) -> Evidence:
    """Return that something could not be read."""
    return _of(case, claim, datum, source, known=False)


def seen(case: Case, claim: str, datum: str, source: str) -> Evidence:
    """Return a claim on a datum that was read with the dossier."""
    return _of(case, claim, datum, source)


def _presence(member: Member) -> str:
    when = "" if member.updated is None else f", written {format_time(member.updated)}"
    return f"presence node {member.instance}{when}"


def _of(case: Case, claim: str, datum: str, source: str, *, known: bool = True) -> Evidence:
    read_at = case.dossier.source("api" if source == "api" else "zookeeper").read_at
    age_s = case.age(read_at or case.dossier.taken_at) if known else None
    return Evidence(claim=claim, datum=datum, source=source, age_s=age_s)
