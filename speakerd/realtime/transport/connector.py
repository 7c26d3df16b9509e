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
from typing import TYPE_CHECKING, Any, TypedDict

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from speakerd.realtime.errors import ConnectFailedError, ConnectRefusedError, UserError
from speakerd.realtime.transport.retry_policy import KEY_STATUSES, MAX_REQUESTS, is_fatal_status
from speakerd.realtime.transport.safe_text import SafeText
from speakerd.realtime.transport.url import handshake_headers, redirected, url_without_secrets, where_to
from speakerd.realtime.wire import Liveness

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Close

    from speakerd.realtime.model import RealtimeModelConfig

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A retrieved item of ten minutes of audio is 38 MB as base64."""

MAX_FRAMES_WAITING = 1
"""Frames read ahead of a listener that lags; beyond it the socket is not read, so that the server has to wait. One
frame can be large; what a listener has not taken is to be bounded in bytes, and it bounds that itself."""

REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
"""HTTP answers that name another address."""

_CLOSED_BECAUSE_OF_THE_SERVER = frozenset({1002, 1003, 1007, 1008, 1009, 1010})
"""Close codes by which this side says that it cannot take what came."""

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
    shown: SafeText
    """Makes a text from the server fit for an error: without the key."""
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
    url: str,
    options: RealtimeModelConfig,
    transport: TransportConfig,
    clock: Callable[[], float],
    may_ask_again: Callable[[], bool],
) -> Link:
    """Open a WebSocket to the model; raises the same errors as `open_socket`."""
    loop = asyncio.get_running_loop()
    idle_s, pong_s = transport.get("ping_interval", 10), transport.get("ping_timeout", 10)
    shown = SafeText(url)
    socket = await open_socket(url, options, transport, shown, may_ask_again)
    return Link(socket, loop.create_future(), Liveness(clock(), _or_never(idle_s), _or_never(pong_s)), shown)


def _or_never(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


async def open_socket(
    url: str,
    options: RealtimeModelConfig,
    transport: TransportConfig,
    shown: SafeText,
    may_ask_again: Callable[[], bool],
) -> ClientConnection:
    """Open a WebSocket to the model at `url`, with the key that is valid now. Safe to cancel.

    Where the server refuses the key and `api_key` is a function that returns another one by then, that is tried.

    Args:
        url: Where the model is.
        options: The key and the headers.
        transport: The limits of time.
        shown: Learns the secrets of the handshake; every text of an error goes through it.
        may_ask_again: Counts one more request; returns whether there is room for it.

    Raises:
        UserError: the address or the options cannot be.
        ConnectFailedError: it cannot be had just now, or (`ConnectRefusedError`) at all.
    """
    key = await _api_key(options, url, shown)
    try:
        headers = handshake_headers(url, options.get("headers"), key)
        return await _handshake(url, headers, transport, shown, may_ask_again)
    except ConnectRefusedError as error:
        if error.status not in KEY_STATUSES or not callable(options.get("api_key")):
            raise
        newer = await _api_key(options, url, shown)
        if newer == key or not may_ask_again():
            raise
        headers = handshake_headers(url, options.get("headers"), newer)
        return await _handshake(url, headers, transport, shown, may_ask_again)


async def _handshake(
    url: str,
    headers: dict[str, str],
    transport: TransportConfig,
    shown: SafeText,
    may_ask_again: Callable[[], bool],
) -> ClientConnection:
    shown.add_headers(headers)
    try:
        async with asyncio.timeout(transport.get("handshake_timeout", 10)):
            answer = await _ask(url, headers, may_ask_again)
    except InvalidStatus as error:
        raise _refused(url, error, shown) from None
    except InvalidURI as error:
        reason = shown(error.msg)
        raise UserError(f"{url_without_secrets(url)} is not an address of a WebSocket: {reason}") from None
    except InvalidProxy as error:
        raise UserError(f"the environment names a proxy that cannot be: {shown(error.msg)}") from None
    except TimeoutError:
        raise ConnectFailedError(url_without_secrets(url), "no answer in time") from None
    except (
        WebSocketException,
        OSError,
        EOFError,
    ) as error:  # Before ValueError: a failed certificate is both.
        reason = shown(str(error)) or type(error).__name__
        raise ConnectFailedError(url_without_secrets(url), reason) from None
    except ValueError as error:
        reason = shown(str(error))
        raise UserError(f"{url_without_secrets(url)} is not an address of a WebSocket: {reason}") from None
    if isinstance(answer, ClientConnection):
        return answer
    # A captive portal, or a server that has moved: only who knows that server may send the key there.
    reason = f"it redirects to {shown(url_without_secrets(answer))}"
    raise ConnectFailedError(url_without_secrets(url), reason)


class _Asking(connect):
    """A handshake that follows no redirect: the library would, with the key, and ten times."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Return the answer itself as the error."""
        return exc


async def _ask(
    url: str, headers: dict[str, str], may_ask_again: Callable[[], bool]
) -> ClientConnection | str:
    """Return the open connection, or where the server redirects to, if that is not followed (any more)."""
    requests = 1
    while True:
        try:
            return await _Asking(
                url,
                additional_headers=headers,
                compression=None,
                max_size=MAX_FRAME_BYTES,
                max_queue=MAX_FRAMES_WAITING,
                open_timeout=None,  # The caller has one, for all requests together.
                ping_interval=None,  # The model sends pings itself: it knows when something is due.
                close_timeout=CLOSE_WITHIN_S,
                user_agent_header="speakerd",
            )
        except InvalidStatus as error:
            location = error.response.headers.get("Location")
            if error.response.status_code not in REDIRECTS or location is None:
                raise
        target = redirected(url, location)
        if target is None or requests == MAX_REQUESTS or not may_ask_again():
            return where_to(url, location)
        url, requests = target, requests + 1


async def _api_key(options: RealtimeModelConfig, url: str, shown: SafeText) -> str | None:
    given = options.get("api_key")
    if not callable(given):
        return given or os.environ.get("OPENAI_API_KEY")
    try:
        key: Any = given()
        if inspect.isawaitable(key):
            key = await key
    except Exception as error:  # noqa: BLE001  # whatever a program's own function raises: the next attempt asks it again
        reason = shown(f"api_key() failed: {type(error).__name__}: {error}")
        # Without its cause, whose text may have the key in it.
        raise ConnectFailedError(url_without_secrets(url), reason) from None
    if not isinstance(key, str | None):
        raise UserError(
            f"api_key() returned a value of type {type(key).__name__}; expected a str, or None for no key"
        )
    return key


def _refused(url: str, error: InvalidStatus, shown: SafeText) -> ConnectFailedError:
    status = error.response.status_code
    body = shown(_message_in(error.response.body or b""))
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
    return message if isinstance(message, str) and message else text


def why_closed(closed: ConnectionClosed, shown: SafeText) -> str:
    """Return in words how a connection ended, and which side ended it."""
    if closed.sent is not None and not (closed.rcvd is not None and closed.rcvd_then_sent):
        if closed.sent.code in _CLOSED_BECAUSE_OF_THE_SERVER:
            return f"closed here, for what the server sent ({_close(closed.sent, shown)})"
        return f"closed here ({_close(closed.sent, shown)})"
    if closed.rcvd is None:
        return "the connection broke"
    return f"closed by the server ({_close(closed.rcvd, shown)})"


def _close(frame: Close, shown: SafeText) -> str:
    reason = shown(frame.reason)
    return f"{frame.code}: {reason}" if reason else f"{frame.code}"
