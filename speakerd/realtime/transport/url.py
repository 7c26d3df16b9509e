"""The URL and the headers of the handshake, from a model configuration.

A key never appears in a message: `url_without_secrets()` leaves the query out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote, urlsplit

from speakerd.realtime.errors import UserError
from speakerd.realtime.model import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MODEL: Final = "gpt-realtime-2.1"


def model_url(url: str | None, model_name: str | None, call_id: str | None) -> str:
    """Return the URL to connect to; one that is given is used unchanged.

    Raises:
        UserError: the given URL is not a WebSocket's.
    """
    if url is None:
        if call_id is not None:
            return f"{DEFAULT_URL}?call_id={quote(call_id, safe='')}"
        return f"{DEFAULT_URL}?model={quote(model_name or DEFAULT_MODEL, safe='')}"
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.netloc:
        raise UserError(
            f"a model's url begins with ws:// or wss:// and names a host, found {url_without_secrets(url)!r}"
        )
    if call_id is not None and "call_id" not in parse_qs(parts.query):
        return f"{url}{'&' if parts.query else '?'}call_id={quote(call_id, safe='')}"
    return url


def names_the_model(url: str) -> bool:
    """Return whether the URL names the model or the call, so that the settings need not."""
    query = parse_qs(urlsplit(url).query)
    return "model" in query or "call_id" in query or "deployment" in query


def handshake_headers(url: str, given: Mapping[str, str] | None, api_key: str | None) -> dict[str, str]:
    """Return the headers of the handshake. Given ones, even none, are used unchanged, without an `Authorization`.

    Raises:
        UserError: the URL is the hosted service's, and there is no key.
    """
    if given is not None:
        return dict(given)
    if api_key:
        return {"Authorization": f"Bearer {api_key}"}
    if url.startswith(DEFAULT_URL):
        raise UserError(
            "an API key is required: set OPENAI_API_KEY, or give api_key in the model configuration"
        )
    return {}


def url_without_secrets(url: str) -> str:
    """Return the URL for messages: without its query and user, where people put keys."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
