"""Keeps the messages that PortAudio, ALSA and JACK write to file descriptor 2 out of the journal.

While a sound device is open, descriptor 2 is a pipe. A thread reads it line by line: known messages of those
libraries go to this module's logger at debug level, everything else goes to the real standard error at once and
unchanged. So no output of ours or of Python's is lost, even if a call into the driver never returns.
"""

import contextlib
import logging
import os
import re
import threading
from types import TracebackType
from typing import Final, Self

log = logging.getLogger(__name__)

CHATTER: Final = re.compile(
    rb"^(ALSA lib |ALSA: |Expression '|PaAlsa|PaHost|PaUtil|Pa_|Cannot connect to server|jack server|JackShm|"
    rb"connect\(2\) call to |attempt to connect to server failed|Error message: |Error number: |"
    rb"An error occ?ured while using the portaudio stream|Cannot lock down|"
    rb"Cannot create thread res|JackMessageBuffer|Cannot create message buffer)"
)
"""How lines begin that are of no use to a user; what matters is returned as an error code."""

_STDERR: Final = 2


class StderrFilter:
    """A context manager that filters file descriptor 2 of the whole process. Nested uses share one filter."""

    _lock: Final = threading.Lock()
    _depth = 0
    _kept: int = -1
    _reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        cls = type(self)
        with cls._lock:
            if cls._depth == 0:
                cls._install()
            cls._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cls = type(self)
        with cls._lock:
            cls._depth -= 1
            if cls._depth == 0:
                cls._remove()

    @classmethod
    def _install(cls) -> None:
        source, sink = os.pipe()
        cls._kept = os.dup(_STDERR)
        os.dup2(sink, _STDERR)
        os.close(sink)
        cls._reader = threading.Thread(
            target=_forward, args=(source, os.dup(cls._kept)), name="stderr-filter", daemon=True
        )
        cls._reader.start()

    @classmethod
    def _remove(cls) -> None:
        # Restoring the real one closes the pipe's last writing end, which ends the reader.
        os.dup2(cls._kept, _STDERR)
        os.close(cls._kept)
        reader, cls._reader = cls._reader, None
        if reader is not None:
            # A child process may have inherited the pipe; the reader then continues for it.
            reader.join(timeout=1.0)


def _forward(source: int, real: int) -> None:
    """Read lines until the pipe's last writer closes it."""
    rest = b""
    with os.fdopen(source, "rb", buffering=0) as pipe, os.fdopen(real, "wb", buffering=0) as out:
        while chunk := pipe.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                _one_line(line + b"\n", out.fileno())
        if rest:
            _one_line(rest, out.fileno())


def _one_line(line: bytes, real: int) -> None:
    if CHATTER.match(line):
        # Without the prefix a log that goes to standard error would be filtered again.
        log.debug("driver: %s", line.decode(errors="replace").rstrip())
    elif line.strip():
        with contextlib.suppress(OSError):  # standard error may be closed
            os.write(real, line)
