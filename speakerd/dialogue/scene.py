"""What conditions and actions see of one event: the state, what is set, what happened, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakerd.dialogue.commands import Command
    from speakerd.dialogue.posture import TurnOwner
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import State, Uplink
    from speakerd.dialogue.table import Trigger


@dataclass(slots=True)
class Scene:
    """One event being handled. `event` is what was given to `Dialogue.handle`, None for the clock."""

    state: State
    settings: DialogueSettings
    owner: TurnOwner
    warm: bool
    trigger: Trigger
    event: object
    now: float
    uplink_before: Uplink
    out: list[Command] = field(default_factory=list)
