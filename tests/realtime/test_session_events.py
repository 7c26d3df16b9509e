"""What a session tells of a scripted model's events."""

from __future__ import annotations

import pytest

from speakerd.realtime import RealtimeAgent, RealtimeModelListener, RealtimeRunner, Usage, text_of
from speakerd.realtime.items import AssistantAudio, AssistantMessageItem, InputAudio, UserMessageItem
from speakerd.realtime.model import events as m
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing.loopback import Expect, LoopbackServer, Step
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit, expect
from speakerd.realtime.testing.server_events import spoken_response
from tests.realtime.layer import (
    audio,
    call,
    ended,
    kinds,
    read_all,
    read_until,
    said,
    session_of,
    session_with,
    started,
)


async def test_the_first_event_is_the_history() -> None:
    async with await session_of(ScriptedRealtimeModel()) as session:
        (first,) = await read_until(session, "history_updated")
        assert first.to_dict() == {"type": "history_updated", "history": []}


async def test_a_reply_is_told_from_start_to_end() -> None:
    model = ScriptedRealtimeModel(
        [
            emit(
                m.RealtimeModelConnectionStatusEvent("connected"),
                started("r1"),
                said("Hel"),
                audio(b"\1\0"),
                said("lo"),
                m.RealtimeModelAudioDoneEvent("a1", 0),
                m.RealtimeModelTranscriptDoneEvent("a1", "Hello", "r1"),
                m.RealtimeModelUsageEvent(Usage(requests=1, total_tokens=7), "r1"),
                m.RealtimeModelTurnEndedEvent("r1", "completed", had_audio=True, output_text="Hello"),
            )
        ]
    )
    async with await session_of(model) as session:
        await model.finished()
        events = await read_until(session, "agent_end")
    assert [kind for kind in kinds(events) if kind != "history_updated"] == [
        "connection",
        "agent_start",
        "transcript_delta",
        "history_added",
        "audio",
        "transcript_delta",
        "audio_end",
        "response.audio_transcript.done",
        "usage",
        "agent_end",
    ]
    (sound,) = [event for event in events if event.type == "audio"]
    assert (sound.audio.data, sound.item_id, sound.content_index) == (b"\1\0", "a1", 0)
    end = events[-1]
    assert end.type == "agent_end"
    assert (end.agent.name, end.response_id, end.status, end.had_audio, end.output_text) == (
        "Tester",
        "r1",
        "completed",
        True,
        "Hello",
    )


async def test_captions_of_both_sides_are_told_live() -> None:
    model = ScriptedRealtimeModel(
        [
            emit(
                m.RealtimeModelInputAudioTranscriptionDeltaEvent("u1", "Good "),
                m.RealtimeModelInputAudioTranscriptionDeltaEvent("u1", "day"),
                m.RealtimeModelInputAudioTranscriptionCompletedEvent("u1", "Good day."),
                said("Hello"),
                m.RealtimeModelOutputTextDeltaEvent("a2", "written", "r1"),
            )
        ]
    )
    session = await session_with(model)
    await model.finished()
    await session.close()
    events = await read_all(session)
    captions = [
        (event.role, event.item_id, event.delta) for event in events if event.type == "transcript_delta"
    ]
    assert captions == [
        ("user", "u1", "Good "),
        ("user", "u1", "day"),
        ("assistant", "a1", "Hello"),
        ("assistant", "a2", "written"),
    ]
    (whole,) = [
        event for event in events if event.type == "conversation.item.input_audio_transcription.completed"
    ]
    assert (whole.item_id, whole.transcript) == ("u1", "Good day.")
    assert [text_of(item) for item in session.history] == ["Good day.", "Hello", "written"]


async def test_an_interruption_is_told_and_the_history_shows_what_was_heard() -> None:
    sentence = "The quick brown fox jumps over the lazy dog."
    model = ScriptedRealtimeModel(
        [
            emit(
                said(sentence),
                m.RealtimeModelAudioInterruptedEvent("a1", 0),
                m.RealtimeModelItemTruncatedEvent("a1", 0, 2000, 4400),
                m.RealtimeModelItemDeletedEvent("a2"),
                m.RealtimeModelItemUpdatedEvent(AssistantMessageItem("a1", (AssistantAudio(sentence),))),
            )
        ]
    )
    session = await session_with(model)
    await model.finished()
    await session.close()
    assert kinds(await read_all(session)) == [
        "history_updated",
        "transcript_delta",
        "history_added",
        "audio_interrupted",
        "history_updated",
    ]
    assert [text_of(item) for item in session.history] == ["The quick brown fox"]


async def test_a_reader_that_lags_gets_no_stale_sound_after_an_interruption() -> None:
    model = ScriptedRealtimeModel(
        [
            emit(*(audio(response="r1") for _ in range(50)), m.RealtimeModelAudioInterruptedEvent("a1")),
            expect(i.RealtimeModelSendInterrupt),
        ]
    )
    async with await session_of(model) as session:
        assert "audio" not in kinds(await read_until(session, "audio_interrupted"))
        await model.emit(audio(response="r2"))
        await session.interrupt()
        await model.emit(audio(b"new", response="r3"))
        (*_, event) = await read_until(session, "audio")
        assert event.type == "audio"
        assert event.audio.data == b"new"


async def test_the_servers_turn_detection_is_told() -> None:
    model = ScriptedRealtimeModel(
        [
            emit(
                m.RealtimeModelSpeechStartedEvent("u1", 100),
                m.RealtimeModelSpeechStoppedEvent("u1", 900),
                m.RealtimeModelInputAudioCommittedEvent("u1"),
                m.RealtimeModelInputAudioTimeoutTriggeredEvent("u1", 0, 900),
                m.RealtimeModelItemUpdatedEvent(UserMessageItem("u1", (InputAudio(),))),
            )
        ]
    )
    session = await session_with(model)
    await model.finished()
    await session.close()
    assert kinds(await read_all(session))[1:] == [
        "speech_started",
        "speech_stopped",
        "input_audio_committed",
        "input_audio_timeout_triggered",
        "history_added",
    ]


async def test_a_deleted_item_leaves_the_history() -> None:
    model = ScriptedRealtimeModel([emit(said("x"), m.RealtimeModelItemDeletedEvent("a1"))])
    async with await session_of(model) as session:
        await model.finished()
        assert session.history == []


async def test_every_model_event_is_forwarded_raw_before_what_is_made_of_it() -> None:
    other = m.RealtimeModelOtherEvent({"type": "ping"})
    model = ScriptedRealtimeModel([emit(other, m.RealtimeModelErrorEvent({"code": "odd"}))])
    session = await session_with(model)
    await model.finished()
    await session.close()
    events = (await read_all(session))[-3:]
    assert [event.type for event in events] == ["raw_model_event", "raw_model_event", "error"]
    assert [event.data for event in events if event.type == "raw_model_event"] == [
        other,
        m.RealtimeModelErrorEvent({"code": "odd"}),
    ]


async def test_usage_is_summed_up_and_shown_to_tools() -> None:
    model = ScriptedRealtimeModel(
        [
            emit(
                m.RealtimeModelUsageEvent(Usage(1, 10, 5, 15), "r1"),
                m.RealtimeModelUsageEvent(Usage(1, 20, 5, 25), "r2"),
            )
        ]
    )
    async with await session_of(model) as session:
        await model.finished()
        events = await read_until(session, lambda event: event.type == "usage" and event.response_id == "r2")
        assert session.usage == Usage(2, 30, 10, 40)
        last = events[-1]
        assert last.type == "usage"
        assert last.to_dict()["total"]["total_tokens"] == 40
        assert last.info.context.usage == session.usage


class TakesAnything(ScriptedRealtimeModel):
    async def send_event(self, event: i.RealtimeModelSendEvent) -> None:
        pass


async def test_the_end_of_a_reply_says_how_many_tools_it_called() -> None:
    async with await session_of(TakesAnything()) as session:
        for event in (
            started("r1"),
            call("a", call_id="c1", response="r1"),
            call("b", call_id="c2", response="r1"),
            ended("r1"),
            started("r1"),
            ended("r1"),
        ):
            await session.on_event(event)
        first = (await read_until(session, "agent_end"))[-1]
        second = (await read_until(session, "agent_end"))[-1]
    assert first.type == second.type == "agent_end"
    assert (first.tool_calls, second.tool_calls) == (2, 0)


async def test_counting_tool_calls_is_bounded_where_replies_never_end() -> None:
    session = await session_of(TakesAnything())
    for number in range(1_000):
        await session.on_event(call("a", call_id=f"c{number}", response=f"r{number}"))
    assert len(session._handlers._tool_calls) <= 32
    await session.close()


@pytest.mark.parametrize("raw_events", [True, False])
async def test_raw_events_can_be_turned_off(raw_events: bool) -> None:
    script: list[Step] = [Expect("response.create"), *spoken_response("r1", "a1", "Hello", ms=400)]
    async with LoopbackServer(script) as server:
        runner = RealtimeRunner(RealtimeAgent("Tester"), config={"raw_events": raw_events})
        session = await runner.run(model_config={"url": server.url, "api_key": "k"})
        reported: list[str] = []

        class Listener(RealtimeModelListener):
            async def on_event(self, event: m.RealtimeModelEvent) -> None:
                reported.append(event.type)

        session.model.add_listener(Listener())
        async with session:
            await session.respond()
            events = await read_until(session, "agent_end")
    assert ("raw_model_event" in {event.type for event in events}) is raw_events
    assert ("raw_server_event" in reported) is raw_events
    assert {"audio", "transcript_delta", "audio_end"} <= {event.type for event in events}
