"""The client of the control socket: plain blocking calls, no event loop."""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from speakerd.host.clean_text import clean_values
from speakerd.host.control_lines import ControlRequest, request_line
from speakerd.host.errors import CommandError, ControlError, NotAllowedError, NotRunningError

ANSWER_LIMIT_S = 65.0
"""A little more than the daemon's own limit."""


class ControlClient:
    """A connection to a daemon, for a `with` statement; one thread at a time."""

    def __init__(self, paths: Sequence[Path], timeout_s: float = ANSWER_LIMIT_S) -> None:
        """Connect to the first of these sockets on which a daemon listens.

        Raises:
            NotRunningError: no daemon listens on any of them.
            NotAllowedError: a daemon does, but this user may not connect.
        """
        self._next_id = 0
        self._buffer = b""
        self._socket = _connect(paths, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._socket.close()

    def request(self, command: str, **args: Any) -> dict[str, Any]:
        """Send a command and return its result.

        Raises:
            CommandError: the daemon refused it, with its reason.
            NotAllowedError: this user may not.
            ControlError: the connection broke, or no answer came in time.
        """
        self._next_id += 1
        # If it has closed the connection, it may have sent the reason before; thus read on.
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(request_line(ControlRequest(self._next_id, command, args)))
        answer = self._line()
        if answer is None:
            raise ControlError("speakerd hung up without an answer; its journal may say why")
        if answer.get("ok"):
            result: dict[str, Any] = answer.get("result", {})
            return result
        error = answer.get("error", {})
        if error.get("kind") == "not_allowed":
            raise NotAllowedError(_may_not(error.get("message", "")))
        raise CommandError(error.get("kind", "unknown"), error.get("message", "no reason was given"))

    def monitor(self, silence_s: float | None = None) -> Iterator[Mapping[str, Any]]:
        """Return the live events, until the daemon closes the connection. Subscribed already when this returns.

        Args:
            silence_s: raise ControlError when nothing comes for this long; None for no limit.
        """
        self.request("monitor")
        self._socket.settimeout(silence_s)
        return self._events()

    def _events(self) -> Iterator[Mapping[str, Any]]:
        while (event := self._line()) is not None:
            yield event

    def _line(self) -> dict[str, Any] | None:
        while b"\n" not in self._buffer:
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                raise ControlError(
                    "speakerd does not answer; systemctl status speakerd says how it is"
                ) from None
            except ConnectionError:
                return None
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            raise ControlError("what answers on the control socket is not speakerd") from None
        if not isinstance(answer, dict):
            raise ControlError("what answers on the control socket is not speakerd")
        cleaned: dict[str, Any] = clean_values(answer, lines=True)  # what goes to a terminal comes from here
        return cleaned


def _connect(paths: Sequence[Path], timeout_s: float) -> socket.socket:
    refused: Path | None = None
    for path in paths:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
        except PermissionError:
            refused = refused or path
        except OSError:
            pass  # no daemon there; try the next path
        else:
            return connection
        connection.close()
    if refused:
        raise NotAllowedError(_may_not(f"you may not use {refused}"))
    tried = " nor ".join(map(str, paths))
    raise NotRunningError(
        f"speakerd is not running: nobody listens on {tried}. Start it: sudo systemctl start speakerd"
    )


def _may_not(reason: str) -> str:
    return f"{reason}. Cure: sudo usermod -aG speakerd $USER, then log in again; or use sudo"
