"""What openai-agents has beside, under its public names: hooks of a run, MCP options, options of replies and cuts."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from speakerd.realtime import (
    AssistantAudio,
    AssistantMessageItem,
    MCPConfig,
    RealtimeAgent,
    RealtimeRunHooks,
    RealtimeToolCallItem,
    RunContextWrapper,
    Usage,
    UserError,
    audio_formats,
    function_tool,
    openai_realtime,
)
from speakerd.realtime.model import bytes_per_ms
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from tests.limits import limit
from tests.realtime.layer import call, ended, session_of, started
from tests.realtime.protocol_wire import MANUAL, Wire, speaking
from tests.realtime.recording_model import RecordingModel
from tests.realtime.tool_play import double


class Told(RealtimeRunHooks[Any]):
    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    async def on_agent_start(self, _context: Any, agent: Any) -> None:
        self.told.append(("start", agent.name))

    async def on_agent_end(self, _context: Any, agent: Any, output: Any) -> None:
        self.told.append(("end", agent.name, output))

    async def on_handoff(self, _context: Any, from_agent: Any, to_agent: Any) -> None:
        self.told.append(("handoff", from_agent.name, to_agent.name))

    async def on_tool_start(self, _context: Any, agent: Any, tool: Any) -> None:
        self.told.append(("tool", agent.name, tool.name))

    async def on_tool_end(self, _context: Any, agent: Any, tool: Any, result: Any) -> None:
        self.told.append(("tool end", agent.name, tool.name, result))


async def test_the_hooks_of_a_run_are_called_whichever_agent_speaks() -> None:
    hooks, model = Told(), RecordingModel()
    bob = RealtimeAgent("Bob")
    async with await session_of(model, RealtimeAgent("Ada", tools=[double], handoffs=[bob]), hooks=hooks):
        await model.emit(started(), call("double", '{"number": 2}', response="r1"), ended(text="Four."))
        await model.outputs()
        await model.emit(started("r2"), call("transfer_to_bob", call_id="c2", response="r2"), ended("r2"))
        await model.outputs(2)
        await model.emit(started("r3"), ended("r3", text="Hi."))
        async with asyncio.timeout(limit(5)):
            while len(hooks.told) < 9:
                await asyncio.sleep(0)
    assert sorted(hooks.told) == sorted(
        [
            ("start", "Ada"),
            ("tool", "Ada", "double"),
            ("tool end", "Ada", "double", 4),
            ("end", "Ada", "Four."),
            ("start", "Ada"),
            ("handoff", "Ada", "Bob"),
            ("end", "Ada", ""),
            ("start", "Bob"),
            ("end", "Bob", "Hi."),
        ]
    )
    base: RealtimeRunHooks[Any] = RealtimeRunHooks()
    await base.on_agent_start(RunContextWrapper(None), bob)
    with pytest.raises(UserError, match="hooks is the class Told; expected an instance of RealtimeRunHooks"):
        await session_of(RecordingModel(), hooks=Told)


class Server:
    name = "my shop"

    async def list_tools(self) -> Any:
        return [
            SimpleNamespace(
                name="find", description="Finds.", inputSchema={"type": "object", "properties": {}}
            )
        ]

    async def call_tool(self, tool_name: str, arguments: dict[str, Any] | None) -> Any:
        if arguments:
            raise RuntimeError("sold out")
        return SimpleNamespace(content=[SimpleNamespace(text=f"{tool_name} ran")])


@pytest.mark.parametrize(
    ("config", "name", "failure"),
    [
        ({}, "find", "The tool failed: sold out"),
        (
            {"include_server_in_tool_names": True, "convert_schemas_to_strict": True},
            "my_shop_find",
            "The tool failed",
        ),
        ({"failure_error_function": lambda _context, error: f"sorry, {error}"}, "find", "sorry, sold out"),
    ],
)
async def test_the_options_of_mcp_servers_hold(config: MCPConfig, name: str, failure: str) -> None:
    agent = RealtimeAgent("Ada", mcp_servers=[Server()], mcp_config=config)
    (tool,) = await agent.get_mcp_tools(RunContextWrapper(None))
    schema = tool.to_dict()["parameters"]
    assert tool.name == name
    assert schema.get("additionalProperties", True) is not config.get("convert_schemas_to_strict", False)
    model = RecordingModel()
    async with await session_of(model, agent):
        await model.emit(call(name, call_id="c1"), call(name, '{"a": 1}', call_id="c2"))
        outputs = await model.outputs(2)
    assert outputs["c1"] == "find ran"
    assert outputs["c2"].startswith(failure)


async def test_a_reply_is_asked_for_with_its_own_limits_and_tools() -> None:
    once = function_tool(lambda: "once", name_override="once")
    model, wire = RecordingModel(), Wire(MANUAL)
    async with await session_of(model) as session:
        await session.respond(
            max_output_tokens=50, tool_choice="once", tools=[once], reasoning={"effort": "low"}
        )
        (asked,) = model.of(i.RealtimeModelSendResponse)
        await model.emit(call("once"))
        assert (await model.outputs())["c1"] == "once"
        with pytest.raises(UserError, match=r"respond: tools\[0\]"):
            await session.respond(tools=[len])  # type: ignore[list-item]  # the mistake
    wire.ask(asked)
    assert wire.sent[-1]["response"] == {
        "tool_choice": {"type": "function", "name": "once"},
        "max_output_tokens": 50,
        "tools": [once.to_dict()],
        "reasoning": {"effort": "low"},
    }


def test_an_interruption_may_cancel_only_or_cut_only() -> None:
    both, cancel, cut = (
        i.RealtimeModelSendInterrupt(),
        i.RealtimeModelSendInterrupt(cancel_response_only=True),
        i.RealtimeModelSendInterrupt(playback_only=True),
    )
    for request, sent, told in (
        (both, ["response.cancel", "conversation.item.truncate"], 1),
        (cancel, ["response.cancel"], 0),
        (cut, ["conversation.item.truncate"], 1),
    ):
        wire = Wire(MANUAL)
        wire.hear(*speaking())
        wire.play("item_1", 100)
        wire.types()
        wire.ask(request)
        assert wire.types() == sent
        assert len(wire.events("audio_interrupted")) == told
    with pytest.raises(UserError, match="cancel_response_only or playback_only, not both"):
        i.RealtimeModelSendInterrupt(cancel_response_only=True, playback_only=True)


def test_usage_is_told_by_kind() -> None:
    wire = Wire(MANUAL)
    used = {
        "total_tokens": 110,
        "input_tokens": 100,
        "output_tokens": 10,
        "input_token_details": {
            "text_tokens": 30,
            "audio_tokens": 60,
            "image_tokens": 10,
            "cached_tokens": 45,
            "cached_tokens_details": {"text_tokens": 20, "audio_tokens": 24, "image_tokens": 1},
        },
        "output_token_details": {"text_tokens": 4, "audio_tokens": 6},
    }
    wire.hear(s.response_created(), s.response_done(usage=used))
    (event,) = wire.events("usage")
    for told in (event, event.usage):
        inputs, outputs = told.input_tokens_details, told.output_tokens_details
        assert (inputs.text_tokens, inputs.audio_tokens, inputs.image_tokens, inputs.cached_tokens) == (
            30,
            60,
            10,
            45,
        )
        cached = inputs.cached_tokens_details
        assert (cached.text_tokens, cached.audio_tokens, cached.image_tokens) == (20, 24, 1)
        assert (outputs.text_tokens, outputs.audio_tokens) == (4, 6)
    both = event.usage + event.usage
    assert both.input_tokens_details.cached_tokens_details.audio_tokens == 48
    assert Usage().output_tokens_details.audio_tokens == 0


def test_items_are_dumped_as_pydantic_would() -> None:
    item = AssistantMessageItem("a1", [AssistantAudio("Hello", heard_ms=300)], status="incomplete")
    assert item.model_dump() == item.to_dict()
    assert item.model_dump(mode="json", exclude_none=True) == {
        "item_id": "a1",
        "content": [{"transcript": "Hello", "heard_ms": 300, "type": "audio"}],
        "status": "incomplete",
        "type": "message",
        "role": "assistant",
    }
    assert (
        json.loads(RealtimeToolCallItem("c", "f").model_dump_json())
        == RealtimeToolCallItem("c", "f").to_dict()
    )


def test_modules_can_be_imported_by_their_documented_names() -> None:
    assert openai_realtime.OpenAIRealtimeWebSocketModel.__name__ == "OpenAIRealtimeWebSocketModel"
    assert openai_realtime.TransportConfig.__name__ == "TransportConfig"
    read = audio_formats.to_realtime_audio_format
    assert read("pcm16") == {"type": "audio/pcm", "rate": 24000}
    assert read("g711_ulaw") == {"type": "audio/pcmu"}
    assert read({"type": "audio/pcma"}) == {"type": "audio/pcma"}
    typed: Any = SimpleNamespace(model_dump=lambda: {"type": "audio/pcmu", "rate": None})
    assert read(typed) == {"type": "audio/pcmu"}
    assert bytes_per_ms(typed) == 8.0
    wire = Wire({"input_audio_format": typed})
    assert wire.sent[0]["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert read(None) is None
    with pytest.raises(UserError, match="there is no audio format 'mp3': it is one of") as told:
        read("mp3")
    with pytest.raises(UserError) as told_of_a_setting:
        Wire({"input_audio_format": "mp3"})
    assert str(told_of_a_setting.value) == str(told.value)
