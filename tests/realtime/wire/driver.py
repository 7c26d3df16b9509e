"""Runs one case through a session layer, over a real WebSocket.

The layer is a namespace with the documented names, so the same code drives ours and others. A marker event behind
the last script tells that everything before it has been dealt with: no sleeping, no guessing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from speakerd.realtime.testing.loopback import LoopbackServer
from tests.limits import limit
from tests.realtime.wire.case import (
    Action,
    Approve,
    Audio,
    Case,
    Interrupt,
    Json,
    Method,
    Outcome,
    Pause,
    Played,
    Reject,
    Say,
    SendRaw,
    Until,
    Update,
    UpdateAgent,
    matches,
)

MARKER: Json = {
    "type": "rate_limits.updated",
    "rate_limits": [{"name": "tokens", "limit": 424_242, "remaining": 1, "reset_seconds": 0.0}],
}
"""A valid event that means nothing to a session."""
LIMIT_S = limit(4.0)


class _Talk:
    def __init__(self, case: Case, layer: Any, outcome: Outcome) -> None:
        self.case = case
        self.layer = layer
        self.outcome = outcome
        self.tracker = layer.RealtimePlaybackTracker() if case.tracker else None
        self.news = asyncio.Event()
        self.over = asyncio.Event()

    async def run(self, session: Any) -> None:
        async with session:
            reading = asyncio.create_task(self.read(session))
            try:
                for action in self.case.talk:
                    await self.act(session, action)
                if self.case.to_the_end:
                    await self.over.wait()
                else:
                    await reading
                if reading.done():
                    reading.result()
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def read(self, session: Any) -> None:
        try:
            async for event in session:
                for plain in simplify(event):
                    self.outcome.events.append(plain)
                    if plain["type"] == "history_updated":
                        self.outcome.history = plain["history"]
                    elif plain["type"] == "history_added":
                        known = [item for item in self.outcome.history if item["id"] != plain["item"]["id"]]
                        self.outcome.history = [*known, plain["item"]]
                    if plain.get("marker"):
                        self.over.set()
                self.news.set()
            self.outcome.events.append({"type": "the end"})
        finally:
            self.over.set()
            self.news.set()

    async def act(self, session: Any, action: Action) -> None:
        match action:
            case Say():
                await session.send_message(action.message)
            case Audio():
                await session.send_audio(b"\1\0" * (24 * action.ms), commit=action.commit)
            case Interrupt():
                await session.interrupt()
            case Until():
                await self.until(action)
            case Played():
                assert self.tracker is not None
                self.tracker.on_play_ms(action.item_id, action.content_index, action.ms)
            case SendRaw():
                await session.model.send_event(self.layer.RealtimeModelSendRawMessage(message=action.message))
            case Update():
                await session.model.send_event(
                    self.layer.RealtimeModelSendSessionUpdate(session_settings=action.settings)
                )
            case UpdateAgent():
                await session.update_agent(self.layer.starting_agent.clone(**action.changes))
            case Approve():
                await session.approve_tool_call(action.call_id, always=action.always)
            case Reject():
                await session.reject_tool_call(action.call_id, rejection_message=action.message)
            case Method():
                await getattr(session, action.name)(*action.args, **action.kwargs)
            case Pause():
                await asyncio.sleep(action.seconds)

    async def until(self, wanted: Until) -> None:
        def found() -> int:
            return sum(e["type"] == wanted.type and matches(wanted.where, e) for e in self.outcome.events)

        while found() < wanted.count:
            if self.over.is_set() and self.outcome.events[-1:] == [{"type": "the end"}]:
                raise AssertionError(f"the session ended before {wanted}")
            self.news.clear()
            await self.news.wait()


async def run_case(case: Case, layer: Any, limit_s: float = LIMIT_S) -> Outcome:
    """Run it. Whatever goes wrong is in the outcome's `failure`."""
    outcome = Outcome()
    scripts = [list(case.script), *(list(script) for script in case.more_scripts)]
    if case.to_the_end:
        scripts[-1].append(MARKER)
    server = LoopbackServer(*scripts)
    try:
        async with server, asyncio.timeout(limit_s):
            await _drive(case, layer, server, outcome)
    except TimeoutError:
        told = [event["type"] for event in outcome.events if not event["type"].startswith(("raw", "model:"))]
        sent = [str(event.get("type")) for event in server.received]
        outcome.failure = f"it did not come to its end: told {told[-12:]}, sent {sent[-12:]}"
    except Exception as error:  # noqa: BLE001  # the outcome is looked at, not raised
        outcome.failure = f"{type(error).__name__}: {error}"
    outcome.sent = server.received
    outcome.headers = [connection.headers for connection in server.connections]
    outcome.paths = [connection.path for connection in server.connections]
    return outcome


async def _drive(case: Case, layer: Any, server: LoopbackServer, outcome: Outcome) -> None:
    agent = case.agent(layer) if case.agent is not None else layer.RealtimeAgent(name="Tester")
    layer.starting_agent = agent
    run_config = case.run_config(layer) if callable(case.run_config) else dict(case.run_config)
    runner = layer.RealtimeRunner(agent, model=layer.make_model(), config=run_config or None)
    talk = _Talk(case, layer, outcome)
    model_config: Json = {"url": server.url, "api_key": "key", "initial_model_settings": dict(case.settings)}
    model_config |= case.model_config() if callable(case.model_config) else case.model_config
    if str(model_config["url"]).startswith("?"):
        model_config["url"] = server.url.partition("?")[0] + str(model_config["url"])
    if talk.tracker is not None:
        model_config["playback_tracker"] = talk.tracker
    await talk.run(await runner.run(model_config=model_config))


def simplify(event: Any) -> list[Json]:
    """A session event as plain values; a raw model event as itself and as `model:<type>`."""
    kind = event.type
    out: Json = {"type": kind}
    match kind:
        case "audio":
            audio = event.audio
            out |= {"ms": len(audio.data) // 48, "item_id": audio.item_id, "response_id": audio.response_id}
            out |= {"data": audio.data}
        case "agent_start" | "agent_end":
            out["agent"] = event.agent.name
            for name in ("response_id", "status", "reason", "output_text", "out_of_band", "metadata"):
                if hasattr(event, name):
                    out[name] = getattr(event, name)
        case "handoff":
            out |= {"from": event.from_agent.name, "to": event.to_agent.name}
        case "tool_start" | "tool_end" | "tool_approval_required":
            out["tool"] = event.tool.name
            for name in ("arguments", "output", "call_id"):
                if hasattr(event, name):
                    out[name] = getattr(event, name)
        case "history_added":
            out["item"] = _item(event.item)
        case "history_updated":
            out["history"] = [_item(item) for item in event.history]
        case "guardrail_tripped":
            out["message"] = event.message
        case "error":
            out |= _error(event.error)
        case "raw_model_event":
            data = event.data
            server = (
                data.data.get("type")
                if data.type == "raw_server_event" and isinstance(data.data, dict)
                else None
            )
            out = {"type": "raw", "model": data.type, "server": server}
            out["marker"] = server is not None and data.data.get("rate_limits") == MARKER["rate_limits"]
            model: Json = {"type": f"model:{data.type}"}
            for name in ("item_id", "delta", "transcript", "status", "audio_end_ms", "name", "call_id"):
                if hasattr(data, name):
                    model[name] = getattr(data, name)
            return [out, model]
        case _:
            for name in (
                "item_id",
                "content_index",
                "role",
                "delta",
                "status",
                "reason",
                "fatal",
                "transcript",
            ):
                if hasattr(event, name):
                    out[name] = getattr(event, name)
            if kind == "usage":
                out |= {"input": event.usage.input_tokens, "total": event.total.total_tokens}
    return [out]


def _error(error: Any) -> Json:
    if isinstance(error, BaseException):
        return {"code": type(error).__name__, "message": str(error)}
    data = error if isinstance(error, dict) else getattr(error, "__dict__", {})
    return {"code": data.get("code"), "kind": data.get("type"), "message": str(data.get("message", error))}


def _item(item: Any) -> Json:
    if item.type == "function_call":
        return {
            "id": item.item_id,
            "role": "tool",
            "text": f"{item.name}({item.arguments}) -> {item.output}",
            "status": item.status,
        }
    texts = [getattr(part, "transcript", None) or getattr(part, "text", None) or "" for part in item.content]
    held = [part for part in item.content if getattr(part, "audio", None)]
    return {
        "id": item.item_id,
        "role": item.role,
        "text": " ".join(text for text in texts if text),
        "status": getattr(item, "status", None),
        "holds_audio": bool(held),
    }
