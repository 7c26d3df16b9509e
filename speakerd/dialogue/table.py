"""The manners of a conversation, as data.

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
7.  After an answer it listens once more, if whoever began did so hands-free; silence then ends it.
8.  Every wait has a limit, behind which there is a sound and a state that a person can leave by a press.
9.  A press never does two things: one that silences a timer, or answers an approval, neither starts, ends nor
    mutes anything. (Held on, it is push-to-talk: that is a second thing, and meant.)
10. An event that has no row here, or none whose conditions hold, changes nothing and is counted.

A row reads: in `phase`, on `trigger`, if all conditions hold, do the actions in order and go to `to`. Rows are
tried in order. `ANY` is every phase but `stopping` (which nothing leaves but the process), after the phase's
own rows. `SAME` stays. `then` names a trigger that is tried at once afterwards, without being counted if it
has no row. A conversation that comes to `idle` is always concluded: see `actions.conclude`.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from speakerd.dialogue.state import PHASES, Phase

Trigger: TypeAlias = Literal[
    # The daemon.
    "ready",
    "stop_requested",
    "timeout",
    # The hand, the wake word, the control socket.
    "press",
    "tap",
    "confirm",
    "undo",
    "press_for_timer",
    "press_later",
    "approve",
    "reject",
    "talk_start",
    "talk_end",
    "start",
    "end",
    "mute",
    "switch_on",
    "unmute",
    "switch_off",
    "ask",
    # Sound.
    "speech_started",
    "speech_ended",
    "barge_in_suspected",
    "barge_in_confirmed",
    "barge_in_rejected",
    "playback_started",
    "playback_drained",
    "device_lost",
    "device_returned",
    # The session.
    "connected",
    "connection_lost",
    "fatal",
    "turn_committed",
    "server_speech_started",
    "server_speech_stopped",
    "response_started",
    "response_ended",
    "answer_failed",
    "nothing_heard",
    "tool_started",
    "tool_ended",
    "end_requested",
    # From within.
    "finished",
    # Beside the phase.
    "ringing",
    "silenced",
    "approval_needed",
    "approval_resolved",
    "stuck",
    "unstuck",
    "volume",
    "noted",
]

SAME: Final = "same"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    phases: tuple[Phase, ...]
    on: tuple[Trigger, ...]
    when: tuple[str, ...]
    to: Phase | Literal["same"]
    do: tuple[str, ...]
    then: Trigger | None = None


ANY: Final[tuple[Phase, ...]] = tuple(phase for phase in PHASES if phase != "stopping")


def _row(
    phases: Phase | tuple[Phase, ...],
    on: Trigger | tuple[Trigger, ...],
    when: str,
    to: Phase | Literal["same"],
    do: str = "",
    *,
    then: Trigger | None = None,
) -> Row:
    """A row whose conditions are separated by "&" and whose actions by spaces."""
    return Row(
        phases=(phases,) if isinstance(phases, str) else phases,
        on=(on,) if isinstance(on, str) else on,
        when=tuple(name.strip() for name in when.split("&") if name.strip()),
        to=to,
        do=tuple(do.split()),
        then=then,
    )


_ANSWER: Final[tuple[Phase, ...]] = ("thinking", "speaking")
_TURN: Final[tuple[Phase, ...]] = ("connecting", "listening")
_SPEECH: Final[tuple[Trigger, ...]] = ("speech_started", "barge_in_confirmed")
_SERVER_END: Final[tuple[Trigger, ...]] = ("server_speech_stopped", "turn_committed")

ROWS: Final[tuple[Row, ...]] = (
    # -- starting: a press is remembered and answered when everything is open.
    _row("starting", "ready", "wanted & may_listen & connected", "listening", "begin_wanted"),
    _row("starting", "ready", "wanted & may_listen", "connecting", "connect begin_wanted"),
    _row("starting", "ready", "", "idle", "connect_if_warm"),
    _row("starting", "press", "", SAME, "remember"),
    _row("starting", "talk_start", "", SAME, "remember_talk"),
    _row("starting", ("talk_end", "undo", "end"), "", SAME, "forget"),
    _row("starting", "tap", "", SAME),
    # -- idle: the microphone is shut until somebody wants to be heard.
    _row("idle", "press", "may_listen & connected", "listening", "begin press_began"),
    _row("idle", "press", "may_listen", "connecting", "connect begin press_began"),
    _row("idle", "press", "", SAME, "press_noted"),
    _row("idle", ("tap", "start"), "may_listen & connected", "listening", "begin"),
    _row("idle", ("tap", "start"), "may_listen", "connecting", "connect begin"),
    _row("idle", "tap", "press_unmutes & connected", "listening", "open_up begin"),
    _row("idle", "tap", "press_unmutes", "connecting", "open_up connect begin"),
    _row("idle", "talk_start", "may_listen & connected", "listening", "begin talk"),
    _row("idle", "talk_start", "may_listen", "connecting", "connect begin talk"),
    _row("idle", ("tap", "start", "talk_start"), "", SAME, "refuse"),
    _row("idle", "ask", "may_send & connected", "thinking", "begin_text send_text"),
    _row("idle", "ask", "may_send", "connecting", "connect begin_text"),
    _row("idle", "end", "", SAME, "silence_timers"),
    # A response nobody waits for, or its sound: the conversation was ended before it came.
    _row("idle", "response_started", "", SAME, "interrupt"),
    _row("idle", "playback_started", "fresh", SAME, "interrupt"),
    _row("idle", ("response_ended", "tool_ended", "server_speech_stopped", "turn_committed"), "", SAME),
    _row("idle", ("speech_ended", "barge_in_rejected"), "", SAME),
    _row("idle", "connected", "not warm", SAME, "disconnect"),
    # -- connecting: what is said is kept.
    _row("connecting", "connected", "text", "thinking", "note_connected send_text"),
    _row("connecting", "connected", "turn_over & not press_open", "thinking", "note_connected commit"),
    _row("connecting", "connected", "", "listening", "note_connected open_window"),
    _row("connecting", "timeout", "", "idle", "note_offline sound_offline"),
    _row("connecting", "press", "", SAME, "press_noted"),
    _row("connecting", "tap", "", "idle", "sound_end"),
    _row("connecting", "talk_start", "turn", SAME, "talk"),
    _row("connecting", "talk_start", "may_listen", SAME, "begin talk"),
    _row("connecting", "talk_end", "talking", SAME, "end_turn"),
    _row("connecting", "start", "", SAME),
    _row("connecting", "speech_started", "turn & not talking", SAME, "hear"),
    _row("connecting", "speech_ended", "local & heard & not talking & sentence", SAME, "end_turn"),
    _row("connecting", "speech_ended", "", SAME),
    _row("connecting", "ask", "may_send", SAME, "discard keep_text"),
    _row("connecting", ("response_ended", "barge_in_rejected"), "", SAME),
    # -- listening: the person has the floor.
    _row("listening", "press", "", SAME, "press_noted"),
    _row("listening", "tap", "press_sends & heard", "thinking", "commit"),
    _row("listening", "tap", "", "idle", "sound_end"),
    _row("listening", "confirm", "turn_over", "thinking", "commit"),
    _row("listening", "undo", "turn_over & not began", "thinking", "commit"),
    _row("listening", "talk_start", "", SAME, "talk"),
    _row("listening", "talk_end", "talking", SAME, "end_turn"),
    _row("listening", "start", "", SAME),
    _row("listening", "ask", "may_send", "thinking", "discard keep_text send_text"),
    _row("listening", ("speech_started", "barge_in_confirmed"), "not talking & not turn_over", SAME, "hear"),
    _row("listening", "speech_ended", "released", "thinking", "commit"),
    _row("listening", "speech_ended", "talking", SAME),
    _row("listening", "speech_ended", "local & heard & sentence & press_open", SAME, "end_turn"),
    _row("listening", "speech_ended", "local & heard & sentence", "thinking", "commit"),
    _row("listening", "speech_ended", "gave_up & server_heard", "thinking", "commit"),
    _row("listening", "speech_ended", "gave_up", SAME, "discard listen_again"),
    _row("listening", "speech_ended", "cut_off", SAME, "pause"),
    _row("listening", ("speech_ended", "barge_in_rejected"), "", SAME),
    _row("listening", "server_speech_started", "owned & turn & not turn_over", SAME, "hear_by_server"),
    _row("listening", "server_speech_started", "", SAME),
    _row(
        "listening",
        _SERVER_END,
        "owned & server_turn",
        "thinking",
        "await_answer",
    ),
    _row("listening", _SERVER_END, "", SAME),
    _row(
        "listening",
        "response_started",
        "owned & server_turn & not stale_due",
        "thinking",
        "await_answer adopt",
    ),
    _row("listening", "response_started", "quiet & not stale_due", "thinking", "yield_floor adopt"),
    _row("listening", "response_started", "", SAME, "interrupt"),
    _row("listening", "response_ended", "", SAME),
    _row("listening", "playback_started", "fresh & quiet", "speaking", "yield_floor sound"),
    _row("listening", "playback_started", "fresh", SAME, "interrupt"),
    _row("listening", "answer_failed", "", SAME, "note_fault sound_error"),
    _row("listening", "nothing_heard", "", SAME),
    _row("listening", "end_requested", "", "idle", "sound_end"),
    _row("listening", "connection_lost", "", "connecting", "note_lost connect"),
    _row("listening", "timeout", "turn_over", "thinking", "commit"),
    _row("listening", "timeout", "talking", SAME, "end_turn"),
    _row("listening", "timeout", "owned & heard & not server_heard", SAME, "discard listen_again"),
    _row("listening", "timeout", "heard", "thinking", "commit"),
    _row("listening", "timeout", "", "idle", "sound_end"),
    # -- thinking and speaking: the answer, which may be interrupted at any moment.
    _row(_ANSWER, "press", "muted", "idle", "interrupt press_began"),
    _row(_ANSWER, "press", "press_ends_answer", "idle", "interrupt press_began sound_end"),
    _row(_ANSWER, "press", "may_listen & connected", "listening", "interrupt take_floor press_began"),
    _row(_ANSWER, "start", "may_listen & connected", "listening", "interrupt take_floor"),
    _row(_ANSWER, "talk_start", "may_listen & connected", "listening", "interrupt take_floor talk"),
    # An answer whose connection was lost is healed, or heard to its end, and may be interrupted, too.
    _row(_ANSWER, "press", "may_listen", "connecting", "interrupt take_floor press_began connect"),
    _row(_ANSWER, "start", "may_listen", "connecting", "interrupt take_floor connect"),
    _row(_ANSWER, "talk_start", "may_listen", "connecting", "interrupt take_floor talk connect"),
    _row(_ANSWER, "press", "", "idle", "interrupt press_began sound_error"),
    _row(_ANSWER, "talk_start", "", "idle", "interrupt refuse"),
    _row(_ANSWER, "start", "", SAME, "refuse"),
    _row(_ANSWER, "tap", "", "idle", "interrupt sound_end"),
    _row(_ANSWER, "ask", "may_send & connected", "thinking", "interrupt keep_text send_text"),
    _row(_ANSWER, "ask", "may_send", "connecting", "interrupt keep_text connect"),
    _row("thinking", _SPEECH, "may_resume & connected", "listening", "interrupt take_floor hear"),
    _row("thinking", _SPEECH, "may_resume", "connecting", "interrupt take_floor hear connect"),
    _row(_ANSWER, ("speech_started", "speech_ended"), "", SAME),
    _row(
        _ANSWER,
        "server_speech_started",
        "owned & may_follow",
        "listening",
        "interrupt take_floor stream",
    ),
    _row(_ANSWER, _SERVER_END, "", SAME),
    _row("speaking", "barge_in_suspected", "may_barge_in & not suspected", SAME, "suspect"),
    _row(
        "speaking", "barge_in_confirmed", "may_barge_in & connected", "listening", "interrupt take_floor hear"
    ),
    _row("speaking", "barge_in_confirmed", "may_barge_in", "connecting", "interrupt take_floor hear connect"),
    _row("speaking", "barge_in_rejected", "suspected", SAME, "trust"),
    _row("thinking", "barge_in_rejected", "", SAME),
    _row(_ANSWER, "response_started", "", SAME, "adopt"),
    _row("thinking", "response_ended", "current & cancelled & stale_due", SAME, "await_other"),
    _row(_ANSWER, "response_ended", "current & cancelled & may_follow", "listening", "interrupt follow_up"),
    _row(_ANSWER, "response_ended", "current & cancelled", "idle", "interrupt"),
    _row(_ANSWER, "response_ended", "current", SAME, "over", then="finished"),
    _row("thinking", "playback_started", "fresh", "speaking", "sound"),
    _row("speaking", "playback_started", "fresh", SAME, "sound"),
    _row("thinking", "playback_drained", "", SAME, "drained", then="finished"),
    _row("speaking", "playback_drained", "playing", SAME, "drained", then="finished"),
    _row(_ANSWER, "tool_started", "", SAME, "tool_started"),
    _row(_ANSWER, "tool_ended", "tools", SAME, "tool_ended"),
    _row(_ANSWER, "end_requested", "", SAME, "mark_ending", then="finished"),
    # The session heals its connection and asks again for an answer that is due; only time gives it up.
    _row("thinking", "connection_lost", "", SAME, "note_lost"),
    _row("speaking", "connection_lost", "", SAME, "note_lost give_up", then="finished"),
    _row("thinking", "fatal", "", "idle", "note_fatal interrupt sound_error"),
    _row("speaking", "fatal", "", SAME, "note_fatal give_up", then="finished"),
    _row(
        "thinking", "answer_failed", "may_follow", "listening", "note_fault interrupt follow_up sound_error"
    ),
    _row("thinking", "answer_failed", "", "idle", "note_fault interrupt sound_error"),
    _row("speaking", "answer_failed", "", SAME, "note_fault mark_failed"),
    _row("thinking", "nothing_heard", "may_follow", "listening", "interrupt follow_up"),
    _row("thinking", "nothing_heard", "", "idle", "interrupt sound_end"),
    _row("speaking", "nothing_heard", "", SAME),
    _row(_ANSWER, "timeout", "may_follow", "listening", "note_slow interrupt follow_up sound_error"),
    _row(_ANSWER, "timeout", "", "idle", "note_slow interrupt sound_error"),
    # -- finished? Asked whenever a part of the answer has ended.
    _row(_ANSWER, "finished", "answering", SAME),
    _row("speaking", "finished", "playing", SAME),
    _row(_ANSWER, "finished", "sound_due", SAME),
    _row(_ANSWER, "finished", "more_due & not goodbye_said", "thinking", "await_more"),
    _row("speaking", "finished", "not connected", "idle", "sound_offline"),
    _row(_ANSWER, "finished", "ending", "idle", "sound_end"),
    _row(_ANSWER, "finished", "failed & may_follow", "listening", "follow_up sound_error"),
    _row(_ANSWER, "finished", "failed", "idle", "sound_error"),
    _row(_ANSWER, "finished", "may_follow", "listening", "follow_up"),
    _row(_ANSWER, "finished", "", "idle"),
    # -- mute: at any moment, by hand, by switch, by request.
    _row(_TURN, ("mute", "switch_on"), "may_shut", "idle", "shut"),
    _row(_ANSWER, ("mute", "switch_on"), "may_shut & mute_finishes", SAME, "trust shut"),
    _row(_ANSWER, ("mute", "switch_on"), "may_shut", "idle", "interrupt shut"),
    # -- what is the same everywhere.
    # The daemon fades what is heard; an interruption would cut it.
    _row(ANY, "stop_requested", "", "stopping", "leave"),
    _row(ANY, ("mute", "switch_on"), "may_shut", SAME, "shut"),
    _row(ANY, ("unmute", "switch_off"), "may_open", SAME, "open_up"),
    _row(ANY, "unmute", "mute_switch", SAME, "refuse"),
    _row(_TURN, "undo", "began", "idle"),
    _row(ANY, ("confirm", "undo"), "", SAME),
    _row(_TURN, "end", "", "idle", "silence_timers sound_end"),
    _row(_ANSWER, "end", "", "idle", "silence_timers interrupt sound_end"),
    _row(ANY, "ask", "not may_send", SAME, "refuse"),
    _row(ANY, "connected", "", SAME, "note_connected"),
    _row(ANY, "connection_lost", "", SAME, "note_lost"),
    _row(_TURN, "fatal", "", "idle", "note_fatal sound_error"),
    _row(ANY, "fatal", "", SAME, "note_fatal"),
    _row(ANY, ("answer_failed", "noted"), "", SAME, "note_fault"),
    _row(ANY, "tool_ended", "", SAME),
    _row(_TURN, "device_lost", "", "idle", "note_device sound_error"),
    _row(_ANSWER, "device_lost", "loudspeaker", "idle", "note_device interrupt"),
    _row(ANY, "device_lost", "", SAME, "note_device"),
    _row(ANY, "device_returned", "is_lost", SAME, "mend_device"),
    _row(ANY, "ringing", "not rings", SAME, "ring"),
    _row(ANY, "silenced", "rings", SAME, "stop_ringing"),
    _row(("listening", "thinking", "speaking"), "approval_needed", "room", SAME, "ask_approval"),
    _row(ANY, "approval_needed", "", SAME, "reject_unasked"),
    _row(ANY, "approval_resolved", "waits", SAME, "drop_approval"),
    _row(ANY, "stuck", "", SAME, "note_stuck"),
    _row(ANY, "unstuck", "button_fault", SAME, "mend_button"),
    _row(ANY, "volume", "", SAME, "change_volume"),
    # -- a press that is about something else than the conversation, or whose meaning waits.
    _row(ANY, "press_for_timer", "rings", SAME, "silence_timers press_spent"),
    _row(ANY, "press_later", "", SAME, "press_noted"),
    _row(ANY, "approve", "aimed", SAME, "approve"),
    _row(ANY, "reject", "aimed", SAME, "reject"),
    _row(ANY, ("approve", "reject"), "", SAME),
)
"""Every transition there is."""
