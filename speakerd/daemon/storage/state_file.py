"""A small file of what outlives the process: replaced in one step, written rarely, never in the event loop.

The new text goes to a draft, to the disk, and then takes the place of the old: whenever the power fails, there is
the old text or the new one. An SD card can be slow, so a thread does it, one write after the other. A text that is
in the file already is not written again.

A file that cannot be used is renamed, for a person to look at, and its owner starts from its defaults; a folder
that cannot be written is reported once. Neither ends the daemon.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from speakerd.host.journal import fields
from speakerd.host.replace_file import replace_file
from speakerd.host.stored_text import load_stored

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_T = TypeVar("_T")


def state_dir(environment: dict[str, str] | None = None) -> Path:
    """Return the folder of what outlives the process: systemd's state folder, or the user's when run by hand."""
    env = os.environ if environment is None else environment
    if systemd := env.get("STATE_DIRECTORY"):
        return Path(systemd.split(":")[0])
    base = env.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "speakerd"


class StateFile:
    """Loads one small text and writes it when it changes. Event loop only."""

    def __init__(self, path: Path | None, what: str, text: Callable[[], str]) -> None:
        """Nothing is read yet.

        Args:
            path: Its folder is made when it is needed; None stores nothing.
            what: Its content, in the words of a warning.
            text: Returns what is to be in the file, ASCII; called on the event loop.
        """
        self._path = path
        self._what = what
        self._text = text
        self._stored: str | None = None
        self._wanted: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._failing = False
        self.problem: str | None = None
        """Why the file could not be read, or why it does not hold what it is to hold; None while all is well."""

    @property
    def due(self) -> bool:
        """Whether a write is scheduled."""
        return self._timer is not None

    def load(self, read: Callable[[str], _T], *, instead: str = "and begins anew") -> _T | None:
        """Return what `read` makes of the file; None if it is missing or unusable. `read` may raise ValueError.

        Blocks for as long as the disk takes: call it before anything runs. `instead` says what happens without it,
        in the words of a warning.
        """
        if self._path is None:
            return None
        stored = load_stored(self._path, read, what=self._what, instead=instead)
        self._stored, self.problem = stored.text, stored.problem
        if not stored.writable:
            self._path = None
        return stored.value

    def write_in(self, seconds: float) -> None:
        """Schedule a write so many seconds from now, in place of one scheduled before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    async def written(self) -> None:
        """Write it now if a write is scheduled, and wait until no write goes on. May be cancelled."""
        if self._timer is not None:
            self._timer.cancel()
            self._begin()
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def close(self) -> None:
        """Write it now if a write is scheduled, is going on, or has failed so far. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        if self._timer is not None or self._failing:
            self._begin()
        if self._writing is not None:
            await self._writing

    def _begin(self) -> None:
        self._timer = None
        self._wanted = self._text()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write(), name=f"store {self._what}")

    async def _write(self) -> None:
        while self._path is not None and self._wanted is not None and self._wanted != self._stored:
            text = self._wanted
            try:
                await asyncio.to_thread(replace_file, self._path, text)
            except OSError as error:
                self._failed(self._path, error)
                return
            self._stored = text
            self._failing, self.problem = False, None

    def _failed(self, path: Path, error: OSError) -> None:
        reason = error.strerror or str(error)
        words = (
            f"{self._what} cannot be stored ({reason}) and will be forgotten at the next start: see that "
            f"{path.parent} can be written by the user that speakerd runs as, and that its disk is neither full "
            "nor read-only"
        )
        if not self._failing:
            log.warning("%s", words, extra=fields(event="state_unwritable", file=path))
        self._failing, self.problem = True, words
