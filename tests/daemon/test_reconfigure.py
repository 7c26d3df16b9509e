"""New settings in a running speaker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from speakerd.audio.pcm import BLOCK_S
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.config.settings import Settings
from speakerd.daemon.assemble import assemble
from speakerd.daemon.live_settings import LiveSettings
from speakerd.panel.simulated import SimulatedPanel
from tests.limits import limit
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from speakerd.audio.settings import AudioSettings


@in_virtual_time
async def test_another_microphone_in_the_settings_is_the_one_that_is_opened() -> None:
    asked: list[str] = []

    devices: list[SimulatedDevice] = []
    loop = asyncio.get_running_loop()

    def open_device(settings: AudioSettings) -> SimulatedDevice:
        asked.append(settings.input)
        devices.append(SimulatedDevice(stepped=True, begin_s=loop.time()))
        return devices[-1]

    settings = Settings.model_validate({"model": {"url": "ws://127.0.0.1:9", "auth": "none"}})
    assembly = assemble(
        LiveSettings(settings),
        make_device=open_device,
        make_panel=lambda _settings: SimulatedPanel(stepped=True, clock=loop.time),
        clock=loop.time,
    )
    speaker = assembly.speaker
    opened = asyncio.Event()
    running = asyncio.create_task(speaker.run(ready=opened.set))
    try:
        await opened.wait()
        first = speaker.engine
        audio = replace(settings.audio, input="kitchen")
        for _ in range(100):
            devices[0].step()
        first.tick()
        before = speaker.live_engine.stats
        assert before.heard_s > 0.5
        await speaker.reconfigure(settings.model_copy(update={"audio": audio}))
        async with asyncio.timeout(limit(10)):
            while speaker.engine is first or not speaker.engine.block_counts.capture:
                await asyncio.sleep(BLOCK_S)
                devices[-1].step()
        for _ in range(10):
            devices[-1].step()
        speaker.engine.tick()
        assert speaker.live_engine.stats.heard_s > before.heard_s, "the counts of status go on"
    finally:
        speaker.stop()
        await running
        await assembly.close()
    assert asked == ["default", "kitchen"]
