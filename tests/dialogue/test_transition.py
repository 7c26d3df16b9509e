"""What an action is given of the event that is being handled."""

import pytest

from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import State
from speakerd.dialogue.transition import Transition


def test_an_action_in_the_wrong_row_is_told_what_is_missing_there() -> None:
    transition = Transition(State("idle"), DialogueSettings(), "local", False, "tap", None, 1.0, "closed")
    with pytest.raises(RuntimeError, match="no turn is open in idle, on tap"):
        _ = transition.turn
    with pytest.raises(RuntimeError, match="no answer is due in idle, on tap"):
        _ = transition.answer
