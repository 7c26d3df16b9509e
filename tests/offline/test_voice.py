"""The real voice: espeak-ng's sound at the wire's rate, its voices, its failures, and its end."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

import pytest

from speakerd.offline import OfflineServer, OfflineSettings, SpeechError, VoiceMissingError
from speakerd.offline.espeak import SpeechSynthesizer

if TYPE_CHECKING:
    from pathlib import Path


async def spoken(voice: SpeechSynthesizer, text: str, name: str = "en-us", speed: float = 1.0) -> bytes:
    return b"".join([pcm async for pcm in voice.speak(text, name, speed)])


@pytest.fixture
async def voice() -> SpeechSynthesizer:
    it = SpeechSynthesizer(OfflineSettings())
    await it.start()
    return it


async def test_a_sentence_lasts_as_long_as_it_takes_to_say(voice: SpeechSynthesizer) -> None:
    pcm = await spoken(voice, "It is ten o'clock.")
    assert 0.8 < len(pcm) / 48_000 < 2.5


async def test_sound_comes_before_all_is_said(voice: SpeechSynthesizer) -> None:
    sound = voice.speak("One two three four five. " * 50, "en-us", 1.0)
    async with contextlib.aclosing(sound):
        first = await anext(sound)
    assert len(first) < 48_000


async def test_speed_makes_it_shorter(voice: SpeechSynthesizer) -> None:
    slow, fast = [len(await spoken(voice, "What can I do for you?", speed=speed)) for speed in (0.7, 1.5)]
    assert fast < 0.7 * slow


async def test_a_hosted_models_voice_is_spoken_by_ours(voice: SpeechSynthesizer) -> None:
    assert voice.knows("en-us")
    assert voice.knows("en-us+f3")
    assert not voice.knows("marin")
    assert await spoken(voice, "Hello.", "marin") == await spoken(voice, "Hello.", "en-us")
    assert await spoken(voice, "Hello.", "en-gb") != await spoken(voice, "Hello.", "en-us")


@pytest.mark.parametrize(
    "text", ["", "-v --help", "\0\ud800", "\u4f60\u597d", "<speak>x</speak>", "a\nb\n\nc"]
)
async def test_any_text_can_be_said(voice: SpeechSynthesizer, text: str) -> None:
    await spoken(voice, text)


async def test_without_espeak_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(VoiceMissingError, match="apt install espeak-ng"):
        await SpeechSynthesizer(OfflineSettings()).start()
    with pytest.raises(VoiceMissingError):
        await OfflineServer(OfflineSettings(port=0)).start()


def program(folder: Path, script: str) -> None:
    """A stand-in for espeak-ng that fails, which the real one cannot be made to do."""
    path = folder / "espeak-ng"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


async def test_a_failure_is_told_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program(
        tmp_path,
        'case "$1" in --voices) echo "head"; echo "5 en-us x"; exit 0;; esac; echo broken >&2; exit 7',
    )
    voice = SpeechSynthesizer(OfflineSettings())
    await voice.start()
    with pytest.raises(SpeechError, match="code 7: broken") as failed:
        await spoken(voice, "Hello.")
    assert "code 7" in str(failed.value)
    program(tmp_path, "echo no voices >&2; exit 3")
    with pytest.raises(SpeechError, match="code 3: no voices"):
        await voice.start()
