"""The WebSocket model under the module name that code written for openai-agents imports it by."""

from __future__ import annotations

from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel, TransportConfig

__all__ = ["OpenAIRealtimeWebSocketModel", "TransportConfig"]
