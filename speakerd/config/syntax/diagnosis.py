"""From the error of `tomllib` to a mistake: finds the statement, and asks the rules in turn."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from speakerd.config.line_numbers import KeyPath, Statement, statements
from speakerd.config.syntax.bare import bare_value
from speakerd.config.syntax.characters import foreign_character, old_mac, too_long_number
from speakerd.config.syntax.lists import broken_braces, broken_list
from speakerd.config.syntax.names import foreign_comment, no_equals, other_language, unusable_name
from speakerd.config.syntax.place import GENERAL, KEY, LONGEST_LINE, Found, Place, line_end
from speakerd.config.syntax.tables import broken_header, duplicate
from speakerd.config.syntax.texts import block_text, missing_value, quoted_text


@dataclass(frozen=True, slots=True)
class SyntaxMistake:
    """The first mistake of a text.

    Attributes:
        line: from 1.
        column: from 1; where the mistake begins in that line.
        path: the key or table that the statement is about; empty if there is none.
        what: what was met.
        cure: what to write instead.
        statement: the characters from which to which the statement goes; None if what follows cannot be told apart
            from it, so that the rest of the text means nothing.
    """

    line: int
    column: int
    path: KeyPath
    what: str
    cure: str
    statement: tuple[int, int] | None


_END = re.compile(r"\s*\(at line (\d+), column (\d+)\)$|\s*\(at end of document\)$")
_NAMED = re.compile(rf"\[\[?\s*{KEY.pattern}\s*(?:[\]#]|$)|(?=-*[\w\"']){KEY.pattern}(?:[\s=:]|$)")


def explain(text: str, error: ValueError) -> SyntaxMistake:
    """Return the mistake for which `tomllib` refused the text with `error`."""
    text = text.replace("\r\n", "\n")
    message, offset = _position(text, str(error))
    place = Place(text, offset, message, _failing(text, offset))
    if len(place.head) > LONGEST_LINE:
        what = f"this line has {len(place.head)} characters, and cannot be read: {message}"
        return _mistake(place, Found(what, GENERAL, at=offset, closed=False))
    for rule in _RULES:
        if found := rule(place):
            return _mistake(place, found)
    what = message[:1].lower() + message[1:]
    return _mistake(place, Found(f"this is not TOML: {what}", GENERAL, at=offset))


def _position(text: str, message: str) -> tuple[str, int]:
    place = _END.search(message, max(0, len(message) - 60))
    if place is None:
        return message, len(text)
    if place[1] is None:
        return message[: place.start()], len(text)
    at = 0
    for _ in range(int(place[1]) - 1):
        at = text.find("\n", at) + 1
    return message[: place.start()], at + int(place[2]) - 1


def _failing(text: str, offset: int) -> Statement:
    last = Statement(0, 0, 1, ())
    for statement in statements(text):
        if statement.start > offset:
            break
        last = statement
    if last.end <= offset < len(text):  # a comment: between two statements, and none itself
        start = text.rfind("\n", 0, offset) + 1
        return Statement(start, line_end(text, offset), text.count("\n", 0, offset) + 1, last.table)
    return last


def _mistake(place: Place, found: Found) -> SyntaxMistake:
    at = min(place.start if found.at is None else found.at, len(place.text))
    line_start = place.text.rfind("\n", 0, at) + 1
    statement, split = place.statement, place.split()
    named = _NAMED.match(place.head) and (split is None or KEY.fullmatch(split[0].strip("[ ")))
    return SyntaxMistake(
        line=place.text.count("\n", 0, at) + 1,
        column=at - line_start + 1,
        path=statement.path if named else (),
        what=found.what,
        cure=found.cure,
        statement=(statement.start, statement.end)
        if found.closed and statement.end > statement.start
        else None,
    )


_RULES: Final[tuple[Callable[[Place], Found | None], ...]] = (
    too_long_number,
    old_mac,
    foreign_character,
    duplicate,
    foreign_comment,
    broken_header,
    other_language,
    no_equals,
    unusable_name,
    missing_value,
    block_text,
    quoted_text,
    broken_list,
    broken_braces,
    bare_value,
)
"""In the order in which they are tried; the first that finds something is believed."""
