"""Actions about tool calls that wait for a person's yes or no."""

from speakerd.dialogue import commands
from speakerd.dialogue.events import ApprovalNeeded, ApprovalResolved
from speakerd.dialogue.state import Approval
from speakerd.dialogue.transition import Transition


def ask(t: Transition) -> None:
    """Let a tool call wait for approval; the light says so, and a sound."""
    if isinstance(t.event, ApprovalNeeded):
        until = t.now + t.settings.approval_timeout_s
        t.state.approvals = (*t.state.approvals, Approval(t.event.call_id, t.event.name, until))
        if t.state.answer is not None:
            t.state.answer.more_due = True
        t.out.append(commands.PlaySound("wake"))
        t.out.append(commands.Log("approval_asked", {"tool": t.event.name}))


def refuse_unasked(t: Transition) -> None:
    """Refuse a tool call because nobody is there to be asked, or too many wait already."""
    if isinstance(t.event, ApprovalNeeded):
        reason = "nobody could be asked"
        t.out.append(commands.Reject(t.event.call_id, reason))
        t.out.append(commands.Log("approval_refused", {"tool": t.event.name, "reason": reason}))


def approve(t: Transition) -> None:
    """Let the tool call run that the press was aimed at."""
    call_id = t.state.hand.aim
    t.out.append(commands.Approve(call_id))
    t.out.append(commands.Log("approval_given", {"tool": _tool(t, call_id)}))
    _drop(t, call_id)


def reject(t: Transition) -> None:
    """Refuse the tool call that the press was aimed at."""
    call_id = t.state.hand.aim
    _refuse(t, call_id, "refused by the person at the speaker")
    _drop(t, call_id)


def drop(t: Transition) -> None:
    """Wait no longer for the approval of a tool call that was answered elsewhere."""
    if isinstance(t.event, ApprovalResolved):
        _drop(t, t.event.call_id)


def _drop(t: Transition, call_id: str) -> None:
    t.state.approvals = tuple(waiting for waiting in t.state.approvals if waiting.call_id != call_id)
    if t.state.answer is not None:
        t.state.answer.progress_at = t.now


def _refuse(t: Transition, call_id: str, reason: str) -> None:
    t.out.append(commands.Reject(call_id, reason))
    t.out.append(commands.Log("approval_refused", {"tool": _tool(t, call_id), "reason": reason}))


def _tool(t: Transition, call_id: str) -> str:
    return next((waiting.name for waiting in t.state.approvals if waiting.call_id == call_id), "")


def reject_all(t: Transition, reason: str) -> None:
    """Refuse every tool call that waits. Not an action by itself: it needs a reason."""
    for approval in t.state.approvals:
        _refuse(t, approval.call_id, reason)
    t.state.approvals = ()


def expire(t: Transition) -> None:
    """Refuse the tool calls that nobody has answered in time."""
    while t.state.approvals and t.state.approvals[0].until <= t.now:
        late = t.state.approvals[0]
        _refuse(t, late.call_id, "nobody answered in time")
        _drop(t, late.call_id)
