"""The statement in which `tomllib` gave up, and what a rule says of it."""

import re
from dataclasses import dataclass, field

from speakerd.config.line_numbers import KeyPath, Statement

GENERAL = "A setting is written  name = value , a text in quotes, and a table begins with [name]."
KEY = re.compile(
    r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:[ \t]*\.[ \t]*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*"""
)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
BLOCK = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}', re.DOTALL)
LONGEST_LINE = 2000
"""What is looked for in a line takes time with the square of its length."""


@dataclass(frozen=True, slots=True)
class Cure:
    """What to do.

    Attributes:
        words: in words; with `lines`, a remark that is said after them.
        lines: what to write in place of the first line of the statement; two are a table and a setting in it.
        upto: where in the text that ends which the lines stand for; None for the end of the first line.
    """

    words: str
    lines: tuple[str, ...] = ()
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule has found.

    Attributes:
        what: what is wrong.
        cure: what to do.
        at: where in the text, if not at the beginning of the statement.
        closed: whether the statement ends where it seems to.
        piece: what of the file is to be said before `what`; not said where it may be a secret.
        of_value: whether it helps to know which values the setting may have.
        insert: where to put in which characters, which mend the text as far as this mistake goes.
        upto: where the statement ends, if it is longer than it seems to be.
    """

    what: str
    cure: Cure | str
    at: int | None = None
    closed: bool = True
    piece: str = ""
    of_value: bool = True
    insert: tuple[int, str] | None = None
    upto: int | None = None


@dataclass(slots=True)
class Place:
    """Where `tomllib` gave up, and the statement that it is in."""

    text: str
    offset: int
    message: str
    statement: Statement
    table: KeyPath
    """The table that a setting would be in that stood in its place."""
    head: str = field(init=False)
    """The first line of the statement."""
    raw: str = field(init=False)

    def __post_init__(self) -> None:
        self.raw = self.text[self.statement.start : self.statement.end].rstrip("\n")
        self.head = self.raw.partition("\n")[0].rstrip()
        self.raw = self.raw[: len(self.head) + LONGEST_LINE]

    @property
    def start(self) -> int:
        """Where the statement begins in the text."""
        return self.statement.start

    def split(self) -> tuple[str, str, int] | None:
        """Return what is before and after the first equals sign of the first line, and where the latter begins."""
        if len(self.head) > LONGEST_LINE:
            return None
        outside = STRING.sub(lambda match: "x" * len(match[0]), self.head)
        before, sign, after = outside.partition("=")
        if not sign or "#" in before:
            return None
        at = len(before) + 1 + len(after) - len(after.lstrip())
        return self.head[: len(before)].strip(), self.head[at:], self.start + at

    @property
    def name(self) -> str:
        """The key, or the header, as the statement's first line has it; empty if it has none."""
        split = self.split()
        match = KEY.match(self.head)
        return split[0] if split else match[0] if match else ""


def shown(piece: str, length: int = 20) -> str:
    """Return the beginning of a piece of the file as a headline names it: in quotes if it has none itself."""
    cut = piece if len(piece) <= length else f"{piece[:length]}..."
    return cut if set(cut) & {'"', "'"} else f"'{cut}'"


def control_character(text: str) -> re.Match[str] | None:
    """Find the first character that may be in no text and no comment."""
    return re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)


def line_end(text: str, at: int) -> int:
    """Return the position of the end of the line that `at` is in."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end
