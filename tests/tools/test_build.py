"""The tools as a model calls them: JSON in, words out."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from speakerd.offline.understanding.intents import understand
from speakerd.offline.understanding.tool_matching import call_by_name, call_for, tool_phrases
from speakerd.realtime.agents import FunctionTool
from speakerd.realtime.run_context import ToolContext
from speakerd.tools.build import build_tools
from speakerd.tools.settings import BUILT_IN, CommandSettings, ToolsSettings
from speakerd.tools.timer_service import TimerService
from speakerd.tools.timers import TimerBook
from tests.offline.test_understanding import any_sentence
from tests.simulation.virtual_loop import in_virtual_time


class Volume:
    def __init__(self) -> None:
        self.value = 50

    def set(self, value: int) -> int:
        self.value = max(0, min(100, value))
        return self.value

    def change(self, by: int) -> int:
        return self.set(self.value + by)


@dataclass
class Speaker:
    volume: Volume = field(default_factory=Volume)
    said: str = ""
    ended: int = 0
    silenced: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timers = TimerService(
            TimerBook(most=3, longest_s=86_400.0),
            on_ring=lambda _: None,
            on_silenced=self.silenced.append,
            monotonic=lambda: asyncio.get_running_loop().time(),
        )

    def local_time(self) -> datetime:
        return datetime(2026, 11, 20, 14, 5, tzinfo=UTC)

    def last_answer(self) -> str:
        return self.said

    def end_conversation(self) -> None:
        self.ended += 1


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


async def call(tools: tuple[FunctionTool, ...], wanted: str, /, **arguments: Any) -> Any:
    tool = next(tool for tool in tools if tool.name == wanted)
    context: ToolContext[Any] = ToolContext(context=None, tool_name=wanted)
    return await tool.on_invoke_tool(context, json.dumps(arguments))


async def test_every_tool_is_there_unless_it_is_turned_off(speaker: Speaker) -> None:
    command = CommandSettings("kitchen_light", "Turn it on.", ("/bin/true",))
    every = {tool.name for tool in build_tools(ToolsSettings(commands=(command,)), speaker)}
    assert every == {
        "get_time",
        "set_timer",
        "list_timers",
        "cancel_timer",
        "set_volume",
        "change_volume",
        "repeat_last_answer",
        "end_conversation",
        "stay_silent",
        "kitchen_light",
    }
    nothing = ToolsSettings(
        clock=False, timers=False, volume=False, repeat=False, end_conversation=False, stay_silent=False
    )
    assert build_tools(nothing, speaker) == ()


async def test_every_tool_says_what_it_is_for_and_what_it_wants(speaker: Speaker) -> None:
    for tool in build_tools(ToolsSettings(), speaker):
        assert len(tool.description) > 15
        for parameter in tool.params_json_schema["properties"].values():
            assert parameter["description"]


async def test_the_time(speaker: Speaker) -> None:
    tools = build_tools(ToolsSettings(), speaker)
    assert await call(tools, "get_time") == "It is 14:05 on Friday, 20 November 2026."


@in_virtual_time
async def test_timers_from_setting_to_cancelling(speaker: Speaker) -> None:
    tools = build_tools(ToolsSettings(), speaker)
    speaker.timers.start()
    assert await call(tools, "list_timers") == "There is no timer."
    assert await call(tools, "set_timer", seconds=300, name="tea") == 'The timer "tea" rings in 5 minutes.'
    assert await call(tools, "set_timer", seconds=60) == 'The timer "timer" rings in 1 minute.'
    await asyncio.sleep(45)
    assert await call(tools, "list_timers") == '"timer": 15 seconds left. "tea": 4 minutes 15 seconds left.'
    await asyncio.sleep(16)
    assert (await call(tools, "list_timers")).startswith('"timer" is ringing.')
    assert await call(tools, "cancel_timer") == "Which one is meant? The timers are: timer, tea."
    assert await call(tools, "cancel_timer", name="timer") == "Cancelled: timer."
    assert speaker.silenced == ["timer"]
    assert await call(tools, "cancel_timer", name="all") == "Cancelled: tea."


async def test_a_timer_that_cannot_be_set_is_explained(speaker: Speaker) -> None:
    tools = build_tools(ToolsSettings(), speaker)
    assert (
        await call(tools, "set_timer", seconds=0) == "No timer was set: it must be at least one second long."
    )


async def test_the_volume(speaker: Speaker) -> None:
    tools = build_tools(ToolsSettings(volume_step=15), speaker)
    assert await call(tools, "change_volume", direction="up") == "The volume is 65 percent now."
    assert await call(tools, "change_volume", direction="down") == "The volume is 50 percent now."
    assert await call(tools, "set_volume", percent=140) == "The volume is 100 percent now."
    assert await call(tools, "change_volume", direction="up") == "It is as loud as it goes."
    await call(tools, "set_volume", percent=0)
    assert await call(tools, "change_volume", direction="down") == "It is as soft as it goes."


async def test_the_last_answer(speaker: Speaker) -> None:
    tools = build_tools(ToolsSettings(), speaker)
    assert await call(tools, "repeat_last_answer") == "Nothing was said yet."
    speaker.said = "It is five past two."
    assert await call(tools, "repeat_last_answer") == "It is five past two."


async def test_the_end_of_the_conversation(speaker: Speaker) -> None:
    await call(build_tools(ToolsSettings(), speaker), "end_conversation")
    assert speaker.ended == 1


async def test_commands_of_ones_own(speaker: Speaker) -> None:
    settings = ToolsSettings(
        commands=(
            CommandSettings("greet", "Greets.", ("/bin/echo", "hello")),
            CommandSettings("unlock", "Unlocks the door.", ("/bin/true",), approval=True),
        )
    )
    tools = build_tools(settings, speaker, {"OPENAI_API_KEY": "sk-secret"})
    assert await call(tools, "greet", arguments="; rm -rf /") == "hello"
    assert [tool.needs_approval for tool in tools[-2:]] == [False, True]


async def test_tools_may_be_called_at_the_same_time(speaker: Speaker) -> None:
    tools = build_tools(ToolsSettings(), speaker)
    said = await asyncio.gather(*(call(tools, "set_timer", seconds=60) for _ in range(4)))
    assert said[-1] == "No timer was set: there are 3 already."


@pytest.mark.parametrize("key", BUILT_IN)
def test_the_names_that_commands_cannot_have_are_those_of_the_tools(speaker: Speaker, key: str) -> None:
    only = ToolsSettings(**{other: other == key for other in BUILT_IN})  # type: ignore[arg-type]  # all of them are switches
    assert tuple(tool.name for tool in build_tools(only, speaker)) == BUILT_IN[key]
    command = CommandSettings(BUILT_IN[key][0], "d", ("/bin/true",))
    with pytest.raises(ValueError, match=rf"commands\.0\.name: .*already \({key} = true\)"):
        ToolsSettings(commands=(command,))
    switched_off = ToolsSettings(**{key: False}, commands=(command,))
    assert BUILT_IN[key][0] in {tool.name for tool in build_tools(switched_off, speaker)}


def test_the_built_in_server_calls_every_tool_for_some_sentence(speaker: Speaker) -> None:
    """One that it understands as a command, or the tool's own name or description."""
    tools = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.params_json_schema,
        }
        for tool in build_tools(ToolsSettings(), speaker)
    ]
    dice = random.Random(1)
    sentences = [any_sentence("<command>", dice) for _ in range(2_000)]
    calls = [call_for(understand(sentence), tools) for sentence in sentences]
    calls += [call_by_name(phrase, tools) for phrase in tool_phrases(tools)]
    assert {call.name for call in calls if call is not None} == {tool["name"] for tool in tools}
