"""Hours of talk in simulated time: the session is exchanged before its greatest age, unnoticed, and memory stays flat."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

from speakerd.realtime import RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner
from speakerd.realtime.event_names import SESSION_MAX_AGE_S
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import LoopbackConnection, LoopbackServer
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from tests.limits import limit
from tests.realtime.validation import validate_client_event
from tests.realtime.virtual_time import VirtualTime

HOURS = float(os.environ.get("SPEAKERD_SOAK_HOURS", "2"))
"""Of simulated time; each takes a few seconds."""
TURN_S = 30.0
RSS_GROWTH_MB = 6.0


class Server:
    """Answers every message with a sentence, and ends sessions at their greatest age."""

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self.answers = 0
        self.expired = 0
        self.told: list[int] = []
        """How many items each connection was told before its first request."""

    async def serve(self, connection: LoopbackConnection) -> None:
        born = self.time.now
        items = 0
        told = False
        while True:
            if self.time.now - born >= SESSION_MAX_AGE_S:
                self.expired += 1
                await connection.close(1001, "maximum duration")
            while connection.received:
                event = validate_client_event(connection.received.pop(0))
                if event["type"] == "conversation.item.create":
                    items += 1
                    await connection.send(
                        s.item_added({"object": "realtime.item", "status": "completed", **event["item"]})
                    )
                elif event["type"] == "response.create":
                    if not told:
                        self.told.append(items)
                        told = True
                    self.answers += 1
                    name = f"{self.answers}"
                    for answer in s.spoken_response(
                        f"r{name}", f"i{name}", f"Answer {name}.", 2000, chunk_ms=500, usage=s.usage()
                    ):
                        await connection.send(answer)
            self.time_left = SESSION_MAX_AGE_S - (self.time.now - born)
            await asyncio.sleep(0)


def rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def test_hours_of_talk_cross_the_limit_unnoticed_and_memory_stays_flat() -> None:
    time = VirtualTime()
    server = Server(time)
    tracker = RealtimePlaybackTracker()
    heard: list[str] = []
    statuses: list[str] = []
    async with LoopbackServer(server.serve) as loopback, asyncio.timeout(limit(50)):
        model = OpenAIRealtimeWebSocketModel(
            clock=time.clock, sleep=time.sleep, transport_config={"ping_interval": None}
        )
        runner = RealtimeRunner(
            RealtimeAgent(name="A", instructions="x"), model=model, config={"max_history_items": 100}
        )
        config: Any = {"url": loopback.url, "playback_tracker": tracker}
        async with await runner.run(model_config=config) as session:
            events = aiter(session)
            turns = int(HOURS * 3600 / TURN_S)
            settled = 0.0
            for turn in range(turns):
                await session.send_message(f"Question {turn}")
                async for event in events:
                    if event.type == "audio":
                        tracker.on_play_bytes(event.item_id, event.content_index, event.audio.data)
                    elif event.type == "connection":
                        statuses.append(event.status)
                    elif event.type == "agent_end":
                        heard.append(event.output_text)
                        break
                loopback.received.clear()
                loopback.sent.clear()
                await time.advance(TURN_S)
                for _ in range(20):  # An exchange goes over a real socket: let it.
                    await asyncio.sleep(0)
                if turn == turns // 2:
                    gc.collect()
                    settled = rss_mb()
            gc.collect()
            grown = rss_mb() - settled
    assert heard == [f"Answer {number}." for number in range(1, turns + 1)]
    assert server.expired == 0
    assert len(loopback.connections) == 1 + int(HOURS * 3600 // (50 * 60))
    assert "reconnecting" not in statuses
    assert all(told > 50 for told in server.told[1:]), "a fresh session was not told what had been said"
    assert grown < RSS_GROWTH_MB, f"{grown:.1f} MB more after the second half"
