"""Opens a WebSocket to a model, and tells the errors that can happen apart.

The class of the error says whether trying again can help: after `ConnectRefusedError` and `UserError` it cannot.
After a certificate that does not verify it can: a board without a clock battery boots in the past.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from speakerd.realtime.errors import ConnectFailedError, ConnectRefusedError, UserError
from speakerd.realtime.transport.retry_policy import KEY_STATUSES, is_fatal_status
from speakerd.realtime.transport.url import handshake_headers, url_without_secrets
from speakerd.realtime.wire import Liveness

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.realtime.model import RealtimeModelConfig

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A retrieved item of ten minutes of audio is 38 MB as base64."""

MAX_FRAMES_WAITING = 1
"""Frames read ahead of a listener that lags; beyond it the socket is not read, so that the server has to wait. One
frame can be large; what a listener has not taken is to be bounded in bytes, and it bounds that itself."""

CLOSE_WITHIN_S = 1.0
"""How long a server may take to answer a close: a speaker that is being stopped does not wait longer."""


class TransportConfig(TypedDict, total=False):
    """Keepalive and handshake of the WebSocket, in seconds."""

    ping_interval: float | None
    """How long nothing may be received before a ping is sent (10); much less while something is due. `None`: no
    pings are sent at all."""
    ping_timeout: float | None
    """Until a ping counts as lost (10); less while something is due. `None`: it never does."""
    handshake_timeout: float | None
    """For TCP, TLS and the upgrade together (10)."""


@dataclass(eq=False, slots=True)
class Link:
    """One WebSocket, and what the model behind it keeps with it."""

    socket: ClientConnection
    gone: asyncio.Future[str]
    """Resolved with the reason when the connection ended or has to be replaced."""
    liveness: Liveness
    expires_at: float | None = None
    """The end of the session that its rotation has been set for."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    announced: bool = False
    """The listeners were notified that the session can be used."""

    async def close(self) -> None:
        """Close the WebSocket, waiting no longer than `CLOSE_WITHIN_S` for the server. Idempotent."""
        try:
            # The limit of `websockets` begins only when the socket has taken the close frame, which may be never.
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self.socket.close()
        except TimeoutError:
            pass
        finally:
            self.socket.transport.abort()  # Nothing where it is closed already.


async def open_link(
    url: str, options: RealtimeModelConfig, transport: TransportConfig, clock: Callable[[], float]
) -> Link:
    """Open a WebSocket to the model; raises the same errors as `open_socket`."""
    loop = asyncio.get_running_loop()
    idle_s, pong_s = transport.get("ping_interval", 10), transport.get("ping_timeout", 10)
    socket = await open_socket(url, options, transport)
    return Link(socket, loop.create_future(), Liveness(clock(), _or_never(idle_s), _or_never(pong_s)))


def _or_never(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


async def open_socket(url: str, options: RealtimeModelConfig, transport: TransportConfig) -> ClientConnection:
    """Open a WebSocket to the model at `url`, with the key that is valid now. Safe to cancel.

    Where the server refuses the key and `api_key` is a function that returns another one by then, that is tried.

    Raises:
        UserError: the address or the options cannot be.
        ConnectFailedError: it cannot be had just now, or (`ConnectRefusedError`) at all.
    """
    key = await _api_key(options, url)
    try:
        return await _handshake(url, options, transport, key)
    except ConnectRefusedError as error:
        if error.status not in KEY_STATUSES or not callable(options.get("api_key")):
            raise
        newer = await _api_key(options, url)
        if newer == key:
            raise
        return await _handshake(url, options, transport, newer)


async def _handshake(
    url: str, options: RealtimeModelConfig, transport: TransportConfig, key: str | None
) -> ClientConnection:
    headers = handshake_headers(url, options.get("headers"), key)
    try:
        return await connect(
            url,
            additional_headers=headers,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            max_queue=MAX_FRAMES_WAITING,
            open_timeout=transport.get("handshake_timeout", 10),
            ping_interval=None,  # The model sends pings itself: it knows when something is due.
            close_timeout=CLOSE_WITHIN_S,
            user_agent_header="speakerd",
        )
    except InvalidStatus as error:
        raise _refused(url, error) from None
    except InvalidURI as error:
        raise UserError(f"{url_without_secrets(url)} is not an address of a WebSocket: {error.msg}") from None
    except InvalidProxy as error:
        raise UserError(f"the environment names a proxy that cannot be: {error.msg}") from None
    except WebSocketException as error:
        raise ConnectFailedError(url_without_secrets(url), str(error)) from None
    except TimeoutError:
        raise ConnectFailedError(url_without_secrets(url), "no answer in time") from None
    except (OSError, EOFError) as error:  # Before ValueError: a failed certificate is both.
        raise ConnectFailedError(url_without_secrets(url), str(error) or type(error).__name__) from error
    except ValueError as error:
        raise UserError(f"{url_without_secrets(url)} is not an address of a WebSocket: {error}") from None


async def _api_key(options: RealtimeModelConfig, url: str) -> str | None:
    given = options.get("api_key")
    if not callable(given):
        return given or os.environ.get("OPENAI_API_KEY")
    try:
        key = given()
        return await key if inspect.isawaitable(key) else str(key)
    except Exception as error:  # whatever a program's own function raises: the next attempt asks it again
        raise ConnectFailedError(
            url_without_secrets(url), f"api_key() failed: {type(error).__name__}: {error}"
        ) from error


def _refused(url: str, error: InvalidStatus) -> ConnectFailedError:
    status = error.response.status_code
    body = _message_in(error.response.body or b"")
    kind = ConnectRefusedError if is_fatal_status(status) else ConnectFailedError
    return kind(url_without_secrets(url), f"HTTP {status}{f': {body}' if body else ''}", status=status)


def _message_in(body: bytes | bytearray) -> str:
    """Return what the body of a refusal says: its error's message, where it is JSON of the usual form."""
    text = body.decode("utf-8", "replace").strip()
    try:
        data = json.loads(text)
        error = data.get("error", data)
        message = error if isinstance(error, str) else error.get("message") or error.get("code")
    except (ValueError, AttributeError):
        message = None
    return (message if isinstance(message, str) and message else text)[:300]


def why_closed(closed: ConnectionClosed) -> str:
    """Return in words how a connection ended."""
    if closed.rcvd is None:
        return "the connection broke"
    reason = f": {closed.rcvd.reason}" if closed.rcvd.reason else ""
    return f"closed by the server ({closed.rcvd.code}{reason})"
