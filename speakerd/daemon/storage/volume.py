"""The volume: set by voice, button or socket, kept over restarts, written to disk rarely.

Every change is applied at once; the file is written once the volume has not changed for a while, and at the end, so
that holding a volume button costs the SD card one write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speakerd.daemon.storage.state_file import StateFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTLE_S = 5.0


class Volume:
    """The loudspeaker's volume, 0 to 100. Event loop only."""

    def __init__(self, first: int, *, path: Path | None, apply: Callable[[int], None]) -> None:
        """Read the stored volume, or take `first`; `path=None` stores none; `apply` gets every new value."""
        self._file = StateFile(path, "the volume", lambda: f"{self._value}\n")
        self._apply = apply
        stored = self._file.load(_read)
        self._value = first if stored is None else stored
        apply(self._value)

    @property
    def value(self) -> int:
        """The volume in force, 0 to 100."""
        return self._value

    def set(self, value: int) -> int:
        """Set it, clamped to 0 to 100; return what it is now."""
        self._value = _clamped(value)
        self._apply(self._value)
        self._file.write_in(SETTLE_S)
        return self._value

    def change(self, by: int) -> int:
        """Make it louder or softer by so many percent; return what it is now."""
        return self.set(self._value + by)

    @property
    def problem(self) -> str | None:
        """Why the next start will not know of it, or this one did not; None while all is well."""
        return self._file.problem

    async def close(self) -> None:
        """Write what has not been written yet. Idempotent."""
        await self._file.close()


def _read(text: str) -> int:
    if not text.endswith("\n"):
        raise ValueError(f"cut off: {text[:20]!r}")
    return _clamped(int(text))


def _clamped(value: int) -> int:
    return max(0, min(100, value))
