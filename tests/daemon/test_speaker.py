import asyncio

import numpy as np
import pytest

from speakerd.audio.simulation import SimulatedDevice
from speakerd.config.settings import Settings
from speakerd.daemon.assemble import assemble
from speakerd.daemon.core import PartFailedError
from speakerd.daemon.live_settings import LiveSettings
from speakerd.dialogue.requests import MUTE
from speakerd.panel.simulated import SimulatedPanel
from speakerd.realtime.testing.loopback import Expect, Silent, Wait
from speakerd.realtime.testing.server_events import session_created
from tests.daemon.bench import GO_FORWARD, answering, household
from tests.simulation.virtual_loop import in_virtual_time


@in_virtual_time
async def test_a_press_a_voice_an_answer() -> None:
    await press_and_talk()


@pytest.mark.realtime_clock
async def test_a_press_a_voice_an_answer_with_all_threads_by_the_wall_clock() -> None:
    await press_and_talk()


async def press_and_talk() -> None:
    async with household() as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking")
        await house.phase("listening")
        assert house.phases == ["idle", "connecting", "listening", "thinking", "speaking", "listening"]
        seconds = len(house.sound_sent()) / 48_000
        assert 1.5 < seconds < 3.5
        played = np.frombuffer(house.device.played, dtype="<i2")
        assert np.abs(played).max() > 1000
        assert [e["type"] for e in house.server.received].count("input_audio_buffer.commit") == 1
        captions = [(e["role"], e["text"]) for e in house.entries if e["event"] == "caption" and e["final"]]
        assert captions == [("user", "go forward ten meters"), ("assistant", "Certainly.")]


@in_virtual_time
async def test_nothing_is_sent_while_idle() -> None:
    async with household() as house:
        await house.said(house.device.say(GO_FORWARD))
        assert house.server.received == []
        assert house.server.connections == []


@in_virtual_time
async def test_muted_in_the_middle_of_a_sentence_not_a_sample_more_leaves() -> None:
    async with household() as house:
        house.panel.tap()
        said = house.device.say(GO_FORWARD, after_s=0.2)
        await house.until(lambda: len(house.sound_sent()) > 24_000)
        house.assembly.speaker.handle(MUTE)
        await asyncio.sleep(0)
        before = len(house.sound_sent())
        await house.said(said)
        house.panel.tap()
        await asyncio.sleep(0.3)
        # What was in the socket already may still arrive: one frame, never more.
        assert len(house.sound_sent()) - before <= 960 * 2
        assert house.sent("input_audio_buffer.commit") == []
        assert house.assembly.speaker.dialogue.light == "muted"


@in_virtual_time
async def test_while_muted_no_press_connects() -> None:
    async with household(settings={"dialogue": {"start_muted": True}}) as house:
        house.panel.tap()
        await house.said(house.device.say(GO_FORWARD))
        assert house.server.connections == []


@in_virtual_time
async def test_a_press_cuts_the_answer_off_at_what_was_heard() -> None:
    async with household(answering(ms=8_000)) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking")
        await asyncio.sleep(1.0)
        house.panel.tap()
        await house.phase("listening")
        await house.until(lambda: bool(house.sent("conversation.item.truncate")))
        truncated = house.sent("conversation.item.truncate")[0]
        assert truncated["item_id"] == "item_1"
        await asyncio.sleep(0.2)
        played = np.frombuffer(house.device.played, dtype="<i2")
        heard_ms = np.flatnonzero(np.abs(played.astype(np.int32)) > 500).size / 24
        tone_ms = np.ptp(np.flatnonzero(np.abs(played.astype(np.int32)) > 1_000)) / 24
        assert heard_ms > 0
        assert abs(truncated["audio_end_ms"] - tone_ms) < 30


@in_virtual_time
async def test_speech_while_connecting_is_kept_and_sent() -> None:
    async with household(
        [Silent(), Wait(1.5), session_created(), Expect("response.create", within_s=30)]
    ) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.1)
        await house.until(lambda: bool(house.sent("response.create")))
        assert len(house.sound_sent()) / 48_000 > 1.5


@in_virtual_time
async def test_push_to_talk_sends_from_the_press_and_answers_on_release() -> None:
    async with household(settings={"panel": {"gestures": {"hold": "talk"}}}) as house:
        house.panel.press()
        said = house.device.say(GO_FORWARD, after_s=0.1)
        await house.said(said)
        house.panel.release()
        await house.phase("speaking")
        assert len(house.sound_sent()) / 48_000 > 2.8
        await house.phase("idle")


@in_virtual_time
async def test_stopping_in_the_middle_of_an_answer_takes_less_than_two_seconds() -> None:
    async with household(answering(ms=8_000)) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking")
        began = asyncio.get_running_loop().time()
        house.assembly.speaker.stop()
        await house.stopped()
        assert asyncio.get_running_loop().time() - began < 2.0
        assert house.panel.is_dark


@in_virtual_time
async def test_a_part_that_dies_while_it_starts_ends_the_start() -> None:
    loop = asyncio.get_running_loop()
    settings = Settings.model_validate({"model": {"url": "ws://127.0.0.1:9", "auth": "none"}})
    assembly = assemble(
        LiveSettings(settings),
        make_device=lambda _settings: SimulatedDevice(stepped=True, begin_s=loop.time()),
        make_panel=lambda _settings: SimulatedPanel(stepped=True, clock=loop.time),
        clock=loop.time,
    )
    order: list[str] = []

    async def prepare() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(0.1)
            order.append("prepared no more")

    running = asyncio.create_task(assembly.speaker.run(prepare=prepare))
    running.add_done_callback(lambda _: order.append("ended"))
    await asyncio.sleep(1)
    assembly.speaker.die("the sound device hangs")
    with pytest.raises(PartFailedError, match="hangs"):
        await running
    assert order == ["prepared no more", "ended"]
    await assembly.close()
    assert loop.time() < 1_010


@in_virtual_time
async def test_the_journal_has_a_card_that_goes_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with household() as house:
        house.device.unplug("playback")
        await house.until(lambda: "device_lost" in _events(caplog))
        house.device.plug_in()
        await house.until(lambda: "device_returned" in _events(caplog))


def _events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(record, "SPEAKERD_EVENT", "") for record in caplog.records]
