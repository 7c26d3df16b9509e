"""Runs a command of the owner: no shell, no arguments from outside, no secrets, a time limit.

The child has its own session, so that it can be ended with all that it started. Its standard input is empty. The
beginning of its output is kept and the rest discarded, so that it never blocks. Its environment is a new one
(`child_environment`), without key, credentials folder and notify socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING, Final

from speakerd.realtime.agents import ToolFailureText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.tools.settings import CommandSettings

log = logging.getLogger(__name__)

KEPT_BYTES: Final = 4096
"""Limit of the output; more would be too much for the model."""
_PASSED_ON: Final = ("HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "XDG_RUNTIME_DIR")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_GRACE_S: Final = 1.0
"""From SIGTERM to SIGKILL."""
_LAST_WORDS_S: Final = 0.5
"""Wait for output after its end; a process that it left behind may keep the pipe open."""


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the child: search path, and the variables for home, user and language."""
    return {"PATH": _PATH, **{name: environment[name] for name in _PASSED_ON if name in environment}}


def words_of(output: bytes, *, cut: bool) -> str:
    """Return output as text for the model: without control characters and white space at the ends."""
    text = output.decode("utf-8", "replace")
    plain = "".join(char if char.isprintable() or char == "\n" else " " for char in text).strip()
    return f"{plain} [...]" if cut else plain


class _Output(asyncio.Protocol):
    """Keeps the beginning of the data from a pipe."""

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
    """Runs one command. For the event loop only; a second run at the same time is refused in words."""

    def __init__(self, settings: CommandSettings, environment: Mapping[str, str]) -> None:
        """`environment` is that of this process; the child gets a part of it (`child_environment`)."""
        self._settings = settings
        self._environment = child_environment(environment)
        self._running = False

    async def run(self) -> str:
        """Run the command; return the result in words for the model. Cancelling it ends the child. Never raises.

        A failure is a ToolFailureText, and goes to the log.
        """
        if self._running:
            return ToolFailureText("It is still running from before.")
        self._running = True
        try:
            result = await self._run()
        except OSError as error:
            result = ToolFailureText(f"It cannot be run: {error.strerror or error}.")
        finally:
            self._running = False
        if isinstance(result, ToolFailureText):
            log.warning("the command %s: %s", self._settings.name, result)
        return result

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
            words = f"It did not end within {self._settings.timeout_s:g} seconds and was stopped."
            return ToolFailureText(words)
        except asyncio.CancelledError:
            await _end(process)
            raise
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await output.ended.wait()
        said = words_of(bytes(output.kept), cut=output.cut)
        if code:
            return ToolFailureText(f"It failed with exit code {code}. {said}".strip())
        return said or "Done."


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the child and its process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
    # The group gets SIGKILL even if its leader ended at the first signal: a grandchild may have ignored that.
