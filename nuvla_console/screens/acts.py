"""The keys that act: from what the cursor stands on to the question for a plan."""

from __future__ import annotations

from collections.abc import Sequence

from engine.act.acts import ACTS, Argument, act_of
from engine.act.plan import Options
from engine.models import SafeAct
from nuvla_console.dialogs.start import LOWEST
from nuvla_console.messages import ActAsked
from nuvla_console.render.cells import Tone
from nuvla_console.window import WindowScreen


class ActScreen(WindowScreen[None]):
    """A screen whose rows can be acted on."""

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Say something in the last line for a moment."""
        raise NotImplementedError

    def subject(self) -> str:
        """Return what the cursor stands on, or what is marked, a line each."""
        raise NotImplementedError

    def action_command_bar(self, text: str) -> None:
        """Open the command bar with a beginning."""
        raise NotImplementedError

    def meant(self) -> Sequence[str]:
        """Return what an act is for: the marked jobs, or the one under the cursor."""
        return [line for line in self.subject().split("\n") if line]

    def advice(self) -> Sequence[SafeAct]:
        """Return what a diagnosis advises, the first choice first."""
        return ()

    async def action_act(self, name: str) -> None:
        """Open the plan of an act."""
        argument = ACTS[name].argument
        if argument is Argument.ACTION:
            await self.run_action("app.start")
        elif name == "reprioritise":
            self.action_command_bar("reprioritise ")
        else:
            self._begin(name, [""] if argument is Argument.NONE else self.meant())

    def given_act_reprioritise(self, text: str) -> None:
        """Move the job to a priority."""
        if text.isdecimal() and int(text) <= LOWEST:
            self._begin("reprioritise", self.meant(), Options(priority=int(text)))
        else:
            self.say(f"{text} is no priority: 0 to {LOWEST}, lower runs sooner", Tone.DOUBT)

    def given_act_start(self, action: str) -> None:
        """Open the plan of a new job."""
        self._begin("start", [action])

    def _begin(self, name: str, subjects: Sequence[str], options: Options | None = None) -> None:
        self.post_message(ActAsked(name, tuple(subjects), options))

    def action_mend(self) -> None:
        """Open the plan of the first act that is advised; say what else there is to do."""
        advice = self.advice()
        chosen = next((each for each in advice if act_of(each) is not None), None)
        if chosen is None:
            words = advice[0].text if advice else "nothing is advised here"
            self.say(words, Tone.DOUBT)
            return
        argument = ACTS[chosen.act].argument
        if argument is Argument.NONE:
            self._begin(chosen.act, [""])
        elif argument is Argument.MEMBER:
            self.say(f"{chosen.text}  6 shows the executors", Tone.DOUBT)
        elif chosen.act == "reprioritise":
            self.action_command_bar("reprioritise ")
        else:
            self._begin(chosen.act, self.meant())
