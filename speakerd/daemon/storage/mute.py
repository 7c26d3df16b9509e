"""Whether somebody has muted by hand: kept over restarts and power cuts, so that the microphone stays shut.

Written as soon as it changes: whoever mutes and pulls the plug means it. Where it cannot be known any more whether
somebody had muted, the microphone is shut: an open one that should be shut is the worse mistake.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from speakerd.daemon.storage.state_file import StateFile
from speakerd.host.stored_text import damaged_copy

if TYPE_CHECKING:
    from pathlib import Path

_INSTEAD = "and the microphone is shut until somebody unmutes it"


class MuteMemory:
    """Whether the microphone was shut by hand. Event loop only."""

    def __init__(self, path: Path | None) -> None:
        """Read what is stored; `path=None` stores nothing."""
        self._file = StateFile(path, "whether it is muted", lambda: "muted\n" if self.muted else "open\n")
        stored = self._file.load(_read, instead=_INSTEAD)
        if stored is None:
            # Until somebody unmutes, the copy of a damaged file is all that later starts have to go by.
            stored = path is not None and (
                self._file.problem is not None or os.path.lexists(damaged_copy(path))
            )
        self.muted = stored
        """Whether it is, as far as was told."""

    @property
    def problem(self) -> str | None:
        """Why the next start will not know of it, or this one did not; None while all is well."""
        return self._file.problem

    async def written(self) -> None:
        """Wait until it is on the disk, or cannot be stored. May be cancelled."""
        await self._file.written()

    def note(self, muted: bool) -> None:
        """Keep that it is muted by hand, or is not. Cheap to call often."""
        if muted != self.muted:
            self.muted = muted
            self._file.write_in(0.0)

    async def close(self) -> None:
        """Write what has not been written yet. Idempotent."""
        await self._file.close()


def _read(text: str) -> bool:
    if text.strip() == "muted":
        return True
    if text == "open\n":
        return False
    raise ValueError(f"neither muted nor open: {text[:20]!r}")
