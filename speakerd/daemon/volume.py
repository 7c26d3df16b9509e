"""The volume: set by voice, button or socket, kept over restarts, written to disk rarely.

Every change is heard at once; the file is written once nobody has turned the knob for a while, and at the end, so
that holding a volume button costs the SD card one write.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

SETTLE_S = 5.0


def state_dir(environment: dict[str, str] | None = None) -> Path:
    """Where what must outlive the process is kept: systemd's state folder, or the user's when run by hand."""
    env = os.environ if environment is None else environment
    if systemd := env.get("STATE_DIRECTORY"):
        return Path(systemd.split(":")[0])
    base = env.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "speakerd"


class Volume:
    """See the module. Event loop only; `apply` is called with every new value, 0 to 100."""

    def __init__(self, first: int, *, path: Path | None, apply: Callable[[int], None]) -> None:
        """`first` counts when nothing is stored; `path=None` stores nothing."""
        self._path = path
        self._apply = apply
        self._stored = self._read()
        self._value = first if self._stored is None else self._stored
        self._timer: asyncio.TimerHandle | None = None
        apply(self._value)

    @property
    def value(self) -> int:
        """0 to 100."""
        return self._value

    def set(self, value: int) -> int:
        """Set it, clamped; what it is now."""
        self._value = max(0, min(100, value))
        self._apply(self._value)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(SETTLE_S, self._write)
        return self._value

    def change(self, by: int) -> int:
        """Louder or softer by so many percent; what it is now."""
        return self.set(self._value + by)

    def close(self) -> None:
        """Write what has not been written yet. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._write()

    def _read(self) -> int | None:
        if self._path is None:
            return None
        try:
            return max(0, min(100, int(self._path.read_text("ascii"))))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("the stored volume cannot be read (%s); the configured one counts", error)
            return None

    def _write(self) -> None:
        if self._path is None or self._value == self._stored:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            draft.write_text(f"{self._value}\n", "ascii")
            draft.replace(self._path)
        except OSError as error:
            log.warning("the volume cannot be stored (%s); it will be forgotten at the next start", error)
            return
        self._stored = self._value
