"""Runs a command of the owner's: no shell, no arguments from outside, no secrets, an end in sight.

The child gets its own session, so that it can be ended with all that it started; standard input is empty; of
what it prints the beginning is kept and the rest thrown away, so it never blocks on us; its environment is made
anew (`child_environment`), so no key, no credentials folder and no notify socket is in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.tools.settings import CommandSettings

KEPT_BYTES: Final = 4096
"""Of the output: more than a model should be read to."""
_PASSED_ON: Final = ("HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "XDG_RUNTIME_DIR")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_GRACE_S: Final = 1.0
"""From SIGTERM to SIGKILL."""
_LAST_WORDS_S: Final = 0.5
"""After its end: how long what it printed may take; a child that it left behind may hold the pipe for ever."""


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a child is given of `environment`: where it lives and which language it speaks, nothing else."""
    return {"PATH": _PATH, **{name: environment[name] for name in _PASSED_ON if name in environment}}


def words_of(output: bytes, *, cut: bool) -> str:
    """Output as text for the model: no control characters, no blank ends."""
    text = output.decode("utf-8", "replace")
    plain = "".join(char if char.isprintable() or char == "\n" else " " for char in text).strip()
    return f"{plain} [...]" if cut else plain


class _Output(asyncio.Protocol):
    """Keeps the beginning of what comes through a pipe."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.cut = False
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        room = KEPT_BYTES - len(self.kept)
        self.cut = self.cut or len(data) > room
        self.kept += data[:room]

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.ended.set()


class CommandRunner:
    """One command. Event loop only; `run` may be called at any time, but not twice at once: the second is told."""

    def __init__(self, settings: CommandSettings, environment: Mapping[str, str]) -> None:
        """`environment` is that of this process; see `child_environment`."""
        self._settings = settings
        self._environment = child_environment(environment)
        self._running = False

    async def run(self) -> str:
        """Run it; what came of it, in words for the model. Never raises but when cancelled, which ends it, too."""
        if self._running:
            return "It is still running from before."
        self._running = True
        try:
            return await self._run()
        except OSError as error:
            return f"It cannot be run: {error.strerror or error}."
        finally:
            self._running = False

    async def _run(self) -> str:
        reading, writing = os.pipe()
        output = _Output()
        with (
            os.fdopen(reading, "rb", buffering=0) as pipe,
            os.fdopen(writing, "wb", buffering=0) as child_end,
        ):
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: output, pipe)
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._settings.argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=child_end,
                    stderr=child_end,
                    env=self._environment,
                    cwd="/",
                    start_new_session=True,
                )
                child_end.close()
                return await self._outcome(process, output)
            finally:
                transport.close()
                await output.ended.wait()

    async def _outcome(self, process: asyncio.subprocess.Process, output: _Output) -> str:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                code = await process.wait()
        except TimeoutError:
            await _end(process)
            return f"It did not end within {self._settings.timeout_s:g} seconds and was stopped."
        except asyncio.CancelledError:
            await _end(process)
            raise
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await output.ended.wait()
        said = words_of(bytes(output.kept), cut=output.cut)
        if code:
            return f"It failed with exit code {code}. {said}".strip()
        return said or "Done."


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the child and all that it started and did not send away."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
    # The group gets SIGKILL even if its leader went at the first signal: a grandchild may have ignored it.
