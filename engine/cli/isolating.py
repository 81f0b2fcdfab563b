"""The nursery of an executor that isolates its actions, as its settings want it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.errors import EngineError
from engine.models import MemberKind, StackReport
from engine.nuvla.client import NuvlaClient
from engine.service.executor import Executor
from engine.service.executor_2019 import Executor2019
from engine.service.isolated import Workshop, live
from engine.service.isolation import Isolation
from engine.service.nursery import Nursery
from engine.service.registry import Plugins
from engine.service.runner import RunnerRules
from engine.service.seams import Client
from engine.service.stacks import capture
from engine.settings import Settings


def fork_nursery(settings: Settings, plugins: Plugins, *, rules: RunnerRules) -> Nursery | None:
    """Return the nursery; None where actions run in the workers' threads.

    Call it once plug-ins are loaded, and before there are threads.

    Raises:
        EngineError: it cannot be forked.
    """
    if not settings.isolate:
        return None
    name = settings.name or str(MemberKind.EXECUTOR)

    def make_client(identity: Mapping[str, str] | None) -> Client:
        client = NuvlaClient.from_settings(settings)
        if identity is not None:
            client.borrow_identity(identity)
        return client

    def make_executor(client: Client) -> Executor2019:
        return Executor2019(name, client, rules.settings)

    workshop = Workshop(
        actions=plugins.actions,
        make_client=make_client,
        make_executor=make_executor,
        settings=rules.settings,
        nuvlaedge_shared_path=rules.nuvlaedge_shared_path,
    )
    try:
        return Nursery(lambda ends: live(ends, workshop))
    except (OSError, AttributeError) as error:
        raise EngineError(f"isolate: no nursery can be forked: {error}") from error


def isolation_of(nursery: Nursery | None, client: NuvlaClient) -> Isolation | None:
    """Return what runs actions in children, if there is to be such."""
    return None if nursery is None else Isolation(nursery, client.lend_identity)


def stacks_of(executor: Executor, isolation: Isolation | None) -> Callable[[], StackReport]:
    """Return what takes the stacks of an executor and of its children."""

    def take() -> StackReport:
        report = capture(executor.jobs_by_thread())
        return report if isolation is None else isolation.with_children(report)

    return take
