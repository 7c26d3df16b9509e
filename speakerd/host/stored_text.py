"""Reading a small file of what outlives the process, whatever has become of it.

It may be cut off, full of zeros, of another version, a pipe, a folder, or forbidden. What cannot be used is
renamed, for a person to look at, and its owner starts without it; nothing of that ends the daemon or makes it wait.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from speakerd.host.journal import fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_LONGEST = 1_000_000
"""Bytes. Nothing that is kept is longer."""


@dataclass(frozen=True, slots=True)
class StoredText(Generic[_T]):
    """What was found in a file.

    Attributes:
        text: its text; None if there is no file that can be used.
        value: what was made of the text; None likewise.
        problem: why the file cannot be used and what to do, in one sentence; None if it can, or there is none.
        writable: whether a new text may take the place of the file. Not where it could not be set aside, since
            then there would be no copy for a person to look at.
    """

    text: str | None = None
    value: _T | None = None
    problem: str | None = None
    writable: bool = True


def damaged_copy(path: Path) -> Path:
    """Return where a file that cannot be used is moved to."""
    return path.with_name(f"{path.name}.damaged")


def load_stored(path: Path, read: Callable[[str], _T], *, what: str, instead: str) -> StoredText[_T]:
    """Return what `read` makes of the file at `path`; one that cannot be used is set aside, and a warning says so.

    Blocks for as long as the disk takes.

    Args:
        path: the file; it need not exist.
        read: makes the value of the text, which is ASCII. Whatever it raises but the end of the process counts as
            damage of the file.
        what: the content, in the words of a warning.
        instead: what happens without it, in the words of a warning: "and begins anew".
    """
    try:
        text = _text(path)
        return StoredText(text, read(text))
    except (FileNotFoundError, NotADirectoryError):  # the latter: there is no such folder
        return StoredText()
    except Exception as error:  # noqa: BLE001  # the text can be anything, and no text of it may end the daemon
        return _set_aside(path, f"{what} cannot be read from {path} ({_reason(error)})", instead)


def _text(path: Path) -> str:
    # Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        data = file.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} bytes")
    if not data:
        raise ValueError("it is empty")
    if not data.strip(b"\0"):
        raise ValueError("it holds nothing but zeros, as after a power cut")
    return data.decode("ascii")


def _reason(error: Exception) -> str:
    match error:
        case OSError():
            return error.strerror or str(error)
        case UnicodeDecodeError():
            return f"byte {error.start} is not ASCII"
        case RecursionError():
            return "it is nested too deeply"
        case KeyError():
            return f"{error} is missing"
        case _:
            return str(error)


def _set_aside(path: Path, problem: str, instead: str) -> StoredText[_T]:
    aside = damaged_copy(path)
    try:
        path.replace(aside)
    except OSError as obstacle:
        words = (
            f"{problem} {instead}, nor can it be set aside as {aside} ({_reason(obstacle)}): nothing is stored "
            "until you have moved it away and started speakerd again"
        )
        log.warning("%s", words, extra=fields(event="state_damaged", file=path))
        return StoredText(problem=words, writable=False)
    words = (
        f"{problem} {instead}; the old file is now {aside}: mend it and move it back while speakerd is stopped, "
        "or delete it"
    )
    log.warning("%s", words, extra=fields(event="state_damaged", file=aside))
    return StoredText(problem=words)
