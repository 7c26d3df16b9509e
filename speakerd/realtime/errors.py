"""Errors of the voice session layer.

    RealtimeLayerError
    ├── UserError (ValueError)                  the program made an invalid request
    │   └── SessionNotOpenError (NotConnectedError) the session was not entered yet, or was closed
    ├── ModelBehaviorError                      the model did something invalid
    ├── ToolTimeoutError (TimeoutError)         a tool did not answer within its timeout
    ├── BadFrameError (ValueError)              a frame of the server cannot be read; the session goes on
    ├── NotConnectedError (RuntimeError)        there is no session: connect first
    ├── NoAnswerError (TimeoutError)            a request brought no reply and was given up
    ├── SetUpRefusedError                       the server refused the instructions: no reply is asked for
    ├── SessionNotice                           something is not as it was asked for; the conversation goes on
    │   ├── HostedToolsError                    a hosted MCP server's tools cannot be used
    │   ├── UnknownToolError (ModelBehaviorError) the model called a tool that does not exist, and was told so
    │   ├── SettingRefusedError                 the server refused one setting; the others are in force
    │   ├── ToolLimitError                      too much was spent on tools: the next reply is the last to them
    │   ├── NotConfirmedError                   the server does not confirm settings
    │   ├── ThrottledError                      more was asked for than the budget allows; it is sent later
    │   └── LeftOutError                        the conversation makes the server end each connection
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


class NoAnswerError(RealtimeLayerError, TimeoutError):
    """A request for a reply was given up: it brought nothing on two connections, or too many waited."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"there is no reply: {self.reason}; the request is given up"


class SetUpRefusedError(RealtimeLayerError):
    """The server refused what the assistant is made of, so no reply is asked for: it would be another's."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(parameter, message)
        self.parameter = parameter
        self.message = message

    def __str__(self) -> str:
        return (
            f"the server refused {self.parameter} ({self.message}); no reply is asked for until it is changed"
        )


class SessionNotice(RealtimeLayerError):  # noqa: N818  # it is no error to whom the conversation goes on
    """Something is not as it was asked for, and the conversation goes on without it."""


class HostedToolsError(SessionNotice):
    """The model's server could not list the tools of an MCP server, so that the model cannot call them."""

    def __init__(self, server_label: str, reason: str) -> None:
        super().__init__(server_label, reason)
        self.server_label = server_label
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"the tools of the MCP server {self.server_label or 'without a label'} could not be listed and are not "
            f"there: {self.reason or 'no reason was given'}; check its server_url and its authorization"
        )


class UnknownToolError(ModelBehaviorError, SessionNotice):
    """The model called a tool that does not exist. It was told so and goes on."""

    def __init__(self, tool_name: str, agent_name: str) -> None:
        super().__init__(tool_name, agent_name)
        self.tool_name = tool_name
        self.agent_name = agent_name

    def __str__(self) -> str:
        return (
            f"The model called {self.tool_name}, which {self.agent_name} has not; it was told what there is"
        )


class SettingRefusedError(SessionNotice):
    """The server refused one setting of a `session.update`. The others were sent again without it."""

    def __init__(self, parameter: str, message: str, code: str | None = None) -> None:
        super().__init__(parameter, message, code)
        self.parameter = parameter
        """The setting's name on the wire, such as `session.audio.output.voice`."""
        self.message = message
        """The server's own words."""
        self.code = code

    def __str__(self) -> str:
        return (
            f"the server refused the setting {self.parameter}: {self.message}; the others are sent without it"
        )


class SettingChangedError(SessionNotice):
    """The server confirmed a `session.update`, and has another value than it was sent. It is not sent again."""

    def __init__(self, parameter: str, difference: str) -> None:
        super().__init__(parameter, difference)
        self.parameter = parameter
        """The setting's name on the wire, such as `session.audio.output.voice`."""
        self.difference = difference
        """What the server has in its place, in words."""

    def __str__(self) -> str:
        return f"the server took the setting {self.parameter} otherwise than it was sent: {self.difference}"


class ToolLimitError(SessionNotice):
    """The model goes on calling tools: one more reply is asked for, in which it may call none."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit
        """Which limit was reached, in words."""

    def __str__(self) -> str:
        return f"the limit of {self.limit} is reached: one more reply is asked for, without tools"


class NotConfirmedError(SessionNotice):
    """The server has not confirmed the settings in time; they are taken to be in force."""

    def __init__(self, within_s: float) -> None:
        super().__init__(within_s)
        self.within_s = within_s

    def __str__(self) -> str:
        return f"the server did not confirm the settings within {self.within_s:g} s; they may not be in force"


class ThrottledError(SessionNotice):
    """Requests of one kind are sent later, because more were made than its budget allows."""

    def __init__(self, event_type: str, wait_s: float) -> None:
        super().__init__(event_type, wait_s)
        self.event_type = event_type
        self.wait_s = wait_s

    def __str__(self) -> str:
        return f"too many {self.event_type} were asked for: the next is sent in {self.wait_s:.1f} s"


class LeftOutError(SessionNotice):
    """The server ended connection after connection when it was sent the conversation, which is sent no more."""

    def __init__(self, connections: int) -> None:
        super().__init__(connections)
        self.connections = connections

    def __str__(self) -> str:
        return (
            f"{self.connections} connections were lost as soon as the conversation was sent on them; the server no "
            "longer knows what was said before"
        )


class SessionNotOpenError(UserError, NotConnectedError):
    """The session cannot do `what` because it was not entered yet, or was `closed`."""

    def __init__(self, what: str, *, closed: bool) -> None:
        super().__init__(what, closed)
        self.what = what
        self.closed = closed

    def __str__(self) -> str:
        if self.closed:
            return f"{self.what}: the session was closed; make another with `await runner.run()`"
        return (
            f"{self.what}: the session was not entered yet; use it inside `async with session:` or after "
            "`await session.enter()`"
        )


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
