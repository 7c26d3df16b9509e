"""What the speaker does, in the words of `systemctl status`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from speakerd.dialogue.state import Phase
    from speakerd.dialogue.state_machine import Dialogue

WORDS: Final[dict[Phase, str]] = {
    "starting": "starting",
    "idle": "idle: press the button to talk",
    "connecting": "connecting to the model",
    "listening": "listening",
    "thinking": "thinking",
    "speaking": "speaking",
    "stopping": "stopping",
}


def status_words(dialogue: Dialogue) -> str:
    """One line; muted is said where nothing else goes on."""
    if dialogue.flags.muted and dialogue.phase == "idle":
        return "muted"
    return WORDS[dialogue.phase]
