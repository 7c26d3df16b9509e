"""The conditions of the rows of the table: pure questions about a transition. None changes anything."""

from collections.abc import Callable
from functools import cache
from typing import Final, Literal, TypeAlias, assert_never

from speakerd.audio.events import DeviceLost, DeviceReturned, SpeechEnded, SpeechEndReason
from speakerd.dialogue.events import (
    ApprovalResolved,
    NoReplyDue,
    ResponseEnded,
    TimerRinging,
    TimerSilenced,
    ToolEnded,
)
from speakerd.dialogue.refusal import MAX_ANNOUNCEMENTS
from speakerd.dialogue.transition import Transition

Condition: TypeAlias = Callable[[Transition], bool]

MAX_APPROVALS: Final = 8
"""Tool calls that may wait for a yes at a time; a person could not tell more apart either."""
MAX_RINGING: Final = 32
"""Timers that may ring at a time."""

CUT_SHORT: Final = frozenset({"connection_lost", "superseded"})
"""Reasons why the session ends a response by itself, on behalf of a server that has not."""


@cache
def not_(condition: Condition) -> Condition:
    """Ask the opposite. The same condition gives the same function."""

    def negated(t: Transition) -> bool:
        return not condition(t)

    negated.__name__ = f"not {condition.__name__}"
    return negated


# -- the world ----------------------------------------------------------------------------------------------


def connected(t: Transition) -> bool:
    """The session can take sound and text."""
    return t.state.connected


def warm(t: Transition) -> bool:
    """The connection is kept while nobody talks (`model.connection`)."""
    return t.warm


def muted(t: Transition) -> bool:
    """The microphone is shut, by hand or by the mute switch."""
    return t.state.muted


def mute_switch(t: Transition) -> bool:
    """The mute switch is on."""
    return t.state.mute_switch


def devices_ok(t: Transition) -> bool:
    """Both microphone and loudspeaker work."""
    return not (t.state.microphone_lost or t.state.loudspeaker_lost)


def may_listen(t: Transition) -> bool:
    """A conversation by voice is possible."""
    return not t.state.muted and devices_ok(t)


def may_send(t: Transition) -> bool:
    """A typed request may be sent, and its answer can be heard."""
    return (not t.state.muted or t.settings.text_while_muted) and not t.state.loudspeaker_lost


def may_announce(t: Transition) -> bool:
    """An announcement can be heard; where the model is to speak it, the model may be asked."""
    return not t.state.loudspeaker_lost and (t.settings.announcement_voice == "local" or may_send(t))


def by_model(t: Transition) -> bool:
    """The model speaks the announcements."""
    return t.settings.announcement_voice == "model"


def announcement_due(t: Transition) -> bool:
    """An announcement waits, and can be heard."""
    return bool(t.state.announcements) and may_announce(t)


def room_to_announce(t: Transition) -> bool:
    """One more announcement may wait."""
    return len(t.state.announcements) < MAX_ANNOUNCEMENTS


def may_shut(t: Transition) -> bool:
    """What mutes (the switch, or anything else) has not muted yet."""
    return not (t.state.mute_switch if t.trigger == "switch_on" else t.state.muted)


def may_open(t: Transition) -> bool:
    """What unmutes may do so: the switch only what it muted itself, all else only while the switch is off."""
    if t.trigger == "switch_off":
        return t.state.mute_switch
    return t.state.muted and not t.state.mute_switch


def mute_finishes(t: Transition) -> bool:
    """Muting lets the answer be heard to its end, or was done before."""
    return t.settings.mute_while_answering == "finish" or t.state.muted


def loudspeaker(t: Transition) -> bool:
    """The device that was lost is the loudspeaker."""
    return isinstance(t.event, DeviceLost) and t.event.direction == "playback"


def is_lost(t: Transition) -> bool:
    """The device that returned had been lost."""
    if not isinstance(t.event, DeviceReturned):
        return False
    return t.state.microphone_lost if t.event.direction == "capture" else t.state.loudspeaker_lost


def rings(t: Transition) -> bool:
    """The timer of the event rings already, or none more may; of an event without a timer: any timer rings."""
    if isinstance(t.event, TimerRinging):
        return t.event.name in t.state.ringing or len(t.state.ringing) >= MAX_RINGING
    if isinstance(t.event, TimerSilenced) and t.event.name is not None:
        return t.event.name in t.state.ringing
    return bool(t.state.ringing)


def button_fault(t: Transition) -> bool:
    """The button was reported as stuck."""
    return any(fault.kind == "button" for fault in t.state.faults)


# -- the hand -----------------------------------------------------------------------------------------------


def early_press(t: Transition) -> bool:
    """Somebody pressed during start-up, not too long ago."""
    early = t.state.early_press
    return early is not None and t.now - early.at <= t.settings.remember_press_s


def began(t: Transition) -> bool:
    """The press has started or interrupted something."""
    return t.state.hand.press == "began"


def undecided(t: Transition) -> bool:
    """Nobody knows yet what the press becomes."""
    return t.state.hand.undecided


def press_sends(t: Transition) -> bool:
    """A press while listening sends what was said so far."""
    return t.settings.press_while_listening == "send"


def press_ends_answer(t: Transition) -> bool:
    """A press while answering ends the conversation."""
    return t.settings.press_while_answering == "end"


def press_unmutes(t: Transition) -> bool:
    """A press unmutes: it is set to, and what muted is not the switch."""
    return (
        t.settings.press_while_muted == "unmute"
        and t.state.muted
        and not t.state.mute_switch
        and devices_ok(t)
    )


def aimed(t: Transition) -> bool:
    """The tool call that waited for approval when the button went down still waits."""
    return any(waiting.call_id == t.state.hand.aim for waiting in t.state.approvals)


def room(t: Transition) -> bool:
    """One more tool call may wait for approval."""
    return len(t.state.approvals) < MAX_APPROVALS


def waits(t: Transition) -> bool:
    """The tool call that was answered elsewhere waits for approval here."""
    return isinstance(t.event, ApprovalResolved) and any(
        approval.call_id == t.event.call_id for approval in t.state.approvals
    )


# -- the person's turn --------------------------------------------------------------------------------------


def turn(t: Transition) -> bool:
    """A turn is open."""
    return t.state.turn is not None


def text(t: Transition) -> bool:
    """A typed request waits for the connection."""
    return t.state.text is not None


def talking(t: Transition) -> bool:
    """The turn is push-to-talk."""
    return t.state.turn is not None and t.state.turn.talking


def heard(t: Transition) -> bool:
    """Speech was heard in this turn."""
    return t.state.turn is not None and t.state.turn.heard


def quiet(t: Transition) -> bool:
    """Nobody has said anything in this turn, nor holds the button."""
    return not (heard(t) or talking(t) or undecided(t))


def server_turn(t: Transition) -> bool:
    """Speech was heard in this turn, and no button has to do with it: the server may end it."""
    return heard(t) and not talking(t) and not undecided(t)


def turn_over(t: Transition) -> bool:
    """The turn has ended and waits to be committed."""
    return t.state.turn is not None and t.state.turn.over


def released(t: Transition) -> bool:
    """The turn has ended, and it is known what the press became."""
    return turn_over(t) and not undecided(t)


def server_heard(t: Transition) -> bool:
    """The server has heard speech in this turn."""
    return t.state.turn is not None and t.state.turn.server_heard


def local(t: Transition) -> bool:
    """Our gate ends the turns."""
    return t.owner == "local"


def owned(t: Transition) -> bool:
    """The server ends the turns."""
    return t.owner == "server"


_Ending: TypeAlias = Literal["sentence", "gave up", "cut off"]


def _endings(reason: SpeechEndReason) -> set[_Ending]:
    """What the end of speech may mean. The server, a hand and a lost device tell by themselves what they end."""
    match reason:
        case "silence":
            return {"sentence"}
        case "too_long":
            return {"sentence", "gave up"}
        case "server_silent":
            return {"gave up"}
        case "own_voice" | "closed":
            return {"cut off"}
        case "server" | "released" | "device_lost":
            return set()
        case _:
            assert_never(reason)


def _ended_as(t: Transition, ending: _Ending) -> bool:
    return isinstance(t.event, SpeechEnded) and ending in _endings(t.event.reason)


def sentence(t: Transition) -> bool:
    """Speech ended as a sentence does: by silence, or by its limit."""
    return _ended_as(t, "sentence")


def gave_up(t: Transition) -> bool:
    """The server ends the turns, and our gate no longer waits for it to do so."""
    return t.owner == "server" and _ended_as(t, "gave up")


def cut_off(t: Transition) -> bool:
    """Speech was cut off by a sound of ours or by shutting the microphone, not by a hand."""
    return _ended_as(t, "cut off") and not talking(t)


# -- the answer ---------------------------------------------------------------------------------------------


def answering(t: Transition) -> bool:
    """A response is asked for or being generated, or a tool waits for approval."""
    return (t.state.answer is not None and t.state.answer.generating) or bool(t.state.approvals)


def current(t: Transition) -> bool:
    """The response that ended is the one that was being generated."""
    return (
        isinstance(t.event, ResponseEnded)
        and t.state.answer is not None
        and t.event.response_id == t.state.answer.response_id
    )


def cancelled(t: Transition) -> bool:
    """The response was cancelled."""
    return isinstance(t.event, ResponseEnded) and t.event.status == "cancelled"


def cut_short(t: Transition) -> bool:
    """The response ended with its connection, or another took its place, and one is still due.

    None is if something of it had come that has not been heard: it is not asked for again.
    """
    if not isinstance(t.event, ResponseEnded) or t.event.reason not in CUT_SHORT:
        return False
    return t.state.phase == "speaking" or not (t.event.had_audio or t.event.had_text)


def stale_due(t: Transition) -> bool:
    """A response that was interrupted before it had begun may yet begin."""
    return t.state.stale_due


def more_due(t: Transition) -> bool:
    """A further response follows, since a tool was called or runs."""
    return t.state.answer is not None and (t.state.answer.more_due or awaits_tool(t))


def awaits_tool(t: Transition) -> bool:
    """A tool runs, or the response to its result is due."""
    return bool(t.state.tools) or t.state.result_due


def runs(t: Transition) -> bool:
    """The tool that ended was known to run."""
    return isinstance(t.event, ToolEnded) and t.event.call_id in t.state.tools


def awaits_reply(t: Transition) -> bool:
    """The response whose tools have ended is the one after which another was waited for."""
    if not isinstance(t.event, NoReplyDue):
        return False
    answer = t.state.answer
    return answer is None or answer.called_by in {None, t.event.response_id}


def unspoken(t: Transition) -> bool:
    """Nothing of the answer was heard, and nothing is to be: the model chose to be silent."""
    return t.state.answer is not None and not t.state.answer.sounded


def was_silent(t: Transition) -> bool:
    """The last answer was none either, deliberately."""
    return t.state.was_silent


def sound_due(t: Transition) -> bool:
    """The answer has sound, none of which has been heard."""
    return t.state.answer is not None and t.state.answer.sound_due


def playing(t: Transition) -> bool:
    """Sound of the answer is heard now."""
    return t.state.answer is not None and t.state.answer.playing


def suspected(t: Transition) -> bool:
    """Somebody may be speaking over the answer."""
    return t.state.answer is not None and t.state.answer.suspected


def may_barge_in(t: Transition) -> bool:
    """Speech may interrupt the answer."""
    return t.state.hands_free and may_listen(t) and not t.state.approvals


def may_resume(t: Transition) -> bool:
    """Speech may take the turn back before the answer is heard."""
    return (
        t.settings.speech_while_thinking == "listen"
        and t.state.hands_free
        and may_listen(t)
        and not t.state.approvals
        and not t.state.ending
    )


def may_follow(t: Transition) -> bool:
    """It may listen once more after the answer."""
    return t.state.hands_free and may_listen(t) and t.state.connected and not t.state.ending


def given_up(t: Transition) -> bool:
    """The model refused to go on with the answer: there is no use in asking it for anything now."""
    return t.state.answer is not None and t.state.answer.given_up


def failed(t: Transition) -> bool:
    """The answer failed, or a part of it did."""
    return t.state.answer is not None and t.state.answer.failed


def ending(t: Transition) -> bool:
    """The answer is the last of the conversation."""
    return t.state.ending


def goodbye_said(t: Transition) -> bool:
    """The answer is the last of the conversation, and some of it has been heard."""
    return t.state.ending and t.state.answer is not None and t.state.answer.sounded
