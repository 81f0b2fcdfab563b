"""The API's documents, by a filter of the operator's; a bulk job's children as a tree."""

from __future__ import annotations

from typing import Any

from engine import wording
from engine.view import query
from engine.view.picture import Search, Sight
from nuvla_console.commands import Scope
from nuvla_console.desk import Desk
from nuvla_console.render import jobs
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.jobs import JobRow
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.job_list import JobListScreen

_PAGE = 200
_MOST = 10_000
"""The API pages no further."""
_ORDERS = {
    "job": "id",
    "action": "action",
    "state": "state",
    "prog": "progress",
    "age": "created",
    "ran": "duration",
    "target": "target-resource.href",
    "code": "return-code",
    "mode": "execution-mode",
    "by": "created-by",
}
"""Columns by the attribute that the API sorts by."""


class JobsScreen(JobListScreen):
    """Documents, newest first, as many pages as were scrolled through."""

    AREA = "jobs"
    SCOPES = (Scope.JOB, Scope.TREE, Scope.LIST, Scope.MOVE)
    SOURCES = ("api",)
    NOUN = ("job", "jobs")
    EMPTY = jobs.EMPTY

    def __init__(self, desk: Desk) -> None:
        """Args: desk: what it draws from."""
        super().__init__(desk)
        self._asked = ""
        self._search = Search(limit=_PAGE)
        self._unfolded: tuple[str, ...] = ()

    def make_rows(self) -> Rows[Any]:
        """Return rows of documents; the API sorts them, so that it sorts them all."""
        return Rows(jobs.COLUMNS, key=jobs.key, text=jobs.text, groups=True)

    def ask(self, text: str) -> None:
        """Ask for other jobs.

        Args:
            text: a query, or a filter of the API; empty for all jobs.
        """
        try:
            wanted = query.to_filter(text)
        except query.BadQuery as error:
            self.say(str(error), Tone.DOUBT)
            return
        self._asked = text.strip()
        self._search = Search(filter=wanted, orderby=self._orderby(), limit=_PAGE)
        self._unfolded = ()
        if self.is_mounted and self.is_current:
            self.table.move_end(last=False)
            self.redraw()

    def forget(self) -> None:
        """Let go of the query, too."""
        super().forget()
        self.ask("")

    def _empty_text(self, known: bool) -> str:
        if known and not self._asked and not self.rows.filter:
            return "The API shows no job: there is none, or this account may see none."
        return super()._empty_text(known)

    def records(self, scene: Scene) -> Any:
        """Return the documents, those of unfolded bulk jobs with their children."""
        answer = self._answer()
        if answer is None:
            return None
        return jobs.rows(answer.jobs, self.desk.picture.children)

    def _answer(self) -> Search | None:
        answer, asked = self.desk.picture.search, self._search
        if answer is None or answer.filter != asked.filter or answer.orderby != asked.orderby:
            return None
        return answer

    def job_of(self, record: JobRow) -> str | None:
        """Return the job of a row."""
        return record.record.id

    def sight(self) -> Sight:
        """Return the question; a further page once the cursor nears the end of the last."""
        answer = self._answer()
        near = self.table.window.stop > len(self.rows) - _PAGE // 2
        more = answer is not None and len(answer.jobs) < min(answer.count, _MOST)
        if near and more and answer is not None and answer.limit == self._search.limit:
            limit = min(_MOST, self._search.limit + _PAGE)
            self._search = Search(
                filter=self._search.filter, orderby=self._search.orderby, limit=limit
            )
        return Sight(search=self._search, unfolded=self._unfolded)

    def counted(self, scene: Scene) -> Line:
        """Return how many match, and what was asked."""
        answer = self._answer()
        asked = Cell(f"  {self._asked or 'all, newest first'}", Tone.ACCENT)
        if answer is None:
            return (Cell("… asking", Tone.DIM), asked)
        if answer.error:
            return (Cell(f"✗ {answer.error}", Tone.BAD),)
        number = wording.counted(answer.count, "job")
        # The server stops counting there.
        line = [Cell(f"{number}+" if answer.count >= _MOST else number, Tone.STRONG), asked]
        if len(answer.jobs) < answer.count:
            line.append(Cell(f"  {wording.count(len(answer.jobs))} read", Tone.DIM))
        if answer.unreadable:
            line.append(Cell(f"  ▲ {answer.unreadable} unreadable", Tone.DOUBT))
        return tuple(line)

    def go_back(self) -> None:
        """Clear the filter, then the query, then leave."""
        if self.rows.filter or self.table.marks or not self._asked:
            super().go_back()
        else:
            self.ask("")

    def action_unfold(self) -> None:
        """Show or hide the children of the bulk job under the cursor."""
        row = self.table.current()
        if row is None:
            return
        parent = row.record.parent if row.depth else row.record.id
        if parent in self._unfolded:
            self._unfolded = tuple(p for p in self._unfolded if p != parent)
            if parent:
                self.table.move_to_key(parent)
        elif jobs.is_bulk(row.record):
            self._unfolded = (*self._unfolded, parent)
        else:
            self.say("only bulk jobs have children", Tone.DOUBT)
        self.redraw()

    def action_sort(self, step: int) -> None:
        """Let the API sort by the next column."""
        super().action_sort(step)
        self._sorted()

    def action_reverse(self) -> None:
        """Turn the order round."""
        super().action_reverse()
        self._sorted()

    def _sorted(self) -> None:
        self._search = Search(filter=self._search.filter, orderby=self._orderby(), limit=_PAGE)
        self.redraw()

    def _orderby(self) -> str:
        if self.rows.sorted_by is None:
            return "created:asc" if self.rows.reverse else "created:desc"
        title = self.rows.columns[self.rows.sorted_by].title
        # Ages grow while dates shrink.
        down = self.rows.reverse is not (title == "age")
        return f"{_ORDERS[title]}:{'desc' if down else 'asc'}"
