"""What all areas share: the lines above and below, the bars, moving, copying, and drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from engine.view.picture import Health, Sight
from nuvla_console import commands, completion
from nuvla_console.commands import AREAS, Command, Scope
from nuvla_console.desk import Desk
from nuvla_console.dialogs.help import HelpDialog
from nuvla_console.messages import BarLeft, Ticked
from nuvla_console.render import status
from nuvla_console.render.cells import Cell, Line, Tone, cut_end, cut_middle
from nuvla_console.render.scene import Scene
from nuvla_console.screens.acts import ActScreen
from nuvla_console.widgets.bars import Bar, CommandBar
from nuvla_console.widgets.snapshot_table import SnapshotTable
from nuvla_console.widgets.text_pane import TextPane

_SAID = timedelta(seconds=5)


class LiveScreen(ActScreen):
    """An area, or a view that was opened from one."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.MOVE,)
    SOURCES: ClassVar[tuple[str, ...]] = ("zookeeper", "api")
    """Where its facts come from."""
    AREA: ClassVar[str] = ""
    """The name of the area; empty for a view that is opened from an area."""
    AUTO_FOCUS = "SnapshotTable, #main"

    def __init__(self, desk: Desk) -> None:
        """Args: desk: what it draws from."""
        super().__init__()
        self.desk = desk
        self._generation = desk.generation
        self._said = ("", Tone.PLAIN, desk.now())

    def __init_subclass__(cls) -> None:
        """Bind the keys of the screen's scopes."""
        cls.BINDINGS = commands.bindings(cls.SCOPES)
        super().__init_subclass__()

    def compose(self) -> ComposeResult:
        """Yield the frame around the body."""
        yield TextPane(id="header")
        yield TextPane(id="trail")
        yield TextPane(id="title")
        yield TextPane(id="warnings")
        with Container(id="body"):
            yield from self.body()
        yield CommandBar(self._complete, self.run_line, id="command-bar")
        yield from self.bars()
        yield TextPane(id="hints")

    def body(self) -> Iterable[Widget]:
        """Yield the widgets of the screen itself."""
        return ()

    def bars(self) -> Iterable[Widget]:
        """Yield further bars."""
        return ()

    # What a screen says of itself

    def sight(self) -> Sight:
        """Return what is to be read for this screen."""
        return Sight()

    def title_line(self, scene: Scene) -> Line:
        """Return the line that says what is shown, and how much of it."""
        return ()

    def crumbs(self) -> Sequence[str]:
        """Return the names of the views that lead here, below the area."""
        return ()

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed in the body."""

    def job_here(self) -> str | None:
        """Return the job under the cursor."""
        return None

    def subject(self) -> str:
        """Return what `copy` copies."""
        return self.job_here() or ""

    def as_text(self) -> str:
        """Return what `copy_all` copies: the screen's facts as plain text."""
        panes = self.query("#body TextPane").results(TextPane)
        lines = (line for pane in panes for line in pane.lines)
        return "\n".join("".join(cell.text for cell in line) for line in lines)

    def main(self) -> SnapshotTable | TextPane | None:
        """Return the part that keys move in."""
        if isinstance(self.focused, SnapshotTable | TextPane):
            return self.focused
        tables, panes = self.query(SnapshotTable), self.query("#body TextPane").results(TextPane)
        return tables.first() if tables else next(iter(panes), None)

    # Drawing

    @on(Ticked)
    def redraw(self) -> None:
        """Draw what is different now."""
        # While the app ends, its screens lose their widgets one by one.
        if not (self.is_mounted and self.is_current and self.app.is_running):
            return
        with self.app.batch_update():
            scene = self.desk.scene()
            self.draw_body(scene)
            self._draw_frame(scene)
        self.desk.look(self.sight())

    def on_screen_resume(self) -> None:
        """Draw as soon as the screen is in front; leave where its profile was left."""
        if self._generation != self.desk.generation:
            if not self.AREA:
                # Something else may stand in front since this was sent: then when that has gone.
                if self.is_active:
                    self.app.pop_screen()
                return
            self._generation = self.desk.generation
            self.forget()
        self.call_after_refresh(self.redraw)

    def forget(self) -> None:
        """Let go of what belongs to the profile that was left."""

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.redraw)

    def _draw_frame(self, scene: Scene) -> None:
        width = self.size.width - 2
        desk = self.desk
        # The sources' health is drawn live even while the rest is frozen.
        live = desk.store.picture
        sources = (live.zookeeper, live.api)
        self.query_one("#header", TextPane).draw(
            [
                status.header(
                    desk.profile,
                    protected=desk.protected,
                    sources=sources,
                    scene=scene,
                    width=width,
                    armed_for=desk.armed_for,
                )
            ]
        )
        self.query_one("#trail", TextPane).draw([self._trail(width)])
        self.query_one("#title", TextPane).draw([self.title_line(scene)])
        self._draw_warnings(scene, width)
        self._draw_foot()
        self.set_class(desk.protected, "-protected")
        self.set_class(desk.is_armed, "-armed")
        self.set_class(any(not h.is_live for h in self._sources()), "-stale")

    def _draw_foot(self) -> None:
        width = self.size.width - 2
        text, tone, until = self._said
        if text and self.desk.now() < until:
            sign = "▲ " if tone is Tone.DOUBT else ""
            line: Line = (Cell(cut_end(sign + text, width), tone),)
        else:
            pairs = [(command.key, command.label) for command in self._hinted()]
            line = status.hints(pairs, width)
        self.query_one("#hints", TextPane).draw([line])

    def _sources(self) -> list[Health]:
        picture = self.desk.store.picture
        return [getattr(picture, name) for name in self.SOURCES]

    def _draw_warnings(self, scene: Scene, width: int) -> None:
        since = self.desk.frozen_since
        frozen_for = None if since is None else self.desk.now() - since
        lines = status.warnings(self._sources(), frozen_for, scene, width, bulk=self.desk.bulk)
        pane = self.query_one("#warnings", TextPane)
        pane.display = bool(lines)
        pane.styles.height = max(1, len(lines))
        pane.draw(lines)

    def _trail(self, width: int) -> Line:
        if not self.crumbs():
            return status.trail([(area.key, area.name) for area in AREAS], self.AREA, width)
        names = [getattr(screen, "AREA", "") for screen in self.app.screen_stack]
        return status.path([*filter(None, names), *(cut_middle(c, 44) for c in self.crumbs())])

    def _hinted(self) -> list[Command]:
        return [command for command in commands.within(self.SCOPES) if command.hinted]

    # The command bar

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys that open a bar to the bar that is open: they are letters there."""
        if action in ("command_bar", "filter") and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def action_command_bar(self, text: str) -> None:
        """Open the command bar with a beginning."""
        self.query_one("#hints").display = False
        self.query_one(CommandBar).open(text)

    def _complete(self, line: str) -> list[str]:
        return completion.lines(line, self.SCOPES, self.desk)

    async def run_line(self, line: str) -> None:
        """Run what was typed."""
        found = commands.find(line, self.SCOPES)
        if found is None:
            word = line.split()[0]
            self.say(f"{word} is no command here; ? lists what there is", Tone.DOUBT)
            return
        await self.run_command(*found)

    async def run_command(self, command: Command, argument: str = "") -> None:
        """Run a command, with the argument that was typed."""
        action = command.action
        if argument and command.argument:
            handler = getattr(self, f"given_{command.id.replace('.', '_').replace('-', '_')}", None)
            if handler is not None:
                handler(argument)
                return
            await self.app.run_action(f"app.given({command.name!r}, {argument!r})")
            return
        await self.run_action(action)

    @on(BarLeft)
    def bar_left(self, message: BarLeft) -> None:
        """Show the hints again."""
        message.stop()
        self.query_one("#hints").display = True
        self.redraw()

    # Commands that every screen has

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Say something in the last line for a moment."""
        self._said = (text, tone, self.desk.now() + _SAID)
        self._draw_foot()

    def action_back(self) -> None:
        """Leave a bar that is open, or else go back."""
        bar = next((bar for bar in self.query(Bar) if bar.display), None)
        if bar is None:
            self.go_back()
        else:
            bar.action_leave()  # a click elsewhere has taken the focus from it

    def go_back(self) -> None:
        """Leave this view for the one before; from an area, for the overview."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        elif self.AREA != "overview":
            self.app.switch_mode("overview")

    def action_help(self) -> None:
        """Show what can be done here."""
        title = self.AREA or (self.crumbs()[-1] if self.crumbs() else "")
        self.app.push_screen(HelpDialog(title, self.SCOPES))

    def action_move(self, lines: int) -> None:
        """Move by lines."""
        part = self.main()
        if part is not None:
            part.move(lines)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        part = self.main()
        if part is not None:
            part.move_page(pages)

    def action_move_end(self, last: bool) -> None:
        """Move to the first or last line."""
        part = self.main()
        if part is not None:
            part.move_end(last=last)

    def action_copy(self) -> None:
        """Copy the id."""
        text = self.subject()
        if not text:
            self.say("nothing here has an id", Tone.DOUBT)
            return
        where = self.desk.copy(text)
        first, more = text.split("\n")[0], text.count("\n")
        self.say(f"copied {first}{f' and {more} more' if more else ''} {where}")

    def action_copy_all(self) -> None:
        """Copy what is known here as plain text."""
        text = self.as_text()
        where = self.desk.copy(text)
        self.say(f"copied {text.count(chr(10)) + 1} lines {where}")
