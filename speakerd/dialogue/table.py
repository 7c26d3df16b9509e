"""The rules of a conversation, as data.

The rules, in words:

1.  Nothing is heard unless somebody asked for it: a press, a hold, the wake word, or an answer that may be
    followed by a question. While muted nothing is, whatever else happens.
2.  A press acts when it is made, where that does no harm: it begins to listen, and it interrupts an answer.
    Where something could be lost (a sentence half said, a tool approved) it acts when it is known to be a tap.
    What was heard before a press is understood is kept here, and sent only then.
3.  Speech is never lost to the connection: while connecting it is kept, also a turn that has ended meanwhile.
4.  A turn ends by silence (our gate or the model, who owns it), by release of push-to-talk, by a press where
    so set, or by its limit. Where the model owns it, we stream on through silence until it has said so. On
    release the microphone is shut at once, and the turn committed as soon as the last of it has come through.
5.  One answer at a time. Before a new one is asked for, the running one is interrupted, and an interruption
    always flushes what is queued for playing.
6.  `thinking` ends when sound begins. `speaking` ends when the last sample has been played and nothing more
    is due. An answer that called tools goes on in the answer that follows them.
7.  After an answer it listens once more, if whoever began did so hands-free; silence then ends it. It is not over
    while a tool runs or the response to its result is due: `thinking` says so. Where the model chooses to say
    nothing, it listens once more, and not twice in a row.
8.  Every wait has a limit, behind which there is a sound and a state that a person can leave by a press.
9.  A press never does two things: one that silences a timer, or answers an approval, neither starts, ends nor
    mutes anything. (Held on, it is push-to-talk: that is a second thing, and meant.)
10. An announcement is heard in idle, or between an answer and the next question; never in anybody's sentence. It is
    no conversation: the microphone is as it was, muted or not. A press silences it, and those that wait with it.
11. An event that has no row here, or none whose conditions hold, changes nothing.

A row reads: in `phases`, on `on`, if all conditions of `when` hold, do the actions of `do` in order and go to
`to` (or stay, as `SAME`). Conditions and actions are the functions themselves. Rows are tried in order, and the
first that fits is taken; a few do nothing but keep those behind them from being taken. `ANY` is every phase but
`stopping` (which nothing leaves but the process), after the phase's own rows. `then` names a trigger that is tried
at once afterwards. A conversation that comes to `idle` is always concluded: see `conversation.conclude`. A gesture
that says what a press was settles the press, whether or not it has a row.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from speakerd.dialogue import conditions as c
from speakerd.dialogue.actions import (
    Action,
    announcements,
    answer,
    approvals,
    connection,
    conversation,
    faults,
    hand,
    mute,
    reports,
    sounds,
    timers,
    turn,
)
from speakerd.dialogue.conditions import Condition
from speakerd.dialogue.state import PHASES, Phase
from speakerd.dialogue.triggers import Trigger

Goal: TypeAlias = Phase | Literal["same"]

SAME: Final = "same"
ANY: Final[tuple[Phase, ...]] = tuple(phase for phase in PHASES if phase != "stopping")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    phases: tuple[Phase, ...]
    on: tuple[Trigger, ...]
    when: tuple[Condition, ...]
    to: Goal
    do: tuple[Action, ...]
    then: Trigger | None


def _row(
    phases: Phase | tuple[Phase, ...],
    on: Trigger | tuple[Trigger, ...],
    *,
    when: Condition | tuple[Condition, ...] = (),
    to: Goal = SAME,
    do: Action | tuple[Action, ...] = (),
    then: Trigger | None = None,
) -> Row:
    """A row; one of anything need not be a tuple."""
    return Row(
        phases=(phases,) if isinstance(phases, str) else phases,
        on=(on,) if isinstance(on, str) else on,
        when=when if isinstance(when, tuple) else (when,),
        to=to,
        do=do if isinstance(do, tuple) else (do,),
        then=then,
    )


_ANSWER: Final[tuple[Phase, ...]] = ("thinking", "speaking")
_TURN: Final[tuple[Phase, ...]] = ("connecting", "listening")
_SPEECH: Final[tuple[Trigger, ...]] = ("speech_started", "barge_in_confirmed")
_SERVER_END: Final[tuple[Trigger, ...]] = ("server_speech_stopped", "turn_committed")

# A row reads best on one line; what does not fit is broken before what is done.
# fmt: off
ROWS: Final[tuple[Row, ...]] = (
    # -- starting: a press is remembered and answered when everything is open.
    _row("starting", "ready", when=(c.early_press, c.may_listen, c.connected), to="listening",
         do=turn.begin_early),
    _row("starting", "ready", when=(c.early_press, c.may_listen), to="connecting",
         do=(connection.connect, turn.begin_early)),
    _row("starting", "ready", to="idle", do=connection.connect_if_wanted),
    _row("starting", "press", do=hand.remember),
    _row("starting", "talk_start", do=hand.remember_talk),
    _row("starting", ("talk_end", "undo"), do=hand.forget),
    _row("starting", "stop", do=(hand.forget, announcements.drop_all)),
    _row("starting", "ask", do=reports.refuse),
    # -- idle: the microphone is shut until somebody wants to be heard.
    _row("idle", "press", when=(c.may_listen, c.connected), to="listening",
         do=(turn.begin, hand.press_began)),
    _row("idle", "press", when=c.may_listen, to="connecting",
         do=(connection.connect, turn.begin, hand.press_began)),
    _row("idle", "press", do=hand.press_noted),
    _row("idle", ("tap", "wake"), when=(c.may_listen, c.connected), to="listening", do=turn.begin),
    _row("idle", ("tap", "wake"), when=c.may_listen, to="connecting", do=(connection.connect, turn.begin)),
    _row("idle", "tap", when=(c.press_unmutes, c.connected), to="listening", do=(mute.open_up, turn.begin)),
    _row("idle", "tap", when=c.press_unmutes, to="connecting",
         do=(mute.open_up, connection.connect, turn.begin)),
    _row("idle", "talk_start", when=(c.may_listen, c.connected), to="listening", do=(turn.begin, turn.talk)),
    _row("idle", "talk_start", when=c.may_listen, to="connecting",
         do=(connection.connect, turn.begin, turn.talk)),
    _row("idle", ("tap", "wake", "talk_start"), do=sounds.refuse),
    _row("idle", "ask", when=(c.may_send, c.connected), to="thinking", do=(turn.begin_text, turn.send_text)),
    _row("idle", "ask", when=c.may_send, to="connecting", do=(connection.connect, turn.begin_text)),
    _row("idle", "stop", do=(timers.silence, announcements.drop_all)),
    _row("idle", "announce", when=(c.announcement_due, c.by_model, c.connected), to="thinking",
         do=(announcements.hand_to_model, turn.send_text)),
    _row("idle", "announce", when=(c.announcement_due, c.by_model), to="connecting",
         do=(announcements.hand_to_model, connection.connect)),
    _row("idle", "announce", when=c.announcement_due, to="announcing", do=announcements.begin),
    # A response nobody waits for, or its sound: the conversation was ended before it came.
    _row("idle", "response_started", do=answer.interrupt),
    _row("idle", "playback_started", do=answer.interrupt),
    _row("idle", "connected", when=c.not_(c.warm), do=connection.disconnect),
    # -- connecting: what is said is kept.
    _row("connecting", "connected", when=c.text, to="thinking",
         do=(connection.note_connected, turn.send_text)),
    _row("connecting", "connected", when=(c.turn_over, c.not_(c.undecided)), to="thinking",
         do=(connection.note_connected, turn.commit)),
    _row("connecting", "connected", to="listening", do=(connection.note_connected, turn.open_window)),
    _row("connecting", "timeout", to="idle", do=(connection.note_offline, sounds.offline)),
    _row("connecting", "press", do=hand.press_noted),
    _row("connecting", "tap", to="idle", do=sounds.end),
    _row("connecting", "talk_start", when=c.turn, do=turn.talk),
    _row("connecting", "talk_start", when=c.may_listen, do=(turn.begin, turn.talk)),
    _row("connecting", "talk_end", when=c.talking, do=turn.end),
    _row("connecting", "speech_started", when=(c.turn, c.not_(c.talking)), do=turn.hear),
    _row("connecting", "speech_ended", when=(c.local, c.heard, c.not_(c.talking), c.sentence), do=turn.end),
    _row("connecting", "ask", when=c.may_send, do=(turn.discard, turn.keep_text)),
    # -- listening: the person has the floor.
    _row("listening", "press", do=hand.press_noted),
    _row("listening", "tap", when=(c.press_sends, c.heard), to="thinking", do=turn.commit),
    _row("listening", "tap", to="idle", do=sounds.end),
    _row("listening", "confirm", when=c.turn_over, to="thinking", do=turn.commit),
    _row("listening", "undo", when=(c.turn_over, c.not_(c.began)), to="thinking", do=turn.commit),
    _row("listening", "talk_start", do=turn.talk),
    _row("listening", "talk_end", when=c.talking, do=turn.end),
    _row("listening", "ask", when=c.may_send, to="thinking",
         do=(turn.discard, turn.keep_text, turn.send_text)),
    _row("listening", ("speech_started", "barge_in_confirmed"), when=(c.not_(c.talking), c.not_(c.turn_over)),
         do=turn.hear),
    _row("listening", "speech_ended", when=c.released, to="thinking", do=turn.commit),
    _row("listening", "speech_ended", when=c.talking),
    _row("listening", "speech_ended", when=(c.local, c.heard, c.sentence, c.undecided), do=turn.end),
    _row("listening", "speech_ended", when=(c.local, c.heard, c.sentence), to="thinking", do=turn.commit),
    _row("listening", "speech_ended", when=(c.gave_up, c.server_heard), to="thinking", do=turn.commit),
    _row("listening", "speech_ended", when=c.gave_up, do=(turn.discard, turn.listen_again)),
    _row("listening", "speech_ended", when=c.cut_off, do=turn.pause),
    _row("listening", "server_speech_started", when=(c.owned, c.turn, c.not_(c.turn_over), c.not_(c.heard)),
         do=turn.stream),
    _row("listening", "server_speech_started", when=(c.owned, c.turn, c.not_(c.turn_over)),
         do=turn.hear_by_server),
    _row("listening", _SERVER_END, when=(c.owned, c.server_turn), to="thinking", do=answer.expect),
    _row("listening", "response_started", when=(c.owned, c.server_turn, c.not_(c.stale_due)), to="thinking",
         do=(answer.expect, answer.adopt)),
    _row("listening", "response_started", when=(c.quiet, c.not_(c.stale_due)), to="thinking",
         do=(answer.expect_unasked, answer.adopt)),
    _row("listening", "response_started", do=answer.interrupt),
    _row("listening", "playback_started", when=c.quiet, to="speaking",
         do=(answer.expect_unasked, answer.sound)),
    _row("listening", "playback_started", do=answer.interrupt),
    _row("listening", "answer_failed", do=(faults.note_fault, sounds.error)),
    _row("listening", "end_requested", to="idle", do=sounds.end),
    _row("listening", "connection_lost", to="connecting", do=(connection.note_lost, connection.connect)),
    _row("listening", "timeout", when=c.turn_over, to="thinking", do=turn.commit),
    _row("listening", "timeout", when=c.talking, do=turn.end),
    _row("listening", "timeout", when=(c.owned, c.heard, c.not_(c.server_heard)),
         do=(turn.discard, turn.listen_again)),
    _row("listening", "timeout", when=c.heard, to="thinking", do=turn.commit),
    _row("listening", "timeout", when=c.awaits_tool, to="thinking", do=answer.expect_result),
    _row("listening", "timeout", to="idle", do=sounds.end),
    # -- thinking and speaking: the answer, which may be interrupted at any moment.
    _row(_ANSWER, "press", when=c.muted, to="idle", do=(answer.interrupt, hand.press_began)),
    _row(_ANSWER, "press", when=c.press_ends_answer, to="idle",
         do=(answer.interrupt, hand.press_began, sounds.end)),
    _row(_ANSWER, "press", when=(c.may_listen, c.connected), to="listening",
         do=(answer.interrupt, turn.take_floor, hand.press_began)),
    _row(_ANSWER, "wake", when=(c.may_listen, c.connected), to="listening",
         do=(answer.interrupt, turn.take_floor)),
    _row(_ANSWER, "talk_start", when=(c.may_listen, c.connected), to="listening",
         do=(answer.interrupt, turn.take_floor, turn.talk)),
    # An answer whose connection was lost is healed, or heard to its end, and may be interrupted, too.
    _row(_ANSWER, "press", when=c.may_listen, to="connecting",
         do=(answer.interrupt, turn.take_floor, hand.press_began, connection.connect)),
    _row(_ANSWER, "wake", when=c.may_listen, to="connecting",
         do=(answer.interrupt, turn.take_floor, connection.connect)),
    _row(_ANSWER, "talk_start", when=c.may_listen, to="connecting",
         do=(answer.interrupt, turn.take_floor, turn.talk, connection.connect)),
    _row(_ANSWER, "press", to="idle", do=(answer.interrupt, hand.press_began, sounds.error)),
    _row(_ANSWER, "talk_start", to="idle", do=(answer.interrupt, sounds.refuse)),
    _row(_ANSWER, "wake", do=sounds.refuse),
    _row(_ANSWER, "tap", to="idle", do=(answer.interrupt, sounds.end)),
    _row(_ANSWER, "ask", when=(c.may_send, c.connected), to="thinking",
         do=(answer.interrupt, turn.keep_text, turn.send_text)),
    _row(_ANSWER, "ask", when=c.may_send, to="connecting",
         do=(answer.interrupt, turn.keep_text, connection.connect)),
    _row("thinking", _SPEECH, when=(c.may_resume, c.connected), to="listening",
         do=(answer.interrupt, turn.take_floor, turn.hear)),
    _row("thinking", _SPEECH, when=c.may_resume, to="connecting",
         do=(answer.interrupt, turn.take_floor, turn.hear, connection.connect)),
    _row(_ANSWER, "server_speech_started", when=(c.owned, c.may_follow), to="listening",
         do=(answer.interrupt, turn.take_floor, turn.stream)),
    _row("speaking", "barge_in_suspected", when=(c.may_barge_in, c.not_(c.suspected)), do=answer.suspect),
    _row("speaking", "barge_in_confirmed", when=(c.may_barge_in, c.connected), to="listening",
         do=(answer.interrupt, turn.take_floor, turn.hear)),
    _row("speaking", "barge_in_confirmed", when=c.may_barge_in, to="connecting",
         do=(answer.interrupt, turn.take_floor, turn.hear, connection.connect)),
    _row("speaking", "barge_in_rejected", when=c.suspected, do=answer.trust),
    _row(_ANSWER, "response_started", do=answer.adopt),
    _row("thinking", "response_ended", when=(c.current, c.cancelled, c.stale_due), do=answer.await_other),
    _row(_ANSWER, "response_ended", when=(c.current, c.cut_short), do=answer.await_other),
    # The server cancels it by itself, and nothing of it was heard: that is told as any answer that does not come.
    _row("thinking", "response_ended", to="listening",
         when=(c.current, c.cancelled, c.unspoken, c.not_(c.awaits_tool), c.may_follow),
         do=(answer.cancelled_unheard, answer.interrupt, turn.follow_up, sounds.error)),
    _row("thinking", "response_ended", to="idle",
         when=(c.current, c.cancelled, c.unspoken, c.not_(c.awaits_tool)),
         do=(answer.cancelled_unheard, answer.interrupt, sounds.error)),
    _row(_ANSWER, "response_ended", when=(c.current, c.cancelled, c.may_follow), to="listening",
         do=(answer.interrupt, turn.follow_up)),
    _row(_ANSWER, "response_ended", when=(c.current, c.cancelled, c.awaits_tool), to="thinking",
         do=(answer.interrupt, answer.expect_result)),
    _row(_ANSWER, "response_ended", when=(c.current, c.cancelled), to="idle", do=answer.interrupt),
    _row(_ANSWER, "response_ended", when=c.current, do=answer.over, then="finished"),
    _row("thinking", "playback_started", to="speaking", do=answer.sound),
    _row("speaking", "playback_started", do=answer.sound),
    _row("thinking", "playback_drained", do=answer.drained, then="finished"),
    _row("speaking", "playback_drained", when=c.playing, do=answer.drained, then="finished"),
    _row("speaking", "playback_underrun", when=c.playing, do=answer.run_dry),
    _row("speaking", "playback_resumed", when=c.playing, do=answer.go_on),
    _row(_ANSWER, "tool_ended", when=c.runs, do=answer.tool_ended, then="finished"),
    _row(_ANSWER, "no_reply_due", when=c.awaits_reply, do=answer.no_reply, then="finished"),
    _row(_ANSWER, "end_requested", do=answer.mark_ending, then="finished"),
    # The session heals its connection and asks again for an answer that is due; only time gives it up.
    _row("thinking", "connection_lost", do=connection.note_lost),
    _row("speaking", "connection_lost", do=(connection.note_lost, answer.give_up), then="finished"),
    _row("thinking", "fatal", to="idle", do=(faults.note_fatal, answer.interrupt, sounds.error)),
    _row("speaking", "fatal", do=(faults.note_fatal, answer.give_up), then="finished"),
    _row("thinking", "answer_failed", when=c.may_follow, to="listening",
         do=(faults.note_fault, answer.interrupt, turn.follow_up, sounds.error)),
    _row("thinking", "answer_failed", when=c.awaits_tool,
         do=(faults.note_fault, answer.interrupt, answer.expect_result, sounds.error)),
    _row("thinking", "answer_failed", to="idle", do=(faults.note_fault, answer.interrupt, sounds.error)),
    _row("speaking", "answer_failed", do=(faults.note_fault, answer.mark_failed)),
    _row("thinking", "nothing_heard", when=c.may_follow, to="listening",
         do=(answer.interrupt, turn.follow_up)),
    _row("thinking", "nothing_heard", when=c.awaits_tool, do=(answer.interrupt, answer.expect_result)),
    _row("thinking", "nothing_heard", to="idle", do=(answer.interrupt, sounds.end)),
    _row(_ANSWER, "timeout", when=c.not_(c.connected), to="idle",
         do=(faults.note_unreachable, answer.abandon_tools, answer.interrupt, sounds.offline)),
    _row(_ANSWER, "timeout", when=c.may_follow, to="listening",
         do=(faults.note_slow, answer.abandon_tools, answer.interrupt, turn.follow_up, sounds.error)),
    _row(_ANSWER, "timeout", to="idle",
         do=(faults.note_slow, answer.abandon_tools, answer.interrupt, sounds.error)),
    # -- finished? Asked whenever a part of the answer has ended.
    _row(_ANSWER, "finished", when=c.answering),
    _row("speaking", "finished", when=c.playing),
    _row(_ANSWER, "finished", when=c.sound_due),
    _row(_ANSWER, "finished", when=(c.more_due, c.not_(c.goodbye_said)), to="thinking", do=answer.await_more),
    _row("speaking", "finished", when=c.not_(c.connected), to="idle", do=sounds.offline),
    _row(_ANSWER, "finished", when=c.ending, to="idle", do=sounds.end),
    _row(_ANSWER, "finished", when=(c.failed, c.may_follow), to="listening",
         do=(turn.follow_up, sounds.error)),
    _row(_ANSWER, "finished", when=c.failed, to="idle", do=sounds.error),
    _row("thinking", "finished", when=(c.unspoken, c.may_follow, c.not_(c.was_silent)), to="listening",
         do=(answer.mark_silent, turn.follow_up)),
    _row("thinking", "finished", when=c.unspoken, to="idle", do=sounds.end),
    _row("speaking", "finished", when=(c.may_follow, c.announcement_due, c.by_model, c.not_(c.given_up)),
         to="thinking", do=(answer.end_well, announcements.hand_to_model, turn.send_text)),
    _row("speaking", "finished", when=(c.may_follow, c.announcement_due, c.not_(c.by_model)), to="announcing",
         do=(answer.end_well, announcements.begin)),
    _row(_ANSWER, "finished", when=c.may_follow, to="listening", do=turn.follow_up),
    _row(_ANSWER, "finished", to="idle"),
    # -- announcing: what is heard is none of the conversation's, which goes on after it as if it had not been.
    _row("announcing", "announced", when=(c.text, c.may_send, c.connected), to="thinking",
         do=(announcements.over, turn.send_text)),
    _row("announcing", "announced", when=(c.text, c.may_send), to="connecting",
         do=(announcements.over, connection.connect)),
    _row("announcing", "press_for_announcement", when=(c.text, c.may_send, c.connected), to="thinking",
         do=(announcements.silence_all, hand.press_spent, turn.send_text)),
    _row("announcing", "press_for_announcement", when=(c.text, c.may_send), to="connecting",
         do=(announcements.silence_all, hand.press_spent, connection.connect)),
    _row("announcing", "announced", when=(c.announcement_due, c.not_(c.by_model)),
         do=(announcements.over, announcements.begin)),
    _row("announcing", "announced", when=c.may_follow, to="listening", do=(announcements.over, turn.listen_on)),
    _row("announcing", "announced", to="idle", do=announcements.over),
    _row("announcing", "press_for_announcement", when=c.may_follow, to="listening",
         do=(announcements.silence_all, hand.press_spent, turn.listen_on)),
    _row("announcing", "press_for_announcement", to="idle", do=(announcements.silence_all, hand.press_spent)),
    _row("announcing", "wake", when=(c.may_listen, c.connected), to="listening",
         do=(announcements.silence, turn.begin)),
    _row("announcing", "wake", when=c.may_listen, to="connecting",
         do=(announcements.silence, connection.connect, turn.begin)),
    _row("announcing", "talk_start", when=(c.may_listen, c.connected), to="listening",
         do=(announcements.silence, turn.begin, turn.talk)),
    _row("announcing", "talk_start", when=c.may_listen, to="connecting",
         do=(announcements.silence, connection.connect, turn.begin, turn.talk)),
    _row("announcing", ("wake", "talk_start"), do=sounds.refuse),
    _row("announcing", "ask", when=c.may_send, do=turn.keep_text),
    _row("announcing", "barge_in_suspected", when=(c.may_barge_in, c.not_(c.suspected)), do=answer.suspect),
    _row("announcing", "barge_in_confirmed", when=(c.may_barge_in, c.connected), to="listening",
         do=(announcements.silence, turn.take_floor, turn.hear)),
    _row("announcing", "barge_in_confirmed", when=c.may_barge_in, to="connecting",
         do=(announcements.silence, turn.take_floor, turn.hear, connection.connect)),
    _row("announcing", "barge_in_rejected", when=c.suspected, do=answer.trust),
    _row("announcing", "response_started", do=answer.refuse),
    _row("announcing", "stop", to="idle", do=(timers.silence, announcements.silence_all, sounds.end)),
    _row("announcing", "device_lost", when=c.loudspeaker, to="idle",
         do=(faults.note_device, announcements.silence)),
    _row("announcing", "timeout", to="idle", do=(announcements.give_up, sounds.error)),
    # -- mute: at any moment, by hand, by switch, by request.
    _row(_TURN, ("mute", "switch_on"), when=c.may_shut, to="idle", do=mute.shut),
    _row(_ANSWER, ("mute", "switch_on"), when=(c.may_shut, c.mute_finishes), do=(answer.trust, mute.shut)),
    _row(_ANSWER, ("mute", "switch_on"), when=c.may_shut, to="idle", do=(answer.interrupt, mute.shut)),
    # -- tools: they run on whatever is said meanwhile, and the conversation lasts until they have ended.
    _row((*_TURN, *_ANSWER), "tool_started", do=answer.tool_started),
    _row(_TURN, "tool_ended", when=c.runs, do=answer.tool_ended),
    _row(_TURN, "no_reply_due", when=c.awaits_tool, do=answer.no_reply),
    # -- what is the same everywhere.
    # The daemon fades what is heard; an interruption would cut it.
    _row(ANY, "stop_requested", to="stopping", do=conversation.leave),
    _row(ANY, ("mute", "switch_on"), when=c.may_shut, do=mute.shut),
    _row(ANY, ("unmute", "switch_off"), when=c.may_open, do=mute.open_up),
    _row(ANY, "unmute", when=c.mute_switch, do=sounds.refuse),
    _row(_TURN, "undo", when=c.began, to="idle"),
    _row(_TURN, "stop", to="idle", do=(timers.silence, announcements.drop_all, sounds.end)),
    _row(_ANSWER, "stop", to="idle", do=(timers.silence, answer.interrupt, announcements.drop_all, sounds.end)),
    _row(ANY, "ask", when=c.not_(c.may_send), do=(reports.refuse, sounds.refuse)),
    _row(ANY, "say", when=c.not_(c.may_announce), do=reports.refuse),
    _row(ANY, "say", when=c.not_(c.room_to_announce), do=reports.refuse),
    _row(ANY, "say", do=announcements.queue, then="announce"),
    _row(ANY, "connected", do=connection.note_connected),
    _row(ANY, "connection_lost", do=connection.note_lost),
    _row(_TURN, "fatal", to="idle", do=(faults.note_fatal, sounds.error)),
    _row(ANY, "fatal", do=faults.note_fatal),
    _row(ANY, ("answer_failed", "noted"), do=faults.note_fault),
    _row(_TURN, "device_lost", to="idle", do=(faults.note_device, sounds.error)),
    _row(_ANSWER, "device_lost", when=c.loudspeaker, to="idle", do=(faults.note_device, answer.interrupt)),
    _row(ANY, "device_lost", do=faults.note_device),
    _row(ANY, "device_returned", when=c.is_lost, do=faults.mend_device, then="announce"),
    _row(ANY, "ringing", when=c.not_(c.rings), do=timers.ring),
    _row(ANY, "silenced", when=c.rings, do=timers.stop_ringing),
    _row(("listening", "thinking", "speaking"), "approval_needed", when=c.room, do=approvals.ask),
    _row(ANY, "approval_needed", do=approvals.refuse_unasked),
    _row(ANY, "approval_resolved", when=c.waits, do=approvals.drop),
    _row(ANY, "stuck", do=faults.note_stuck),
    _row(ANY, "unstuck", when=c.button_fault, do=faults.mend_button),
    _row(ANY, "volume", do=hand.change_volume),
    # -- a press that is about something else than the conversation, or whose meaning waits.
    _row(ANY, "press_for_timer", when=c.rings, do=(timers.silence, hand.press_spent)),
    _row(ANY, "press_later", do=hand.press_noted),
    _row(ANY, "approve", when=c.aimed, do=approvals.approve),
    _row(ANY, "reject", when=c.aimed, do=approvals.reject),
)
"""Every transition there is."""
# fmt: on
