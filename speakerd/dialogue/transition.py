"""What conditions and actions see of one event: the state, what is set, what happened, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakerd.dialogue.commands import Command
    from speakerd.dialogue.events import Event
    from speakerd.dialogue.microphone import TurnOwner
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import Answer, State, Turn, Uplink
    from speakerd.dialogue.triggers import Trigger


@dataclass(slots=True)
class Transition:
    """One event being handled. `event` is what was given to `Dialogue.handle`, None for the clock."""

    state: State
    settings: DialogueSettings
    owner: TurnOwner
    warm: bool
    trigger: Trigger
    event: Event | None
    now: float
    uplink_before: Uplink
    out: list[Command] = field(default_factory=list)
    """The commands so far, in the order in which they are carried out."""

    @property
    def turn(self) -> Turn:
        """The person's turn, for actions of rows that are only taken while there is one."""
        if self.state.turn is None:
            raise RuntimeError(f"no turn is open in {self.state.phase}, on {self.trigger}")
        return self.state.turn

    @property
    def answer(self) -> Answer:
        """The answer, for actions of rows that are only taken while there is one."""
        if self.state.answer is None:
            raise RuntimeError(f"no answer is due in {self.state.phase}, on {self.trigger}")
        return self.state.answer
