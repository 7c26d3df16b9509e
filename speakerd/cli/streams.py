"""The standard streams of a command: whatever they are connected to, writing to them ends in no traceback.

What goes to a terminal passes `TerminalText`, whoever wrote it: a card may name itself as it likes, and a server
may say what it likes.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Final, TextIO

from speakerd.host.clean_text import REPLACED

_OURS: Final = r"\x1b\[(?:[\d;]*m|2?K|\?25[lh]|\?u|>\d+u|<u)|[\r\n\t]"
"""Colours, and what redraws the last line: all that commands of ours send to a terminal beside text."""
_PASSES_OR_NOT: Final = re.compile(f"({_OURS})|[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class TerminalText(TextIOWrapper):
    """A text stream through which no control character passes that a command of ours would not send."""

    def write(self, text: str, /) -> int:
        """Write `text`, cleaned; return its length."""
        super().write(_PASSES_OR_NOT.sub(lambda found: found[1] or REPLACED, text))
        return len(text)


class Complaints(TerminalText):
    """Such a stream for errors: where they cannot be written, they are lost, and the exit code has to do."""

    def write(self, text: str, /) -> int:
        """Write `text`, cleaned; return its length."""
        try:
            super().write(text)
        except OSError:
            _to_nowhere(self)
        return len(text)

    def flush(self) -> None:
        """Write what has been kept back."""
        try:
            super().flush()
        except OSError:
            _to_nowhere(self)


def prepare_streams() -> None:
    """Let any text be written, to an ASCII terminal, too, and any bytes be read; a closed one is empty."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # as long as the process
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # likewise
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # likewise
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    # Not the streams of a test, which are no plain ones.
    if type(sys.stdout) is TextIOWrapper:
        sys.stdout = _cleaning(sys.stdout, TerminalText)
    if type(sys.stderr) is TextIOWrapper:
        sys.stderr = _cleaning(sys.stderr, Complaints)


def _cleaning(stream: TextIOWrapper, kind: type[TerminalText]) -> TerminalText:
    encoding, buffered_by_line = stream.encoding, stream.line_buffering
    stream.flush()
    return kind(
        stream.detach(), encoding=encoding, errors="backslashreplace", line_buffering=buffered_by_line
    )


def give_up_output() -> None:
    """Let the interpreter find nothing at its end that could not be written either."""
    _to_nowhere(sys.stdout)


def _to_nowhere(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
