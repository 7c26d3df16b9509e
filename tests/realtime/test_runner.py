from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import speakerd.realtime
from speakerd.realtime import (
    OpenAIRealtimeWebSocketModel,
    RealtimeAgent,
    RealtimePlaybackTracker,
    RealtimeRunner,
)
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel
from tests.limits import limit


async def test_a_session_uses_the_runners_model_and_agent() -> None:
    agent, model = RealtimeAgent[str]("Ada"), ScriptedRealtimeModel()
    session = await RealtimeRunner(agent, model=model).run(context="mine")
    assert session.model is model
    assert session.current_agent is agent


async def test_without_a_model_each_session_has_a_connection_of_its_own() -> None:
    runner = RealtimeRunner(RealtimeAgent("Ada"))
    one, other = await runner.run(), await runner.run()
    assert isinstance(one.model, OpenAIRealtimeWebSocketModel)
    assert one.model is not other.model


def test_every_public_name_is_there() -> None:
    for name in speakerd.realtime.__all__:
        assert getattr(speakerd.realtime, name) is not None
    assert set(speakerd.realtime.__all__) <= set(dir(speakerd.realtime))
    with pytest.raises(AttributeError, match="no attribute 'RealtimeBanana'"):
        speakerd.realtime.RealtimeBanana  # noqa: B018  # the access is the test


def test_the_websocket_model_is_loaded_at_its_first_use() -> None:
    code = (
        "import sys, speakerd.realtime\n"
        "before = 'websockets' in sys.modules\n"
        "speakerd.realtime.OpenAIRealtimeWebSocketModel\n"
        "print(before, 'websockets' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=limit(30)
    )
    assert done.stdout.split() == ["False", "True"]


def test_the_tracker_knows_what_was_played_of_each_part() -> None:
    tracker = RealtimePlaybackTracker()
    assert tracker.get_state() == {
        "current_item_id": None,
        "current_item_content_index": None,
        "elapsed_ms": None,
    }
    tracker.on_play_bytes("a1", 0, bytes(4800))
    tracker.on_play_ms("a1", 0, 50)
    tracker.on_play_ms("a2", 1, 20)
    assert tracker.get_state() == {"current_item_id": "a2", "current_item_content_index": 1, "elapsed_ms": 20}
    assert tracker.played_ms("a1") == 150
    assert tracker.played_ms("never") == 0
    tracker.on_interrupted()
    assert tracker.get_state()["current_item_id"] is None


@pytest.mark.parametrize(
    ("audio_format", "ms"),
    [
        ("pcm16", 10),
        ("g711_ulaw", 60),
        ({"type": "audio/pcma"}, 60),
        ({"type": "audio/pcm", "rate": 24_000}, 10),
        ({"type": "audio/pcm", "rate": 48_000}, 5),
    ],
)
def test_the_tracker_counts_in_the_sessions_format(audio_format: str | dict[str, object], ms: float) -> None:
    tracker = RealtimePlaybackTracker()
    tracker.set_audio_format(audio_format)
    tracker.on_play_bytes("a1", 0, bytes(480))
    assert tracker.played_ms("a1") == ms


def test_the_tracker_forgets_what_is_long_past() -> None:
    tracker = RealtimePlaybackTracker()
    for number in range(1000):
        tracker.on_play_ms(f"a{number}", 0, 1)
    assert len(tracker._played) == 64
    assert tracker.played_ms("a999") == 1


async def test_a_misspelt_setting_is_told(caplog: pytest.LogCaptureFixture) -> None:
    config: Any = {
        "model_settings": {"voise": "ash", "audio": {"input": {"turn_detektion": None}}},
        "tracing_disable": True,
    }
    known: Any = {"model_settings": {"voice": "ash", "audio": {"input": {"turn_detection": None}}}}
    runner = RealtimeRunner(RealtimeAgent("Ada"), model=ScriptedRealtimeModel(), config=known)
    await runner.run(model_config={"url": "ws://x", "initial_model_settings": {"speed": 1}})
    assert caplog.messages == []
    await RealtimeRunner(RealtimeAgent("Ada"), model=ScriptedRealtimeModel(), config=config).run()
    assert caplog.messages == [
        "the setting model_settings.voise is unknown and has no effect: did you mean voice?",
        "the setting model_settings.audio.input.turn_detektion is unknown and has no effect: did you mean turn_detection?",
        "the setting tracing_disable is unknown and has no effect: did you mean tracing_disabled?",
    ]
    caplog.clear()
    nested: Any = {
        "guardrails_settings": {"debounce": 1},
        "tool_execution": {"concurrency": 1},
        "model_settings": {"audio": {"output": {"voize": "ash"}, "inputt": {}}},
    }
    await RealtimeRunner(RealtimeAgent("Ada"), model=ScriptedRealtimeModel(), config=nested).run(
        model_config={"url": "ws://x", "initial_model_settings": {"speeed": 1}}  # type: ignore[arg-type]  # that is the mistake
    )
    assert sorted(message.split(" is unknown")[0].split()[-1] for message in caplog.messages) == [
        "guardrails_settings.debounce",
        "initial_model_settings.speeed",
        "model_settings.audio.inputt",
        "model_settings.audio.output.voize",
        "tool_execution.concurrency",
    ]
    caplog.clear()
    odd: Any = {"model_settings": {"audio": {"input": {"zzz": 1}}}}
    await RealtimeRunner(RealtimeAgent("Ada"), model=ScriptedRealtimeModel(), config=odd).run()
    assert "there are format, noise_reduction, transcription, turn_detection" in caplog.text
