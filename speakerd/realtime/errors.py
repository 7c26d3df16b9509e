"""Errors of the voice session layer.

    RealtimeLayerError
    ├── UserError (ValueError)                  the program asked for what cannot be
    ├── ModelBehaviorError                      the model did what it must not
    ├── ToolTimeoutError (TimeoutError)         a tool took longer than it may
    ├── BadFrameError (ValueError)              a frame of the server that cannot be read; reported, survived
    ├── NotConnectedError (RuntimeError)        there is no session: connect first
    └── ConnectFailedError (ConnectionError)    the model cannot be reached: worth another try
        └── ConnectRefusedError (PermissionError)   and another try cannot help: the key, the model, the money

Data is in the attributes; the text, which says what to do, is made in `__str__`.
(`RealtimeError` is not here: by the documents that is the name of a session *event*.)
"""

from __future__ import annotations


class RealtimeLayerError(Exception):
    """Root of all errors of this room."""


class UserError(RealtimeLayerError, ValueError):
    """The program asked for something that cannot be; the message says what to change."""


class ModelBehaviorError(RealtimeLayerError):
    """The model did what it must not, such as calling a tool that does not exist."""


class ToolTimeoutError(RealtimeLayerError, TimeoutError):
    """A tool took longer than its `timeout`."""

    def __init__(self, tool_name: str, timeout_s: float) -> None:
        super().__init__(tool_name, timeout_s)
        self.tool_name = tool_name
        self.timeout_s = timeout_s

    def __str__(self) -> str:
        return f"tool {self.tool_name!r} did not answer within {self.timeout_s:g} s"


class BadFrameError(RealtimeLayerError, ValueError):
    """A frame that cannot be read. `frame` is its beginning."""

    SHOWN = 120

    def __init__(self, reason: str, frame: str | bytes) -> None:
        super().__init__(reason, frame[: self.SHOWN])
        self.reason = reason
        self.frame = frame[: self.SHOWN]

    def __str__(self) -> str:
        return f"the server sent a frame that cannot be read ({self.reason}): {self.frame!r}"


class NotConnectedError(RealtimeLayerError, RuntimeError):
    """There is no session to do this in."""

    def __str__(self) -> str:
        return "not connected: call connect() first (after close(), again)"


class ConnectFailedError(RealtimeLayerError, ConnectionError):
    """The model cannot be reached at `url` just now; another try may help."""

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
    """The server will not have us, however often we ask."""

    fatal = True

    def __str__(self) -> str:
        return f"{self.url} refused: {self.reason}; check the API key, the model's name and the account"
