"""The words of `systemctl status`."""

from speakerd.daemon.service import WORDS, status_words
from speakerd.dialogue.events import Ready
from speakerd.dialogue.requests import MUTE
from speakerd.dialogue.state import PHASES
from speakerd.dialogue.state_machine import Dialogue


def test_every_phase_has_its_words() -> None:
    assert set(WORDS) == set(PHASES)


def test_muted_is_said_where_nothing_else_goes_on() -> None:
    dialogue = Dialogue()
    assert status_words(dialogue) == "starting"
    dialogue.handle(Ready(), 1.0)
    assert status_words(dialogue) == "idle: press the button to talk"
    assert status_words(dialogue, ("no microphone", "no microphone")) == (
        "waiting for the sound card: no microphone"
    )
    dialogue.handle(MUTE, 2.0)
    assert status_words(dialogue) == "muted"
