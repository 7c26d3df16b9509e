"""Tools and the talk around them: long ones, endless ones, goodbyes and silence, over a real WebSocket."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.dialogue.events import Ask
from speakerd.realtime.agents import ToolFailureText
from speakerd.realtime.testing.loopback import Expect, Wait
from speakerd.realtime.testing.server_events import (
    audio_delta,
    call_events,
    call_item,
    call_response,
    response_created,
    response_done,
    spoken_begin,
    spoken_end,
    spoken_item,
    usage,
)
from speakerd.tools.command_runner import CommandRunner
from tests.daemon import scenes
from tests.daemon.bench import GO_FORWARD, Household, household, tone, tone_response
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from speakerd.realtime.testing.loopback import LoopbackConnection


SLOW_S = 9.0
COMMAND = {
    "name": "open_gate",
    "description": "Open the gate, which takes a while.",
    "argv": ["/bin/true"],
    "timeout_s": 60,
}


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets the command take its time, of the virtual clock, and says how each run of it ended."""
    endings: list[str] = []

    async def run(_self: CommandRunner) -> str:
        try:
            await asyncio.sleep(SLOW_S)
        except asyncio.CancelledError:
            endings.append("killed")
            raise
        endings.append("done")
        return "the gate is open"

    monkeypatch.setattr(CommandRunner, "run", run)
    return endings


async def ask_aloud(house: Household, after_s: float = 0.2) -> None:
    house.device.say(GO_FORWARD, after_s=after_s)
    await house.phase("thinking")


def spoken_call(response_id: str, name: str, text: str) -> list[dict[str, Any]]:
    """A sentence and a call of a tool in one response."""
    pcm = tone(400)
    return [
        response_created(response_id),
        *spoken_begin(response_id, "item_said"),
        audio_delta(response_id, "item_said", pcm),
        *spoken_end(response_id, "item_said", text),
        *call_events(response_id, name, output_index=1),
        response_done(response_id, output=[spoken_item("item_said", text), call_item(name, "{}")]),
    ]


async def tireless(connection: LoopbackConnection) -> None:
    """Answers every request with a call of a tool, also those in which it may call none."""
    turn = 0
    while True:
        await connection.expect("response.create", within_s=600)
        turn += 1
        calls = call_response(f"resp_{turn}", call_id=f"call_{turn}", item_id=f"item_{turn}")
        calls[-1]["response"]["usage"] = usage(900, 100)
        for event in calls:
            await connection.send(event)


async def obedient(connection: LoopbackConnection) -> None:
    """Calls a tool whenever it may, and speaks where it may not."""
    turn = 0
    while True:
        asked = await connection.expect("response.create", within_s=600)
        turn += 1
        if asked.get("response", {}).get("tool_choice") == "none":
            events = tone_response(f"resp_{turn}", f"item_{turn}", "That is all I know.", 400)
        else:
            events = call_response(f"resp_{turn}", call_id=f"call_{turn}", item_id=f"item_{turn}")
        for event in events:
            await connection.send(event)


LIMITS: dict[str, tuple[dict[str, float], int]] = {
    "rounds": ({"tool_rounds": 4}, 6),
    "tokens": ({"tool_tokens": 5_000}, 6),
}


@pytest.mark.parametrize("limit", LIMITS)
@in_virtual_time
async def test_a_tool_in_every_response_ends_in_an_error_that_is_heard_after_a_counted_number_of_requests(
    limit: str,
) -> None:
    settings, requests = LIMITS[limit]
    async with household(tireless, settings={"model": settings}) as house:
        house.panel.tap()
        await ask_aloud(house)
        await house.phase("listening", within_s=5)
        await house.light("idle", within_s=60)
        asked = house.sent("response.create")
        assert len(asked) == requests
        choices = [event.get("response", {}).get("tool_choice") for event in asked]
        assert choices == [None] * (requests - 1) + ["none"]
        assert "error" in house.lights
        house.assembly.speaker.handle(Ask("again"))
        await house.phase("thinking")
        await house.phase("idle")
        assert len(house.sent("response.create")) == 2 * requests


@in_virtual_time
async def test_a_model_that_may_call_no_more_tools_says_what_it_knows() -> None:
    async with household(obedient, settings={"model": {"tool_rounds": 4}}) as house:
        house.assembly.speaker.handle(Ask("what time is it"))
        await house.phase("speaking", within_s=5)
        await house.phase("idle")
        assert len(house.sent("response.create")) == 6
        assert "error" not in house.lights


@in_virtual_time
async def test_by_itself_a_question_costs_no_more_than_a_dozen_requests() -> None:
    async with household(tireless) as house:
        house.assembly.speaker.handle(Ask("what time is it"))
        await house.phase("thinking")
        await house.phase("idle", within_s=60)
        await asyncio.sleep(30)
        assert len(house.sent("response.create")) <= 12


@in_virtual_time
async def test_a_tool_that_outlasts_the_follow_up_window_of_another_question_is_run_to_its_end_and_told(
    ended: list[str],
) -> None:
    script = [
        Expect("response.create", within_s=30),
        *call_response("resp_1", "open_gate"),
        Expect("response.create", within_s=30),
        *tone_response("resp_2", "item_2", "It is noon.", 400),
        Expect("conversation.item.create", where=lambda e: "output" in e["item"], within_s=60),
        Expect("response.create", within_s=5),
        *tone_response("resp_3", "item_3", "The gate is open.", 400),
        Wait(60),
    ]
    settings = {"tools": {"commands": [COMMAND]}, "dialogue": {"follow_up_window_s": 1.5}}
    async with household(script, settings=settings) as house:
        house.panel.tap()
        await ask_aloud(house)
        await house.until(lambda: any(entry["event"] == "tool_start" for entry in house.entries))
        house.panel.tap()
        await house.phase("listening")
        await ask_aloud(house)
        await house.phase("speaking")
        await house.phase("thinking")
        assert house.lights[-1] == "thinking"
        await house.until(partial(house.spoke_more_often_than, 1), within_s=30)
        await house.phase("idle")
        assert ended == ["done"]
        outputs = [event["item"]["output"] for event in house.sent("conversation.item.create")]
        assert any("the gate is open" in output for output in outputs)
        assert "error" not in house.lights


@in_virtual_time
async def test_a_goodbye_and_the_end_of_the_conversation_in_one_response_are_said_once() -> None:
    script = [
        Expect("response.create", within_s=30),
        *spoken_call("resp_1", "end_conversation", "Goodbye."),
        Wait(60),
    ]
    async with household(script) as house:
        house.panel.tap()
        await ask_aloud(house)
        await house.phase("speaking")
        await house.phase("idle")
        assert house.phases.count("speaking") == 1
        assert len(house.sent("response.create")) == 1
        assert "listening" not in house.phases[house.phases.index("speaking") :]
        assert "error" not in house.lights


@in_virtual_time
async def test_talk_that_was_not_meant_for_it_is_answered_by_silence() -> None:
    script = [
        Expect("response.create", within_s=30),
        *call_response("resp_1", "stay_silent"),
        Expect("response.create", within_s=30),
        *tone_response("resp_2", "item_2", "Yes?", 400),
        Wait(60),
    ]
    async with household(script) as house:
        house.panel.tap()
        await ask_aloud(house)
        await house.phase("listening", within_s=2)
        await ask_aloud(house, after_s=1.0)
        await house.phase("speaking")
        await house.phase("idle")
        assert len(house.sent("response.create")) == 2
        assert "error" not in house.lights


@in_virtual_time
async def test_without_the_setting_it_cannot_be_silent() -> None:
    async with household(settings={"tools": {"stay_silent": False}}) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking")
        offered = {
            tool["name"] for event in house.sent("session.update") for tool in event["session"]["tools"]
        }
        assert "end_conversation" in offered
        assert "stay_silent" not in offered


@in_virtual_time
async def test_a_tool_dies_with_its_session_and_nobody_waits_for_it(ended: list[str]) -> None:
    async def script(connection: LoopbackConnection) -> None:
        await connection.expect("response.create", within_s=30)
        for event in call_response("resp_1", "open_gate"):
            await connection.send(event)
        await asyncio.sleep(2)
        await connection.close(4000, "superseded")

    settings = {"tools": {"commands": [COMMAND]}}
    async with household(script, settings=settings) as house:
        house.assembly.speaker.handle(Ask("open the gate"))
        await house.until(lambda: any(entry["event"] == "tool_start" for entry in house.entries))
        await house.light("error", within_s=5)
        await asyncio.sleep(1)
        assert ended == ["killed"]
        assert house.phases[-1] == "idle"
        assert house.assembly.speaker.dialogue.state.tools == ()


@in_virtual_time
async def test_a_command_that_fails_is_told_so_in_the_journal_and_not_as_done(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_runner: CommandRunner) -> str:
        return ToolFailureText("It failed with exit code 6.")

    monkeypatch.setattr(CommandRunner, "run", fails)
    caplog.set_level(logging.INFO)
    script = scenes.calling(("open_gate", "{}"))
    async with household(script, settings={"tools": {"commands": [COMMAND]}}) as house:
        house.assembly.speaker.handle(Ask("open it"))
        await house.phase("speaking")
    assert "the tool open_gate has failed" in caplog.text
    assert "is done" not in caplog.text
