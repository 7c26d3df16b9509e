"""One measurement of `session.py`, in an interpreter of its own. Prints JSON."""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

DELTAS = 3000
APPENDS = 5000
WARM_UP = 200
BURST = 8
"""Deltas that arrive together."""
CHUNK = b"\1\0" * 2400
"""100 ms."""
FRAME = b"\1\0" * 480
"""20 ms."""


def rss_mb() -> float:
    """Resident memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure_import(layer: str) -> dict[str, float]:
    """Time and memory until an agent, a runner and a model can be made."""
    before, began = rss_mb(), time.perf_counter()
    if layer == "speakerd":
        _import_ours()
    else:
        _import_theirs()
    return {"import_ms": (time.perf_counter() - began) * 1e3, "rss_mb": rss_mb() - before}


def _import_ours() -> None:
    from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool  # noqa: F401, PLC0415
    from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel  # noqa: F401, PLC0415


def _import_theirs() -> None:
    from agents import function_tool  # noqa: F401, PLC0415
    from agents.realtime import RealtimeAgent, RealtimeRunner  # noqa: F401, PLC0415
    from agents.realtime.openai_realtime import OpenAIRealtimeWebSocketModel  # noqa: F401, PLC0415


def layer_of(name: str) -> Any:
    """The layer's names."""
    from tests.realtime.wire import layers  # noqa: PLC0415

    return layers.ours() if name == "speakerd" else layers.peer()


def delta(number: int) -> str:
    """A frame as the hosted service sends it."""
    return json.dumps(
        {
            "type": "response.output_audio.delta",
            "event_id": f"event_{number}",
            "response_id": "resp_1",
            "item_id": "item_1",
            "output_index": 0,
            "content_index": 0,
            "delta": base64.b64encode(CHUNK).decode(),
        }
    )


class _Socket:
    """Stands where the WebSocket is: gives the frames, takes what is sent."""

    def __init__(self, frames: list[str]) -> None:
        self.frames = iter(frames)
        self.sent = 0
        self.given = 0
        self.over = asyncio.Event()
        self.close_code = 1000

    def __aiter__(self) -> _Socket:
        return self

    async def __anext__(self) -> str:
        return await self.recv()

    async def recv(self) -> str:
        frame = next(self.frames, None)
        if frame is None:
            await self.over.wait()
            raise asyncio.CancelledError
        self.given += 1
        if self.given % BURST == 0:
            await asyncio.sleep(0)  # As a real socket does: it does not hand out everything at once.
        return frame

    async def send(self, _frame: str) -> None:
        self.sent += 1

    async def close(self, *_: Any) -> None:
        self.over.set()


async def listen(session: Any) -> float:
    """CPU seconds per delta, of all but the first ones, which pay for what is loaded and made on first use."""
    began, heard = 0.0, 0
    async for event in session:
        if event.type == "audio":
            heard += len(event.audio.data)
            if heard == WARM_UP * len(CHUNK):
                began = time.process_time()
            elif heard == DELTAS * len(CHUNK):
                break
    return (time.process_time() - began) / (DELTAS - WARM_UP)


async def measure_cpu(name: str) -> dict[str, float]:
    """CPU of the path between socket and session, without the socket."""
    layer = layer_of(name)
    created = {
        "type": "response.created",
        "event_id": "e",
        "response": {
            "id": "resp_1",
            "object": "realtime.response",
            "status": "in_progress",
            "output": [],
            "conversation_id": "c",
        },
    }
    session_created = {"type": "session.created", "event_id": "e", "session": {"type": "realtime"}}
    frames = [json.dumps(session_created), json.dumps(created), *(delta(number) for number in range(DELTAS))]
    socket = _Socket(frames)
    model = layer.make_model()
    if name == "speakerd":
        from speakerd.realtime.transport import connector  # noqa: PLC0415

        async def open_socket(*_: Any) -> Any:
            return socket

        connector.open_socket = open_socket  # type: ignore[assignment]
    else:

        async def create(*_: Any, **__: Any) -> Any:
            return socket

        model._create_websocket_connection = create  # noqa: SLF001  # the least of it that is private
    runner = layer.RealtimeRunner(layer.RealtimeAgent(name="A", instructions="x"), model=model)
    session = await runner.run(model_config={"url": "ws://127.0.0.1:1/v1/realtime?model=m", "api_key": "k"})
    await session.enter()
    spent = await listen(session)
    began = time.process_time()
    for _ in range(APPENDS):
        await session.send_audio(FRAME)
    appending = time.process_time() - began
    return {"delta_us": spent * 1e6, "append_us": appending / APPENDS * 1e6}


def serve(pipe: Any) -> None:
    """The server's process: greets, and on a `response.create` sends all deltas."""
    from websockets.asyncio.server import serve as listen  # noqa: PLC0415

    async def handler(socket: Any) -> None:
        await socket.send(
            json.dumps({"type": "session.created", "event_id": "e", "session": {"type": "realtime"}})
        )
        async for frame in socket:
            if '"response.create"' in frame:
                created = {
                    "type": "response.created",
                    "event_id": "e",
                    "response": {
                        "id": "resp_1",
                        "object": "realtime.response",
                        "status": "in_progress",
                        "output": [],
                        "conversation_id": "c",
                    },
                }
                await socket.send(json.dumps(created))
                for number in range(DELTAS):
                    await socket.send(delta(number))

    async def run() -> None:
        async with listen(handler, "127.0.0.1", 0, compression=None) as server:
            pipe.send(next(iter(server.sockets)).getsockname()[1])
            await asyncio.Future()

    asyncio.run(run())


async def measure_socket(name: str, port: int) -> dict[str, float]:
    """The same over a WebSocket."""
    layer = layer_of(name)
    runner = layer.RealtimeRunner(layer.RealtimeAgent(name="A", instructions="x"), model=layer.make_model())
    session = await runner.run(
        model_config={"url": f"ws://127.0.0.1:{port}/v1/realtime?model=m", "api_key": "k"}
    )
    async with session:
        await session.send_message("Go")
        spent = await listen(session)
        began = time.process_time()
        for _ in range(APPENDS):
            await session.send_audio(FRAME)
        appending = time.process_time() - began
    return {"socket_delta_us": spent * 1e6, "socket_append_us": appending / APPENDS * 1e6}


def main(part: str, name: str) -> None:
    """Measure one part of one layer."""
    if part == "import":
        figures = measure_import(name)
    elif part == "cpu":
        figures = asyncio.run(measure_cpu(name))
    else:
        here, there = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
        server.start()
        try:
            figures = asyncio.run(measure_socket(name, here.recv()))
        finally:
            server.terminate()
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
