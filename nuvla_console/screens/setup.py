"""The form of the first start: ZooKeeper, the API, who we are; both are tried before it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, RadioButton, RadioSet, Static

from engine.errors import SettingsError
from engine.settings import keyrings
from nuvla_console import setup, theme
from nuvla_console.setup import IN_FILE, IN_KEYRING, IN_SETTINGS, IN_VARIABLE, Draft
from nuvla_console.window import LOOK_EVERY, WindowApp

_KEPT = {
    IN_FILE: "is in a file that only I can read",
    IN_VARIABLE: "is in the variable NUVLA_API_PASS or …_SECRET",
    IN_KEYRING: "is in the keyring",
    IN_SETTINGS: "shall be kept in the settings file, private to me",
}
_ASKED = {
    IN_FILE: ("file", "~/.config/nuvla-secret"),
    IN_VARIABLE: ("", ""),
    IN_KEYRING: ("service/user", "as given to: keyring set SERVICE USER"),
    IN_SETTINGS: ("secret", ""),
}
"""What is asked for in each case, and an example."""


class Choice(RadioButton):
    """A radio button that can be read without colour."""

    @property
    def _button(self) -> Content:
        sign = "●" if self.value else " "
        return Content.assemble("(", (sign, self.get_visual_style("toggle--button")), ")")


class SetupApp(WindowApp[str]):
    """Asks for a first profile and returns its name."""

    TITLE = "nuvla-console"
    CSS_PATH = str(Path(__file__).parent.parent / "console.tcss")
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "quit", "leave"),
        Binding("ctrl+t", "try", "try"),
        Binding("ctrl+s", "save", "save"),
    ]

    def __init__(self, *, theme_name: str = theme.DEFAULT, folder: Path | None = None) -> None:
        """Args:
        theme_name: one of ours.
        folder: where the settings file is kept; the platform's folder otherwise.
        """
        super().__init__()
        for known in theme.THEMES:
            self.register_theme(known)
        self.theme = theme_name
        self._folder = folder
        self._asked_twice = False
        self._ways = [way for way in _KEPT if way != IN_KEYRING or keyrings.is_installed()]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own variables."""
        return dict(theme.THEMES[0].variables)

    def compose(self) -> ComposeResult:
        """Yield the form."""
        with VerticalScroll(id="setup"):
            yield Static("Where is your Nuvla?", classes="dialog--title", markup=False)
            for key, label, hint in (
                ("name", "profile", "prod"),
                ("zk_hosts", "ZooKeeper", "zk1:2181,zk2:2181,zk3:2181"),
                ("api_url", "Nuvla API", "https://nuvla.example.org"),
                ("who", "user or API key", "super, or credential/…"),
            ):
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(placeholder=hint, id=key, compact=True)
            with Horizontal(classes="field -tall") as field:
                field.styles.height = len(self._ways)
                yield Label("its secret")
                with RadioSet(id="keeps", compact=True):
                    for way in self._ways:
                        yield Choice(_KEPT[way], value=way == IN_FILE, id=f"in-{way}")
            with Horizontal(classes="field"):
                yield Label("file", id="secret-label")
                yield Input(placeholder="~/.config/nuvla-secret", id="secret", compact=True)
            yield Static("", id="said", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Try both  ^t", id="try", compact=True)
                yield Button("Save and open  ^s", id="save", variant="primary", compact=True)
                yield Button("Leave  Esc", id="leave", compact=True)
            with Vertical(id="setup-hint"):
                yield Static(
                    "No Nuvla at hand?  nuvla-console demo  shows all of this on this machine.",
                    classes="dialog--hint",
                    markup=False,
                )

    def on_mount(self) -> None:
        """Begin with the name."""
        self.query_one("#name", Input).focus()
        self.set_interval(LOOK_EVERY, self.look_at_window)

    def draft(self) -> Draft:
        """Return what was typed."""
        texts = {i.id or "": i.value.strip() for i in self.query(Input)}
        keeps = self._ways[max(0, self.query_one(RadioSet).pressed_index)]
        return Draft(
            name=texts["name"] or "default",
            zk_hosts=texts["zk_hosts"],
            api_url=texts["api_url"],
            who=texts["who"],
            keeps=keeps,
            secret="" if keeps == IN_VARIABLE else texts["secret"],
        )

    @on(RadioSet.Changed)
    def keeps_changed(self, event: RadioSet.Changed) -> None:
        """Ask for a path, for the secret itself, or for neither."""
        keeps = self._ways[event.radio_set.pressed_index]
        box = self.query_one("#secret", Input)
        box.password = keeps == IN_SETTINGS
        box.disabled = keeps == IN_VARIABLE
        label, box.placeholder = _ASKED[keeps]
        self.query_one("#secret-label", Label).update(label)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        if event.button.id == "leave":
            self.exit(None)
        elif event.button.id == "save":
            self.action_save()
        else:
            self.action_try()

    def action_try(self) -> None:
        """Try both."""
        self._try(self.draft())

    @work(thread=True, exclusive=True, group="try")
    def _try(self, draft: Draft) -> None:
        self.call_from_thread(self._say, "… trying ZooKeeper and the API")
        lines = []
        for title, wrong in (
            ("ZooKeeper", setup.try_zookeeper(draft)),
            ("the API", setup.try_api(draft)),
        ):
            lines.append(f"✓ {title} answers" if wrong is None else f"✗ {title}: {wrong}")
        self.call_from_thread(self._say, "\n".join(lines))

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(text)

    def action_save(self) -> None:
        """Keep the profile; a secret in the settings file is asked for once more."""
        draft = self.draft()
        if draft.keeps == IN_SETTINGS and draft.secret and not self._asked_twice:
            self._asked_twice = True
            self._say(
                "▲ The secret itself will stand in the settings file, which only you can read "
                "(mode 0600).\n  Save once more to keep it there, or choose another place."
            )
            return
        try:
            setup.settings_of(draft)
            setup.save(draft, self._folder)
        except SettingsError as error:
            self._say(f"✗ {error}")
            return
        self.exit(draft.name)
