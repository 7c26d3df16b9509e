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
from speakerd.config.syntax.place import GENERAL, KEY, LONGEST_LINE, Cure, Found, Place, line_end
from speakerd.config.syntax.tables import broken_header, duplicate
from speakerd.config.syntax.texts import block_text, missing_value, quoted_text


@dataclass(frozen=True, slots=True)
class SyntaxMistake:
    """The first mistake of a text, which has newlines alone at the ends of its lines.

    Attributes:
        line: from 1.
        column: from 1; where the mistake begins in that line.
        path: the key or table that the statement is about, or else the table that it is in.
        table: the table that a setting in its place would be in.
        named: whether `path` is what the statement is about.
        what: what was met.
        piece: what of the file is to be said before `what`; it may be part of a secret.
        cure: what to do, in words; with `lines`, a remark that is said after them. It may quote the file.
        lines: what to write instead; two lines in place of one are a table, and a setting below it.
        first: the first of the lines that `lines` stand for.
        last: the last of them.
        of_value: whether it helps to know which values the setting may have.
        setting: whether `path` is that of a setting, and not of a table.
        statement: the characters from which to which the statement goes; None if what follows cannot be told apart
            from it, so that the rest of the text means nothing.
        mended: the text as it would be with the cure, with as many lines; None if nobody can say.
    """

    line: int
    column: int
    path: KeyPath
    table: KeyPath
    named: bool
    what: str
    piece: str
    cure: str
    lines: tuple[str, ...]
    first: int
    last: int
    of_value: bool
    setting: bool
    statement: tuple[int, int] | None
    mended: str | None


_END = re.compile(r"\s*\(at line (\d+), column (\d+)\)$|\s*\(at end of document\)$")
_NAMED = re.compile(rf"\[\[?\s*{KEY.pattern}\s*(?:[\]#]|$)|(?=-*[\w\"']){KEY.pattern}(?:[\s=:]|$)")


def explain(text: str, error: ValueError) -> SyntaxMistake:
    """Return the mistake for which `tomllib` refused the text with `error`. Its lines end in newlines alone."""
    message, offset = _position(text, str(error))
    place = Place(text, offset, message, *_failing(text, offset))
    if len(place.head) > LONGEST_LINE:
        what = f"this line has {len(place.head)} characters, and cannot be read: {message}"
        return _mistake(place, Found(what, GENERAL, offset, closed=False))
    for rule in _RULES:
        if found := rule(place):
            return _mistake(place, found)
    what = message[:1].lower() + message[1:]
    return _mistake(place, Found(f"this is not TOML: {what}", GENERAL, offset))


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


def _failing(text: str, offset: int) -> tuple[Statement, KeyPath]:
    """Return the statement, and the table that is in force where it begins."""
    last = Statement(0, 0, 1, ())
    table: KeyPath = ()
    for statement in statements(text):
        if statement.start > offset:
            break
        table, last = last.table, statement
        if not statement.key and _unpaired(text[statement.start : statement.end].partition("#")[0]):
            return last, table  # tomllib looks for the other quotation mark to the end of the file
    if last.end <= offset < len(text):  # a comment: between two statements, and none itself
        start = text.rfind("\n", 0, offset) + 1
        return Statement(
            start, line_end(text, offset), text.count("\n", 0, offset) + 1, last.table
        ), last.table
    return last, table


def _unpaired(header: str) -> bool:
    return header.count("'") % 2 == 1 or header.count('"') % 2 == 1


def _mistake(place: Place, found: Found) -> SyntaxMistake:
    text = place.text
    at = min(place.start if found.at is None else found.at, len(text))
    cure = found.cure if isinstance(found.cure, Cure) else Cure(found.cure)
    replaced = line_end(text, place.start) if cure.upto is None else cure.upto
    statement, split = place.statement, place.split()
    named = _NAMED.match(place.head) and (
        split is None or KEY.fullmatch(split[0].strip("[ ").rstrip(" :+*?|"))
    )
    end = max(statement.end, found.upto or 0)
    return SyntaxMistake(
        line=text.count("\n", 0, at) + 1,
        column=at - text.rfind("\n", 0, at),
        path=statement.path,
        table=place.table,
        named=bool(named),
        what=found.what,
        piece=found.piece,
        cure=cure.words,
        lines=cure.lines,
        first=text.count("\n", 0, place.start) + 1,
        last=text.count("\n", 0, replaced) + 1,
        of_value=found.of_value,
        setting=bool(statement.key),
        statement=(statement.start, end) if found.closed and end > statement.start else None,
        mended=_mended(text, place.start, replaced, cure.lines)
        if cure.lines
        else f"{text[: found.insert[0]]}{found.insert[1]}{text[found.insert[0] :]}"
        if found.insert
        else None,
    )


def _mended(text: str, start: int, end: int, lines: tuple[str, ...]) -> str:
    """Return the text with these lines in place of a part, which keeps its count of lines."""
    count = text.count("\n", start, end) + 1
    if (
        len(lines) > count
    ):  # a table, and what belongs into it: the first says what the lines that follow mean
        lines = lines[:1]
    return text[:start] + "\n".join(lines) + "\n" * (count - len(lines)) + text[end:]


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
