"""Every command, declared once: its key, its name for the command bar, and what it is for.

The bindings, the hints at the foot of a screen, the palette, the command bar and the help are all
made from this list, so that none of them can know a command that another does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType

from engine.act.acts import ACTS, Act, Argument


class Scope(StrEnum):
    """Where a command works."""

    EVERYWHERE = "everywhere"
    LIST = "lists"
    """Screens whose main part is a table."""
    JOB = "jobs"
    """Screens where the cursor stands on a job."""
    MEMBER = "members"
    """The executors' screen, where the cursor stands on a process."""
    ADVICE = "advice"
    """Where a diagnosis advises an act."""
    PANEL = "panels"
    """The overview, whose tables are short."""
    TREE = "trees"
    """The jobs screen: children of a bulk job."""
    MOVE = "moving"


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    id: str
    """What the settings' keymap knows it by."""
    keys: str
    """Its keys, with commas between; the first is the one that is shown. Empty where it is reached
    by its name only."""
    label: str
    """A word or two, for the hints."""
    action: str
    """The action that runs it, on the screen or on the app."""
    help: str
    """A sentence, for the help and the palette."""
    _: KW_ONLY
    scope: Scope = Scope.EVERYWHERE
    typed: str = ""
    """What is typed after ``:`` where it is not the id."""
    argument: str = ""
    """What may follow its name in the command bar."""
    hinted: bool = False
    """Whether the foot of the screen shows it."""
    aliases: tuple[str, ...] = ()
    opens_bar: bool = False
    """Whether the keys that follow are typed into a bar, however close behind they come."""

    @property
    def name(self) -> str:
        """What is typed after ``:``."""
        return self.typed or self.id

    @property
    def key(self) -> str:
        """The key that is shown, as it stands on the keyboard."""
        return shown_key(self.keys.split(",")[0])


def shown_key(key: str) -> str:
    """Return a key as it stands on the keyboard."""
    return _SHOWN.get(key, key)


_SHOWN = {
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "down": "↓",
    "up": "↑",
    "home": "Home",
    "end": "End",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "⇧Tab",
    "ctrl+p": "^p",
    "ctrl+f": "^f",
    "ctrl+b": "^b",
    "ctrl+l": "^l",
    "ctrl+z": "^z",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One area of the console."""

    name: str
    key: str
    help: str
    argument: str = ""


AREAS: tuple[Area, ...] = (
    Area(name="overview", key="1", help="Is anything wrong? Depth, rates, executors, elections."),
    Area(name="queue", key="2", help="What waits, in the order in which it will run."),
    Area(name="taken", key="3", help="What is held, by whom and since when."),
    Area(
        name="jobs",
        key="4",
        help="The API's documents, by filter, target, action or id.",
        argument="[state=RUNNING age>10m action=… target=… id]",
    ),
    Area(name="elections", key="5", help="Who distributes, and who waits to."),
    Area(name="executors", key="6", help="Who runs jobs, which ones, and what went wrong there."),
    Area(
        name="stacks",
        key="7",
        help="Where each thread of a member, or of all, stands right now.",
        argument="[MEMBER|JOB]",
    ),
    Area(name="log", key="8", help="What this console itself saw and did."),
    Area(name="findings", key="9", help="What is stuck or sick, worst first, and what mends it."),
)

AREA_NAMES = tuple(area.name for area in AREAS)


def _area(area: Area) -> Command:
    return Command(
        f"area.{area.name}",
        area.key,
        area.name,
        f"app.area('{area.name}')",
        area.help,
        typed=area.name,
        argument=area.argument,
    )


_SCOPES = {
    Argument.JOB: Scope.JOB,
    Argument.ENTRY: Scope.JOB,
    Argument.MEMBER: Scope.MEMBER,
    Argument.ACTION: Scope.EVERYWHERE,
    Argument.NONE: Scope.EVERYWHERE,
}
_NEEDED = {"reprioritise": "0-999", "start": "[ACTION]"}
"""What has to follow the name of an act, beside what the cursor stands on."""


def _act(act: Act) -> Command:
    # Drain and resume share a key: which of them is meant is told by the process itself.
    key = act.key if act.name != "resume" else ""
    return Command(
        f"act.{act.name}",
        key,
        act.name,
        f"act('{act.name}')",
        f"Open the plan to {act.summary}.",
        typed=act.name,
        argument=_NEEDED.get(act.name, ""),
        scope=_SCOPES[act.argument],
    )


COMMANDS: tuple[Command, ...] = (
    *map(_area, AREAS),
    *map(_act, ACTS.values()),
    Command(
        "arm",
        "w",
        "write mode",
        "app.arm",
        "Allow acts for 15 minutes, or no more. It is read-only before.",
        typed="write",
    ),
    Command(
        "mend",
        "a",
        "mend",
        "mend",
        "Open the plan of the act that the diagnosis advises.",
        scope=Scope.ADVICE,
        hinted=True,
    ),
    Command("stop-bulk", "", "stop bulk", "app.stop_bulk", "Let the act in bulk end where it is."),
    Command(
        "command",
        ":",
        "command",
        "command_bar('')",
        "Type a command; Tab completes it.",
        hinted=True,
        opens_bar=True,
    ),
    Command(
        "filter",
        "/",
        "filter",
        "filter",
        "Show rows that hold all words; begin with ! for those that do not. Esc clears.",
        scope=Scope.LIST,
        argument="[!]WORDS",
        hinted=True,
        opens_bar=True,
    ),
    Command(
        "open",
        "enter",
        "open",
        "open",
        "Look into the row under the cursor.",
        scope=Scope.LIST,
        hinted=True,
    ),
    Command(
        "open-panel",
        "enter",
        "open",
        "open",
        "Go to the area of the row under the cursor.",
        typed="open",
        scope=Scope.PANEL,
        hinted=True,
    ),
    Command(
        "back",
        "escape",
        "back",
        "back",
        "Clear the filter, else leave this view for the one before.",
        hinted=True,
    ),
    Command("help", "?", "help", "help", "What can be done here.", hinted=True),
    Command(
        "dossier",
        "d",
        "dossier",
        "dossier",
        "All that is known of the job under the cursor.",
        scope=Scope.JOB,
        hinted=True,
    ),
    Command(
        "document",
        "y",
        "document",
        "document",
        "The job's document as the API keeps it.",
        scope=Scope.JOB,
    ),
    Command(
        "message", "l", "message", "message", "The job's status message in full.", scope=Scope.JOB
    ),
    Command(
        "stack",
        "s",
        "stack",
        "stack",
        "The thread stacks of the process that runs the job.",
        scope=Scope.JOB,
    ),
    Command(
        "member-stack",
        "s",
        "stack",
        "stack",
        "The thread stacks of the process under the cursor.",
        typed="stack",
        scope=Scope.MEMBER,
        hinted=True,
    ),
    Command(
        "follow",
        "f",
        "follow",
        "follow",
        "Follow the row under the cursor, and say when it is gone.",
        scope=Scope.LIST,
    ),
    Command(
        "unfold",
        "x",
        "unfold",
        "unfold",
        "Show or hide the children of a bulk job.",
        scope=Scope.TREE,
        hinted=True,
    ),
    Command(
        "mark", "space", "mark", "mark", "Mark the row, or take its mark away.", scope=Scope.LIST
    ),
    Command(
        "mark-all",
        "*",
        "mark all",
        "mark_all",
        "Mark all rows that are shown, or unmark them.",
        scope=Scope.LIST,
    ),
    Command(
        "sort-left", "<", "sort ◂", "sort(-1)", "Sort by the column to the left.", scope=Scope.LIST
    ),
    Command(
        "sort-right", ">", "sort ▸", "sort(1)", "Sort by the column to the right.", scope=Scope.LIST
    ),
    Command("sort-reverse", "=", "reverse", "reverse", "Turn the order round.", scope=Scope.LIST),
    Command("copy", "c", "copy id", "copy", "Copy the id under the cursor, or the marked ones."),
    Command("copy-all", "C", "copy all", "copy_all", "Copy what is known here as plain text."),
    Command("freeze", "p", "freeze", "app.freeze", "Hold the screen still, or let it run again."),
    Command("faster", "+", "faster", "app.pace(-1)", "Ask the API more often."),
    Command("slower", "-", "slower", "app.pace(1)", "Ask the API less often."),
    Command("read", "r", "read again", "app.read_again", "Read all that is in sight again, now."),
    Command("job", "o", "open job", "app.job('')", "Open a job by its id.", argument="ID"),
    Command(
        "context",
        "@",
        "profile",
        "app.context('')",
        "Go over to another profile.",
        typed="ctx",
        argument="PROFILE",
    ),
    Command(
        "theme",
        "t",
        "theme",
        "app.next_theme",
        "Take the next theme: dark, light, high contrast, safe for the colour-blind.",
    ),
    Command("palette", "ctrl+p", "palette", "app.command_palette", "Find any command by its name."),
    Command("repaint", "ctrl+l", "repaint", "app.repaint", "Draw the whole screen anew."),
    Command(
        "suspend",
        "ctrl+z",
        "suspend",
        "app.suspend_process",
        "Give the terminal back to the shell; its command fg brings the console back.",
    ),
    Command("quit", "q", "quit", "app.leave", "Leave the console.", hinted=True, aliases=("q",)),
    Command("down", "j,down", "down", "move(1)", "One row down.", scope=Scope.MOVE),
    Command("up", "k,up", "up", "move(-1)", "One row up.", scope=Scope.MOVE),
    Command("top", "g,home", "top", "move_end(False)", "To the first row.", scope=Scope.MOVE),
    Command("bottom", "G,end", "bottom", "move_end(True)", "To the last row.", scope=Scope.MOVE),
    Command(
        "page-down",
        "ctrl+f,pagedown",
        "page down",
        "move_page(1)",
        "One page down.",
        scope=Scope.MOVE,
    ),
    Command(
        "page-up", "ctrl+b,pageup", "page up", "move_page(-1)", "One page up.", scope=Scope.MOVE
    ),
    Command(
        "next-panel",
        "tab",
        "next panel",
        "app.focus_next",
        "To the next panel of this screen.",
        scope=Scope.MOVE,
    ),
)


def within(scopes: Iterable[Scope]) -> list[Command]:
    """Return the commands of these scopes, and those that work everywhere."""
    wanted = {Scope.EVERYWHERE, *scopes}
    return [command for command in COMMANDS if command.scope in wanted]


def bindings(scopes: Sequence[Scope]) -> list[BindingType]:
    """Return the key bindings of these scopes, with the ids that a keymap uses."""
    return [
        Binding(
            command.keys,
            command.action,
            command.label,
            show=False,
            id=command.id,
            # At once, before the next key is looked at: a paste or a slow line sends many together.
            priority=command.opens_bar,
        )
        for command in within(scopes)
        if command.keys
    ]


def find(typed: str, scopes: Iterable[Scope]) -> tuple[Command, str] | None:
    """Return the command that was typed with its argument; None where there is no such command.

    A beginning of a name is enough where only one command begins so.
    """
    name, _, argument = typed.strip().partition(" ")
    commands = within(scopes)
    for command in commands:
        if name == command.name or name in command.aliases:
            return command, argument.strip()
    begun = [command for command in commands if name and command.name.startswith(name)]
    return (begun[0], argument.strip()) if len(begun) == 1 else None


def completions(typed: str, scopes: Iterable[Scope]) -> list[Command]:
    """Return the commands whose names begin as typed, areas first."""
    name = typed.lstrip().partition(" ")[0]
    return [command for command in within(scopes) if command.name.startswith(name)]
