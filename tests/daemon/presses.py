"""Presses a (mock) pin while the speaker is idle and while it speaks, and looks at the monitor of the sound card."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.config.settings import Settings
from speakerd.daemon.assemble import assemble
from speakerd.daemon.live_settings import LiveSettings
from speakerd.dialogue.events import Ask
from speakerd.dialogue.requests import STOP
from speakerd.panel.gpio.panel import GpioPanel
from speakerd.realtime.testing.loopback import LoopbackConnection, LoopbackServer
from speakerd.realtime.testing.server_events import (
    audio_delta,
    response_created,
    response_done,
    spoken_begin,
    spoken_end,
    spoken_item,
)
from tests.audio.interruptions import nonzero_noise
from tests.realtime.validation import validate_client_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.rig import SoundCard

PIN = 17
ANSWER_S = 8


@dataclass(frozen=True)
class Press:
    """One press; seconds from the edge of the pin."""

    listening_s: float
    """To the moment at which the dialogue has set the microphone; from idle."""
    silent_s: float
    """To the last sample at the monitor; while it spoke."""


async def _talkative(connection: LoopbackConnection) -> None:
    turn = 0
    while True:
        await connection.expect("response.create", within_s=600)
        turn += 1
        response, item = f"resp_{turn}", f"item_{turn}"
        pcm = nonzero_noise(ANSWER_S * 24_000, turn)
        await connection.send(response_created(response))
        for event in spoken_begin(response, item):
            await connection.send(event)
        for at in range(0, len(pcm), 48_000):
            await connection.send(audio_delta(response, item, pcm[at : at + 48_000]))
        for event in spoken_end(response, item, "noise"):
            await connection.send(event)
        await connection.send(response_done(response, output=[spoken_item(item, "noise")]))


async def press(rig: SoundCard, count: int, *, seed: int = 1) -> AsyncIterator[Press]:
    """Press `count` times in idle and `count` times while it speaks."""
    chance = random.Random(seed)
    pins = MockFactory(pin_class=MockPWMPin)
    pin: Any = pins.pin(PIN)
    async with LoopbackServer(_talkative) as server:
        settings = Settings.model_validate(
            {
                "model": {"url": server.url, "auth": "none", "connection": "warm"},
                "audio": {
                    "input": "mic",
                    "output": "speaker",
                    "echo": "off",
                    "volume": 100,
                    "silent_capture_s": 3600,  # nobody speaks into this microphone
                    "sounds": dict.fromkeys(("wake", "end"), "off"),
                },
                "panel": {
                    "button": {"pin": PIN},
                    "gestures": {"hold": "none", "double": "none"},
                },
            }
        )
        panel = GpioPanel(settings.panel.button, settings.panel.light, pin_factory=pins)
        assembly = assemble(LiveSettings(settings), make_panel=lambda _settings: panel)
        speaker = assembly.speaker
        opened = asyncio.Event()
        running = asyncio.create_task(speaker.run(ready=opened.set))
        try:
            await asyncio.wait({running, asyncio.create_task(opened.wait())}, return_when="FIRST_COMPLETED")
            if running.done():
                running.result()
            while not speaker.link.connected:
                await asyncio.sleep(0.05)
            for _ in range(count):
                idle_s = await _edge_to_phase(speaker, pin)
                speaker.handle(STOP)
                yield Press(idle_s, await _edge_to_silence(rig, speaker, pin, chance.uniform(0.1, 0.6)))
                speaker.handle(STOP)
                await asyncio.sleep(0.1)
        finally:
            speaker.stop()
            await running
            await assembly.close()
            pins.close()
    for event in server.received:
        validate_client_event(event)


async def _edge_to_phase(speaker: Any, pin: Any) -> float:
    entries = speaker.monitor.subscribe()
    edge = time.monotonic()
    pin.drive_low()
    async for entry in entries:
        if entry["event"] == "state" and entry["phase"] == "listening":
            break
    at = time.monotonic()
    entries.close()
    pin.drive_high()
    await asyncio.sleep(0.1)
    return at - edge


async def _edge_to_silence(rig: SoundCard, speaker: Any, pin: Any, after_s: float) -> float:
    mark = rig.speaker.mark
    speaker.handle(Ask("talk"))
    while not rig.speaker.since(mark).any():
        await asyncio.sleep(0.01)
    await asyncio.sleep(after_s)
    edge = time.monotonic()
    pin.drive_low()
    await asyncio.sleep(0.1)
    pin.drive_high()
    await asyncio.sleep(0.2)
    await asyncio.to_thread(rig.speaker.wait_until, edge + 0.3)
    last = int(np.flatnonzero(rig.speaker.since(mark))[-1])
    return rig.speaker.time_of(mark + last + 1) - edge
