"""Mistakes of a program: each gets a UserError that names what is wrong and says what to do, before anything is sent."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest

from speakerd.realtime import (
    FunctionTool,
    GuardrailFunctionOutput,
    Handoff,
    HostedMCPTool,
    OutputGuardrail,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunner,
    UserError,
    function_tool,
    output_guardrail,
    realtime_handoff,
)
from speakerd.realtime.model import inputs as i
from speakerd.realtime.model.events import RealtimeModelToolCallEvent
from tests.realtime.layer import call, session_of
from tests.realtime.recording_model import RecordingModel
from tests.realtime.tool_play import double


def clock() -> str:
    return "noon"


async def invoke(_context: Any, _arguments: str) -> Any:
    return None


class Hooks(RealtimeAgentHooks[Any]):
    pass


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


UNSHOWABLE: Any = Unshowable()
DOUBLE_AGAIN = function_tool(clock, name_override="double")
AGENT_MISTAKES: dict[str, tuple[Any, str]] = {
    "no agent": (
        "Ada",
        r"The session's agent: it is 'Ada', of type str; expected a RealtimeAgent\. Make one",
    ),
    "a class": (RealtimeAgent, "expected a RealtimeAgent"),
    "no name": (RealtimeAgent(""), "A RealtimeAgent: name is ''.*expected a text that is not empty"),
    "a function among the tools": (
        RealtimeAgent("Ada", tools=[double, clock]),  # type: ignore[list-item]  # the mistake
        r"tools\[1\] is the function clock; expected a tool. Make it a tool: write @function_tool above it, or function",
    ),
    "one tool for a list": (RealtimeAgent("Ada", tools=double), "tools is FunctionTool.*expected a list"),  # type: ignore[arg-type]  # the mistake
    "an agent among the tools": (
        RealtimeAgent("Ada", tools=[RealtimeAgent("Bob")]),  # type: ignore[list-item]  # the mistake
        "An agent or a handoff goes into handoffs",
    ),
    "a name for a handoff": (
        RealtimeAgent("Ada", handoffs=["Bob"]),  # type: ignore[list-item]  # the mistake
        r"The agent Ada: handoffs\[0\] is 'Bob'.*Give the agent itself, not its name: RealtimeAgent\('Bob', \.\.\.\)",
    ),
    "a number for instructions": (RealtimeAgent("Ada", instructions=42), "Ada: instructions is 42.*a text"),  # type: ignore[arg-type]  # the mistake
    "a function for a guardrail": (
        RealtimeAgent("Ada", output_guardrails=[clock]),  # type: ignore[list-item]  # the mistake
        r"output_guardrails\[0\].*Write @output_guardrail above it",
    ),
    "a class for hooks": (RealtimeAgent("Ada", hooks=Hooks), "hooks is .*Give an instance of the class"),  # type: ignore[arg-type]  # the mistake
    "an address for a server": (
        RealtimeAgent("Ada", mcp_servers=["http://x"]),  # type: ignore[list-item]  # the mistake
        "expected a connected MCP server, with list_tools and call_tool",
    ),
    "two tools of one name": (
        RealtimeAgent("Ada", tools=[double, DOUBLE_AGAIN]),
        "The agent Ada: 2 tools or handoffs are named double: give each another name, by name_override",
    ),
    "a tool named as a handoff": (
        RealtimeAgent(
            "Ada",
            tools=[function_tool(clock, name_override="transfer_to_bob")],
            handoffs=[RealtimeAgent("Bob")],
        ),
        "2 tools or handoffs are named transfer_to_bob",
    ),
    "two hosted tools of one label": (
        RealtimeAgent(
            "Ada", tools=[HostedMCPTool({"server_label": "x"}), HostedMCPTool({"server_label": "x"})]
        ),
        "2 hosted tools have the server_label 'x'",
    ),
    "a mistake further on": (
        RealtimeAgent("Ada", handoffs=[RealtimeAgent("Bob", tools=[clock])]),  # type: ignore[list-item]  # the mistake
        r"The agent Bob: tools\[0\]",
    ),
    "an unshowable thing": (
        RealtimeAgent("Ada", prompt=UNSHOWABLE),
        "prompt is <Unshowable instance at .*>; expected a dict",
    ),
}


@pytest.mark.parametrize("mistake", AGENT_MISTAKES)
async def test_a_mistake_in_an_agent_is_found_by_run(mistake: str) -> None:
    agent, text = AGENT_MISTAKES[mistake]
    with pytest.raises(UserError, match=text):
        await RealtimeRunner(agent, model=RecordingModel()).run()


@pytest.mark.parametrize("mistake", AGENT_MISTAKES)
async def test_a_mistake_in_a_later_agent_is_found_before_it_is_used(mistake: str) -> None:
    agent, text = AGENT_MISTAKES[mistake]
    model = RecordingModel()
    handoff = dataclasses.replace(
        Handoff.to(RealtimeAgent("Next")), on_invoke_handoff=lambda _c, _a: _give(agent)
    )
    async with await session_of(model, RealtimeAgent("First", handoffs=[handoff])) as session:
        before = session.current_agent
        with pytest.raises(UserError, match=text):
            await session.update_agent(agent)
        assert session.current_agent is before
        await model.emit(call("transfer_to_next"))
        assert "The tool failed: " in (await model.outputs())["c1"]
        assert session.current_agent is before


async def _give(agent: Any) -> Any:
    return agent


async def test_agents_that_hand_over_to_each_other_are_each_looked_at_once() -> None:
    ada, bob = RealtimeAgent("Ada"), RealtimeAgent("Bob")
    ada.handoffs, bob.handoffs = [bob], [ada]
    await RealtimeRunner(ada, model=RecordingModel()).run()


async def test_two_tools_of_one_name_may_take_turns_by_their_rules() -> None:
    def day(*_args: Any) -> bool:
        return True

    def night(*_args: Any) -> bool:
        return False

    tools = [function_tool(clock, is_enabled=rule) for rule in (day, night)]
    await RealtimeRunner(RealtimeAgent("Ada", tools=tools), model=RecordingModel()).run()


CONFIG_MISTAKES: list[tuple[str, Any, str]] = [
    ("config", 42, "The run's config: it is 42"),
    (
        "config",
        {"async_tool_calls": "no"},
        "The run's config: async_tool_calls is 'no'.*expected True or False",
    ),
    ("config", {"max_history_items": 0}, "max_history_items is 0.*expected a whole number above 0"),
    ("config", {"output_guardrails": [clock]}, r"output_guardrails\[0\].*@output_guardrail"),
    ("config", {"output_guardrails": clock}, "output_guardrails is .*expected a list"),
    ("config", {"guardrails_settings": 100}, "guardrails_settings is 100.*expected a dict"),
    ("config", {"guardrails_settings": {"debounce_text_length": "100"}}, "debounce_text_length is '100'"),
    ("config", {"tool_execution": {"max_concurrency": 0}}, "tool_execution: max_concurrency is 0"),
    ("config", {"tool_error_formatter": "oops"}, "tool_error_formatter is 'oops'.*a function or None"),
    ("config", {"model_settings": {"tools": [clock]}}, r"model_settings: tools\[0\].*@function_tool"),
    ("config", {"model_settings": {"tools": [double, DOUBLE_AGAIN]}}, "named double"),
    ("config", {"model_settings": {"handoffs": ["Bob"]}}, r"handoffs\[0\] is 'Bob'"),
    (
        "config",
        {"model_settings": {"turn_detection": "server_vad"}},
        "turn_detection is 'server_vad'.*a dict",
    ),
    (
        "config",
        {"model_settings": {"audio": {"input": {"turn_detection": 1}}}},
        "audio.input: turn_detection is 1",
    ),
    ("config", {"model_settings": {"audio": {"output": "loud"}}}, "audio.output is 'loud'"),
    ("config", {"model_settings": {"speed": "fast"}}, "speed is 'fast'.*expected a number"),
    ("model_config", [], r"The model_config: it is \[\]"),
    ("model_config", {"api_key": 42}, "api_key is 42.*a text or a function or None"),
    ("model_config", {"headers": "a: b"}, "headers is 'a: b'"),
    ("model_config", {"url": b"ws://x"}, "url is b'ws://x'"),
    ("model_config", {"playback_tracker": 7}, "playback_tracker is 7.*a RealtimePlaybackTracker"),
    ("model_config", {"initial_model_settings": {"voice": 3}}, "initial_model_settings: voice is 3"),
    ("model", "gpt-realtime", "A session: model is 'gpt-realtime'.*expected a RealtimeModel"),
]


@pytest.mark.parametrize(("where", "value", "text"), CONFIG_MISTAKES)
async def test_a_mistake_in_the_settings_is_found_by_run(where: str, value: Any, text: str) -> None:
    given: dict[str, Any] = {"model": RecordingModel(), "config": {}, "model_config": {}} | {where: value}
    runner = RealtimeRunner(RealtimeAgent("Ada"), model=given["model"], config=given["config"])
    with pytest.raises(UserError, match=text):
        await runner.run(model_config=given["model_config"])


SENDING: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("send_message", (42,), {}, r'A message: it is 42.*Send text, or \{"type": "message"'),
    ("send_message", (None,), {}, "A message: it is None"),
    ("send_message", ({"text": "hi"},), {}, "A message: content is None; expected a list of parts"),
    ("send_message", ({"content": ["hi"]},), {}, r"A message: content\[0\] is 'hi'.*expected a dict"),
    (
        "send_message",
        ({"content": [{"type": "text"}]},),
        {},
        r"content\[0\].type is 'text'.*input_text or input_image",
    ),
    ("send_message", ({"content": [{"type": ["input_text"]}]},), {}, r"content\[0\].type is"),
    ("send_message", ({"content": [{"type": "input_text"}]},), {}, r"content\[0\].text is None"),
    (
        "send_message",
        ({"content": [{"type": "input_image", "image_url": 1}]},),
        {},
        r"content\[0\].image_url is 1",
    ),
    ("send_audio", ("sound",), {}, "Audio to send: audio is 'sound', of type str; expected bytes"),
    ("add_context", (42,), {}, "A context: text is 42"),
    ("respond", (), {"instructions": 1}, "A request for a response: instructions is 1"),
    ("respond", (), {"input": "hi"}, "input is 'hi'.*expected a list"),
    ("respond", (), {"metadata": "x"}, "metadata is 'x'.*expected a dict"),
    ("update_settings", (), {"tools": [clock]}, r"update_settings: tools\[0\].*@function_tool"),
    ("update_settings", (), {"speed": "x"}, "update_settings: speed is 'x'"),
]


@pytest.mark.parametrize(("method", "args", "kwargs", "text"), SENDING)
async def test_a_mistake_in_what_is_sent_is_told_and_the_session_goes_on(
    method: str, args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    model = RecordingModel()
    async with await session_of(model) as session:
        with pytest.raises(UserError, match=text):
            await getattr(session, method)(*args, **kwargs)
        assert model.sent == []
        await session.send_message("Hello")
        assert len(model.sent) == 1


def test_mistakes_of_the_makers_are_found_where_they_are_made() -> None:
    make: Any
    for make, text in (
        (lambda: function_tool(42), "function_tool: the function is 42"),  # type: ignore[call-overload]  # the mistake
        (lambda: realtime_handoff("Bob"), "realtime_handoff: agent is 'Bob'"),  # type: ignore[arg-type]  # the mistake
        (lambda: realtime_handoff(RealtimeAgent("B"), on_handoff=1), "on_handoff is 1"),  # type: ignore[arg-type]  # the mistake
        (lambda: output_guardrail(42), "An OutputGuardrail: guardrail_function is 42"),  # type: ignore[call-overload]  # the mistake
    ):
        with pytest.raises(UserError, match=text):
            make()


WRONG: dict[str, Any] = {
    "a number": 42,
    "a fraction": 0.5,
    "a text": "some text",
    "bytes": b"\0\1",
    "nothing": None,
    "a flag": True,
    "a list": [1],
    "a dict": {1: 2},
    "a function": clock,
    "a class": Unshowable,
    "an object": Unshowable(),
    "a tool": double,
    "an agent": RealtimeAgent("Bob"),
}
CALL = RealtimeModelToolCallEvent("f", "c1", "{}")


class Valid:
    """What each class that a program makes is made of, and its fields that may hold anything."""

    made_of: ClassVar[dict[type[Any], tuple[dict[str, Any], set[str]]]] = {
        RealtimeAgent: ({"name": "Ada"}, set()),
        FunctionTool: (
            {"name": "f", "description": "", "params_json_schema": {}, "on_invoke_tool": invoke},
            set(),
        ),
        HostedMCPTool: ({"tool_config": {"server_label": "x"}}, set()),
        Handoff: (
            {
                "tool_name": "t",
                "tool_description": "",
                "input_json_schema": {},
                "on_invoke_handoff": invoke,
                "agent_name": "B",
            },
            set(),
        ),
        OutputGuardrail: ({"guardrail_function": clock}, set()),
        GuardrailFunctionOutput: ({"output_info": None, "tripwire_triggered": False}, {"output_info"}),
        i.RealtimeModelSendRawMessage: ({"message": {"type": "x"}}, set()),
        i.RealtimeModelSendUserInput: ({"user_input": "hi"}, {"start_response"}),
        i.RealtimeModelSendContext: ({"text": "hi"}, set()),
        i.RealtimeModelSendAudio: ({"audio": b""}, {"commit"}),
        i.RealtimeModelSendResponse: ({}, {"conversation"}),
        i.RealtimeModelSendToolOutput: ({"tool_call": CALL, "output": ""}, {"tool_call", "start_response"}),
        i.RealtimeModelSendMcpApproval: ({"approval_request_id": "m", "approve": True}, set()),
        i.RealtimeModelSendSessionUpdate: ({"session_settings": {}}, set()),
    }


CASES = [
    pytest.param(kind, field.name, id=f"{kind.__name__}.{field.name}")
    for kind, (_, free) in Valid.made_of.items()
    for field in dataclasses.fields(kind)
    if field.name not in free
]


@pytest.mark.parametrize(("kind", "name"), CASES)
async def test_a_wrong_value_anywhere_is_a_user_error_or_works_and_never_fails_from_within(
    kind: type[Any], name: str
) -> None:
    told: list[str] = []
    for value in WRONG.values():
        try:
            made = kind(**(Valid.made_of[kind][0] | {name: value}))
            if isinstance(made, RealtimeAgent):
                async with await session_of(RecordingModel(), made):
                    pass
        except UserError as error:
            told.append(str(error))
    assert len(told) >= len(WRONG) // 2
    for text in told:
        # The field by its name, or by its meaning: "it" for the only one of a message, the seconds of a timeout.
        assert any(word in text for word in (name, "A message: ", "timeout of")), text
        assert any(word in text for word in ("expected", "it is", "give", "takes")), text
