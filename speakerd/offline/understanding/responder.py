"""Decides on an answer: from the conversation so far to a `ResponsePlan`.

The last item is answered: the output of a tool is put into words; a sentence is passed to one of the client's
tools, answered from a fixed set of answers, or repeated with a list of what is possible. There is no model behind
this.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, assert_never

from speakerd.offline.grammar import clean
from speakerd.offline.understanding.intents import Intent, normalized, understand
from speakerd.offline.understanding.numbers import duration_words
from speakerd.offline.understanding.tool_matching import (
    call_by_name,
    call_for,
    forced_call,
    intent_of_tool,
    tool_phrases,
)
from speakerd.offline.values import ResponsePlan, SayText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from speakerd.offline.items import Item
    from speakerd.offline.settings import OfflineSettings
    from speakerd.offline.understanding.intents import IntentKind
    from speakerd.offline.values import ResponseSpec

CAN_DO: Final = (
    "You can ask me for the time or the date, set a timer, change the volume, "
    "tell me to go forward ten meters, or say: repeat after me, and then some words."
)
_SAY_EXACTLY: Final = re.compile(
    r"\s*(?:please )?(?:say|speak|read|repeat|tell the user)\b[^:\"\u201c]{0,60}[:\"\u201c]"
    r"\s*[\"\u201c]?(?P<text>.+?)[\"\u201d]?\s*",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_SPEECH: Final = 2000
"""Letters of one answer; more would be minutes of speech."""
_SAYING: Final = ("spoken", "speech", "message", "text", "answer", "result", "output", "status")
_LONGEST_RESULT: Final = 600
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?")


class Responder:
    """Answers sentences. `clock` returns the local date and time. Has no state: sessions may share it."""

    def __init__(self, settings: OfflineSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        cleaned = (clean(phrase) for phrase in settings.phrases)
        self._own_phrases = tuple(phrase for phrase in cleaned if phrase)

    def phrases(self, tools: Iterable[dict[str, Any]]) -> tuple[str, ...]:
        """Return the sentences beside the built-in ones that the recogniser needs in a session with these tools."""
        return tuple(dict.fromkeys((*self._own_phrases, *tool_phrases(tools))))

    def reply(self, spec: ResponseSpec, items: Sequence[Item]) -> ResponsePlan:
        """Return what to say and which tools to call in answer to `items`."""
        exact = _SAY_EXACTLY.fullmatch(spec.own_instructions)
        if exact is not None:
            return (_say(exact["text"]),)
        trigger = next((item for item in reversed(items) if item.role != "system"), None)
        if trigger is None:
            return (_say(self._settings.greeting),)
        if trigger.type == "function_call_output":
            return self._tell_outcomes(items)
        if trigger.type != "message" or trigger.role != "user":
            return (_say("Yes?"),)
        tools = () if spec.tool_choice == "none" else spec.tools
        parts = [part for part in trigger.content if part.kind == "input_audio"]
        if parts and all(part.transcript is None for part in parts):
            return (_say("Sorry, I cannot listen at the moment. Please try again."),)
        return self._answer(understand(trigger.words), trigger.words, tools, spec.tool_choice, items)

    def _answer(
        self, intent: Intent, words: str, tools: Sequence[dict[str, Any]], choice: Any, items: Sequence[Item]
    ) -> ResponsePlan:
        if isinstance(choice, dict):
            forced = forced_call(choice["name"], intent, tools)
            if forced is not None:
                return (forced,)
        call = call_by_name(words, tools) or call_for(intent, tools)
        if call is not None:
            return (_say("Goodbye!"), call) if intent.kind == "goodbye" else (call,)
        return (_say(self._sentence(intent, words, items)),)

    def _sentence(self, intent: Intent, words: str, items: Sequence[Item]) -> str:
        slots = intent.slots
        match intent.kind:
            case "time":
                return f"It is {_clock_words(self._clock())}."
            case "date":
                return f"Today is {_date_words(self._clock())}."
            case "repeat_after_me":
                return slots.get("text") or "Say: repeat after me, and then the words, all in one go."
            case "repeat_last":
                return _last_said(items) or "I have not said anything yet."
            case "timer_set":
                return f"You want a timer for {duration_words(slots['seconds'])}, but I have no timers here."
            case "volume_set":
                return f"You want the volume at {slots['percent']} percent, but I cannot change it from here."
            case "move" | "turn":
                return f"Understood: {normalized(words)}. I have no wheels, so I stay where I am."
            case "unknown" if clean(words) in self._own_phrases:
                return f"Understood: {words}."
            case "unknown":
                return f"I understood: {words}. I do not know what to do with that. {CAN_DO}"
            case "nothing":
                return f"I did not catch any words. {CAN_DO}"
            case "timer_cancel" | "timer_list":
                return "There are no timers here."
            case "volume_up" | "volume_down":
                return "I cannot change the volume from here."
            case "greeting":
                return self._settings.greeting
            case "thanks":
                return "You are welcome."
            case "goodbye":
                return "Goodbye!"
            case "help":
                return CAN_DO
            case "stop":
                return "All right."
            case "identity":
                return (
                    "I am the offline voice of this speaker. "
                    "I work without a network, and I know a few things only."
                )
            case "wellbeing":
                return "I am fine, thank you. What can I do for you?"
            case _:
                assert_never(intent.kind)

    def _tell_outcomes(self, items: Sequence[Item]) -> ResponsePlan:
        names = {
            item.fields["call_id"]: item.fields["name"] for item in items if item.type == "function_call"
        }
        said: list[str] = []
        for item in reversed(items):
            if item.type != "function_call_output":
                break
            kind = intent_of_tool(names.get(item.fields["call_id"], ""))
            if kind != "goodbye":
                said.insert(0, outcome(kind, item.fields["output"]))
        return (_say(" ".join(said)),) if said else ()


def _say(text: str) -> SayText:
    return SayText(text[:_LONGEST_SPEECH])


def _last_said(items: Sequence[Item]) -> str | None:
    said = (item.words for item in reversed(items) if item.role == "assistant" and item.words)
    return next(said, None)


def _clock_words(now: datetime) -> str:
    hour = now.hour % 12 or 12
    half = "AM" if now.hour < 12 else "PM"
    return f"{hour}:{now.minute:02d} {half}" if now.minute else f"{hour} o'clock {half}"


def _date_words(now: datetime) -> str:
    ending = "th" if 10 < now.day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(now.day % 10, "th")
    return f"{now:%A}, the {now.day}{ending} of {now:%B} {now.year}"


def outcome(kind: IntentKind | None, output: str) -> str:
    """Return a tool's output as a sentence: text as it is, JSON in words. `kind`: the intent it was called for."""
    text = output.strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    spoken = _spoken(value).strip()
    if not spoken:
        return "Done."
    if kind == "time" and _CLOCK.fullmatch(spoken):
        return f"It is {spoken}."
    spoken = spoken[0].upper() + spoken[1:]
    return spoken if spoken[-1] in ".!?" else f"{spoken}."


def _spoken(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())[:_LONGEST_RESULT]
    if value is True or value is None:
        return ""
    if value is False:
        return "That did not work"
    if isinstance(value, dict):
        return _of_object(value)
    if isinstance(value, list):
        return ("; ".join(_spoken(entry) for entry in value[:10]) or "There are none")[:_LONGEST_RESULT]
    return str(value)


def _of_object(value: dict[str, Any]) -> str:
    if value.get("error"):
        return f"That did not work: {_spoken(value['error'])}"
    for key in _SAYING:
        if isinstance(value.get(key), str) and value[key]:
            return _spoken(value[key])
    pairs = [f"{key.replace('_', ' ')}: {_spoken(entry) or 'yes'}" for key, entry in list(value.items())[:10]]
    return ", ".join(pairs)[:_LONGEST_RESULT]
