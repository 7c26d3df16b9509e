"""Whether somebody has muted by hand: kept over restarts and power cuts, so that the microphone stays shut.

Written as soon as it changes: whoever mutes and pulls the plug means it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speakerd.daemon.storage.state_file import StateFile

if TYPE_CHECKING:
    from pathlib import Path

_WORDS = {"muted\n": True, "open\n": False}


class MuteMemory:
    """Whether the microphone was shut by hand. Event loop only."""

    def __init__(self, path: Path | None) -> None:
        """Read what is stored; `path=None` stores nothing."""
        self._file = StateFile(path, "whether it is muted", lambda: "muted\n" if self.muted else "open\n")
        self.muted = self._file.load(_read) or False
        """Whether it is, as far as was told."""

    def note(self, muted: bool) -> None:
        """Keep that it is muted by hand, or is not. Cheap to call often."""
        if muted != self.muted:
            self.muted = muted
            self._file.write_in(0.0)

    async def close(self) -> None:
        """Write what has not been written yet. Idempotent."""
        await self._file.close()


def _read(text: str) -> bool:
    if text not in _WORDS:
        raise ValueError(f"neither muted nor open: {text[:20]!r}")
    return _WORDS[text]
