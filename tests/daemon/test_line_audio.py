"""Sound that is other on the line than in this house: what leaves, and what comes."""

from __future__ import annotations

import asyncio
import base64

import numpy as np
import pytest

from speakerd.audio import g711
from speakerd.audio.resample import resample
from speakerd.daemon.session.line_audio import ConvertingModel, model_for
from speakerd.realtime.model import (
    RealtimeModelSendAudio,
    RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit,
)
from speakerd.realtime.testing.loopback import LoopbackServer, Step, Wait
from speakerd.realtime.testing.server_events import (
    audio_delta,
    response_created,
    response_done,
    spoken_begin,
    spoken_end,
)
from tests.daemon.bench import tone
from tests.realtime.shell import Ear
from tests.simulation.virtual_loop import in_virtual_time


def appended(server: LoopbackServer) -> list[bytes]:
    return [base64.b64decode(event["audio"]) for event in server.of_type("input_audio_buffer.append")]


def test_where_nothing_is_to_be_converted_nothing_is_in_the_way() -> None:
    assert not isinstance(model_for(24_000, 24_000), ConvertingModel)
    assert isinstance(model_for(16_000, 24_000), ConvertingModel)
    assert isinstance(model_for(8_000, 8_000, telephone=True), ConvertingModel)


@in_virtual_time
async def test_for_the_embedded_server_speech_gets_its_rate_and_none_is_lost_at_the_end_of_a_turn() -> None:
    async with LoopbackServer([Wait(60)]) as server:
        model = model_for(16_000, 24_000)
        await model.connect({"url": server.url, "api_key": "k"})
        for _ in range(50):
            await model.send_event(RealtimeModelSendAudio(bytes(640)))
        await model.send_event(RealtimeModelSendAudioCommit())
        await asyncio.sleep(1)
        await model.close()
        assert sum(map(len, appended(server))) == pytest.approx(48_000, abs=100)
        assert server.types()[-1] == "input_audio_buffer.commit"


@in_virtual_time
async def test_by_telephone_speech_leaves_by_tenths_of_a_second_and_the_rest_before_the_turn_ends() -> None:
    async with LoopbackServer([Wait(60)]) as server:
        model = model_for(8_000, 8_000, telephone=True)
        await model.connect({"url": server.url, "api_key": "k"})
        for _ in range(12):
            await model.send_event(RealtimeModelSendAudio(b"\1\0" * 160))
        await asyncio.sleep(1)
        assert [len(sound) for sound in appended(server)] == [800, 800]
        await model.send_event(RealtimeModelSendAudioCommit())
        await asyncio.sleep(1)
        assert [len(sound) for sound in appended(server)] == [800, 800, 320]
        await model.send_event(RealtimeModelSendAudio(b"\1\0" * 160))
        await model.send_event(RealtimeModelSendAudioClear())
        await model.send_event(RealtimeModelSendAudioCommit())
        await asyncio.sleep(1)
        assert len(appended(server)) == 3
        await model.close()


@in_virtual_time
async def test_by_telephone_an_answer_comes_as_what_it_was() -> None:
    narrow = g711.encode(resample(tone(300), 24_000, g711.RATE))
    script: list[Step] = [
        response_created(),
        *spoken_begin("resp_1", "item_1"),
        *(audio_delta("resp_1", "item_1", narrow[at : at + 800]) for at in range(0, len(narrow), 800)),
        *spoken_end("resp_1", "item_1", "So."),
        response_done(),
        Wait(60),
    ]
    async with LoopbackServer(script) as server:
        model, ear, other = model_for(8_000, 8_000, telephone=True), Ear(), Ear()
        model.add_listener(ear)
        model.add_listener(other)
        await model.connect(
            {
                "url": server.url,
                "api_key": "k",
                "initial_model_settings": {"output_audio_format": "g711_ulaw"},
            }
        )
        await ear.until("turn_ended")
        await model.close()
    kinds = [event.type for event in ear.told if event.type in {"audio", "audio_done"}]
    assert kinds[-1] == "audio_done"
    heard = b"".join(event.data for event in ear.told if event.type == "audio")
    assert len(heard) == pytest.approx(len(narrow) * 6, abs=100)
    assert np.abs(np.frombuffer(heard, "<i2")).max() > 7_000
    assert [event.type for event in other.told] == [event.type for event in ear.told]


@in_virtual_time
async def test_a_listener_that_has_gone_hears_nothing() -> None:
    async with LoopbackServer([Wait(60)]) as server:
        model, ear = model_for(8_000, 8_000, telephone=True), Ear()
        model.add_listener(ear)
        model.remove_listener(ear)
        await model.connect({"url": server.url, "api_key": "k"})
        await model.close()
    assert ear.told == []
