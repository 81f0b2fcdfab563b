"""Thread stacks: where each thread of a member, of a job, or of all members stands."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.widget import Widget

from engine.errors import EngineError
from engine.text import clean
from engine.view.picture import Sight
from engine.view.stacks import StackGroup
from nuvla_console.acting import Acting
from nuvla_console.aside import aside
from nuvla_console.commands import Scope
from nuvla_console.desk import Desk
from nuvla_console.render import stacks
from nuvla_console.render.cells import Line
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.render.stacks import Taken
from nuvla_console.screens.job_list import JobListScreen
from nuvla_console.widgets.snapshot_table import SnapshotTable
from nuvla_console.widgets.text_pane import TextPane


class StacksScreen(JobListScreen):
    """Threads, those at one place in one row, and the stack of the row under the cursor."""

    AREA = "stacks"
    SCOPES = (Scope.JOB, Scope.LIST, Scope.MOVE)
    SOURCES = ("zookeeper",)
    NOUN = ("place", "places")
    EMPTY = stacks.EMPTY

    def __init__(self, desk: Desk) -> None:
        """Args: desk: what it draws from."""
        super().__init__(desk)
        self._taken: Taken | None = None
        self._groups: tuple[StackGroup, ...] = ()
        self._asking = False
        self._subject = ""

    def make_rows(self) -> Rows[Any]:
        """Return rows of threads."""
        return Rows(stacks.COLUMNS, key=stacks.key, text=stacks.text)

    def body(self) -> Iterable[Widget]:
        """Yield the threads, and the stack."""
        yield SnapshotTable(self.rows, id="main")
        yield TextPane(id="stack", wrap=True)

    def show(self, subject: str) -> None:
        """Show the stacks of a member, or of the thread that works on a job."""
        self._subject = subject
        self.read_again()

    def read_again(self) -> None:
        """Ask for the stacks anew."""
        acting = self.desk.acting
        if acting is None:
            self._take(self._none("nobody can be asked from here"))
            return
        self._asking = True
        self.redraw()
        ask = partial(self._ask, acting, self._subject)
        self.run_worker(ask, exclusive=True, group="stacks")  # type: ignore[arg-type]  # it takes it

    async def _ask(self, acting: Acting, subject: str) -> None:
        try:
            found = await aside(lambda: acting.stacks(subject))
        except EngineError as error:
            taken = self._none(clean(str(error), limit=400))
        else:
            taken = Taken(subject=subject, taken_at=self.desk.now(), members=found)
            if subject and not found:
                taken = self._none(f"no member is called {subject} or says that it works on it")
        # Unless another member has been asked since.
        if taken.subject == self._subject:
            self._take(taken)

    def _none(self, error: str) -> Taken:
        return Taken(subject=self._subject, taken_at=self.desk.now(), error=error)

    def _take(self, taken: Taken) -> None:
        self._asking, self._taken, self._groups = False, taken, taken.groups()
        self.redraw()

    def forget(self) -> None:
        """Let go of what the members of another profile answered."""
        super().forget()
        self._taken, self._groups, self._subject = None, (), ""

    def on_screen_resume(self) -> None:
        """Ask when the screen comes to the front for the first time."""
        super().on_screen_resume()
        self.call_after_refresh(self._look_first)

    def _look_first(self) -> None:
        if self._taken is None and not self._asking:
            self.read_again()

    def records(self, scene: Scene) -> Any:
        """Return the rows."""
        return None if self._taken is None else self._groups

    def job_of(self, record: StackGroup) -> str | None:
        """Return the first job of the threads."""
        return record.jobs[0] if record.jobs else None

    def sight(self) -> Sight:
        """Nothing more is needed: the members are asked, not the store."""
        return Sight()

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed."""
        super().draw_body(scene)
        self.cursor_moved()

    def cursor_moved(self) -> None:
        """Show the stack of the row under the cursor."""
        row = self.table.current()
        self.query_one("#stack", TextPane).draw(stacks.in_full(row) if row is not None else [])

    def counted(self, scene: Scene) -> Line:
        """Return how many threads there are, whose, and how old the sample is."""
        return stacks.counted(self._taken, self._asking, scene)
