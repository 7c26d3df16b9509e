"""Connects to the model's server step by step, so that the failing step is known. Nothing is billed."""

import json
import socket
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from speakerd.cli.doctor.network import Attempt, ConnectStep
from speakerd.cli.doctor.set_up import SetUp
from speakerd.realtime.transport import SafeText, url_without_secrets, where_to

LIMIT_S = 10.0


def attempt(
    url: str, headers: Mapping[str, str], limit_s: float = LIMIT_S, set_up: SetUp | None = None
) -> Attempt:
    """Resolve, connect, do the handshake, wait for the first event, close. Errors are returned, not raised.

    `set_up` is sent once the session has begun; it keeps what came of it.
    """
    begun = time.monotonic()
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    shown = SafeText(url)
    shown.add_headers(headers)

    def ended(stage: ConnectStep, error: object = "", status: int = 0, date: str | None = None) -> Attempt:
        words = "" if error == "" else shown(str(error)) or type(error).__name__
        return Attempt(host, stage, words, status, time.monotonic() - begun, _skew(date))

    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return ended("name", error.strerror or error)
    try:
        connection = socket.create_connection((host, port), timeout=limit_s)
    except OSError as error:
        return ended("connect", error.strerror or error)
    context = ssl.create_default_context() if parts.scheme == "wss" else None
    try:
        websocket = connect(
            url,
            sock=connection,
            ssl=context,
            server_hostname=host if context else None,
            additional_headers=dict(headers),
            open_timeout=limit_s,
            close_timeout=1,
            compression=None,
            proxy=None,
        )
    except ssl.SSLError as error:
        return ended("tls", error.reason or error)
    except (WebSocketException, OSError, ValueError) as error:
        if (answer := _answer(error)) is None:
            return ended("handshake", error)
        location = answer.headers.get("Location")
        words = f"it redirects to {url_without_secrets(where_to(url, location))}" if location else error
        return ended("handshake", words, answer.status_code, answer.headers.get("Date"))
    date = websocket.response.headers.get("Date") if websocket.response else None
    with websocket:
        try:
            first = json.loads(websocket.recv(timeout=limit_s))
        except (WebSocketException, OSError, ValueError) as error:
            return ended("session", error, date=date)
        kind = first.get("type") if isinstance(first, dict) else None
        if kind == "session.created":
            reached = ended("done", date=date)
            if set_up is not None:
                _send(websocket, set_up, limit_s)
            return reached
    words = first.get("error", {}).get("message", "") if kind == "error" else f"the first event was {kind}"
    return ended("session", words or "the server refused", date=date)


def _answer(error: Exception) -> Response | None:
    """Return what the server answered, if it did: it may be behind the library's own error about a redirect."""
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, InvalidStatus):
            return cause.response
    return None


def _send(websocket: ClientConnection, set_up: SetUp, limit_s: float) -> None:
    """Send the settings, and take what comes until all of them are confirmed or refused, or the time is over."""
    until = time.monotonic() + limit_s
    try:
        while not set_up.done:
            for frame in set_up.frames():
                websocket.send(frame)
            set_up.take(websocket.recv(timeout=max(0.0, until - time.monotonic())))
    except (WebSocketException, OSError, ValueError) as error:
        if not isinstance(error, TimeoutError):
            set_up.problems.append(str(error) or type(error).__name__)


def _skew(date: str | None) -> float | None:
    """Return the server's clock minus ours, by the Date header in whole seconds."""
    if not date:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return None
