"""The key and the headers in what errors say: never, whatever raises; and nothing a terminal would obey."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime.errors import ConnectFailedError, ConnectRefusedError, UserError
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Close, LoopbackServer, Refuse, Silent
from speakerd.realtime.transport.safe_text import LONGEST, MASK, SafeText
from speakerd.realtime.transport.url import handshake_headers, url_without_secrets
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from tests.realtime.shell import Ear, connected

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "prod-SECRET0123456789"
HARM = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def all_of(error: BaseException | None) -> str:
    """What an error and all behind it say, as a traceback would show it."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (f"{SECRET}\n", "a line break at its end"),
        (f"{SECRET}\r\nX-Evil: 1", "a line break at position 22"),
        (f"{SECRET}\u201d", r"the character U\+201D at its end"),
        (f"\u201c{SECRET}\u201d", r"the character U\+201C at position 1"),
        (f"{SECRET}\x00", r"the character U\+0000 at its end"),
        (f"{SECRET}\u00fc", r"the character U\+00FC at its end"),
    ],
)
async def test_a_key_that_no_header_can_carry_is_the_callers_mistake_and_is_not_shown(
    key: str, what: str
) -> None:
    async with LoopbackServer() as server:
        for given in (key, lambda: key):
            with pytest.raises(UserError, match=f"the API key cannot be sent: it contains {what}") as raised:
                async with connected(server, api_key=given):
                    pass
            assert SECRET not in all_of(raised.value)
        assert not server.connections


@pytest.mark.parametrize(
    ("headers", "what"),
    [
        ({"X-Key": f"{SECRET}\r\nX-Evil: 1"}, "the value of X-Key cannot be sent: it contains a line break"),
        ({"X-Key": f"{SECRET}\u201d"}, "the value of X-Key cannot be sent: .*U\\+201D"),
        ({"X\r\nEvil": "1"}, "is no name of a header"),
        ({"": "1"}, "is no name of a header"),
        ({"X Key": "1"}, "is no name of a header"),
        ({"X-Key": None}, "the value of X-Key is of type NoneType; expected a str"),
        ({"X-Key": SECRET.encode()}, "the value of X-Key is of type bytes; expected a str"),
    ],
)
async def test_headers_that_cannot_be_are_the_callers_mistake_and_not_shown(
    headers: Mapping[str, Any], what: str
) -> None:
    async with LoopbackServer() as server:
        with pytest.raises(UserError, match=what) as raised:
            async with connected(server, headers=headers):
                pass
        assert SECRET not in all_of(raised.value)
        assert not server.connections


def test_a_header_may_have_what_http_allows() -> None:
    headers = {"X-Name": "J\u00fcrgen\tM", "X-Empty": ""}
    assert handshake_headers("ws://h", headers, None) == headers


@pytest.mark.parametrize("body", [f"no such key: {SECRET}", json.dumps({"error": {"message": f"{SECRET}?"}})])
@pytest.mark.parametrize("options", [{"api_key": SECRET}, {"headers": {"api-key": SECRET}}])
async def test_a_refusal_that_repeats_the_key_is_told_without_it(body: str, options: dict[str, Any]) -> None:
    async with LoopbackServer([Refuse(401, body)]) as server:
        with pytest.raises(ConnectRefusedError, match=re.escape(MASK)) as raised:
            async with connected(server, **options):
                pass
    assert SECRET not in all_of(raised.value)


async def test_a_refusal_by_an_event_that_repeats_the_key_is_told_without_it() -> None:
    script: list[Any] = [Silent(), s.error("invalid_api_key", f"Incorrect key: {SECRET}"), Close(3000)]
    async with LoopbackServer(script) as server:
        with pytest.raises(ConnectRefusedError, match="Incorrect key") as raised:
            async with connected(server, api_key=SECRET):
                pass
    assert SECRET not in all_of(raised.value)


async def test_a_close_that_repeats_the_key_is_told_without_it() -> None:
    ear = Ear()
    async with (
        LoopbackServer([Close(1011, f"bad {SECRET}\x1b[2J\nevil")], []) as server,
        connected(server, ear, api_key=SECRET),
    ):
        told = await ear.until("connection_status", status="reconnecting")
    assert told.reason == f"closed by the server (1011: bad {MASK} [2J evil)"


async def test_a_function_that_fails_with_the_key_in_its_words_is_told_without_it() -> None:
    def key() -> str:
        raise RuntimeError("vault sealed, had sk-proj-SECRET0123456789")

    async with LoopbackServer() as server:
        with pytest.raises(
            ConnectFailedError, match=r"api_key\(\) failed: RuntimeError: vault sealed"
        ) as raised:
            async with connected(server, api_key=key):
                pass
    assert "SECRET" not in all_of(raised.value)


async def test_whatever_a_server_answers_instead_of_http_is_told_without_the_key() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(request.replace(b"\r\n", b" ") + b"\x1b[2J\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    url = f"ws://user:{SECRET}@127.0.0.1:{server.sockets[0].getsockname()[1]}/?api-key={SECRET}"
    with pytest.raises(ConnectFailedError) as raised:
        await OpenAIRealtimeWebSocketModel(random=lambda: 0.0).connect({"url": url, "api_key": SECRET})
    server.close()
    assert SECRET not in all_of(raised.value)
    assert not HARM.search(str(raised.value))


@pytest.mark.parametrize("status", [403, 503])
async def test_the_body_of_a_refusal_is_one_line_without_anything_a_terminal_obeys(status: int) -> None:
    body = "\x1b[2J evil\r\nline\x9b1m\u202e" + "x" * 5000
    async with LoopbackServer([Refuse(status, body)]) as server:
        with pytest.raises(ConnectFailedError, match="evil line") as raised:
            async with connected(server):
                pass
    assert not HARM.search(str(raised.value))
    assert len(raised.value.reason) <= LONGEST + len("HTTP 403: ")


@pytest.mark.parametrize("given", [lambda: None, None])
async def test_a_function_that_has_no_key_sends_none(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with LoopbackServer() as server, connected(server, api_key=given):
        assert "Authorization" not in server.connections[0].headers


async def test_a_function_that_returns_no_text_is_the_callers_mistake() -> None:
    async with LoopbackServer() as server:
        with pytest.raises(UserError, match=r"api_key\(\) returned a value of type bytes; expected a str"):
            async with connected(server, api_key=SECRET.encode):
                pass
        assert not server.connections


@pytest.mark.parametrize("url", ["ws://[::1", "ws://h:port/", "ws://u:pa/ss@h/", "ws://h:99999/", "ws://"])
async def test_an_address_that_is_none_is_the_callers_mistake(url: str) -> None:
    with pytest.raises(UserError):
        await OpenAIRealtimeWebSocketModel().connect({"url": url, "api_key": "k"})


def test_what_names_a_model_is_no_secret_and_what_a_parameter_hides_is_one() -> None:
    shown = SafeText("wss://me:p%40ssword@h/v1?model=gpt-realtime&api-key=0123456789&v=2")
    shown.add_headers({"Authorization": "Bearer 12345678", "X": "short"})
    text = "gpt-realtime 0123456789 p@ssword p%40ssword 12345678 short 2"
    assert shown(text) == f"gpt-realtime {MASK} {MASK} {MASK} {MASK} short 2"
    assert url_without_secrets("wss://me:secret@[::1?key=secret") == "[::1"
