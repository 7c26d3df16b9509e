"""The sentences of the built-in commands as a JSGF grammar, which pocketsphinx tries first.

A regular expression is made of the same rules (`matches`), since the recogniser may stop in the middle of a
sentence and does not report it. `understanding.intents` finds the meaning of each sentence; a test tries every rule
on it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

RULES: Final[dict[str, str]] = {
    "digit": "one | two | three | four | five | six | seven | eight | nine",
    "teen": "ten | eleven | twelve | thirteen | fourteen | fifteen | sixteen | seventeen | eighteen | nineteen",
    "tens": "twenty | thirty | forty | fifty | sixty | seventy | eighty | ninety",
    "number": "<digit> | <teen> | <tens> [<digit>] | (a | one) hundred",
    # More than one, for nouns in the plural: half as many ways to mishear a number.
    "many": "two | three | four | five | six | seven | eight | nine | <teen> | <tens> [<digit>]",
    "length": "one (meter | step | foot) | (<many> | a hundred) (meters | steps | feet | inches | centimeters)",
    "move": "(go | move | drive | walk) (forward | backward | back) [<length>]"
    " | turn (left | right) [<number> degrees] | turn around",
    "time": "what time is it [now] | what is the time | what's the time | tell me the time",
    "date": "what day is it [today] | what day is today | what date is it [today]"
    " | (what is | what's) the date [today] | (what is | what's) today's date",
    "count": "(a | one) minute | (an | one) hour | <many> (seconds | minutes | hours)",
    "duration": "<count> [and <count>] | half an hour",
    "timer": "(set | start) a timer for <duration> | (set | start) a (one | <many>) (second | minute | hour) timer"
    " | wake me in <duration> | (cancel | stop) (the timer | the timers | all timers | my timer)"
    " | how much time is left | which timers are running | what timers do i have",
    "volume": "(turn | set) the volume (up | down) | turn (up | down) the volume | turn it (up | down)"
    " | set the volume to <number> [percent] | volume (up | down | <number> [percent])"
    " | louder | softer | quieter | speak (up | louder | softer)",
    "greeting": "hello [there | speaker] | hi [there] | hey | good (morning | afternoon | evening)",
    "thanks": "thank you [very much] | thanks [a lot]",
    "help": "help [me] | what can you do | what can i say",
    "stop": "stop | be quiet | never mind | cancel | cancel that",
    "goodbye": "goodbye | good bye | bye | bye bye | good night | see you [later] | that is all",
    "again": "say that again | repeat that | what did you say",
    "self": "who are you | what is your name | how are you",
    "repeat": "repeat after me",
    "command": "<move> | <time> | <date> | <timer> | <volume> | <greeting> | <thanks> | <help> | <stop>"
    " | <goodbye> | <again> | <self> | <repeat>",
}
_REFERENCE: Final = re.compile(r"<(\w+)>")
_SYMBOL: Final = re.compile(r"[()|\[\]]|[^()|\[\]\s]+")
_WORDS: Final = re.compile(r"[a-z][a-z']*(?: [a-z][a-z']*)*")


def jsgf(phrases: Iterable[str] = ()) -> str:
    """Return the grammar with these sentences beside the built-in ones; each must come from `clean`."""
    own = " | ".join(f"({phrase})" for phrase in phrases)
    rules = {**RULES, "own": own} if own else RULES
    start = f"<command>{' | <own>' if own else ''}"
    lines = [f"<{name}> = {rule};" for name, rule in rules.items()]
    return "\n".join(["#JSGF V1.0;", "grammar speakerd;", *lines, f"public <sentence> = {start};", ""])


def clean(phrase: str) -> str | None:
    """Return a phrase as the recogniser spells it: lower case, single spaces, no marks; None if nothing is left."""
    text = re.sub(r"[^a-z' ]+", " ", phrase.lower().replace("_", " ").replace("\u2019", "'"))
    text = " ".join(word.strip("'") for word in text.split() if word.strip("'"))
    return text if _WORDS.fullmatch(text) else None


def words_of(phrases: Iterable[str] = ()) -> set[str]:
    """Return every word of the grammar: the recogniser's dictionary must contain them."""
    found: set[str] = set()
    for rule in (*RULES.values(), *phrases):
        found |= {symbol for symbol in _SYMBOL.findall(_REFERENCE.sub(" ", rule)) if symbol not in "()|[]"}
    return found


def matches(sentence: str, phrases: Iterable[str] = ()) -> bool:
    """Return whether this is a whole sentence of the grammar, and not only the beginning of one."""
    return _pattern().fullmatch(f" {sentence}") is not None or sentence in set(phrases)


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    return re.compile(_regex("<command>"))


def _regex(rule: str) -> str:
    """Return a JSGF expansion as a regular expression, with a space before each word."""
    parts: list[str] = []
    for symbol in _SYMBOL.findall(rule):
        if symbol in ("(", "["):
            parts.append("(?:")
        elif symbol == ")":
            parts.append(")")
        elif symbol == "]":
            parts.append(")?")
        elif symbol == "|":
            parts.append("|")
        elif reference := _REFERENCE.fullmatch(symbol):
            parts.append(f"(?:{_regex(RULES[reference[1]])})")
        else:
            parts.append(f"(?: {re.escape(symbol)})")
    return "".join(parts)
