"""What the console does beside looking: it asks members for stacks, plans acts, and applies them.

All of it waits for servers: call it in a worker thread. The plans and their application are those
of the verbs, and so is the record of acts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.act.acts import ACTS
from engine.act.apply import apply
from engine.act.audit import Audit, who_acts
from engine.act.bulk import Bulk, Progress
from engine.act.bulk_file import BulkFile, Order
from engine.act.plan import Options, Plan
from engine.act.sources import Sources
from engine.models import Member, Outcome
from engine.view.stacks import MemberStacks, read_fleet, read_known

MARKED = "marked in the console"
"""What an order in bulk says it was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """The acts on one Nuvla."""

    sources: Sources
    audit: Audit
    place: str = ""
    """The installation, as orders in bulk name it."""
    is_forbidden: bool = False
    """Whether the settings keep this profile from changing anything."""

    def plan(self, act: str, subject: str, options: Options) -> Plan:
        """Return what an act would do.

        Raises:
            EngineError: a source failed.
        """
        return ACTS[act].plan(self.sources, subject, replace(options, by=str(who_acts())))

    def apply(self, plan: Plan, reason: str) -> Outcome:
        """Do what a plan says, if it still holds, and look what became of it.

        Raises:
            EngineError: a source failed, or it cannot be put on record; nothing was changed.
        """
        by = who_acts()
        return apply(plan, self.sources, by=by, reason=reason, audit=self.audit)

    def apply_all(
        self, act: str, subjects: Sequence[str], reason: str, tell: Callable[[Bulk, Progress], None]
    ) -> Progress:
        """Do an act on many subjects, one after the other, at a pace that the servers bear.

        Args:
            act: its name.
            subjects: job ids.
            reason: why.
            tell: called after each, in this thread; may stop it.

        Raises:
            EngineError: it could not be begun, or there is no point in going on.
        """
        order = Order(
            act=act, filter=MARKED, place=self.place, reason=reason, subjects=tuple(subjects)
        )
        file = BulkFile.create(self.audit.file.parent, order)
        bulk = Bulk(file, self.sources, by=who_acts(), audit=self.audit)
        last = None
        for last in bulk.run():
            tell(bulk, last)
        assert last is not None  # the first report comes before anything can fail
        return last

    def stacks(self, subject: str) -> tuple[MemberStacks, ...]:
        """Return the stacks of a member by its instance or name, of the members that work on a
        job, or of all where nothing is named; each with its own error.

        Raises:
            EngineError: ZooKeeper failed.
        """
        known = read_known(self.sources.zk, self.sources.own)
        wanted = {name: each for name, each in known.items() if _is_meant(subject, name, each)}
        by = str(who_acts())
        return read_fleet(self.sources.zk, self.sources.own, wanted, by=by)


def _is_meant(subject: str, name: str, member: Member | None) -> bool:
    if not subject or subject == name:
        return True
    if member is None:
        return False
    return subject == member.name or any(job.job_id == subject for job in member.jobs)
