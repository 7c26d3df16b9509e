"""An announcement as sound: the voice of espeak-ng, known to the canceller, and interrupted by somebody who talks over it."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import pytest

from speakerd.audio.pcm import samples_of
from speakerd.config.settings import Settings
from speakerd.daemon.control import Control
from speakerd.daemon.core import LocalVoice, NoVoiceError
from speakerd.daemon.live_settings import LiveSettings
from speakerd.host.errors import CommandError
from tests.daemon.bench import GO_FORWARD, answering, household
from tests.simulation.virtual_loop import in_virtual_time

ESPEAK = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")


async def spoken(text: str, **settings: dict[str, Any]) -> bytes:
    voice = LocalVoice(LiveSettings(Settings.model_validate(settings)))
    return b"".join([pcm async for pcm in voice.speak(text)])


@ESPEAK
async def test_the_local_voice_speaks_in_the_language_of_the_household() -> None:
    english, german = (
        await spoken("Das Essen ist fertig"),
        await spoken("Das Essen ist fertig", model={"language": "de"}),
    )
    for pcm in (english, german):
        assert 0.5 < len(pcm) / 48_000 < 5
        assert abs(samples_of(pcm)).max() > 3_000
    assert english != german
    assert german == await spoken("Das Essen ist fertig", offline={"voice": "de"})
    assert german != await spoken(
        "Das Essen ist fertig", model={"language": "de"}, offline={"speed_wpm": 250}
    )
    assert english == await spoken("Das Essen ist fertig", model={"language": "en"}), (
        "which is not less than en-us"
    )


@ESPEAK
async def test_other_settings_count_from_the_next_announcement_on() -> None:
    live = LiveSettings(Settings())
    voice = LocalVoice(live)
    before = b"".join([pcm async for pcm in voice.speak("good evening")])
    await live.change(Settings.model_validate({"offline": {"pitch": 90}}))
    assert b"".join([pcm async for pcm in voice.speak("good evening")]) != before


async def test_without_espeak_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(NoVoiceError, match=r'apt install espeak-ng; or set announcement_voice = "model"'):
        await LocalVoice(LiveSettings(Settings())).prepare()


@in_virtual_time
async def test_somebody_who_talks_over_it_in_a_conversation_is_listened_to_and_whoever_waits_is_told() -> (
    None
):
    async with household(answering(ms=500)) as house:
        nobody: Any = None
        control = Control(house.assembly, nobody)
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking", within_s=30)
        waiting = asyncio.create_task(control.handle("say", {"text": "a long story" * 10, "wait_s": 60}))
        await house.phase("announcing")
        house.device.say(GO_FORWARD, after_s=0.5)
        with pytest.raises(CommandError, match="somebody spoke"):
            await waiting
        await house.phase("speaking", within_s=30)
        assert len(house.sent("input_audio_buffer.commit")) == 2, "and what was said is a turn"


@in_virtual_time
async def test_it_is_the_canceller_s_reference_as_speech_is() -> None:
    """Blocks that are only an earcon are told apart from speech; an announcement is speech."""
    async with household() as house:
        nobody: Any = None
        seen: list[bool] = []
        reference = house.assembly.speaker.engine._reference
        put = reference.put

        def noting(block: bytes, only_earcon: bool, at: float) -> None:
            if any(block):
                seen.append(only_earcon)
            put(block, only_earcon, at)

        reference.put = noting  # type: ignore[method-assign]  # to see what it is given
        await Control(house.assembly, nobody).handle("say", {"text": "dinner is ready", "wait_s": 60})
        assert len(seen) > 50
        assert not any(seen)
