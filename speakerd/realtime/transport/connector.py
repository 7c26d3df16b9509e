"""Opens a WebSocket to a model, and tells the errors that can happen apart.

The class of the error says whether trying again can help: after `ConnectRefusedError` and `UserError` it cannot.
After a certificate that does not verify it can: a board without a clock battery boots in the past.
"""

from __future__ import annotations

import asyncio
import inspect
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
from speakerd.realtime.transport.retry_policy import is_fatal_status
from speakerd.realtime.transport.url import handshake_headers, shown

if TYPE_CHECKING:
    from speakerd.realtime.model import RealtimeModelConfig

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A retrieved item of ten minutes of audio is 38 MB as base64."""

MAX_FRAMES_WAITING = 2048
"""Frames read ahead of a listener that lags; beyond it the socket is not read. Then the server's pongs are not seen
either, and the keepalive takes the connection for dead: hence room for a minute of speech, 10 to 20 MB."""

CLOSE_WITHIN_S = 1.0
"""How long a server may take to answer a close: a speaker that is being stopped does not wait longer."""


class TransportConfig(TypedDict, total=False):
    """Keepalive and handshake of the WebSocket, in seconds."""

    ping_interval: float | None
    """Between keepalive pings (10): a dead network is noticed within this and the next."""
    ping_timeout: float | None
    """Until a ping counts as lost (10)."""
    handshake_timeout: float | None
    """For TCP, TLS and the upgrade together (10)."""


@dataclass(eq=False, slots=True)
class Link:
    """One WebSocket, and what the model behind it keeps with it."""

    socket: ClientConnection
    gone: asyncio.Future[str]
    """Resolved with the reason when the connection ended or has to be replaced."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    reader: asyncio.Task[None] | None = None
    announced: bool = False
    """The listeners were notified that the session can be used."""

    async def close(self) -> None:
        """Close the WebSocket, waiting no longer than `CLOSE_WITHIN_S` for the server. Idempotent."""
        await self.socket.close()


async def open_link(url: str, options: RealtimeModelConfig, transport: TransportConfig) -> Link:
    """Open a WebSocket to the model; raises the same errors as `open_socket`."""
    return Link(await open_socket(url, options, transport), asyncio.get_running_loop().create_future())


async def open_socket(url: str, options: RealtimeModelConfig, transport: TransportConfig) -> ClientConnection:
    """Open a WebSocket to the model at `url`. Safe to cancel.

    Raises:
        UserError: the address or the options cannot be.
        ConnectFailedError: it cannot be had just now, or (`ConnectRefusedError`) at all.
    """
    headers = handshake_headers(url, options.get("headers"), await _api_key(options, url))
    try:
        return await connect(
            url,
            additional_headers=headers,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            max_queue=MAX_FRAMES_WAITING,
            open_timeout=transport.get("handshake_timeout", 10),
            ping_interval=transport.get("ping_interval", 10),
            ping_timeout=transport.get("ping_timeout", 10),
            close_timeout=CLOSE_WITHIN_S,
            user_agent_header="speakerd",
        )
    except InvalidStatus as error:
        raise _refused(url, error) from None
    except InvalidURI as error:
        raise UserError(f"{shown(url)} is not an address of a WebSocket: {error.msg}") from None
    except InvalidProxy as error:
        raise UserError(f"the environment names a proxy that cannot be: {error.msg}") from None
    except WebSocketException as error:
        raise ConnectFailedError(shown(url), str(error)) from None
    except TimeoutError:
        raise ConnectFailedError(shown(url), "no answer in time") from None
    except (OSError, EOFError) as error:  # Before ValueError: a failed certificate is both.
        raise ConnectFailedError(shown(url), str(error) or type(error).__name__) from error
    except ValueError as error:
        raise UserError(f"{shown(url)} is not an address of a WebSocket: {error}") from None


async def _api_key(options: RealtimeModelConfig, url: str) -> str | None:
    given = options.get("api_key")
    if not callable(given):
        return given or os.environ.get("OPENAI_API_KEY")
    try:
        key = given()
        return await key if inspect.isawaitable(key) else str(key)
    except Exception as error:  # whatever a program's own function raises: the next attempt asks it again
        raise ConnectFailedError(shown(url), f"api_key() failed: {type(error).__name__}: {error}") from error


def _refused(url: str, error: InvalidStatus) -> ConnectFailedError:
    status = error.response.status_code
    body = (error.response.body or b"")[:200].decode("utf-8", "replace").strip()
    kind = ConnectRefusedError if is_fatal_status(status) else ConnectFailedError
    return kind(shown(url), f"HTTP {status}{f': {body}' if body else ''}", status=status)


def why_closed(closed: ConnectionClosed) -> str:
    """Return in words how a connection ended."""
    if closed.rcvd is None:
        return "the connection broke"
    reason = f": {closed.rcvd.reason}" if closed.rcvd.reason else ""
    return f"closed by the server ({closed.rcvd.code}{reason})"
