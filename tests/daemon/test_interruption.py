"""An interruption empties the loudspeaker once, at once where it began here, and when the server says so otherwise."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from speakerd.audio.engine import AudioEngine
from speakerd.dialogue.events import Ask
from speakerd.realtime.testing.loopback import Expect, Wait
from speakerd.realtime.testing.server_events import speech_started
from tests.daemon.bench import answering, household, tone_response
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    import pytest

    from speakerd.audio.playback.progress import PlayedItem


def count_flushes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[PlayedItem, ...]]:
    flushes: list[tuple[PlayedItem, ...]] = []
    flush = AudioEngine.flush

    def counted(engine: AudioEngine) -> tuple[PlayedItem, ...]:
        flushes.append(flush(engine))
        return flushes[-1]

    monkeypatch.setattr(AudioEngine, "flush", counted)
    return flushes


@in_virtual_time
async def test_a_press_empties_the_loudspeaker_once(monkeypatch: pytest.MonkeyPatch) -> None:
    flushes = count_flushes(monkeypatch)
    async with household(answering(ms=8_000)) as house:
        house.assembly.speaker.handle(Ask("tell me a story"))
        await house.phase("speaking")
        await asyncio.sleep(1)
        house.panel.tap()
        await house.phase("listening")
        assert len(flushes) == 1
        await house.until(lambda: bool(house.sent("conversation.item.truncate")))
        await asyncio.sleep(1)
        assert len(flushes) == 1
        assert [item.item_id for item in flushes[0]] == ["item_1"]


@in_virtual_time
async def test_an_interruption_by_the_server_empties_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    script = [
        Expect("response.create", within_s=30),
        *tone_response("resp_1", "item_1", "A long story.", 8_000)[:40],
        Wait(1.0),
        speech_started("user_1"),
        Wait(60),
    ]
    flushes = count_flushes(monkeypatch)
    # In one_shot mode the dialogue leaves the answer alone: only the session says that it has ended.
    settings = {"model": {"turn_detection": "server_vad"}, "dialogue": {"mode": "one_shot"}}
    async with household(script, settings=settings) as house:
        house.assembly.speaker.handle(Ask("tell me a story"))
        await house.phase("speaking")
        await house.until(lambda: bool(house.sent("conversation.item.truncate")))
        await asyncio.sleep(0.1)
        assert [item.item_id for item in flushes[0]] == ["item_1"]
        assert not house.assembly.speaker.engine.speaking


@in_virtual_time
async def test_the_sound_of_an_item_that_was_cut_off_is_none_and_that_of_the_next_one_is() -> None:
    async with household(answering(ms=8_000)) as house:
        engine = house.assembly.speaker.live_engine
        engine.current.play("item_0", 0, bytes(48_000))
        assert not engine.silenced("item_0")
        engine.cut_off()
        assert engine.silenced("item_0")
        engine.current.play("item_1", 0, bytes(48_000))
        assert not engine.silenced("item_1")
        assert engine.silenced("item_0")
