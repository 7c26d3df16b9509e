"""Corners of the table that no ordinary conversation comes to, each row by what it is there for."""

from collections.abc import Callable
from typing import Any

import pytest

from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state_machine import Dialogue
from speakerd.panel.settings import GestureSettings
from tests.dialogue.driver import Driver, warm


def told(gestures: GestureSettings | None = None, **more: Any) -> Driver:
    return warm(settings=DialogueSettings(**more), gestures=gestures)


def speaking(gestures: GestureSettings) -> Driver:
    """As `Driver.speaking`, whatever a press does."""
    return told(gestures).idle().do("Wake").speech().response().sound()


def away(**more: Any) -> Driver:
    """Warm, idle, and the connection lost."""
    return told(**more).idle().do("ConnectionLost")


def cold(**more: Any) -> Driver:
    return Driver(Dialogue(DialogueSettings(**more), connection="on_wake", now=100.0)).do("Ready")


def served() -> Driver:
    return Driver(Dialogue(connection="warm", turn_detection="server_vad", now=100.0))


def deaf_in(place: str, **more: Any) -> Driver:
    """In an answer, and the microphone lost meanwhile."""
    d: Driver = getattr(told(**more), place)()
    return d.do("microphone lost")


def muted_in(place: str, **more: Any) -> Driver:
    """In an answer that goes on although muted."""
    d: Driver = getattr(told(mute_while_answering="finish", **more), place)()
    return d.do("Mute")


HOLD_ONLY = GestureSettings(press="none")

CORNERS: dict[str, tuple[Callable[[], Driver], Callable[[Driver], Driver], str, tuple[type[c.Command], ...]]] = {
    # what is done: where, what happens, the phase after it, orders that must be among those given
    "a press while not connected connects at the press": (cold, Driver.press, "connecting", (c.Connect, c.Listen)),
    "the wake word while not connected connects": (away, lambda d: d.do("WakeWordHeard"), "connecting", (c.Connect, c.PlaySound)),
    "a press that unmutes while not connected connects": (
        lambda: away(press_while_muted="unmute").do("Mute"), Driver.tap, "connecting", (c.PlaySound, c.Connect, c.Listen),
    ),
    "holding alone may talk, and connects": (
        lambda: told(HOLD_ONLY).idle().do("ConnectionLost"), Driver.hold, "connecting", (c.Connect, c.Listen),
    ),
    "muting during start-up forgets the press before": (warm, lambda d: d.tap().do("Mute", "Unmute", "Ready", after=0.1), "idle", ()),
    "stop in idle silences the timer": (lambda: warm().idle().do("TimerRinging"), lambda d: d.do("Stop"), "idle", (c.SilenceTimer,)),
    "holding goes on with a turn begun before": (lambda: cold().tap(), lambda d: d.hold().do("Connected"), "listening", (c.SendHeld,)),
    "a voice in the room takes the place of text that waits": (
        lambda: cold().do("Ask"), lambda d: d.hold().do("Connected", after=1.0), "listening", (c.SendHeld,),
    ),
    "text takes the place of speech that waits": (
        lambda: cold().tap(), lambda d: d.do("SpeechStarted", "Ask", "Connected", after=0.1), "thinking", (c.DiscardAudio, c.SendText),
    ),
    "a spike does not keep a finished turn from being answered": (
        lambda: warm().listening().do("SpeechStarted"),
        lambda d: d.press().do("SpeechEnded silence").gesture("spike", 0.03),
        "thinking",
        (c.SendHeld, c.Commit),
    ),
    "a server that heard nothing in what we sent for long is spared it": (
        lambda: served().listening().do("SpeechStarted"), lambda d: d.do("SpeechEnded server_silent"), "listening", (c.DiscardAudio,),
    ),
    "sound that begins unasked while nobody speaks is shown as speaking": (
        lambda: warm().listening(), lambda d: d.do("PlaybackStarted", after=1.0), "speaking", (),
    ),
    "sound that begins while somebody speaks is silenced": (
        lambda: warm().listening().do("SpeechStarted"), lambda d: d.do("PlaybackStarted", after=1.0), "listening", (c.Interrupt,),
    ),
    "an error while listening is heard, and it listens on": (
        lambda: warm().listening(), lambda d: d.do("SessionError server"), "listening", (c.PlaySound,),
    ),
    "a goodbye that comes late ends the listening": (
        lambda: warm().listening(), lambda d: d.do("ConversationEndRequested"), "idle", (c.PlaySound, c.Listen),
    ),
    "holding alone interrupts and talks": (
        lambda: speaking(HOLD_ONLY), Driver.hold, "listening", (c.Interrupt, c.Listen),
    ),
    "a press interrupts what remains of a lost answer, and connects": (
        lambda: warm().speaking().do("ConnectionLost"), Driver.press, "connecting", (c.Interrupt, c.Connect, c.Listen),
    ),
    "the wake word does, too": (
        lambda: warm().speaking().do("ConnectionLost"), lambda d: d.do("WakeWordHeard"), "connecting", (c.Interrupt, c.Connect),
    ),
    "and holding": (
        lambda: speaking(HOLD_ONLY).do("ConnectionLost"), Driver.hold, "connecting", (c.Interrupt, c.Connect, c.Listen),
    ),
    "and text": (
        lambda: warm().speaking().do("ConnectionLost"), lambda d: d.do("Ask", "Connected", after=0.1), "thinking", (c.Interrupt, c.Connect, c.SendText),
    ),
    "and a voice": (
        lambda: warm().speaking().do("ConnectionLost"), lambda d: d.do("BargeInConfirmed"), "connecting", (c.Interrupt, c.Connect),
    ),
    "a press ends an answer that nobody could reply to": (
        lambda: deaf_in("speaking"), Driver.press, "idle", (c.Interrupt, c.PlaySound),
    ),
    "a hold ends it, too": (
        lambda: speaking(HOLD_ONLY).do("microphone lost"), Driver.hold, "idle", (c.Interrupt, c.PlaySound),
    ),
    "a hold that is to end the conversation ends the answer": (
        lambda: speaking(GestureSettings(press="none", hold="conversation")), Driver.hold, "idle", (c.Interrupt, c.PlaySound),
    ),
    "the wake request does not": (lambda: deaf_in("speaking"), lambda d: d.do("Wake"), "speaking", (c.PlaySound,)),
    "a press while muted ends the answer and is no new question": (
        lambda: muted_in("thinking"), Driver.tap, "idle", (c.Interrupt,),
    ),
    "a voice over a sound that has not begun takes the turn back": (
        lambda: warm().thinking(), lambda d: d.do("BargeInConfirmed"), "listening", (c.Interrupt,),
    ),
    "an answer that the server cancels after push-to-talk ends there": (
        lambda: warm().idle().do("Ask").response(), lambda d: d.ended(status="cancelled"), "idle", (c.Interrupt,),
    ),
    "sound of no length is no answer to wait for": (
        lambda: warm().thinking().response().ended(), lambda d: d.do("PlaybackDrained"), "listening", (),
    ),
    "a key refused while thinking ends in a sound": (
        lambda: warm().thinking(), lambda d: d.do("SessionError account"), "idle", (c.Interrupt, c.PlaySound),
    ),
    "a key refused while speaking lets what came be heard": (
        lambda: warm().speaking(), lambda d: d.do("ConnectionLost fatal").drained(), "idle", (),
    ),
    "an error after a question by text ends in a sound": (
        lambda: warm().idle().do("Ask"), lambda d: d.do("SessionError rate_limit"), "idle", (c.Interrupt, c.PlaySound),
    ),
    "an error while speaking is heard after what came": (
        lambda: warm().speaking().ended(), lambda d: d.do("SessionError server").drained(), "listening", (c.PlaySound,),
    ),
    "a failed answer to text ends in a sound": (
        lambda: warm().idle().do("Ask").response(), lambda d: d.ended(status="failed", had_audio=False), "idle", (c.PlaySound,),
    ),
    "unmuting by request against the switch is refused audibly": (
        lambda: warm().idle().do("mute_on"), lambda d: d.do("Unmute"), "idle", (c.PlaySound,),
    ),
    "text while muted is refused audibly": (lambda: warm().idle().do("Mute"), lambda d: d.do("Ask"), "idle", (c.PlaySound,)),
    "a microphone lost while listening ends it with a sound": (
        lambda: warm().listening(), lambda d: d.do("microphone lost"), "idle", (c.Listen, c.PlaySound),
    ),
}  # fmt: skip


@pytest.mark.parametrize("corner", CORNERS)
def test_corner(corner: str) -> None:
    place, happens, phase, orders = CORNERS[corner]
    d = place()
    d.take()
    happens(d)
    assert d.phase == phase
    given = [type(order) for order in d.take()]
    assert [order for order in orders if order not in given] == []


def test_a_press_that_ends_an_answer_while_muted_is_no_error() -> None:
    assert c.PlaySound("error") not in muted_in("speaking").press().take()


def test_silence_or_a_late_voice_changes_nothing_while_the_hand_holds_the_floor() -> None:
    d = warm().idle().hold()
    before = d.dialogue.state.copy()
    d.do("SpeechEnded silence", "BargeInRejected")
    assert d.talking
    assert d.dialogue.state == before


@pytest.mark.parametrize("how", ["mute_on", "Mute"])
def test_during_start_up_muting_holds_from_the_start(how: str) -> None:
    d = warm().do(how, "Ready", "Connected").tap()
    assert d.phase == "idle"
    assert d.flags.muted


def test_a_fault_is_shown_and_logged_wherever_it_comes() -> None:
    d = warm().idle().do("SessionError server")
    assert d.light == "error"
    assert c.Log("session_error", {"kind": "server"}, problem=True) in d.orders
    d.do("ConnectionLost fatal")
    assert c.Log("account_fault", {}, problem=True) in d.orders
    assert d.wait(600).light == "error"
    assert d.do("Connected").light == "idle"


def test_connected_again_while_speaking_is_remembered() -> None:
    d = warm().speaking().do("ConnectionLost", "Connected")
    assert d.drained().phase == "listening"


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("connecting", "SpeechEnded closed"),
        ("connecting", "BargeInRejected"),
        ("connecting", "Wake"),
        ("idle", "ToolEnded"),
        ("idle", "TurnCommitted"),
        ("idle", "SpeechEnded closed"),
        ("listening", "ServerSpeechStarted"),
        ("listening", "ServerSpeechStopped"),
        ("listening", "SpeechEnded closed"),
        ("listening", "SessionError empty_turn"),
        ("listening", "ToolEnded"),
        ("listening", "Wake"),
        ("thinking", "SpeechEnded closed"),
        ("thinking", "TurnCommitted"),
        ("thinking", "BargeInRejected"),
        ("speaking", "SpeechStarted"),
        ("speaking", "TurnCommitted"),
        ("speaking", "SessionError empty_turn"),
    ],
)
def test_what_is_only_late_is_not_acted_upon(place: str, name: str) -> None:
    d: Driver = away().tap() if place == "connecting" else getattr(warm(), place)()
    d.take()
    d.do(name)
    assert d.phase == place
    assert not [order for order in d.take() if not isinstance(order, c.DiscardAudio)]


def test_a_response_that_ends_after_it_was_interrupted_is_only_late() -> None:
    d = warm().speaking().press().gesture("tap")
    before = d.dialogue.state.copy()
    d.send(events.ResponseEnded("r1", "cancelled"))
    assert d.phase == "listening"
    assert d.dialogue.state == before


def test_a_press_silences_one_question_that_was_answered_meanwhile_without_harm() -> None:
    d = warm().thinking().approval("c1").press()
    d.send(events.ApprovalResolved("c1"))
    d.take()
    d.gesture("tap")
    assert d.take() == []
    assert not d.dialogue.state.hand.undecided


def test_a_hold_that_nobody_can_listen_to_settles_its_press() -> None:
    """Muted, a typed question waits for the connection, and the button is held: what is said later is not kept back."""
    d = cold(text_while_muted=True).do("Mute", "Ask").hold().do("Unmute", "Wake", "Connected", after=0.1)
    d.response().sound().ended().drained()
    assert d.do("Wake", "Connected", after=1.0).phase == "listening"
    assert d.uplink == "open"
