"""The settings of the embedded server, seen by a client of the one that a reload has put in the place of the old."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from speakerd.audio.resample import resample
from tests.audio.recordings import load
from tests.daemon.test_settings_of_hardware import assembly_of, reload
from tests.limits import limit
from tests.offline.peer import peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.daemon.core import Assembly

TYPED: dict[str, Any] = {
    "model.backend": "offline",
    "offline.load": "first_use",
    "offline.free_speech": "off",
}
HEARD: dict[str, Any] = {**TYPED, "offline.load": "start"}


async def answer(assembly: Assembly) -> tuple[str, bytes, float]:
    """What a greeting is answered with: its text, its sound, and how long that took to come."""
    async with peer(await assembly.embedded.url()) as it:
        began = time.monotonic()
        await it.ask("hello")
        sound = b"".join(
            base64.b64decode(e["delta"]) for e in it.events if e["type"] == "response.output_audio.delta"
        )
        text = next(
            e["transcript"] for e in it.events if e["type"] == "response.output_audio_transcript.done"
        )
        return text, sound, time.monotonic() - began


async def understood(assembly: Assembly, recording: str) -> tuple[str, str]:
    """What is understood of a recording, and what it is answered with."""
    async with peer(await assembly.embedded.url()) as it:
        await it.update()
        heard = await it.say(resample(load(recording).pcm, 16_000, 24_000))
        await it.until("response.done")
        text = "".join(
            e["transcript"] for e in it.events if e["type"] == "response.output_audio_transcript.done"
        )
        return heard, text


def recognisers() -> set[int]:
    """The processes of recognisers that this one has started; a test before this one may have left others."""
    found = set()
    for path in Path("/proc/self/task").glob("*/children"):
        for child in path.read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
                if b"speakerd.offline.recognition.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.add(int(child))
    return found


async def _sound(assembly: Assembly) -> Any:
    return (await answer(assembly))[1]


async def _text(assembly: Assembly) -> Any:
    return (await answer(assembly))[0]


async def _is_quick(assembly: Assembly) -> Any:
    _, sound, took_s = await answer(assembly)
    return took_s < len(sound) / 48_000 / 2


async def _clients(assembly: Assembly) -> Any:
    url = await assembly.embedded.url()
    async with peer(url):
        try:
            async with peer(url):
                return "there is room for two"
        except ConnectionClosed as closed:
            return closed.rcvd and closed.rcvd.code


async def _end_of_session(assembly: Assembly) -> Any:
    async with peer(await assembly.embedded.url()) as it:
        try:
            async with asyncio.timeout(limit(2)):
                while True:
                    await it.socket.recv()
        except TimeoutError:
            return "it goes on"
        except ConnectionClosed as closed:
            return closed.rcvd and closed.rcvd.code


async def _recogniser_runs(assembly: Assembly) -> Any:
    await assembly.embedded.url()
    return len(recognisers()) > 0


def _heard(recording: str) -> Callable[[Assembly], Any]:
    async def observe(assembly: Assembly) -> Any:
        return await understood(assembly, recording)

    return observe


EMBEDDED: dict[str, tuple[Any, Callable[[Assembly], Any], dict[str, Any]]] = {
    "offline.voice": ("de", _sound, TYPED),
    "offline.speed_wpm": (300, _sound, TYPED),
    "offline.pitch": (90, _sound, TYPED),
    "offline.greeting": ("Good day.", _text, TYPED),
    "offline.pace": (1.0, _is_quick, {**TYPED, "offline.pace": 0.0}),
    "offline.max_connections": (1, _clients, TYPED),
    "offline.max_session_s": (1.0, _end_of_session, TYPED),
    "offline.load": ("start", _recogniser_runs, TYPED),
    "offline.confidence": (1.0, _heard("goforward"), HEARD),
    "offline.phrases": ([load("librivox-0880").text], _heard("librivox-0880"), HEARD),
    "offline.longest_turn_s": (1.0, _heard("goforward"), HEARD),
    "offline.free_speech": ("after", _heard("librivox-0880"), HEARD),
}


@pytest.mark.realtime_clock  # server and recogniser have clocks of their own
@pytest.mark.parametrize("key", EMBEDDED)
async def test_a_setting_of_the_embedded_server_is_in_force_for_its_next_client(key: str) -> None:
    value, observe, base = EMBEDDED[key]
    async with assembly_of(base) as assembly:
        before = await observe(assembly)
        await reload(assembly.speaker, **{key: value})
        assert await observe(assembly) != before
