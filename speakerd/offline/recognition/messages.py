"""The messages on the pipes between the server and the recogniser's process, in both directions.

On the wire: one byte kind, four bytes stream, four bytes length (big-endian), then the payload: PCM for `AUDIO`,
JSON otherwise. The pipe is private to the two, so an invalid message is a bug and raises.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Final

_HEADER: Final = struct.Struct(">BII")
MAX_PAYLOAD: Final = 32 * 1024 * 1024

BEGIN, AUDIO, FINISH, DROP = 1, 2, 3, 4
"""To the recogniser: begin a stream (JSON: phrases), its audio, finish it, or drop it."""
READY, RESULT, ERROR, UNKNOWN_WORDS = 11, 12, 13, 14
"""From it: loaded; the result of a stream (`Recognition`); a stream or the process failed; unknown words."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """The result of an utterance. `kind`: `command` (in the grammar), `free` speech, or `none`: no words."""

    text: str
    kind: str
    confidence: float
    audio_s: float
    work_s: float
    """Seconds of work that it took in all."""
    wait_s: float
    """Seconds from its end to the result."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its kind, the number of its stream, its payload."""

    kind: int
    stream: int
    payload: bytes

    @property
    def json(self) -> Any:
        """The payload, decoded; not for `AUDIO`."""
        return json.loads(self.payload)


def encode(kind: int, stream: int, payload: bytes | dict[str, Any] = b"") -> bytes:
    """Return the bytes of a message."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return _HEADER.pack(kind, stream, len(data)) + data


class MessageDecoder:
    """Splits a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes and return the messages that are complete now. Raises ValueError for an impossible length."""
        self._buffer += data
        frames: list[Message] = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            kind, stream, length = _HEADER.unpack_from(self._buffer, start)
            if length > MAX_PAYLOAD:
                raise ValueError(f"a frame of {length} bytes on the recogniser's pipe")
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append(Message(kind, stream, bytes(self._buffer[start + _HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
