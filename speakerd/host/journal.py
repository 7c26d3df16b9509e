"""Where log records go: journald under systemd, readable lines on a terminal otherwise.

A record may carry fields, `logger.info("...", extra=fields(event="turn", latency_ms=430))`; in the journal they are
`SPEAKERD_EVENT=turn`, `SPEAKERD_LATENCY_MS=430`, and `journalctl SPEAKERD_EVENT=turn -o json` is the interface for
programs. `events` lists the events there are.

Every record passes two filters first (`log_filters`): repeats are held back, secrets are replaced. What it says
is then cleaned of control characters and cut at a length (`JournalText`): part of it may come from a model, a
server, a tool or a peer. Logging never raises into the caller; what cannot be written is dropped.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TextIO

from speakerd.host.clean_text import clean
from speakerd.host.log_filters import Redactor, RepeatLimit

IDENTIFIER = "speakerd"
LONGEST_MESSAGE: Final = 2_000
"""Characters of a message; the rest of it is cut. `UNCUT` lets a longer one pass."""
LONGEST_FIELD: Final = 500
_LONGEST_UNCUT: Final = 100_000
_LONGEST_TRACEBACK: Final = 20_000
UNCUT: Final = {"speakerd_uncut": True}
"""For the `extra` of a record that consists of our own words and those of the household's own file."""
_PREFIX = "SPEAKERD_"
_ORDINARY_BURST = 100
_COLOURS = {"WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[1;31m", "DEBUG": "\033[2m"}


def fields(**values: Any) -> dict[str, Any]:
    """Fields for a record's `extra`: `latency_ms=430` becomes `SPEAKERD_LATENCY_MS`. None values are left out."""
    return {f"{_PREFIX}{name.upper()}": value for name, value in values.items() if value is not None}


class Journal:
    """The handler of the root logger, with the settings that a reload may change. `close` removes it."""

    def __init__(
        self,
        level: str = "info",
        *,
        burst: int = 5,
        window_s: float = 60.0,
        environment: Mapping[str, str] = os.environ,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Add the handler to the root logger.

        Args:
            level: `debug`, `info`, `warning` or `error`.
            burst: entries of one kind that pass ...
            window_s: ... in so many seconds.
            environment: `$JOURNAL_STREAM` says whether stderr is the journal.
            stream: where lines go if it is not; default stderr.
            clock: monotonic seconds.
        """
        self.redactor = Redactor()
        stream = stream or sys.stderr
        self._gate = _Gate(RepeatLimit(burst, window_s), self.redactor, clock)
        self._handler: logging.Handler
        if is_journal(stream, environment):
            self._handler = journal_handler(self.redactor)
        else:
            self._handler = logging.StreamHandler(stream)
            self._handler.setFormatter(LineFormatter(self.redactor, colour=stream.isatty()))
        self._handler.addFilter(self._gate)
        root = logging.getLogger()
        self._before = root.level
        root.addHandler(self._handler)
        self.set(level, burst, window_s)

    def set(self, level: str, burst: int, window_s: float) -> None:
        """Set the lowest level that is logged, and how many entries of one kind pass in how many seconds."""
        logging.getLogger().setLevel(level.upper())
        # Its debug output shows every frame with its content: keys, audio and words. What it logs about connections
        # at info level, we log ourselves.
        logging.getLogger("websockets").setLevel(max(logging.WARNING, logging.getLogger().level))
        self._gate.limit.burst = burst
        self._gate.limit.window_s = window_s

    def close(self) -> None:
        """Remove the handler and restore the level of the root logger. Idempotent."""
        root = logging.getLogger()
        if self._handler in root.handlers:
            root.removeHandler(self._handler)
            root.setLevel(self._before)
            self._handler.close()


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether a stream is connected to journald: `$JOURNAL_STREAM` holds its device and inode."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    if not (device.isdigit() and inode.isdigit()):
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no descriptor behind it, or closed
        return False
    return (status.st_dev, status.st_ino) == (int(device), int(inode))


def journal_handler(redact: Redactor, send: Callable[..., object] | None = None) -> logging.Handler:
    """Return systemd-python's handler, limited to the fields that are meant for the journal.

    By itself it would also send the arguments of the message and the traceback objects, which may hold secrets.

    Args:
        redact: applied to message and fields.
        send: called with the message and the fields; default journald.
    """
    from systemd import journal  # noqa: PLC0415 - absent outside Linux, and not needed without journald

    deliver = send or journal.send

    def hand_over(message: str, /, **values: Any) -> None:
        kept = {
            name: clean(redact(str(value)), longest=LONGEST_FIELD)
            for name, value in values.items()
            if name.isupper() and value is not None and name not in {"EXCEPTION_INFO", "CODE_ARGS"}
        }
        kept["CODE_LINE"] = values["CODE_LINE"]  # the one that must stay a number
        deliver(message, **kept)

    handler: logging.Handler = journal.JournalHandler(sender_function=hand_over, SYSLOG_IDENTIFIER=IDENTIFIER)
    handler.setFormatter(JournalText(redact))
    return handler


class JournalText(logging.Formatter):
    """Formats what a record says: without secrets, without control characters, and not without end."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, and a traceback below it if there is one: its end, which says what went wrong."""
        longest = _LONGEST_UNCUT if getattr(record, "speakerd_uncut", False) else LONGEST_MESSAGE
        text = clean(self._redact(record.getMessage()), longest=longest, lines=True)
        if record.exc_info and record.exc_info[0] is not None:
            # Made anew: what another handler has left in the record is neither cut nor without secrets.
            trace = clean(self._redact(self.formatException(record.exc_info)), lines=True)
            text += "\n" + (trace if len(trace) <= _LONGEST_TRACEBACK else "…" + trace[-_LONGEST_TRACEBACK:])
        return text


class LineFormatter(JournalText):
    """Formats a record as a line: time, level unless it is info, room, message. Its fields are the journal's.

    Further lines of a message are indented: no text can look like a line of its own.
    """

    def __init__(self, redact: Redactor, *, colour: bool) -> None:
        super().__init__(redact)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and a traceback below it if there is one."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        room = record.name.removeprefix("speakerd.").partition(".")[0]
        level = "" if record.levelno == logging.INFO else f" {record.levelname}"
        line = f"{clock}{level} {room}: {super().format(record)}".replace("\n", "\n    ")
        if self._colour and (start := _COLOURS.get(record.levelname)):
            return f"{start}{line}\033[0m"
        return line


class _Gate(logging.Filter):
    """Drops repeats; the next record of the kind that passes says how many there were."""

    def __init__(self, limit: RepeatLimit, redact: Redactor, clock: Callable[[], float]) -> None:
        super().__init__()
        self.limit = limit
        # Below a warning records are ordinary, such as one line per turn: only an excess of them is dropped.
        self.runaway = RepeatLimit(_ORDINARY_BURST, limit.window_s)
        self._redact = redact
        self._clock = clock

    def filter(self, record: logging.LogRecord) -> bool:
        # By template, not by text: "device lost: %s" is one kind, whatever the device reports.
        event = record.__dict__.get(f"{_PREFIX}EVENT")
        kind = (record.name, record.levelno, str(record.msg), event)
        limit = self.limit if record.levelno >= logging.WARNING else self.runaway
        held = limit.admit(kind, self._clock())
        if held is None:
            return False
        if held:
            record.msg = f"{record.getMessage()} (and {held} more like this were not written)"
            record.args = ()
            record.__dict__[f"{_PREFIX}REPEATS"] = held
        return True
