"""Actions that move the answer, from when it is due until it has been heard."""

from typing import Final

from speakerd.dialogue import commands
from speakerd.dialogue.actions import approvals, faults, reports, sounds
from speakerd.dialogue.deadlines import stall_deadline, working_deadline
from speakerd.dialogue.events import ResponseEnded, ResponseStarted, ToolEnded, ToolStarted
from speakerd.dialogue.state import Answer
from speakerd.dialogue.transition import Transition

_MAX_TOOLS: Final = 64
"""More tools at once are not counted: a bound, not a rule. The session runs fewer."""


def expect(t: Transition) -> None:
    """End the person's turn: from now on an answer is due, and no response for it has begun."""
    t.state.turn, t.state.answer = None, Answer(progress_at=t.now)


def expect_unasked(t: Transition) -> None:
    """End the person's turn, in which nothing was said: the server speaks by itself."""
    t.state.turn, t.state.answer = None, Answer(progress_at=t.now, asked=False)


def expect_result(t: Transition) -> None:
    """Wait for the result of a tool that runs, since nobody says anything."""
    t.state.turn, t.state.answer = None, Answer(progress_at=t.now, asked=False)


def interrupt(t: Transition) -> None:
    """End the answer: cancel it, silence what is queued, and expect nothing more of it. Its tools run on."""
    st = t.state
    t.out.append(commands.Interrupt())
    trust(t)
    approvals.reject_all(t, "interrupted")
    reports.interrupted(t)
    # A response that was interrupted before it began has now begun, and is the one that is interrupted here.
    asked = st.answer is not None and st.answer.asked
    st.stale_due = (st.stale_due or asked) and t.trigger != "response_started"
    st.answer, st.result_due = None, False


def adopt(t: Transition) -> None:
    """Take the response that begins for the answer, or for the next part of it."""
    answer = t.answer
    if isinstance(t.event, ResponseStarted):
        answer.response_id = t.event.response_id
    answer.asked = answer.more_due = answer.sound_due = answer.response_sounded = False
    t.state.result_due = False
    answer.progress_at = t.now
    faults.clear(t, "account")


def over(t: Transition) -> None:
    """Record that the response was generated to its end: whether it has sound, and whether more follows."""
    answer = t.answer
    answer.response_id, answer.progress_at, t.state.stale_due = None, t.now, False
    if isinstance(t.event, ResponseEnded):
        answer.more_due = t.event.tool_calls > 0
        answer.called_by = t.event.response_id if answer.more_due else None
        answer.sound_due = t.event.had_audio and not answer.response_sounded
        if (shortcoming := _shortcoming(t, t.event)) is not None:
            answer.failed = True
            faults.note_no_answer(t, t.event.status, shortcoming)


def cancelled_unheard(t: Transition) -> None:
    """Say why nothing is heard: the server cancelled the answer, and nobody had asked it to."""
    if isinstance(t.event, ResponseEnded):
        faults.note_no_answer(t, t.event.status, t.event.reason or t.event.status)


def _shortcoming(t: Transition, ended: ResponseEnded) -> str | None:
    """What is wrong with the response, of which nothing more will come; None if it is as it should be."""
    if ended.tool_calls or (t.state.ending and t.answer.sounded):
        return None  # more is to come, or nothing need come
    if ended.status != "completed":
        return ended.reason or ended.status
    if ended.had_audio:
        return None
    return "text_only" if ended.had_text else "empty"


def await_other(t: Transition) -> None:
    """Wait on: it is not our response that ended, or it ended without being one, and ours is still due."""
    t.answer.response_id, t.answer.asked, t.answer.progress_at = None, True, t.now
    t.state.stale_due = False


def await_more(t: Transition) -> None:
    """Wait for the response that follows a tool's result; if something went wrong before it, say so now."""
    trust(t)
    t.answer.progress_at = t.now
    if t.answer.failed:
        t.answer.failed = False
        sounds.error(t)


def sound(t: Transition) -> None:
    """Record that the answer is heard."""
    answer = t.answer
    if not (answer.sounded or answer.failed):
        faults.mended(t)
    answer.playing = answer.sounded = answer.response_sounded = True
    answer.asked = answer.sound_due = t.state.was_silent = False
    answer.progress_at = t.now
    go_on(t)


def run_dry(t: Transition) -> None:
    """Record that its sound ran out in its middle."""
    t.answer.dry_since = t.now


def go_on(t: Transition) -> None:
    """Record that its sound has not run out, or goes on."""
    t.answer.dry_since, t.answer.stalled = None, False


def stall(t: Transition) -> None:
    """Note that nothing has been heard for long in the middle of the answer: the light says so."""
    due_at = stall_deadline(t.state)
    if due_at is not None and due_at <= t.now:
        t.answer.stalled = True


def drained(t: Transition) -> None:
    """Record that all of the answer that has come so far was heard."""
    t.answer.playing = t.answer.sound_due = False
    go_on(t)
    t.answer.progress_at = t.now


def end_well(t: Transition) -> None:
    """Record that the answer was heard to its end; something else is heard before anybody is listened to."""
    trust(t)
    reports.answered(t)
    t.state.answer = None


def give_up(t: Transition) -> None:
    """Expect no more of the answer; what has come may be heard to its end. Its tools run on."""
    approvals.reject_all(t, "the connection was lost")
    t.answer.response_id = None
    t.answer.asked = t.answer.more_due = t.state.stale_due = False
    t.answer.given_up = True


def mark_failed(t: Transition) -> None:
    """Remember to say that the answer failed when what has come of it has been heard."""
    t.answer.failed = True


def mark_ending(t: Transition) -> None:
    """Remember that this answer is the last of the conversation."""
    t.state.ending = True


def mark_silent(t: Transition) -> None:
    """Remember that the answer was none, deliberately."""
    t.state.was_silent = True


def tool_started(t: Transition) -> None:
    """Note a tool that runs: a response to its result will follow."""
    st = t.state
    if isinstance(t.event, ToolStarted) and len(st.tools) < _MAX_TOOLS:
        st.tools = (*st.tools, t.event.call_id)
    if st.answer is not None:
        st.answer.more_due, st.answer.progress_at = True, t.now


def work_on(t: Transition) -> None:
    """Say by a sound that a tool is at work, if it has been for long."""
    due_at = working_deadline(t.state, t.settings)
    if due_at is not None and due_at <= t.now:
        t.state.worked_at = t.now
        t.out.append(commands.PlaySound("working"))


def tool_ended(t: Transition) -> None:
    """Note that a tool has ended: the response to its result is due, if one follows at all."""
    st = t.state
    if isinstance(t.event, ToolEnded):
        ended = t.event.call_id
        st.tools = tuple(call_id for call_id in st.tools if call_id != ended)
        st.result_due = t.event.reply_due
    if st.answer is not None:
        st.answer.progress_at = t.now
        if not st.tools and not st.result_due:
            st.answer.more_due = False


def no_reply(t: Transition) -> None:
    """Wait no longer for a response to the results of tools."""
    t.state.result_due = False
    if t.state.answer is not None:
        t.state.answer.more_due = False


def abandon_tools(t: Transition) -> None:
    """Wait no longer for tools: they have had their time."""
    t.state.tools, t.state.result_due = (), False


def refuse(t: Transition) -> None:
    """Cancel a response that nobody waits for; what is being played is something else."""
    t.out.append(commands.Interrupt(silence=False))


def suspect(t: Transition) -> None:
    """Lower the voice, since somebody may be speaking over it."""
    t.answer.suspected = True
    t.out.append(commands.SetVoice("ducked"))


def trust(t: Transition) -> None:
    """Restore the voice, if it was lowered because somebody might have been speaking over it."""
    answer = t.state.answer
    if answer is not None and answer.suspected:
        answer.suspected = False
        t.out.append(commands.SetVoice("normal"))
