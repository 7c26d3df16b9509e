"""The doctor sends each server in imitation the settings of a file, and says what came of it. No answer is asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.cli.doctor.command import _tools
from speakerd.cli.doctor.network_probe import attempt
from speakerd.cli.doctor.set_up import SetUp, findings
from speakerd.config.load import read_text
from speakerd.daemon.model_config import handshake_headers
from speakerd.realtime.testing.loopback import LoopbackServer
from tests.servers.emulated import Conversation, EmulatedServer, merged
from tests.servers.home_speaches import SpeachesServer
from tests.servers.hosted_openai import OpenAIServer
from tests.servers.hosted_xai import XaiServer
from tests.servers.test_dialects import ROWS, Row

if TYPE_CHECKING:
    from speakerd.cli.doctor.finding import Finding


async def examined(server: LoopbackServer, lines: str, limit_s: float = 10.0) -> list[Finding]:
    settings = read_text(lines if "[model]" in lines else f"[model]\n{lines}\n").settings
    async with server:
        set_up = SetUp(settings.model, _tools(settings))
        headers = handshake_headers(settings.model, "sk-0123456789abcdef")
        result = await asyncio.to_thread(attempt, server.url, headers, limit_s, set_up)
        assert result.stage == "done"
        assert "response.create" not in server.types()
    return list(findings(set_up))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.provider)
async def test_each_server_takes_what_is_sent_in_its_dialect(row: Row) -> None:
    found = await examined(row.server(), row.lines)
    assert [(each.verdict, each.seen) for each in found] == [
        ("OK", "taken by the server as they were sent"),
    ]


async def test_a_refused_setting_is_named_as_in_the_file_and_the_rest_is_taken() -> None:
    server = XaiServer()
    [found] = await examined(server, 'provider = "xai"\nspeed = 0.5')
    assert (found.verdict, found.seen) == ("FAIL", "model.speed is refused")
    assert "0.7 to 1.5" in found.cause
    assert server.conversations[0].settings["voice"] == "eve"


async def test_a_field_passed_through_is_refused_by_its_name() -> None:
    [found] = await examined(OpenAIServer(), "extra = { temperature = 0.7 }")
    assert (found.verdict, found.seen) == ("FAIL", "model.extra is refused")


async def test_a_setting_that_the_server_changes_is_told_with_both_values() -> None:
    class Deaf(Conversation):
        def shown(self) -> dict[str, Any]:
            other = {"audio": {"output": {"voice": "alloy", "speed": 1}}}
            return merged(super().shown(), other)

    server = OpenAIServer()
    server.conversation = Deaf
    [found] = await examined(server, "")
    assert (found.verdict, found.seen) == ("WARN", 'model.voice is "alloy" there')
    assert found.cause == 'We have sent "marin".'


async def test_what_the_server_does_not_account_for_is_named() -> None:
    [found] = await examined(
        SpeachesServer(), 'provider = "speaches"\nmodel = "m"\nextra = { mood = "glad" }'
    )
    assert found.verdict == "OK"
    assert found.seen.endswith("; not in its account: model.extra")


async def test_a_server_that_confirms_nothing_is_told_of() -> None:
    [found] = await examined(LoopbackServer(confirm=False), "", limit_s=0.3)
    assert (found.verdict, found.seen) == ("WARN", "not confirmed")


async def test_a_server_of_another_dialect_shows() -> None:
    found = await examined(EmulatedServer(), 'provider = "qwen"', limit_s=0.5)
    assert "FAIL" in {each.verdict for each in found}
