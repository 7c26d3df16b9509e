"""Actions that say what became of a request that a program waits for: it has begun, was done, or has failed."""

from speakerd.dialogue.commands import RequestReport
from speakerd.dialogue.events import Ask, Say
from speakerd.dialogue.refusal import why_not
from speakerd.dialogue.transition import Transition
from speakerd.dialogue.triggers import Trigger


def cause(trigger: Trigger) -> str:
    """Say in words what ended it. Not an action by itself."""
    match trigger:
        case "press" | "tap" | "talk_start" | "press_for_announcement" | "undo":
            return "somebody pressed the button"
        case "wake":
            return "somebody woke it"
        case "speech_started" | "barge_in_confirmed" | "server_speech_started":
            return "somebody spoke"
        case "ask":
            return "another question took its place"
        case "stop":
            return "it was stopped"
        case "mute" | "switch_on":
            return "it was muted"
        case "timeout":
            return "the voice model did not answer in time"
        case "fatal":
            return "the voice model refuses the key, the quota or the model; the journal says why"
        case "answer_failed" | "response_ended":
            return "the answer failed; the journal says why"
        case "connection_lost":
            return "the connection to the voice model was lost"
        case "device_lost":
            return "the sound card was lost"
        case "stop_requested":
            return "speakerd is being stopped"
        case _:
            return "it was interrupted"


def begun(t: Transition, request: int) -> None:
    """Report that the request is being carried out, and remember to report its end. Not an action by itself."""
    t.state.request = request
    if request:
        t.out.append(RequestReport(request, "begun"))


def done(t: Transition, request: int) -> None:
    """Report that it was carried out wholly. Not an action by itself."""
    if request:
        t.out.append(RequestReport(request, "done"))


def failed(t: Transition, request: int, reason: str) -> None:
    """Report that it was not, or not wholly. Not an action by itself."""
    if request:
        t.out.append(RequestReport(request, "failed", reason))


def interrupted(t: Transition) -> None:
    """Report that what is being answered was cut short. Not an action by itself."""
    failed(t, t.state.request, cause(t.trigger))
    t.state.request = 0


def answered(t: Transition) -> None:
    """Report how the answer ended of a typed request, if one is being answered. Not an action by itself."""
    answer, request = t.state.answer, t.state.request
    t.state.request = 0
    if answer is None or answer.given_up:
        failed(t, request, cause("connection_lost"))
    elif answer.failed:
        failed(t, request, cause("answer_failed"))
    elif not answer.sounded:
        failed(t, request, "the voice model said nothing")
    else:
        done(t, request)


def drop_text(t: Transition) -> None:
    """Forget the typed request that waits, if one does. Not an action by itself."""
    if t.state.text is not None:
        unreachable = "the voice model could not be reached in time"
        failed(t, t.state.text.request, unreachable if t.trigger == "timeout" else cause(t.trigger))
    t.state.text = None


def refuse(t: Transition) -> None:
    """Report that a typed request or an announcement is not taken, and why."""
    if isinstance(t.event, Ask | Say):
        failed(t, t.event.request, why_not(t.event, t.state, t.settings))
