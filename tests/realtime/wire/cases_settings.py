"""How a session begins and is changed: the handshake and `session.update`."""

from __future__ import annotations

from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect, Silent
from tests.realtime.wire.case import Case, Handshake, Saw, Say, Sent, Until, Update, UpdateAgent

_UPDATED = [Expect("session.update"), s.session_updated()]


def _begins(name: str, settings: dict[str, Any], session: dict[str, Any], **more: Any) -> Case:
    """A session that begins with these settings is told so on the wire."""
    return Case(
        name, _UPDATED, settings=settings, expect=[Sent("session.update", {"session": session})], **more
    )


def _input(**fields: Any) -> dict[str, Any]:
    return {"audio": {"input": fields}}


def _output(**fields: Any) -> dict[str, Any]:
    return {"audio": {"output": fields}}


_SPOKEN = [*_UPDATED, Expect("response.create"), *s.spoken_response()]

CASES = [
    Case("the address is used as it is", _UPDATED, expect=[Handshake(path="/v1/realtime?model=loopback")]),
    Case("the key goes as a bearer token", _UPDATED, expect=[Handshake({"authorization": "Bearer key"})]),
    Case(
        "the key may come from a function",
        _UPDATED,
        model_config=lambda: {"api_key": lambda: "made"},
        expect=[Handshake({"authorization": "Bearer made"})],
    ),
    Case(
        "given headers suppress the authorization",
        _UPDATED,
        model_config={"headers": {"api-key": "azure"}},
        expect=[Handshake({"api-key": "azure"}, without=("authorization",))],
    ),
    Case("the beta header is never sent", _UPDATED, expect=[Handshake(without=("openai-beta",))]),
    Case("compression is not offered", _UPDATED, expect=[Handshake(without=("sec-websocket-extensions",))]),
    Case(
        "a running call is attached to",
        _UPDATED,
        model_config={"url": "?call_id=rtc_1"},
        expect=[Handshake(path="call_id=rtc_1")],
    ),
    _begins("every update says the session's type", {"instructions": "x"}, {"type": "realtime"}),
    _begins("instructions of the settings", {"instructions": "Be brief."}, {"instructions": "Be brief."}),
    Case(
        "instructions of the agent",
        _UPDATED,
        agent=lambda layer: layer.RealtimeAgent(name="A", instructions="Be kind."),
        expect=[Sent("session.update", {"session": {"instructions": "Be kind."}})],
    ),
    Case(
        "instructions from a function",
        _UPDATED,
        agent=lambda layer: layer.RealtimeAgent(
            name="A", instructions=lambda _c, agent: f"I am {agent.name}."
        ),
        expect=[Sent("session.update", {"session": {"instructions": "I am A."}})],
    ),
    _begins("the flat voice", {"voice": "ash"}, _output(voice="ash")),
    _begins("the nested voice", {"audio": {"output": {"voice": "cedar"}}}, _output(voice="cedar")),
    _begins("the speed", {"audio": {"output": {"speed": 1.25}}}, _output(speed=1.25)),
    _begins(
        "both flat modalities mean audio", {"modalities": ["text", "audio"]}, {"output_modalities": ["audio"]}
    ),
    _begins("text alone", {"modalities": ["text"]}, {"output_modalities": ["text"]}),
    _begins("output modalities", {"output_modalities": ["text"]}, {"output_modalities": ["text"]}),
    _begins(
        "flat pcm16 input",
        {"input_audio_format": "pcm16"},
        _input(format={"type": "audio/pcm", "rate": 24000}),
    ),
    _begins(
        "flat pcm16 output",
        {"output_audio_format": "pcm16"},
        _output(format={"type": "audio/pcm", "rate": 24000}),
    ),
    _begins("flat µ-law", {"input_audio_format": "g711_ulaw"}, _input(format={"type": "audio/pcmu"})),
    _begins("flat A-law", {"output_audio_format": "g711_alaw"}, _output(format={"type": "audio/pcma"})),
    _begins(
        "nested format by name",
        {"audio": {"input": {"format": "pcm16"}}},
        _input(format={"type": "audio/pcm", "rate": 24000}),
    ),
    _begins(
        "French transcription",
        {"audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe", "language": "fr"}}}},
        _input(transcription={"model": "gpt-4o-mini-transcribe", "language": "fr"}),
    ),
    _begins(
        "flat transcription",
        {"input_audio_transcription": {"model": "whisper-1"}},
        _input(transcription={"model": "whisper-1"}),
    ),
    _begins(
        "far-field noise reduction",
        {"audio": {"input": {"noise_reduction": {"type": "far_field"}}}},
        _input(noise_reduction={"type": "far_field"}),
    ),
    _begins(
        "turn detection for slow speakers",
        {"turn_detection": {"type": "server_vad", "silence_duration_ms": 1000}},
        _input(turn_detection={"type": "server_vad", "silence_duration_ms": 1000}),
    ),
    _begins(
        "semantic turn detection",
        {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}},
        _input(turn_detection={"type": "semantic_vad", "eagerness": "low"}),
    ),
    _begins("no turn detection, flat", {"turn_detection": None}, _input(turn_detection=None)),
    _begins(
        "no turn detection, nested",
        {"audio": {"input": {"turn_detection": None}}},
        _input(turn_detection=None),
    ),
    _begins(
        "a tool is chosen by name",
        {"tool_choice": "clock"},
        {"tool_choice": {"type": "function", "name": "clock"}},
    ),
    _begins("tools are required", {"tool_choice": "required"}, {"tool_choice": "required"}),
    _begins("a limit of tokens", {"max_output_tokens": 500}, {"max_output_tokens": 500}),
    _begins("truncation", {"truncation": "disabled"}, {"truncation": "disabled"}),
    _begins("parallel tool calls", {"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
    _begins("reasoning", {"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
    _begins(
        "a stored prompt",
        {"prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Paris"}}},
        {"prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Paris"}}},
    ),
    Case(
        "tools are shown with their schema",
        _UPDATED,
        agent=lambda layer: layer.RealtimeAgent(name="A", tools=[_clock(layer)]),
        expect=[
            Sent(
                "session.update",
                {
                    "session": {
                        "tools": [
                            {
                                "type": "function",
                                "name": "clock",
                                "description": "Tell the time.",
                                "parameters": {"properties": {"zone": {"type": "string"}}},
                            }
                        ]
                    }
                },
            )
        ],
    ),
    Case(
        "handoffs are shown as tools",
        _UPDATED,
        agent=lambda layer: layer.RealtimeAgent(name="A", handoffs=[layer.RealtimeAgent(name="Billing")]),
        expect=[Sent("session.update", {"session": {"tools": [{"name": "transfer_to_billing"}]}})],
    ),
    Case(
        "hosted MCP tools are shown",
        _UPDATED,
        agent=lambda layer: layer.RealtimeAgent(
            name="A",
            tools=[
                layer.HostedMCPTool(
                    tool_config={"type": "mcp", "server_label": "docs", "server_url": "https://x.example/mcp"}
                )
            ],
        ),
        expect=[Sent("session.update", {"session": {"tools": [{"type": "mcp", "server_label": "docs"}]}})],
    ),
    Case(
        "tools that are not enabled are not shown",
        _UPDATED,
        agent=lambda layer: layer.RealtimeAgent(
            name="A", instructions="x", tools=[_clock(layer, is_enabled=False)]
        ),
        expect=[Sent("session.update", {"session": lambda session: not session.get("tools")})],
    ),
    Case(
        "a server that never greets can be used",
        [Silent(), Expect("response.create"), *s.spoken_response()],
        [Say("Hello"), Until("agent_end")],
        settings={"instructions": "x"},
        expect=[Saw("agent_end"), Sent("response.create")],
        ours_only=False,
    ),
    # Changes.
    Case(
        "an update sends only what was given",
        [*_UPDATED, Expect("session.update"), s.session_updated()],
        [Update({"instructions": "New."})],
        settings={"voice": "ash", "instructions": "Old."},
        expect=[
            Sent(
                "session.update",
                {"session": lambda x: x.get("instructions") == "New." and "audio" not in x},
                times=1,
            )
        ],
    ),
    Case(
        "instructions change after audio without the voice",
        [*_SPOKEN, Expect("session.update"), s.session_updated()],
        [Say("Hi"), Until("agent_end"), UpdateAgent({"instructions": "Talk like a pirate."})],
        agent=lambda layer: layer.RealtimeAgent(name="A", instructions="Talk."),
        settings={"audio": {"output": {"voice": "ash"}}},
        expect=[
            Sent("session.update", {"session": {"instructions": "Talk like a pirate."}}, times=1),
            Sent(
                "session.update",
                {
                    "session": lambda x: (
                        "pirate" in x.get("instructions", "")
                        and "voice" not in (x.get("audio") or {}).get("output", {})
                    )
                },
            ),
        ],
    ),
    Case(
        "a new voice is not asked for once there was audio",
        [*_SPOKEN, Expect("session.update"), s.session_updated()],
        [Say("Hi"), Until("agent_end"), Update({"voice": "cedar", "instructions": "New."})],
        settings={"voice": "ash"},
        expect=[Sent("session.update", {"session": {"audio": {"output": {"voice": "cedar"}}}}, times=0)],
    ),
    Case(
        "a new voice is asked for while there was none",
        [*_UPDATED, Expect("session.update"), s.session_updated()],
        [Update({"voice": "cedar"})],
        settings={"voice": "ash"},
        expect=[Sent("session.update", {"session": {"audio": {"output": {"voice": "cedar"}}}})],
    ),
    Case(
        "turn detection is switched off later",
        [*_UPDATED, Expect("session.update"), s.session_updated()],
        [Update({"turn_detection": None})],
        settings={"turn_detection": {"type": "server_vad"}},
        expect=[Sent("session.update", {"session": _input(turn_detection=None)})],
    ),
    Case(
        "a refused update is told and the session goes on",
        [
            Expect("session.update"),
            s.error("cannot_update_voice", "no"),
            Expect("response.create"),
            *s.spoken_response(),
        ],
        [Until("error"), Say("Hello"), Until("agent_end")],
        settings={"voice": "ash"},
        expect=[Saw("error", {"code": "cannot_update_voice"}), Saw("agent_end")],
    ),
]


def _clock(layer: Any, **options: Any) -> Any:
    def clock(zone: str) -> str:
        """Tell the time."""
        return f"noon in {zone}"

    return layer.function_tool(clock, **options) if not options else layer.function_tool(**options)(clock)
