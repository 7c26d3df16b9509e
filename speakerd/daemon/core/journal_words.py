"""What the dialogue writes into the journal, as sentences. The fields are beside them (`host.events`). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from speakerd.dialogue.commands import Log

_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def sentence(log: Log) -> str:
    """Return the line for a person. An event without a sentence of its own is a mistake that a test finds."""
    words = log.fields
    match log.event:
        case "phase":
            return f"went from {words['from']} to {words['to']}: {_plain(str(words['cause']))}"
        case "account_fault":
            return (
                "the voice model refuses the key, the quota or the model: nothing works until that is mended"
            )
        case "session_error":
            return f"the voice model reports an error of the kind {_plain(str(words['kind']))}"
        case "no_answer":
            why = "" if words["reason"] in {"", words["status"]} else f" ({_plain(str(words['reason']))})"
            return f"there is no whole answer: the response was {_plain(str(words['status']))}{why}"
        case "answer_timeout":
            return f"waited too long for the {_plain(str(words['waited_for'])) or 'answer'}"
        case "button_stuck":
            return "the button has been down for too long: is it jammed, or wired to the wrong pin?"
        case "timer_unheard":
            return f"nobody came to a timer that rang until its limit (timers: {words['timers']})"
        case "announcement_failed":
            return f"an announcement was not wholly spoken: {words['reason']}"
        case "approval_asked":
            return f"the tool {words['tool']} waits for a yes or a no at the button"
        case "approval_given":
            return f"the tool {words['tool']} was allowed at the button"
        case "approval_refused":
            return f"the tool {words['tool']} was not allowed: {words['reason']}"
        case _:
            return _plain(log.event)


def _plain(name: str) -> str:
    """Return `press_down` and `SpeechEnded` in words."""
    return _CAPITAL.sub(" ", name).replace("_", " ").lower()
