"""What was used, from the server's `response.done` to the file, to `status`, and through the end of the process."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from speakerd.daemon.control.control import Control
from speakerd.dialogue.events import Ask
from speakerd.dialogue.requests import STOP
from speakerd.realtime.testing.loopback import Expect, LoopbackServer, Wait
from speakerd.realtime.testing.server_events import response_done, usage
from tests.daemon.bench import GO_FORWARD, Household, answering, household, tone_response
from tests.daemon.process import Daemon
from tests.daemon.test_service import BASE
from tests.limits import limit
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from speakerd.daemon.control.reload import Reloader


async def ask(house: Household, command: str) -> dict[str, Any]:
    """As `speakerd ctl`; what is asked here needs no reloader."""
    return await Control(house.assembly, cast("Reloader", None)).handle(command, {})


def stored(path: Path) -> dict[str, int]:
    """The sums of the file, by name."""
    total: dict[str, int] = {}
    if path.exists():
        for counts in json.loads(path.read_text())["days"].values():
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count
    return total


async def until(condition: Callable[[], object]) -> None:
    """What a thread or another process does."""
    async with asyncio.timeout(limit(20)):
        while not condition():
            await asyncio.sleep(0.02)


@in_virtual_time
async def test_a_turn_is_stored_when_its_conversation_ends_and_the_next_process_knows_of_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "usage.json"
    one_shot = {"dialogue": {"mode": "one_shot"}}
    async with household(answering(usage=usage(100, 50)), settings=one_shot, state=tmp_path) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking")
        assert not path.exists()
        await house.phase("idle")
        await until(path.exists)
        assert (stored(path)["turns"], stored(path)["total_tokens"]) == (1, 150)
        said = (await ask(house, "status"))["usage"]
        assert (said["since_start"]["turns"], said["since_start"]["total_tokens"]) == (1, 150)
        written = path.stat()
    assert path.stat().st_mtime_ns == written.st_mtime_ns, "the end had nothing more to write"
    async with household(state=tmp_path) as house:
        said = (await ask(house, "status"))["usage"]
        assert said["since_start"]["turns"] == 0
        assert (said["kept"]["turns"], said["kept"]["total_tokens"]) == (1, 150)
        by_day = await ask(house, "usage")
        assert by_day["kept"] == said["kept"]
        assert list(by_day["days"]) == [said["kept"]["since"]]
    assert path.stat().st_mtime_ns == written.st_mtime_ns, "an idle life writes nothing"


@in_virtual_time
async def test_tokens_reported_after_the_conversation_are_stored_soon(tmp_path: Path) -> None:
    spoken = tone_response("resp_1", "item_1", "A long story.", 8_000)
    script = [
        Expect("response.create", within_s=30),
        *spoken[:20],
        Expect("response.cancel", within_s=30),
        Wait(1.0),
        response_done("resp_1", "cancelled", usage=usage(100, 20)),
        Wait(30),
    ]
    path = tmp_path / "usage.json"
    async with household(script, settings={"model": {"connection": "warm"}}, state=tmp_path) as house:
        house.assembly.speaker.handle(Ask("tell me a long story"))
        await house.phase("speaking")
        house.assembly.speaker.handle(STOP)
        await house.phase("idle")
        await until(lambda: "total_tokens" in stored(path))
        assert stored(path)["total_tokens"] == 120
        assert house.phases[-1] == "idle"


@pytest.mark.parametrize("answers", [True, False])
@in_virtual_time
async def test_an_answer_that_is_cut_off_by_the_end_of_the_connection_is_counted_if_the_server_says_so(
    tmp_path: Path, answers: bool
) -> None:
    spoken = tone_response("resp_1", "item_1", "A long story.", 8_000)
    last = [response_done("resp_1", "cancelled", usage=usage(100, 20))] if answers else []
    script = [
        Expect("response.create", within_s=30),
        *spoken[:20],
        Expect("response.cancel", within_s=30),
        *last,
        Wait(30),
    ]
    path = tmp_path / "usage.json"
    async with household(script, settings={"model": {"connection": "on_wake"}}, state=tmp_path) as house:
        house.assembly.speaker.handle(Ask("tell me a long story"))
        await house.phase("speaking")
        house.assembly.speaker.handle(STOP)
        await house.phase("idle")
        link = house.assembly.speaker.link
        await asyncio.wait_for(link.close(), limit(5))
        assert not link.connected
        if answers:
            await until(lambda: "total_tokens" in stored(path))
    assert stored(path).get("total_tokens", 0) == (120 if answers else 0)


async def test_what_was_used_survives_a_kill(tmp_path: Path) -> None:
    async with LoopbackServer(answering(ms=200, usage=usage(100, 50))) as server:
        text = BASE.replace("ws://127.0.0.1:9", server.url) + 'mode = "one_shot"\n'
        daemon = Daemon(tmp_path, text)
        try:
            await asyncio.to_thread(daemon.wait_ready)
            await asyncio.to_thread(daemon.ask, "ask", text="how are you")
            await until(lambda: "total_tokens" in stored(tmp_path / "state" / "speakerd" / "usage.json"))
            before = (await asyncio.to_thread(daemon.ask, "usage"))["kept"]
            assert before["total_tokens"] == 150
        finally:
            daemon.process.kill()
            daemon.process.wait()
        daemon = Daemon(tmp_path, text)
        try:
            await asyncio.to_thread(daemon.wait_ready)
            assert (await asyncio.to_thread(daemon.ask, "usage"))["kept"] == before
        finally:
            daemon.process.kill()
            daemon.process.wait()
