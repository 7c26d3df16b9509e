"""The real recogniser on recordings of people: a command exactly, prose in most of its words, both in time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from speakerd.offline import OfflineServer, OfflineSettings
from tests.limits import limit
from tests.offline.peer import peer
from tests.offline.talk import kinds, said, silence
from tests.offline.test_turns import DATA, recording

if TYPE_CHECKING:
    from tests.offline.conftest import Served

pytest.importorskip("pocketsphinx", reason="the offline recogniser (extra `offline`) is not installed")
pytestmark = pytest.mark.realtime_clock  # the recogniser is a process with a clock of its own

LABELS = json.loads((DATA / "labels.json").read_text())


def understood_share(heard: str, said_: str) -> float:
    """Share of the words that were understood, in any place."""
    words, found = said_.split(), heard.split()
    return sum(min(words.count(word), found.count(word)) for word in set(words)) / len(words)


async def test_the_command_is_understood_exactly_and_answered(served: Served) -> None:
    async with peer(served.url) as it:
        await it.update()
        assert await it.say(recording("goforward.wav"), faster=4) == "go forward ten meters"
        await it.until("response.done")
        assert said(it.events).startswith("Understood: go forward ten meters.")


@pytest.mark.parametrize("gain_db", [-20, 6])
async def test_loudness_does_not_matter(served: Served, gain_db: int) -> None:
    samples = np.frombuffer(recording("goforward.wav"), "<i2") * 10 ** (gain_db / 20)
    pcm = np.clip(samples, -32768, 32767).astype("<i2").tobytes()
    async with peer(served.url) as it:
        await it.update()
        assert await it.say(pcm) == "go forward ten meters"


async def test_some_noise_does_not_matter(served: Served) -> None:
    clean = np.frombuffer(recording("goforward.wav"), "<i2")
    noise = np.random.default_rng(5).normal(0, 60, len(clean))
    async with peer(served.url) as it:
        await it.update()
        assert await it.say((clean + noise).astype("<i2").tobytes()) == "go forward ten meters"


@pytest.mark.parametrize(
    ("name", "share"), [("librivox-0870", 0.6), ("librivox-0880", 0.2), ("librivox-0890", 0.4), ("jfk", 0.3)]
)
async def test_prose_comes_back_as_free_speech(served: Served, name: str, share: float) -> None:
    async with peer(served.url) as it:
        await it.update()
        heard = await it.say(recording(f"{name}.wav"))
        assert understood_share(heard, LABELS[f"{name}.wav"]["text"]) >= share, heard
        await it.send("response.cancel")


async def test_detected_turns_are_understood_as_well(served: Served) -> None:
    async with peer(served.url) as it:
        await it.update(turn_detection={"type": "server_vad"})
        sending = asyncio.create_task(it.stream(recording("goforward.wav") + silence(1500), faster=2))
        done = await it.until("conversation.item.input_audio_transcription.completed")
        await it.until("response.done")
        await sending
        assert done["transcript"] == "go forward ten meters"
        assert kinds(it.events).count("input_audio_buffer.speech_started") == 1


async def test_silence_and_noise_have_no_words(served: Served) -> None:
    noise = np.random.default_rng(1).normal(0, 20, 24_000).astype("<i2").tobytes()
    async with peer(served.url) as it:
        await it.update()
        for pcm in (silence(1500), noise):
            assert await it.say(pcm) == ""
            await it.until("response.done")


async def test_ones_own_sentences_are_understood(served: Served) -> None:
    """What a tool says of itself becomes a sentence of the recogniser, and saying it calls the tool."""
    spoken = recording("goforward.wav")
    tool = {
        "type": "function",
        "name": "rover_start",
        "description": "Go forward ten meters",
        "parameters": {},
    }
    async with peer(served.url) as it:
        await it.update(tools=[tool])
        await it.say(spoken)
        await it.until("response.done")
        call = next(e for e in it.events if e["type"] == "response.function_call_arguments.done")
        assert call["name"] == "rover_start"


async def test_the_answer_is_quick_after_the_words(served: Served) -> None:
    async with peer(served.url) as it:
        await it.update()
        await it.stream(recording("goforward.wav"), faster=1.0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await it.send("input_audio_buffer.commit")
        await it.send("response.create")
        await it.until("response.output_audio.delta")
        # 50 ms on a quiet machine; the tests share it with others.
        assert loop.time() - began < limit(3.0)


async def test_a_recogniser_that_dies_is_told_and_replaced() -> None:
    async with (
        OfflineServer(OfflineSettings(port=0, free_speech="off", pace=20)) as server,
        peer(server.url) as it,
    ):
        await it.update()
        await it.stream(recording("goforward.wav")[:48_000], faster=0)
        first = server.recognizer.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(limit(10)):
            while server.recognizer.pid == first:  # another process
                await asyncio.sleep(0.01)
        await it.send("input_audio_buffer.commit")
        await it.send("response.create")
        await it.until("conversation.item.input_audio_transcription.failed")
        await it.until("response.done")
        assert "cannot listen" in said(it.events)
        assert await it.say(recording("goforward.wav")) == "go forward ten meters"
        assert server.recognizer.pid not in (None, first)


async def test_it_can_load_at_the_first_words() -> None:
    settings = OfflineSettings(port=0, load="first_use", free_speech="off")
    async with OfflineServer(settings) as server, peer(server.url) as it:
        await it.update()
        assert server.recognizer.pid is None
        assert await it.say(recording("goforward.wav")) == "go forward ten meters"


async def test_the_event_loop_is_never_held_up(served: Served) -> None:
    """While one client's prose is recognised another gets its typed answer at once."""
    async with peer(served.url) as busy, peer(served.url) as other:
        await busy.update()
        await other.update(output_modalities=["text"])
        await busy.stream(recording("librivox-0870.wav"), faster=0)
        await busy.send("input_audio_buffer.commit")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await other.ask("thanks")
        assert loop.time() - began < limit(1.0)
        await busy.until("conversation.item.input_audio_transcription.completed")
