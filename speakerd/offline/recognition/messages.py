"""Messages between the server and its recogniser's process: a kind, a stream's number, a payload, framed.

Frame: one byte kind, four bytes stream, four bytes length (big-endian), then the payload: PCM for `AUDIO`, JSON
otherwise. Both directions. The pipe is private to the two, so a frame that makes no sense is a bug and raises.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Final

_HEADER: Final = struct.Struct(">BII")
MAX_PAYLOAD: Final = 32 * 1024 * 1024

BEGIN, AUDIO, FINISH, DROP = 1, 2, 3, 4
"""To the recogniser: a stream begins (JSON: phrases), its sound, its end, or never mind."""
READY, RESULT, ERROR, UNKNOWN_WORDS = 11, 12, 13, 14
"""From it: loaded; what was understood (`Recognition`); a stream or all of it failed; words it has never seen."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an utterance was. `kind`: `command` (in the grammar), `free` speech, or `none`: no words."""

    text: str
    kind: str
    confidence: float
    audio_s: float
    work_s: float
    """Seconds of processor time it took, all in all."""
    wait_s: float
    """Seconds from being told that it was over to the result."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    kind: int
    stream: int
    payload: bytes

    @property
    def json(self) -> Any:
        """The payload of everything but sound."""
        return json.loads(self.payload)


def encode(kind: int, stream: int, payload: bytes | dict[str, Any] = b"") -> bytes:
    """A frame's bytes."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return _HEADER.pack(kind, stream, len(data)) + data


class MessageDecoder:
    """Bytes in as they come, whole frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The frames that are complete now. Raises ValueError on nonsense."""
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
