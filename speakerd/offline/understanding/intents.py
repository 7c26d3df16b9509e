"""Finds the intent of a sentence.

The table is read from top to bottom, and the first pattern that matches the whole sentence wins. It accepts more
than the recogniser's grammar, since free speech and typed text are matched, too. Polite words and forms of address
are removed if the sentence does not match as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from speakerd.offline.understanding.numbers import NUMBER, number

_UNIT_S: Final = {"second": 1, "minute": 60, "hour": 3600}
_COUNT: Final = (
    rf"(?:half an hour|half a minute|{NUMBER}(?: and a half)? (?:second|minute|hour)s?(?: and a half)?)"
)
_DURATION: Final = rf"(?P<duration>{_COUNT}(?:,? (?:and )?{_COUNT})*)"
_WHAT_IS: Final = r"(?:what is|what's|whats|tell me|give me|do you know|say)"


IntentKind = Literal[
    "repeat_after_me",
    "repeat_last",
    "time",
    "date",
    "timer_set",
    "timer_cancel",
    "timer_list",
    "volume_set",
    "volume_up",
    "volume_down",
    "turn",
    "move",
    "greeting",
    "thanks",
    "goodbye",
    "help",
    "stop",
    "identity",
    "wellbeing",
    "nothing",  # there are no words
    "unknown",  # words that fit no row of the table
]


@dataclass(frozen=True, slots=True)
class Intent:
    """What is wanted, and with what: `slots` holds the values (`seconds`, `percent`, `direction`, ...)."""

    kind: IntentKind
    slots: dict[str, Any] = field(default_factory=dict)


_TIMER: Final = r"(?:set|start|make|create) (?:me )?(?:a |an |the )?"
_SOUND: Final = r"(?:the volume|it|the sound)"
_SLIGHTLY: Final = r"(?:a bit |a little |much )?"
_LENGTH: Final = rf"(?P<amount>{NUMBER}) (?P<unit>[a-z]+)"
_TABLE: Final[tuple[tuple[IntentKind, str], ...]] = (
    # Free speech recognition takes "me" for many words.
    ("repeat_after_me", r"(?:repeat|say) after (?:me|we|be|the)(?: (?P<text>.+))?"),
    ("repeat_after_me", r"(?:repeat|say) (?:this|the following|the words) (?P<text>.+)"),
    ("repeat_last", r"(?:say|repeat) (?:that|it)(?: again)?|once more|again|what|pardon|what did you say"),
    ("time", rf"(?:{_WHAT_IS} )?(?:the )?(?:current )?time(?: now| is it(?: now)?)?"),
    ("time", r"(?:tell me |do you know )?what(?: the)? time (?:is it|it is)(?: now| right now)?"),
    ("date", rf"(?:{_WHAT_IS} )?(?:the |today's )?(?:current )?date(?: is it)?(?: today)?"),
    ("date", r"(?:tell me )?(?:what|which) (?:day|date|weekday) (?:is it|is today|it is)(?: today)?"),
    ("date", r"(?:what|which) day of the week is it(?: today)?"),
    ("timer_set", rf"{_TIMER}(?P<duration>{NUMBER} (?:second|minute|hour)) timer"),
    ("timer_set", rf"{_TIMER}(?:(?P<label>[a-z]+) )?timer (?:for|of|to) {_DURATION}"),
    ("timer_set", rf"(?:wake|remind|call) me in {_DURATION}"),
    ("timer_set", rf"timer(?: for)? {_DURATION}"),
    (
        "timer_cancel",
        r"(?:cancel|stop|delete|clear|end)(?: the| my)?(?: (?P<label>all))?(?: the| my)* timers?",
    ),
    (
        "timer_list",
        r"(?:which|what|list|show)(?: my| the| all)* timers?(?: are running| do i have| are set)?",
    ),
    ("timer_list", r"how (?:much time|long)(?: is)? (?:left|remaining)(?: on (?:the|my) timer)?"),
    (
        "volume_set",
        rf"(?:(?:set|turn|change) )?(?:the )?volume (?:to |at )?(?P<percent>{NUMBER})(?: percent|%)?",
    ),
    ("volume_up", rf"(?:turn|set|put) {_SOUND} up|turn up(?: the)? (?:volume|sound)|volume up"),
    ("volume_up", rf"{_SLIGHTLY}louder|(?:speak|talk) (?:up|louder)|(?:raise|increase) the volume"),
    ("volume_down", rf"(?:turn|set|put) {_SOUND} down|turn down(?: the)? (?:volume|sound)|volume down"),
    ("volume_down", rf"{_SLIGHTLY}(?:softer|quieter)|(?:speak|talk) (?:softer|quieter|softly)"),
    ("volume_down", r"(?:lower|decrease) the volume"),
    (
        "turn",
        rf"(?:turn|rotate)(?: to the)? (?P<direction>left|right|around)(?: (?P<amount>{NUMBER}) degrees?)?",
    ),
    (
        "move",
        rf"(?:go|move|drive|walk|run) (?P<direction>forwards?|backwards?|back|ahead)(?: {_LENGTH})?",
    ),
    ("greeting", r"(?:hello|hi|hey|howdy|greetings)(?: (?:there|speaker|computer|you))?"),
    ("greeting", r"good (?:morning|afternoon|evening)(?: speaker| computer)?"),
    ("thanks", r"(?:okay )?(?:many )?(?:thank you|thanks)(?: very much| a lot| so much)?"),
    ("goodbye", r"(?:okay )?(?:good ?bye|bye|bye bye|good night|see you(?: later| soon)?|farewell)"),
    ("goodbye", r"(?:that is|that's) all"),
    ("help", r"help|help me|i need help|what (?:can|could) (?:you do|i say|i ask)(?: for me| you)?"),
    ("stop", r"stop|stop it|stop talking|be quiet|quiet|shut up|silence"),
    ("stop", r"never ?mind|cancel|cancel that|forget it"),
    ("identity", r"who are you|what are you|what(?: is|'s) your name"),
    ("wellbeing", r"how are you(?: doing)?(?: today)?"),
)
_LENGTHS: Final = frozenset(
    f"{unit}{ending}"
    for unit in ("meter", "metre", "step", "foot", "feet", "inch", "inche", "centimeter", "mile", "kilometer")
    for ending in ("", "s")
)
_ROWS: Final = tuple((kind, re.compile(pattern)) for kind, pattern in _TABLE)
_POLITE: Final = re.compile(
    r"^(?:(?:please|okay|ok|hey speaker|speaker|computer|can you|could you|would you)[, ]+)+|[, ]+please$"
)


def understand(text: str) -> Intent:
    """Return the intent of a sentence: `unknown` with its `text` if no row matches, `nothing` without words."""
    words = normalized(text)
    if not words:
        return Intent("nothing")
    for candidate in dict.fromkeys((words, _POLITE.sub("", words))):
        for kind, pattern in _ROWS:
            found = pattern.fullmatch(candidate)
            if found is not None:
                intent = _intent(kind, found)
                if intent is not None:
                    return intent
    return Intent("unknown", {"text": text.strip()})


def normalized(text: str) -> str:
    """Return the text in lower case, with single spaces and no marks but apostrophes and percent signs."""
    lowered = text.lower().replace("\u2019", "'")
    return " ".join(re.sub(r"[^a-z0-9'% ]+", " ", lowered).split())


def seconds_of(duration: str) -> int | None:
    """Return the seconds in "an hour and five minutes"; None if this is no duration."""
    total = 0.0
    counts = re.findall(_COUNT, duration)
    for count in counts:
        if count.startswith("half"):
            total += 1800 if "hour" in count else 30
            continue
        half = "and a half" in count
        words, _, unit = count.replace(" and a half", "").rpartition(" ")
        amount = number(words)
        if amount is None:
            return None
        total += (amount + (0.5 if half else 0)) * _UNIT_S[unit.rstrip("s")]
    return round(total) if counts else None


def _intent(kind: IntentKind, found: re.Match[str]) -> Intent | None:
    slots = {name: value for name, value in found.groupdict().items() if value is not None}
    duration = slots.pop("duration", None)
    if duration is not None:
        seconds = seconds_of(duration)
        if not seconds:
            return None
        slots = {**slots, "seconds": seconds}
    for name in ("percent", "amount"):
        if name in slots:
            slots[name] = number(slots[name])
    if kind == "move":
        slots["direction"] = "backward" if slots["direction"].startswith("back") else "forward"
    if kind == "move" and "unit" in slots and slots["unit"] not in _LENGTHS:
        return None
    return Intent(kind, slots)
