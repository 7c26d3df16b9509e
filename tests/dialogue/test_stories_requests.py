"""What the daemon asks and tells: requests, text, devices, settings, the end."""

import pytest

from speakerd.dialogue import commands as c
from speakerd.dialogue.settings import DialogueSettings
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import Gesture
from tests.dialogue.driver import warm


def test_a_request_to_listen_works_as_a_press_with_a_sound() -> None:
    d = warm().idle().do("Wake")
    assert d.phase == "listening"
    assert c.PlaySound("wake") in d.take()


def test_a_request_to_stop_silences_everything() -> None:
    d = warm().speaking().do("TimerRinging", "Stop")
    assert d.phase == "idle"
    orders = d.take()
    assert c.Interrupt() in orders
    assert c.SilenceTimer("tea") in orders


def test_text_interrupts_an_answer_and_is_answered() -> None:
    d = warm().speaking().do("Ask")
    assert d.phase == "thinking"
    assert [type(order) for order in d.take()] == [c.Interrupt, c.SendText]


def test_text_asked_while_listening_takes_the_place_of_what_was_said() -> None:
    d = warm().listening().do("SpeechStarted", "Ask")
    assert [type(order) for order in d.take()] == [c.DiscardAudio, c.SendText, c.ArmWakeWord]


def test_after_an_answer_to_text_nobody_is_listened_to() -> None:
    d = warm().idle().do("Ask")
    assert c.Listen not in [type(order) for order in d.take()]
    assert d.response().sound().ended().drained().phase == "idle"


@pytest.mark.parametrize(
    ("lost", "back"),
    [("microphone lost", "microphone returned"), ("loudspeaker lost", "loudspeaker returned")],
)
def test_without_a_device_nothing_begins_and_the_light_says_why(lost: str, back: str) -> None:
    d = warm().idle().do(lost)
    assert d.light == "error"
    assert d.tap().phase == "idle"
    assert d.do(back).light == "idle"
    assert d.tap().phase == "listening"


def test_a_microphone_lost_while_it_speaks_lets_the_answer_end() -> None:
    d = warm().speaking().do("microphone lost").ended()
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"


def test_a_loudspeaker_lost_while_it_speaks_ends_the_answer() -> None:
    d = warm().speaking().do("loudspeaker lost")
    assert d.phase == "idle"
    assert d.take()[0] == c.Interrupt()


def test_stopping_lets_go_of_all_hears_nothing_more_and_leaves_the_fading_to_the_daemon() -> None:
    d = warm().speaking().do("StopRequested")
    assert d.light == "stopping"
    orders = d.take()
    assert orders[0] == c.Listen("closed")
    assert c.Disconnect() in orders
    assert c.Interrupt() not in orders
    assert d.do("Wake", "press_down", "Connected", "Ready").take() == []
    assert d.phase == "stopping"
    assert d.dialogue.deadline is None


def test_every_change_of_phase_is_worth_a_line_in_the_journal() -> None:
    d = warm().idle().press()
    assert c.Log("phase", {"from": "idle", "to": "listening", "cause": "press_down"}) in d.orders


def test_new_settings_count_from_the_next_event() -> None:
    d = warm().idle().do("Mute")
    d.dialogue.configure(
        DialogueSettings(press_while_muted="unmute"),
        gestures=GestureSettings(),
        turn_detection="server_vad",
        connection="warm",
    )
    assert d.tap().phase == "listening"
    assert d.dialogue.state.hands_free


def test_a_gesture_nobody_began_is_ignored() -> None:
    d = warm().idle()
    before = d.dialogue.state.copy()
    assert d.send(Gesture("tap", 100.0, 99.9)).take() == []
    assert d.phase == "idle"
    assert d.dialogue.state == before
