"""Conversations as people have them, from the press to the end."""

from typing import Any

import pytest

from speakerd.audio.events import PlaybackStarted
from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from speakerd.dialogue.machine import Dialogue
from speakerd.dialogue.settings import DialogueSettings
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import Gesture
from tests.dialogue.driver import Driver, warm


def cold(**more: Any) -> Driver:
    return Driver(Dialogue(DialogueSettings(**more), connection="on_wake", now=100.0))


def served(**more: Any) -> Driver:
    return Driver(
        Dialogue(DialogueSettings(**more), connection="warm", turn_detection="server_vad", now=100.0)
    )


def told(**more: Any) -> Driver:
    return warm(settings=DialogueSettings(**more))


# -- asking and answering ---------------------------------------------------------------------------------


def test_a_press_listens_at_once_and_back_to_its_own_moment() -> None:
    d = warm().idle().press()
    assert d.phase == "listening"
    assert d.take()[0] == c.Listen("gated", since=d.now, ends_by="gate")


def test_what_is_said_is_kept_until_the_press_is_known_to_be_a_tap_and_then_sent() -> None:
    d = warm().idle().press()
    d.do("SpeechStarted", after=0.1)
    assert d.uplink == "hold"
    d.take()
    d.gesture("tap")
    assert d.uplink == "open"
    assert d.take() == [c.SendHeld()]


def test_a_whole_turn_from_press_to_follow_up() -> None:
    d = warm().listening().speech()
    assert d.phase == "thinking"
    assert c.Commit() in d.take()
    d.response()
    assert d.phase == "thinking"
    d.sound()
    assert d.phase == "speaking"
    d.ended()
    assert d.phase == "speaking"
    d.drained()
    assert d.phase == "listening"
    assert d.uplink == "open"


def test_thinking_lasts_until_sound_not_until_the_model_is_done() -> None:
    d = warm().thinking().response().ended()
    assert d.phase == "thinking"
    d.sound()
    assert d.phase == "speaking"


def test_speaking_lasts_until_the_last_sample_when_the_model_is_done_first() -> None:
    d = warm().speaking().ended()
    assert d.phase == "speaking"
    assert d.drained().phase == "listening"


def test_speaking_lasts_until_the_model_is_done_when_the_sound_runs_out_first() -> None:
    d = warm().speaking().drained()
    assert d.phase == "speaking"
    assert d.ended().phase == "listening"


def test_sound_that_goes_on_after_a_gap_is_heard_to_its_end() -> None:
    d = warm().speaking().drained().sound().ended()
    assert d.phase == "speaking"
    assert d.drained().phase == "listening"


def test_a_reply_without_sound_is_followed_by_listening() -> None:
    assert warm().thinking().response().ended(had_audio=False).phase == "listening"


def test_speech_that_ends_before_the_press_is_understood_is_asked_when_it_is() -> None:
    d = warm().idle().press().do("SpeechStarted", "SpeechEnded silence", after=0.1)
    assert d.phase == "listening"
    d.take()
    d.gesture("tap")
    assert d.phase == "thinking"
    assert d.take()[1:3] == [c.SendHeld(), c.Commit()]


def test_the_follow_up_window_closes_after_a_silence_with_a_sound() -> None:
    d = told(follow_up_window_s=5.0).speaking().ended().drained()
    d.take()
    assert d.wait(4.9).phase == "listening"
    assert d.wait(0.2).phase == "idle"
    orders = d.take()
    assert orders[0] == c.Listen("closed")
    assert c.PlaySound("end") in orders


def test_speech_in_the_follow_up_window_is_a_turn() -> None:
    d = warm().speaking().ended().drained().wait(4).do("SpeechStarted").wait(20)
    assert d.phase == "listening"
    assert d.do("SpeechEnded silence").phase == "thinking"


def test_in_one_shot_mode_nothing_is_heard_after_the_answer_or_during_it() -> None:
    d = told(mode="one_shot").listening().speech()
    assert c.Listen("closed") in d.take()
    assert d.response().sound().do("BargeInConfirmed").phase == "speaking"
    assert d.ended().drained().phase == "idle"


def test_nobody_speaking_after_a_press_ends_the_listening() -> None:
    d = told(listen_window_s=6.0).listening()
    assert d.wait(5.5).phase == "listening"
    assert d.wait(0.7).phase == "idle"
    assert c.DiscardAudio(sent=False) in d.take()


def test_a_turn_that_never_ends_is_answered_at_its_limit() -> None:
    d = told(turn_limit_s=30.0).listening().do("SpeechStarted").wait(29)
    assert d.phase == "listening"
    assert d.wait(2).phase == "thinking"


def test_going_on_speaking_before_the_answer_sounds_takes_the_turn_back() -> None:
    d = warm().thinking().response().do("SpeechStarted")
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()
    assert d.uplink == "open"


def test_going_on_speaking_can_be_ignored() -> None:
    assert told(speech_while_thinking="ignore").thinking().do("SpeechStarted").phase == "thinking"


def test_own_sound_that_cuts_speech_off_does_not_ask() -> None:
    d = warm().listening().do("SpeechStarted", "SpeechEnded own_voice", after=0.2)
    assert d.phase == "listening"
    assert c.Commit() not in d.take()
    assert d.wait(11).phase == "idle"


# -- push-to-talk -----------------------------------------------------------------------------------------


def test_holding_talks_from_the_moment_of_the_press() -> None:
    d = warm().idle()
    pressed_at = d.now
    d.hold()
    assert d.take()[-2:] == [c.Listen("open", since=pressed_at, ends_by="release"), c.SendHeld()]
    assert d.uplink == "open"


def test_release_ends_the_turn_as_soon_as_its_last_sound_is_through() -> None:
    d = warm().idle().hold()
    d.now += 2
    d.take()
    d.gesture("hold_end", 0.0)
    assert d.take() == [c.Listen("closed")]
    assert d.uplink == "open"
    d.do("SpeechEnded released", after=0.01)
    assert d.phase == "thinking"
    assert d.take()[0] == c.Commit()


def test_release_ends_the_turn_even_if_the_microphone_says_nothing() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0)
    assert d.wait(0.24).phase == "listening"
    assert d.wait(0.02).phase == "thinking"


def test_silence_does_not_end_a_turn_that_the_hand_holds_open() -> None:
    d = warm().idle().hold().speech()
    assert d.phase == "listening"


def test_after_push_to_talk_it_does_not_listen_by_itself() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0).do("SpeechEnded released")
    assert d.response().sound().ended().drained().phase == "idle"


def test_after_push_to_talk_it_listens_if_so_set() -> None:
    d = told(follow_up_after_talk=True).idle().hold().gesture("hold_end", 1.0).do("SpeechEnded released")
    assert d.response().sound().ended().drained().phase == "listening"


def test_a_held_turn_is_answered_at_its_limit() -> None:
    d = told(turn_limit_s=10.0).idle().hold().wait(9)
    assert d.phase == "listening"
    assert d.wait(2).phase == "thinking"


def test_holding_while_it_speaks_interrupts_at_the_press() -> None:
    d = warm().speaking().press()
    assert d.take()[0] == c.Interrupt()
    d.gesture("hold_start", 0.4)
    assert d.dialogue.state.talking
    assert d.uplink == "open"


def test_pressing_again_right_after_release_goes_on_with_the_turn() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0).hold()
    assert d.phase == "listening"
    assert d.dialogue.state.talking
    assert not d.took(c.Commit)


def test_an_answer_that_begins_while_somebody_holds_the_floor_is_interrupted() -> None:
    d = served().idle().hold()
    d.take()
    assert d.response().phase == "listening"
    assert c.Interrupt() in d.take()


# -- presses ----------------------------------------------------------------------------------------------


def test_a_second_press_ends_the_listening_and_forgets_what_was_said() -> None:
    d = warm().listening().do("SpeechStarted")
    d.tap()
    assert d.phase == "idle"
    assert c.DiscardAudio(sent=True) in d.take()


def test_a_second_press_can_send_instead() -> None:
    d = told(press_while_listening="send").listening().do("SpeechStarted").tap()
    assert d.phase == "thinking"
    assert c.Commit() in d.take()


def test_a_second_press_ends_if_there_is_nothing_to_send() -> None:
    assert told(press_while_listening="send").listening().tap().phase == "idle"


def test_between_the_second_press_and_knowing_it_nothing_is_sent() -> None:
    d = warm().listening().press()
    assert d.uplink == "hold"


@pytest.mark.parametrize("place", ["thinking", "speaking"])
def test_a_press_while_it_answers_interrupts_at_once_and_listens(place: str) -> None:
    d = getattr(warm(), place)().press()
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()


@pytest.mark.parametrize("place", ["thinking", "speaking"])
def test_a_press_while_it_answers_can_end_instead(place: str) -> None:
    d = getattr(told(press_while_answering="end"), place)().tap()
    assert d.phase == "idle"
    assert d.take()[0] == c.Interrupt()


def test_a_spike_on_the_wire_undoes_what_it_began() -> None:
    d = warm().idle().press().gesture("spike", 0.03)
    assert d.phase == "idle"
    assert c.DiscardAudio(sent=False) in d.take()


def test_a_spike_while_listening_changes_nothing() -> None:
    d = warm().listening().press().gesture("spike", 0.03)
    assert d.phase == "listening"
    assert d.uplink == "open"


def test_a_double_press_mutes_and_nothing_of_what_was_said_between_has_left() -> None:
    d = warm().idle().press().do("SpeechStarted", after=0.05)
    d.gesture("double_tap", 0.2)
    assert d.phase == "idle"
    assert d.flags.muted
    orders = d.take()
    assert c.SendHeld() not in orders
    assert c.DiscardAudio(sent=False) in orders


def test_a_press_during_start_up_is_answered_when_ready() -> None:
    d = warm().tap()
    assert d.phase == "starting"
    d.do("Ready", after=3.0)
    assert d.phase == "connecting"
    assert c.Connect() in d.take()


def test_a_press_during_start_up_does_not_count_for_ever() -> None:
    assert told(remember_press_s=5.0).tap().do("Ready", after=6.0).phase == "idle"


def test_a_hold_that_lasts_through_start_up_talks_when_ready() -> None:
    d = warm().do("Connected").hold().do("Ready", after=1.0)
    assert d.phase == "listening"
    assert d.dialogue.state.talking


def test_a_hold_that_ended_during_start_up_is_forgotten() -> None:
    assert warm().hold().gesture("hold_end").do("Ready").phase == "idle"


def test_a_press_that_is_still_being_made_when_ready_counts() -> None:
    d = warm().do("Connected").press().do("Ready", after=0.1)
    assert d.phase == "listening"
    assert d.uplink == "hold"
    assert d.gesture("tap").uplink == "open"


def test_mapped_gestures_do_what_they_are_mapped_to() -> None:
    gestures = GestureSettings(press="mute", hold="stop", double="conversation", long="none")
    d = warm(gestures=gestures).idle()
    assert d.tap().flags.muted
    assert not d.tap().flags.muted
    assert d.double().phase == "listening"
    assert d.hold().phase == "idle"


def test_a_long_press_may_stop_everything() -> None:
    d = warm(gestures=GestureSettings(long="stop", hold="none")).speaking().press().gesture("long_press", 8.0)
    assert d.phase == "idle"


def test_volume_buttons_change_the_volume_in_any_state() -> None:
    d = warm().speaking().do("volume_up", "volume_down")
    assert d.take() == [c.ChangeVolume(1), c.ChangeVolume(-1)]


def test_a_stuck_button_is_an_error_until_it_comes_up() -> None:
    d = warm().idle().hold().gesture("hold_end", 60.0).gesture("stuck", 0.0)
    assert d.flags.error
    d.do("SpeechEnded released", "SessionError empty_turn")
    assert d.light == "error"
    assert not d.do("unstuck").flags.error


# -- mute -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["Mute", "mute_on"])
@pytest.mark.parametrize("place", ["idle", "listening", "thinking", "speaking"])
def test_muting_shuts_the_microphone_at_once_and_shows_it(how: str, place: str) -> None:
    d = getattr(warm(), place)().do(how)
    assert d.uplink == "closed"
    assert d.light == "muted"
    orders = d.take()
    if place != "idle":
        assert c.Listen("closed") in orders[:2]
    assert c.PlaySound("mute") in orders


def test_an_answer_may_be_heard_to_its_end_while_muted() -> None:
    d = told(mute_while_answering="finish").speaking().do("Mute")
    assert d.phase == "speaking"
    assert d.uplink == "closed"
    assert c.Listen("closed") in d.take()
    assert d.do("BargeInConfirmed").phase == "speaking"
    assert d.ended().drained().phase == "idle"
    assert d.light == "muted"


def test_a_press_ends_an_answer_that_goes_on_while_muted_and_does_not_listen() -> None:
    d = told(mute_while_answering="finish").speaking().do("Mute")
    d.take()
    d.tap()
    assert d.phase == "idle"
    assert d.take()[0] == c.Interrupt()


def test_a_press_while_muted_is_refused_audibly() -> None:
    d = warm().idle().do("Mute")
    d.take()
    d.tap()
    assert d.phase == "idle"
    assert d.take() == [c.PlaySound("mute")]


def test_a_press_while_muted_may_unmute() -> None:
    d = told(press_while_muted="unmute").idle().do("Mute").tap()
    assert d.phase == "listening"
    assert not d.flags.muted


@pytest.mark.parametrize("how", ["tap", "hold", "double"])
def test_no_gesture_gets_past_the_mute_switch(how: str) -> None:
    d = getattr(told(press_while_muted="unmute").idle().do("mute_on"), how)()
    assert d.phase == "idle"
    assert d.flags.muted
    assert d.do("Unmute").flags.muted
    assert not d.do("mute_off").flags.muted


def test_a_double_press_unmutes_without_a_refusal_before() -> None:
    d = warm().idle().do("Mute")
    d.take()
    d.double()
    assert [order for order in d.take() if isinstance(order, c.PlaySound)] == [c.PlaySound("unmute")]


@pytest.mark.parametrize("name", ["Wake", "Ask", "Say", "hold_start", "WakeWordHeard"])
def test_nothing_begins_while_muted(name: str) -> None:
    d = warm().idle().do("Mute").do(name)
    assert d.phase == "idle"
    assert not d.took(c.SendText)


def test_text_may_pass_while_muted_if_so_set_and_the_microphone_stays_shut() -> None:
    d = told(text_while_muted=True).idle().do("Mute", "Say")
    assert d.phase == "thinking"
    assert c.SendText("dinner is ready", "say") in d.take()
    d.response().sound()
    assert d.uplink == "closed"
    assert d.ended().drained().phase == "idle"


def test_it_can_start_muted() -> None:
    assert told(start_muted=True).idle().tap().phase == "idle"


def test_the_wake_word_is_not_listened_for_while_muted() -> None:
    d = warm().idle().do("Mute")
    assert c.ArmWakeWord(armed=False) in d.take()
    assert c.ArmWakeWord(armed=True) in d.do("Unmute").take()


# -- interruption by voice --------------------------------------------------------------------------------


def test_a_suspected_voice_ducks_a_confirmed_one_interrupts_and_is_heard() -> None:
    d = warm().speaking().do("BargeInSuspected")
    assert d.take() == [c.Duck()]
    assert d.uplink == "hold"
    d.do("BargeInConfirmed")
    assert d.take()[:2] == [c.Interrupt(), c.Restore()]
    assert d.phase == "listening"
    assert d.uplink == "open"
    assert d.do("SpeechStarted", "SpeechEnded silence", after=0.5).phase == "thinking"


def test_a_rejected_voice_restores_the_answer() -> None:
    d = warm().speaking().do("BargeInSuspected", "BargeInRejected")
    assert d.take() == [c.Duck(), c.Restore(), c.DiscardAudio(sent=False)]
    assert d.phase == "speaking"
    assert d.uplink == "closed"


def test_an_answer_that_ends_while_a_voice_is_suspected_is_restored() -> None:
    d = warm().speaking().ended().do("BargeInSuspected").drained()
    assert d.phase == "listening"
    assert c.Restore() in d.take()
    assert d.do("BargeInConfirmed").phase == "listening"


def test_sound_that_was_on_its_way_when_it_was_interrupted_is_not_taken_for_an_answer() -> None:
    d = warm().thinking().response()
    began = d.now
    d.now += 0.01
    d.press()
    d.now += 0.005
    d.send(PlaybackStarted("item", began))
    assert d.phase == "listening"


def test_the_wake_word_interrupts_an_answer() -> None:
    d = warm().speaking().do("WakeWordHeard")
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()


def test_the_wake_word_starts_a_conversation_from_its_end_on_with_a_sound() -> None:
    d = warm().idle().do("WakeWordHeard")
    orders = d.take()
    assert orders[0] == c.Listen("gated", since=d.now)
    assert c.PlaySound("wake") in orders


# -- connecting -------------------------------------------------------------------------------------------


def start_cold(d: Driver) -> Driver:
    d.do("Ready").tap()
    assert d.phase == "connecting"
    return d


def test_speech_is_kept_while_connecting_and_sent_then() -> None:
    d = start_cold(cold()).do("SpeechStarted")
    assert d.uplink == "hold"
    d.take()
    d.do("Connected")
    assert d.phase == "listening"
    assert d.take() == [c.SendHeld()]


def test_a_turn_that_ends_while_connecting_is_asked_once_connected() -> None:
    d = start_cold(cold()).speech()
    assert d.phase == "connecting"
    assert d.take()[-1] == c.Listen("closed")
    d.do("Connected", after=0.5)
    assert d.phase == "thinking"
    assert d.take()[1:3] == [c.SendHeld(), c.Commit()]


def test_push_to_talk_while_connecting_is_asked_once_connected() -> None:
    d = cold().do("Ready").hold()
    assert d.phase == "connecting"
    d.gesture("hold_end", 0.5)
    d.take()
    d.do("Connected", after=0.5)
    assert d.phase == "thinking"
    assert d.take()[:2] == [c.SendHeld(), c.Commit()]


def test_push_to_talk_goes_on_when_the_connection_is_there() -> None:
    d = cold().do("Ready").hold().do("Connected")
    assert d.phase == "listening"
    assert d.dialogue.state.talking


def test_a_second_press_while_connecting_cancels() -> None:
    d = start_cold(cold()).do("SpeechStarted").tap()
    assert d.phase == "idle"
    orders = d.take()
    assert c.DiscardAudio(sent=False) in orders
    assert c.Disconnect() in orders


def test_a_connection_that_cannot_be_had_says_so_after_its_limit() -> None:
    d = start_cold(cold(connect_timeout_s=8.0)).do("ConnectionLost")
    assert d.phase == "connecting"
    assert d.wait(8).phase == "idle"
    assert c.PlaySound("offline") in d.take()
    assert d.light == "offline"


def test_on_wake_offline_is_shown_for_a_while_only_since_nobody_tries() -> None:
    d = start_cold(cold(error_shown_s=5.0)).wait(20)
    assert d.light == "idle"


def test_warm_offline_is_shown_until_connected() -> None:
    d = warm().idle().do("ConnectionLost").wait(1000)
    assert d.light == "offline"
    assert d.do("Connected").light == "idle"


def test_a_key_that_is_refused_is_an_error_until_it_works() -> None:
    d = start_cold(cold()).do("ConnectionLost fatal")
    assert d.phase == "idle"
    assert c.PlaySound("error") in d.take()
    assert d.wait(1000).light == "error"
    assert start_cold(d).do("Connected").flags.error is False


def test_a_connection_that_comes_after_the_conversation_was_ended_is_let_go() -> None:
    d = start_cold(cold()).tap()
    d.take()
    assert d.do("Connected").take() == [c.Disconnect()]
    assert d.tap().phase == "connecting"


def test_on_wake_it_disconnects_when_the_conversation_is_over() -> None:
    d = start_cold(cold()).do("Connected").wait(15)
    assert d.phase == "idle"
    assert c.Disconnect() in d.take()


def test_a_connection_lost_while_listening_is_made_again_and_speech_kept() -> None:
    d = warm().listening().do("SpeechStarted", "ConnectionLost")
    assert d.phase == "connecting"
    assert d.uplink == "hold"
    assert c.Connect() in d.take()
    assert d.do("Connected").phase == "listening"


def test_a_connection_lost_while_thinking_is_healed_and_the_answer_still_comes() -> None:
    d = warm().thinking().do("ConnectionLost")
    assert d.phase == "thinking"
    assert c.PlaySound("offline") not in d.take()
    assert d.do("Connected").response("r2").do("PlaybackStarted", after=0.2).phase == "speaking"


def test_an_answer_that_no_reconnect_brings_is_given_up_with_a_sound() -> None:
    d = warm().thinking().do("ConnectionLost").wait(60)
    assert d.phase != "thinking"
    assert c.PlaySound("error") in d.take()


def test_a_connection_lost_while_speaking_lets_what_has_come_be_heard() -> None:
    d = warm().speaking().do("ConnectionLost")
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"
    assert c.PlaySound("offline") in d.take()


def test_getting_ready_connects_only_where_it_is_to_stay_connected() -> None:
    assert warm().do("Ready").take()[0] == c.Connect()
    assert cold().do("Ready").take() == [c.ArmWakeWord(armed=True)]


def test_text_asked_while_not_connected_is_sent_once_connected() -> None:
    d = cold().do("Ready", "Ask")
    assert d.phase == "connecting"
    assert d.uplink == "closed"
    d.do("Connected")
    assert d.phase == "thinking"
    assert c.SendText("what is the time") in d.take()


# -- turns that the server ends ---------------------------------------------------------------------------


def test_a_server_turn_goes_on_through_our_silence_until_the_server_says_so() -> None:
    d = served().listening().do("SpeechStarted", "ServerSpeechStarted", after=0.2)
    assert d.do("SpeechEnded closed").phase == "listening"
    d.do("SpeechStarted").wait(4)
    assert d.phase == "listening"
    d.take()
    d.do("ServerSpeechStopped")
    assert d.phase == "thinking"
    assert not d.took(c.Commit)
    assert d.do("TurnCommitted").response().sound().ended().drained().phase == "listening"


def test_the_microphone_is_told_that_the_server_ends_the_turn() -> None:
    d = served().idle().press()
    assert d.take()[0] == c.Listen("gated", since=d.now, ends_by="server")


def test_speech_that_the_server_hears_again_is_streamed_on() -> None:
    d = served().listening().do("SpeechStarted", "ServerSpeechStarted", "ServerSpeechStopped", after=0.3)
    d.take()
    d.do("ServerSpeechStarted", after=0.1)
    assert d.phase == "listening"
    assert d.take()[:2] == [c.Interrupt(), c.Listen("open", None, "server")]
    d.do("ServerSpeechStopped", after=1.0)
    assert d.phase == "thinking"
    assert d.take()[0] == c.Listen("gated", None, "server")


def test_noise_that_the_server_does_not_take_for_speech_is_discarded() -> None:
    d = served(server_start_limit_s=3.0).listening().do("SpeechStarted").wait(2.9)
    d.take()
    assert d.wait(0.2).phase == "listening"
    assert c.DiscardAudio(sent=True) in d.take()
    assert d.wait(11).phase == "idle"


def test_a_server_that_never_reports_the_end_is_asked_in_the_end() -> None:
    d = (
        served()
        .listening()
        .do("SpeechStarted", "ServerSpeechStarted")
        .do("SpeechEnded server_silent", after=10.0)
    )
    assert d.phase == "thinking"
    assert c.Commit() in d.take()


def test_a_server_that_answers_without_a_word_before_is_taken_as_it_is() -> None:
    d = served().listening().do("SpeechStarted").response()
    assert d.phase == "thinking"


def test_a_server_that_cancels_its_own_answer_gives_the_floor_back() -> None:
    d = (
        served()
        .listening()
        .do("SpeechStarted", "ServerSpeechStarted", "ServerSpeechStopped")
        .response()
        .sound()
    )
    d.take()
    d.ended(status="cancelled")
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()


# -- answers that go wrong --------------------------------------------------------------------------------


def test_a_model_that_never_answers_ends_in_a_sound_and_listening() -> None:
    d = told(response_timeout_s=12.0).thinking().wait(11.9)
    assert d.phase == "thinking"
    d.take()
    d.wait(0.2)
    assert d.phase == "listening"
    orders = d.take()
    assert orders[0] == c.Interrupt()
    assert c.PlaySound("error") in orders


def test_after_push_to_talk_it_ends_idle() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0).do("SpeechEnded released").wait(25)
    assert d.phase == "idle"


def test_a_model_that_stops_in_the_middle_is_given_up() -> None:
    d = warm().speaking().drained().wait(21)
    assert d.phase == "listening"
    assert c.Interrupt() in d.take()


def test_a_sound_device_that_hangs_is_given_up() -> None:
    assert told(playback_limit_s=60.0).speaking().ended().wait(61).phase == "listening"


def test_a_failed_answer_is_heard_as_an_error_after_what_came_of_it() -> None:
    d = warm().speaking().ended(status="failed")
    assert c.PlaySound("error") not in d.take()
    d.drained()
    assert d.phase == "listening"
    assert c.PlaySound("error") in d.take()


def test_an_error_while_thinking_is_heard_and_shown_and_forgotten() -> None:
    d = told(error_shown_s=3.0).thinking().do("SessionError server")
    assert d.phase == "listening"
    assert c.PlaySound("error") in d.take()
    assert d.flags.error
    assert not d.wait(3).flags.error


def test_a_turn_without_speech_is_no_error() -> None:
    d = warm().thinking().do("SessionError empty_turn")
    assert d.phase == "listening"
    assert c.PlaySound("error") not in d.take()


def test_a_refused_request_changes_nothing() -> None:
    d = warm().speaking().do("SessionError request", "SessionError tool")
    assert d.phase == "speaking"
    assert d.take() == []


def test_an_answer_that_was_interrupted_before_it_began_is_not_taken_for_the_next() -> None:
    d = warm().thinking().do("SpeechStarted").do("SpeechEnded silence", after=1.0)
    assert d.phase == "thinking"
    d.response("old").ended("old", status="cancelled", had_audio=False)
    assert d.phase == "thinking"
    assert d.response("new").sound().ended("new").drained().phase == "listening"


def test_an_answer_that_was_interrupted_before_it_began_is_interrupted_when_it_does() -> None:
    d = warm().thinking().tap()
    d.take()
    d.response("old")
    assert d.phase == "listening"
    assert c.Interrupt() in d.take()
    assert d.response("unasked").phase == "thinking"


def test_the_end_of_another_response_changes_nothing() -> None:
    d = warm().speaking().ended("other")
    assert d.dialogue.ignored["speaking", "ResponseEnded"] == 1
    assert d.phase == "speaking"


def test_an_answer_nobody_waits_for_is_silenced() -> None:
    d = warm().idle().response()
    assert d.take() == [c.Interrupt()]
    d.now += 1
    assert d.do("PlaybackStarted").take() == [c.Interrupt()]
    assert d.phase == "idle"


# -- tools, approvals, timers -----------------------------------------------------------------------------


def test_a_tool_without_sound_thinks_on_until_the_answer_that_follows() -> None:
    d = warm().thinking().response("a").do("ToolStarted").ended("a", had_audio=False, tool_calls=1)
    assert d.light == "thinking"
    assert d.wait(60).phase == "thinking"
    d.do("ToolEnded").response("b").sound().ended("b")
    assert d.drained().phase == "listening"


def test_a_tool_after_sound_thinks_again() -> None:
    d = warm().speaking().do("ToolStarted").ended(tool_calls=1).drained()
    assert d.phase == "thinking"
    assert d.do("ToolEnded").response("b").sound().phase == "speaking"


def test_the_next_part_of_an_answer_may_begin_while_the_first_is_heard() -> None:
    d = warm().speaking().do("ToolStarted").ended(tool_calls=1).do("ToolEnded").response("b").ended("b")
    assert d.drained().phase == "listening"


def test_a_tool_that_never_ends_is_given_up() -> None:
    d = told(tool_timeout_s=30.0).thinking().response().do("ToolStarted").ended(had_audio=False, tool_calls=1)
    assert d.wait(31).phase == "listening"


def test_the_word_that_ends_the_conversation_lets_the_goodbye_be_heard() -> None:
    d = warm().speaking().do("ToolStarted", "ConversationEndRequested", "ToolEnded").ended(tool_calls=1)
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"
    assert c.PlaySound("end") in d.take()


def test_a_goodbye_that_follows_the_tool_is_waited_for() -> None:
    d = warm().thinking().response("a").do("ToolStarted", "ConversationEndRequested", "ToolEnded")
    d.ended("a", had_audio=False, tool_calls=1)
    assert d.phase == "thinking"
    assert d.response("b").sound().ended("b").drained().phase == "idle"


def test_a_second_goodbye_is_not_said() -> None:
    d = (
        warm()
        .speaking()
        .do("ToolStarted", "ConversationEndRequested", "ToolEnded")
        .ended(tool_calls=1)
        .drained()
    )
    d.take()
    assert d.response("b").take() == [c.Interrupt()]
    assert d.phase == "idle"


def test_an_approval_is_given_by_a_tap_and_not_before() -> None:
    d = warm().thinking().response().approval()
    assert d.light == "approval"
    d.take()
    d.press()
    assert d.take() == []
    d.gesture("tap")
    assert d.take() == [c.Approve("c1")]
    assert d.light == "thinking"


@pytest.mark.parametrize("how", ["hold", "double"])
def test_an_approval_is_refused_by_a_hold_or_a_double_press(how: str) -> None:
    d = warm().thinking().response().approval()
    d.take()
    getattr(d, how)()
    assert [type(order) for order in d.take()] == [c.Reject]
    assert d.phase == "thinking"
    assert not d.flags.muted


def test_what_a_press_says_to_an_approval_can_be_set() -> None:
    settings = DialogueSettings(approval_press="none", approval_hold="approve")
    d = warm(settings=settings).thinking().approval()
    d.take()
    assert d.tap().take() == []
    assert d.hold().take() == [c.Approve("c1")]


def test_a_press_made_before_the_question_does_not_answer_it() -> None:
    d = warm().speaking().press().approval("c9")
    d.take()
    d.gesture("tap")
    assert not any(isinstance(order, c.Approve | c.Reject) for order in d.take())
    assert d.flags.approval


def test_a_press_aimed_at_one_question_does_not_answer_the_next() -> None:
    d = warm().thinking().approval("c1").press()
    d.send(events.ApprovalResolved("c1")).approval("c2")
    d.take()
    d.gesture("tap")
    assert d.take() == []
    assert d.flags.approval


def test_an_approval_nobody_gives_is_refused() -> None:
    d = told(approval_timeout_s=15.0).thinking().approval()
    d.take()
    d.wait(15.1)
    assert [type(order) for order in d.take()] == [c.Reject]


def test_waiting_for_approval_is_not_a_silence_of_the_model() -> None:
    d = told(approval_timeout_s=300.0, response_timeout_s=10.0).thinking().response().approval().wait(200)
    assert d.phase == "thinking"
    assert d.do("Stop").phase == "idle"
    assert [type(order) for order in d.take() if isinstance(order, c.Reject)] == [c.Reject]


def test_an_approval_nobody_can_give_is_refused_at_once() -> None:
    d = warm().idle().approval()
    assert [type(order) for order in d.take()] == [c.Reject]


def test_too_many_approvals_are_refused() -> None:
    d = warm().thinking()
    for index in range(12):
        d.approval(f"c{index}")
    assert len(d.dialogue.state.approvals) == 8
    assert len(d.took(c.Reject)) == 4


def test_a_timer_rings_until_it_is_silenced_by_a_press_that_does_no_more() -> None:
    d = told(ring_every_s=2.0).idle().do("TimerRinging")
    assert d.light == "ringing"
    d.wait(6.5)
    assert d.take() == [c.PlaySound("timer")] * 4
    d.press()
    assert d.take() == [c.SilenceTimer("tea")]
    d.gesture("tap")
    assert d.take() == []
    assert d.phase == "idle"


def test_two_presses_at_a_ringing_timer_do_not_mute() -> None:
    d = warm().idle().do("TimerRinging").double()
    assert not d.flags.muted
    assert not d.flags.ringing


def test_a_press_silences_the_timer_first_and_answers_no_question() -> None:
    d = warm().thinking().approval().do("TimerRinging")
    d.take()
    d.tap()
    assert d.take() == [c.SilenceTimer("tea")]
    assert d.flags.approval


def test_holding_after_the_timer_is_silenced_talks() -> None:
    assert warm().idle().do("TimerRinging").hold().phase == "listening"


def test_a_timer_nobody_silences_stops_in_the_end() -> None:
    d = told(ring_limit_s=20.0).idle().do("TimerRinging").wait(21)
    assert not d.flags.ringing
    assert c.SilenceTimer("tea") in d.take()


def test_several_timers_ring_together_and_are_silenced_one_by_one_or_all() -> None:
    d = warm().idle()
    for name in ("eggs", "rice", "tea"):
        d.send(events.TimerRinging(name))
    d.send(events.TimerSilenced("rice"))
    assert d.dialogue.state.ringing == ("eggs", "tea")
    d.send(events.TimerSilenced())
    assert not d.flags.ringing


def test_a_timer_rings_while_it_speaks_and_the_answer_goes_on() -> None:
    d = warm().speaking().do("TimerRinging")
    assert d.light == "ringing"
    assert d.tap().phase == "speaking"


# -- the daemon -------------------------------------------------------------------------------------------


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
    d = warm().idle().send(Gesture("tap", 100.0, 99.9))
    assert d.phase == "idle"
    assert d.dialogue.ignored["idle", "tap"] == 1
