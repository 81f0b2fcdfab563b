"""From a key to a plan, and from the plan to the act: armed first, then shown, confirmed, done."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.act.acts import ACTS
from engine.act.bulk import Bulk, Progress
from engine.act.plan import Options
from engine.act.selecting import SCOPES
from engine.errors import EngineError
from engine.models import Ending
from engine.text import clean
from engine.wording import count
from nuvla_console.acting import Acting
from nuvla_console.aside import aside
from nuvla_console.dialogs.plan import PlanDialog
from nuvla_console.dialogs.start import StartDialog
from nuvla_console.render import plan as render
from nuvla_console.render.cells import Tone
from nuvla_console.render.plan import Question

if TYPE_CHECKING:
    from nuvla_console.app import ConsoleApp

_LEVELS = {Tone.GOOD: "good", Tone.DOUBT: "doubt", Tone.PLAIN: "info"}
_ERROR = 400


class Writing:
    """The acts of the profile in front. All but `begin` happens beside the screens."""

    def __init__(self, app: ConsoleApp) -> None:
        """Args: app: shows dialogs, and what became of acts."""
        self._app = app
        self._bulk: Bulk | None = None

    def arm(self) -> None:
        """Allow acts for a while, or no more."""
        desk = self._app.desk
        acting = desk.acting
        if acting is None or acting.is_forbidden:
            self._app.say("the settings keep this profile read-only", Tone.DOUBT)
            return
        if desk.arm():
            self._tell(
                f"acts are allowed on {desk.profile} for 15 minutes; w ends that", Tone.PLAIN
            )
        else:
            self._tell(f"{desk.profile} is read-only again", Tone.PLAIN)

    def begin(self, name: str, subjects: Sequence[str], options: Options | None = None) -> None:
        """Open the plan of an act, where acts are allowed.

        Args:
            name: of the act.
            subjects: one, or many.
            options: what the operator added.
        """
        desk = self._app.desk
        acting, act = desk.acting, ACTS[name]
        if acting is None or acting.is_forbidden:
            self._app.say("the settings keep this profile read-only", Tone.DOUBT)
        elif not desk.is_armed:
            self._app.say(f"read-only: w allows acts for 15 minutes, then {name}", Tone.DOUBT)
        elif not subjects:
            self._app.say(f"nothing here can be meant by {name}", Tone.DOUBT)
        elif len(subjects) > 1 and name not in SCOPES:
            self._app.say(f"{name} takes one at a time: {act.summary}", Tone.DOUBT)
        elif len(subjects) > 1:
            self._work(partial(self._many, acting, name, subjects))
        else:
            self._work(partial(self._one, acting, name, subjects[0], options or Options()))

    def ask_for_job(self, actions: Sequence[str]) -> None:
        """Ask what job to create, then open its plan; the actions are offered."""
        self._work(partial(self._start, actions))

    def _work(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._app.run_worker(work, group="act")  # type: ignore[arg-type]  # it takes partials, too

    async def _start(self, actions: Sequence[str]) -> None:
        given = await self._app.push_screen_wait(StartDialog(actions))
        if given is not None:
            self.begin("start", [given[0]], given[1])

    def stop(self) -> None:
        """Let the act in bulk begin no further one."""
        if self._bulk is None:
            self._app.say("no act in bulk is under way", Tone.DOUBT)
        else:
            self._bulk.stop()

    async def _one(self, acting: Acting, name: str, subject: str, options: Options) -> None:
        try:
            plan = await aside(lambda: acting.plan(name, subject, options))
        except EngineError as error:
            self._failed(name, error)
            return
        reason = await self._confirmed(render.ask(plan))
        if reason is None:
            return
        self._app.say(f"… {plan.act} {plan.subject}: under way")
        try:
            result = await aside(lambda: acting.apply(plan, reason))
        except EngineError as error:
            self._failed(name, error)
            return
        self._tell(*render.outcome(result))
        self._app.desk.store.read_again()

    async def _many(self, acting: Acting, name: str, subjects: Sequence[str]) -> None:
        if self._bulk is not None:
            self._app.say("another act in bulk is under way;  :stop-bulk  ends it", Tone.DOUBT)
            return
        reason = await self._confirmed(render.ask_many(name, subjects))
        if reason is None:
            return

        def tell(bulk: Bulk, progress: Progress) -> None:
            self._bulk = bulk
            self._app.desk.bulk = f"{name}: {_progress(progress)}"

        try:
            last = await aside(lambda: acting.apply_all(name, subjects, reason, tell))
        except EngineError as error:
            self._failed(name, error)
        else:
            is_whole = last.endings[Ending.DONE] == last.total
            self._tell(f"{name}: {_progress(last)}", Tone.GOOD if is_whole else Tone.DOUBT)
        finally:
            self._bulk, self._app.desk.bulk = None, ""
        self._app.desk.store.read_again()

    async def _confirmed(self, question: Question) -> str | None:
        """Return the reason where the operator says yes."""
        desk = self._app.desk
        before = desk.generation
        dialog = PlanDialog(question, profile=desk.profile, protected=desk.protected)
        reason = await self._app.push_screen_wait(dialog)
        if reason is None:
            self._app.say("nothing was changed")
        elif desk.generation != before or not desk.is_armed:
            self._app.say("acts are not allowed any more: nothing was changed", Tone.DOUBT)
            return None
        return reason

    def _failed(self, name: str, error: EngineError) -> None:
        self._tell(f"{name}: nothing was changed: {error}", Tone.DOUBT)

    def _tell(self, text: str, tone: Tone) -> None:
        text = clean(text, limit=_ERROR)
        self._app.say(text, tone)
        self._app.desk.store.note(_LEVELS[tone], text)


def _progress(progress: Progress) -> str:
    done = progress.endings[Ending.DONE]
    others = progress.handled - done
    rest = f", {count(others)} not" if others else ""
    wait = f"; waits: {progress.trouble}" if progress.trouble else ""
    return f"{count(progress.handled)} of {count(progress.total)}: {count(done)} done{rest}{wait}"
