"""The app: themes, areas, the tick, and the commands that belong to no single screen."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import events, on
from textual._compositor import ChopsUpdate
from textual.binding import Binding, BindingType
from textual.screen import Screen

from engine.errors import EngineError
from engine.zookeeper.paths import is_job_id
from nuvla_console import clipboard, keyboard, theme, trouble
from nuvla_console.commands import Command
from nuvla_console.config import Preferences
from nuvla_console.desk import Desk
from nuvla_console.dialogs.palette import PaletteDialog
from nuvla_console.messages import ActAsked, Ticked
from nuvla_console.narrow import NarrowUpdate
from nuvla_console.profiles import Profile
from nuvla_console.render.cells import Tone
from nuvla_console.screens import areas
from nuvla_console.screens.executors import ExecutorsScreen
from nuvla_console.screens.findings import FindingsScreen
from nuvla_console.screens.job import JobScreen
from nuvla_console.screens.jobs import JobsScreen
from nuvla_console.screens.listing import ListScreen
from nuvla_console.screens.live import LiveScreen
from nuvla_console.screens.stacks import StacksScreen
from nuvla_console.window import LOOK_EVERY, WindowApp
from nuvla_console.writing import Writing

TICK = LOOK_EVERY
"""Seconds between two looks at the store, and at the window."""
_AGES, _AGES_AT_REST = 1.0, 10.0
"""Seconds between two drawings of ages."""


class ConsoleApp(WindowApp[None]):
    """The console."""

    TITLE = "nuvla-console"
    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = False
    # Ours is bound with all other commands.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 as Textual types it
    # Also where a dialog stands in front.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "suspend_process", show=False, priority=True)
    ]

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        *,
        start: str,
        preferences: Preferences | None = None,
        clock: Callable[[], datetime] | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        """Args:
        profiles: where one can go, by name.
        start: the profile to begin with.
        preferences: theme and keys.
        clock: for tests and pictures: the time of day otherwise.
        zone: for tests and pictures: the local zone otherwise.
        """
        super().__init__()
        self._profiles = profiles
        self._preferences = preferences or Preferences()
        self._version = self._news = -1
        self._drawn_at = float("-inf")
        self.end_signals: Sequence[signal.Signals] = ()
        """Signals that end the app in order, so that the terminal is left as it was."""
        self.first_words: Sequence[str] = ()
        """Said once at the start, such as warnings about the settings."""
        connection = profiles[start].connect()
        self.desk = Desk(
            connection.store,
            profile=start,
            acting=connection.acting,
            protected=profiles[start].protected,
            profiles=tuple(profiles),
            copy=self._copy,
            clock=clock,
            zone=zone,
        )
        self._writing = Writing(self)
        for known in theme.THEMES:
            self.register_theme(known)
        self.theme = self._preferences.theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own variables, for themes that are not ours."""
        return dict(theme.THEMES[0].variables)

    def on_mount(self) -> None:
        """Take the keys, open the overview, and begin to look."""
        self.set_keymap(dict(self._preferences.keymap))
        self.app_resume_signal.subscribe(self, lambda _app: self.action_repaint())
        for number in self.end_signals:
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self.desk.store.start()
        for name, make in areas.makers(self.desk).items():
            self.add_mode(name, make)
        self.switch_mode("overview")
        self.set_interval(TICK, self.tick)
        for words in self.first_words:
            self.desk.store.note("doubt", words)
            self.call_after_refresh(self.say, words, Tone.DOUBT)

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is there, and let each key do its work before the next one."""
        if isinstance(event, events.InputEvent | events.Paste) and self.desk.stir():
            self._version = -1
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._typed(event)
        else:
            await super().on_event(event)

    async def _typed(self, event: events.Key | events.Paste) -> None:
        self.app_focus = True
        screen = self.screen
        # A view that a key has opened a moment ago is there before the next key is looked at.
        await screen._mounted_event.wait()
        if isinstance(event, events.Key) and await self._check_bindings(event.key, priority=True):
            return
        await keyboard.take(event, screen, self._check_bindings)

    def _handle_exception(self, error: Exception) -> None:
        # Once it is to end, Textual gives no screen its parts any more, and whoever asks for one
        # fails. Nobody sees that screen.
        if not self._exit:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Leave with one line, and keep the traceback in a file: Textual would print it, with the
        values of all local variables."""
        error = self._exception or RuntimeError("unknown")
        path = trouble.write_crash(error)
        where = f"; the details are in {path}" if path else ""
        words = f"nuvla-console ended by an error of its own, {type(error).__name__}{where}"
        self.panic(Text(words))

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        narrow = NarrowUpdate(renderable) if isinstance(renderable, ChopsUpdate) else None
        super()._display(screen, narrow or renderable)  # type: ignore[arg-type]  # as Textual does

    def on_unmount(self) -> None:
        """End the session with ZooKeeper."""
        self.desk.store.stop()

    def tick(self) -> None:
        """Look whether something is to be drawn anew."""
        if not self.is_running:
            return  # its screens are being taken away
        self.look_at_window()
        store, now = self.desk.store, self.desk.now().timestamp()
        store.check()
        changed = store.version != self._version
        self._version = store.version
        if store.news != self._news:
            self._news = store.news
            self.desk.stir()
        pause = _AGES_AT_REST if self.desk.at_rest else _AGES
        if changed or now - self._drawn_at >= pause:
            self._drawn_at = now
            self.screen.post_message(Ticked())

    # Commands

    async def action_area(self, name: str) -> None:
        """Go to an area."""
        await self._go(name)

    async def action_given(self, name: str, argument: str) -> None:
        """Run a command of the app with what was typed behind it."""
        if name == "ctx":
            await self.go_to(argument)
        elif name == "job":
            await self.open_job(argument)
        else:
            await self._go(name)
            screen = self.screen
            if isinstance(screen, JobsScreen):
                screen.ask(argument)
            elif isinstance(screen, ExecutorsScreen | FindingsScreen | StacksScreen):
                screen.show(argument)
            elif isinstance(screen, ListScreen):
                screen.set_filter(argument)

    async def _go(self, area: str) -> None:
        """Go to an area; the next key finds it as it is now, not as it was when it was left."""
        await self.switch_mode(area)
        if isinstance(self.screen, LiveScreen):
            self.screen.redraw()

    async def open_job(self, text: str) -> None:
        """Open a job by its id, with or without ``job/``."""
        job_id = text if text.startswith("job/") else f"job/{text}"
        if is_job_id(job_id):
            await self.push_screen(JobScreen(self.desk, job_id))
        else:
            self.say(f"{text} is no job id", Tone.DOUBT)

    def action_job(self, _text: str) -> None:
        """Ask for a job's id."""
        self._type("job ")

    def action_context(self, _name: str) -> None:
        """Ask for a profile."""
        self._type("ctx ")

    def _type(self, beginning: str) -> None:
        if isinstance(self.screen, LiveScreen):
            self.screen.action_command_bar(beginning)

    async def go_to(self, name: str) -> None:
        """Go over to another profile: another store, and the areas anew."""
        profile = self._profiles.get(name)
        if profile is None:
            self.say(f"no profile {name}; there are {', '.join(self._profiles)}", Tone.DOUBT)
            return
        try:
            connection = profile.connect()
        except EngineError as error:
            self.say(str(error), Tone.DOUBT)
            return
        before, store = self.desk.store, connection.store
        self.desk.go_over(store, connection.acting, profile=name, protected=profile.protected)
        self.run_worker(before.stop, thread=True, name="leave")
        store.note("info", f"went over to profile {name}")
        store.start()
        self._version = -1
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.switch_mode("queue" if self.current_mode == "overview" else "overview")
        await self.switch_mode("overview")

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Say something in the last line of the screen in front."""
        if isinstance(self.screen, LiveScreen):
            self.screen.say(text, tone)

    @on(ActAsked)
    def _act_asked(self, message: ActAsked) -> None:
        self._writing.begin(message.name, message.subjects, message.options)

    def action_arm(self) -> None:
        """Allow acts for a while, or no more."""
        self._writing.arm()
        self._version = -1

    def action_start(self) -> None:
        """Ask what job to create."""
        counts, members = self.desk.picture.counts, self.desk.picture.members
        known = {name for name, _ in counts.actions} if counts else set()
        for member in members.members if members else ():
            known |= set(member.offers)
        self._writing.ask_for_job(sorted(known))

    def action_stop_bulk(self) -> None:
        """Let the act in bulk begin no further one."""
        self._writing.stop()

    def action_freeze(self) -> None:
        """Hold the screen still, or let it go."""
        self.desk.freeze()
        self._version = -1

    def action_pace(self, step: int) -> None:
        """Ask the API more or less often."""
        seconds = self.desk.pace(step)
        self.say(f"asks the API every {seconds:g} s")

    def action_read_again(self) -> None:
        """Read everything in sight again."""
        self.desk.store.read_again()
        if isinstance(self.screen, StacksScreen):
            self.screen.read_again()

    def action_next_theme(self) -> None:
        """Take the next theme."""
        self.theme = theme.next_theme(self.theme)
        self.say(f"theme {self.theme}")

    def action_repaint(self) -> None:
        """Draw the whole screen anew."""
        self.refresh(repaint=True, layout=True)

    def action_leave(self) -> None:
        """Leave the console."""
        self.exit()

    def action_command_palette(self) -> None:
        """Offer every command of the view in front."""
        screen = self.screen
        if isinstance(screen, LiveScreen):
            palette = PaletteDialog(screen.SCOPES, self.desk.scene())
            self.push_screen(palette, self._run_chosen)

    async def _run_chosen(self, command: Command | None) -> None:
        if command is not None and isinstance(self.screen, LiveScreen):
            await self.screen.run_command(command)

    def _copy(self, text: str) -> str:
        return clipboard.copy(
            text, desktop=self._preferences.desktop, terminal=self.copy_to_clipboard
        )
