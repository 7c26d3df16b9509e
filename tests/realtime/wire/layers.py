"""Session layers that cases can be run through: namespaces with the documented names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def ours() -> Any:
    """`speakerd.realtime`; it reconnects without delay."""
    from speakerd import realtime
    from speakerd.realtime.model import inputs as model_inputs
    from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel

    names = (
        "RealtimeAgent",
        "RealtimeRunner",
        "RealtimePlaybackTracker",
        "realtime_handoff",
        "function_tool",
    )
    guards = ("output_guardrail", "GuardrailFunctionOutput", "HostedMCPTool")
    return SimpleNamespace(
        name="speakerd",
        **{name: getattr(realtime, name) for name in (*names, *guards)},
        RealtimeModelSendRawMessage=model_inputs.RealtimeModelSendRawMessage,
        RealtimeModelSendSessionUpdate=model_inputs.RealtimeModelSendSessionUpdate,
        make_model=lambda: OpenAIRealtimeWebSocketModel(random=lambda: 0.0, greeted_within_s=0.2),
    )


def peer() -> Any:
    """`openai-agents`, from an environment that has it."""
    import agents
    from agents import realtime
    from agents.realtime import model_inputs
    from agents.realtime.openai_realtime import OpenAIRealtimeWebSocketModel

    agents.set_tracing_disabled(True)
    return SimpleNamespace(
        name="openai-agents",
        RealtimeAgent=realtime.RealtimeAgent,
        RealtimeRunner=realtime.RealtimeRunner,
        RealtimePlaybackTracker=realtime.RealtimePlaybackTracker,
        realtime_handoff=realtime.realtime_handoff,
        function_tool=agents.function_tool,
        output_guardrail=agents.output_guardrail,
        GuardrailFunctionOutput=agents.GuardrailFunctionOutput,
        HostedMCPTool=agents.HostedMCPTool,
        RealtimeModelSendRawMessage=model_inputs.RealtimeModelSendRawMessage,
        RealtimeModelSendSessionUpdate=model_inputs.RealtimeModelSendSessionUpdate,
        make_model=OpenAIRealtimeWebSocketModel,
    )
