"""Errors of the voice session layer.

    RealtimeLayerError
    ├── UserError (ValueError)                  the program made an invalid request
    ├── ModelBehaviorError                      the model did something invalid
    ├── ToolTimeoutError (TimeoutError)         a tool did not answer within its timeout
    ├── BadFrameError (ValueError)              a frame of the server cannot be read; the session goes on
    ├── NotConnectedError (RuntimeError)        there is no session: connect first
    └── ConnectFailedError (ConnectionError)    the model cannot be reached; trying again may help
        └── ConnectRefusedError (PermissionError)   trying again cannot help: wrong key, no such model, no money

Data is in the attributes; the text, which says what to do, is made in `__str__`.
(`RealtimeError` is not here: by the documents that is the name of a session *event*.)
"""

from __future__ import annotations


class RealtimeLayerError(Exception):
    """Base class of all errors of the session layer."""


class UserError(RealtimeLayerError, ValueError):
    """The program made an invalid request; the message says what to change."""


class ModelBehaviorError(RealtimeLayerError):
    """The model did something invalid, such as calling a tool that does not exist."""


class ToolTimeoutError(RealtimeLayerError, TimeoutError):
    """A tool did not answer within its `timeout`."""

    def __init__(self, tool_name: str, timeout_s: float) -> None:
        super().__init__(tool_name, timeout_s)
        self.tool_name = tool_name
        self.timeout_s = timeout_s

    def __str__(self) -> str:
        return f"tool {self.tool_name!r} did not answer within {self.timeout_s:g} s"


class BadFrameError(RealtimeLayerError, ValueError):
    """A frame of the server that cannot be read. `frame` is its beginning."""

    SHOWN = 120

    def __init__(self, reason: str, frame: str | bytes) -> None:
        super().__init__(reason, frame[: self.SHOWN])
        self.reason = reason
        self.frame = frame[: self.SHOWN]

    def __str__(self) -> str:
        return f"the server sent a frame that cannot be read ({self.reason}): {self.frame!r}"


class NotConnectedError(RealtimeLayerError, RuntimeError):
    """The model has no session: it was not connected, or was closed."""

    def __str__(self) -> str:
        return "not connected: call connect() first (after close(), again)"


class ConnectFailedError(RealtimeLayerError, ConnectionError):
    """The model at `url` is not reachable at the moment; trying again may help."""

    fatal = False

    def __init__(self, url: str, reason: str, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(url, reason, status, code)
        self.url = url
        self.reason = reason
        self.status = status
        """HTTP status of the handshake's answer, or the WebSocket's close code."""
        self.code = code
        """The server's own error code."""

    def __str__(self) -> str:
        return f"cannot reach the model at {self.url}: {self.reason}; check the network and the address"


class ConnectRefusedError(ConnectFailedError, PermissionError):
    """The server refused the client; trying again cannot help."""

    fatal = True

    def __str__(self) -> str:
        return f"{self.url} refused: {self.reason}; check the API key, the model's name and the account"
