"""The session over a scripted model: what it sends, what it tells, how it ends."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime import (
    Prompt,
    RealtimeAgent,
    RealtimeRunner,
    RunContextWrapper,
    Usage,
    UserError,
    function_tool,
    realtime_handoff,
    text_of,
)
from speakerd.realtime import model_events as m
from speakerd.realtime import model_inputs as i
from speakerd.realtime.items import AssistantAudio, AssistantMessageItem, InputAudio, UserMessageItem
from speakerd.realtime.model import RealtimeModel, RealtimeModelListener
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit, expect
from tests.realtime.layer import (
    audio,
    ended,
    kinds,
    read_all,
    read_until,
    said,
    session_of,
    session_with,
    started,
)

if TYPE_CHECKING:
    from speakerd.realtime.config import RealtimeModelConfig


@function_tool
def clock() -> str:
    """Tell the time."""
    return "noon"


async def opened_with(
    agent: RealtimeAgent[Any], run: Any = None, model_config: Any = None, context: Any = None
) -> Any:
    model = ScriptedRealtimeModel()
    runner = RealtimeRunner(agent, model=model, config=run)
    async with await runner.run(context=context, model_config=model_config):
        assert model.options is not None
        return model.options["initial_model_settings"]


async def test_a_session_opens_with_what_the_agent_says() -> None:
    other = RealtimeAgent("Other")
    agent = RealtimeAgent("Ada", instructions="Be brief.", tools=[clock], handoffs=[other])
    settings = await opened_with(agent)
    assert settings["instructions"] == "Be brief."
    assert settings["tools"] == [clock]
    assert [handoff.agent_name for handoff in settings["handoffs"]] == ["Other"]
    assert "prompt" not in settings


async def test_a_prompt_kept_elsewhere_is_not_overridden_by_empty_instructions() -> None:
    prompt: Prompt = {"id": "pmpt_1", "version": "2", "variables": {"city": "Paris"}}
    settings = await opened_with(RealtimeAgent("Ada", prompt=prompt))
    assert settings["prompt"] == prompt
    assert "instructions" not in settings


async def test_the_runs_settings_give_way_to_the_agent_and_the_agent_to_the_connections() -> None:
    agent = RealtimeAgent("Ada", instructions="the agent's")
    run = {
        "model_settings": {
            "instructions": "the run's",
            "voice": "ash",
            "audio": {"input": {"format": "pcm16"}},
        }
    }
    assert await opened_with(agent, run) == {
        "instructions": "the agent's",
        "voice": "ash",
        "audio": {"input": {"format": "pcm16"}},
        "tools": [],
        "handoffs": [],
    }
    initial = {
        "instructions": "the connection's",
        "audio": {"output": {"voice": "verse"}, "input": {"turn_detection": None}},
    }
    settings = await opened_with(agent, run, {"initial_model_settings": initial})
    assert settings["instructions"] == "the connection's"
    assert settings["audio"] == {
        "input": {"format": "pcm16", "turn_detection": None},
        "output": {"voice": "verse"},
    }


async def test_tracing_can_be_switched_off_for_a_run() -> None:
    settings = await opened_with(
        RealtimeAgent("Ada"), {"tracing_disabled": True, "model_settings": {"tracing": "auto"}}
    )
    assert settings["tracing"] is None


async def test_the_model_is_given_the_connection_settings_and_a_way_to_the_history() -> None:
    model = ScriptedRealtimeModel([emit(said("Hello"))])
    runner = RealtimeRunner(RealtimeAgent("Ada"), model=model)
    async with await runner.run(
        model_config={"api_key": "k", "url": "ws://x", "call_id": "rtc_1"}
    ) as session:
        await model.finished()
        assert model.options is not None
        assert (model.options["api_key"], model.options["url"], model.options["call_id"]) == (
            "k",
            "ws://x",
            "rtc_1",
        )
        assert model.options["conversation"]() == session.history
        assert [text_of(item) for item in session.history] == ["Hello"]


async def test_the_first_event_is_the_history() -> None:
    async with await session_of(ScriptedRealtimeModel()) as session:
        (first,) = await read_until(session, "history_updated")
        assert first.to_dict() == {"type": "history_updated", "history": []}


async def test_everything_that_can_be_asked_reaches_the_model() -> None:
    message: i.RealtimeModelUserInputMessage = {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
        ],
    }
    model = ScriptedRealtimeModel(
        [
            expect(i.RealtimeModelSendUserInput, user_input="Hello", start_response=True),
            expect(i.RealtimeModelSendUserInput, user_input=message),
            expect(i.RealtimeModelSendAudio, audio=b"\1\0", commit=False),
            expect(i.RealtimeModelSendAudio, audio=b"", commit=True),
            expect(i.RealtimeModelSendAudioCommit),
            expect(i.RealtimeModelSendAudioClear),
            expect(i.RealtimeModelSendInterrupt, force_response_cancel=True, response_id=None),
            expect(
                i.RealtimeModelSendResponse,
                instructions="Sing.",
                conversation="none",
                metadata={"topic": "song"},
            ),
            expect(i.RealtimeModelSendContext, text="It rains.", previous_item_id="root"),
            expect(i.RealtimeModelSendSessionUpdate, session_settings={"speed": 1.1}),
        ]
    )
    async with await session_of(model) as session:
        await session.send_message("Hello")
        await session.send_message(message)
        await session.send_audio(b"\1\0")
        await session.send_audio(b"", commit=True)
        await session.commit_audio()
        await session.clear_audio()
        await session.interrupt()
        await session.respond(instructions="Sing.", conversation="none", metadata={"topic": "song"})
        await session.add_context("It rains.", previous_item_id="root")
        await session.update_settings(speed=1.1)
        await model.finished()


async def test_an_updated_agent_is_in_force_at_once() -> None:
    async def instructions(ctx: RunContextWrapper[str], agent: RealtimeAgent[str]) -> str:
        return f"{agent.name} for {ctx.context}"

    model = ScriptedRealtimeModel(
        [
            expect(
                i.RealtimeModelSendSessionUpdate,
                session_settings={"instructions": "Ada for me", "tools": [], "handoffs": []},
            )
        ]
    )
    agent = RealtimeAgent[str]("Ada", instructions="old", tools=[clock])
    async with await session_of(model, agent, context="me") as session:
        changed = session.current_agent.clone(instructions=instructions, tools=[])
        await session.update_agent(changed)
        assert session.current_agent is changed
        await model.finished()
    assert agent.instructions == "old"


async def test_instructions_that_fail_leave_the_old_agent_in_force() -> None:
    def broken(_ctx: Any, _agent: Any) -> str:
        raise RuntimeError("no instructions today")

    model = ScriptedRealtimeModel()
    async with await session_of(model) as session:
        before = session.current_agent
        with pytest.raises(RuntimeError, match="no instructions"):
            await session.update_agent(RealtimeAgent("Broken", instructions=broken))
        assert session.current_agent is before
    assert model.sent == []


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


async def test_a_models_failure_is_raised_after_all_that_was_queued() -> None:
    model = ScriptedRealtimeModel([emit(audio(), m.RealtimeModelExceptionEvent(OSError("gone")), audio())])
    session = await session_with(model)
    await model.finished()
    types: list[str] = []
    with pytest.raises(OSError, match="gone"):
        await read_all(session, types)
    assert types.count("audio") == 1
    assert model.closed
    assert await read_all(session) == []


async def test_the_end_of_the_stream_ends_the_iteration_after_all_that_was_queued() -> None:
    model = ScriptedRealtimeModel([emit(audio(), m.RealtimeModelEndOfStreamEvent())])
    async with await session_of(model) as session:
        assert kinds(await read_all(session)) == ["history_updated", "audio"]


async def test_leaving_the_loop_and_coming_back_loses_nothing() -> None:
    model = ScriptedRealtimeModel([emit(*(audio(bytes([n, 0])) for n in range(5)))])
    async with await session_of(model) as session:
        heard: list[int] = []
        while len(heard) < 5:
            (*_, event) = await read_until(session, "audio")
            assert event.type == "audio"
            heard.append(event.audio.data[0])
    assert heard == [0, 1, 2, 3, 4]


async def test_a_cancelled_reader_loses_nothing() -> None:
    model = ScriptedRealtimeModel()
    async with await session_of(model) as session:
        await read_until(session, "history_updated")
        reader = asyncio.create_task(read_until(session, "audio"))
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await model.emit(audio())
        assert kinds(await read_until(session, "audio")) == ["audio"]


async def test_closing_ends_a_waiting_reader_and_may_be_done_again() -> None:
    model = ScriptedRealtimeModel()
    session = await session_with(model)
    reader = asyncio.create_task(read_all(session))
    await asyncio.sleep(0)
    await session.close()
    await session.close()
    assert kinds(await reader) == ["history_updated"]
    await session.on_event(audio())
    assert await read_all(session) == []


async def test_a_session_is_entered_once() -> None:
    session = await session_with(ScriptedRealtimeModel())
    with pytest.raises(UserError, match="entered once"):
        await session.enter()
    await session.close()


class Unreachable(ScriptedRealtimeModel):
    async def connect(self, options: RealtimeModelConfig) -> None:
        raise ConnectionError("no route")


async def test_a_model_that_cannot_be_reached_is_raised_and_leaves_nothing_behind() -> None:
    model = Unreachable()
    runner = RealtimeRunner(RealtimeAgent("Ada"), model=model)
    with pytest.raises(ConnectionError, match="no route"):
        await (await runner.run()).enter()
    assert model.closed
    assert model._listeners == []


class Listener(RealtimeModelListener):
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_event(self, event: m.RealtimeModelEvent) -> None:
        self.seen.append(event.type)


async def test_listeners_of_ones_own_hear_the_model() -> None:
    model = ScriptedRealtimeModel()
    listener = Listener()
    async with await session_of(model) as session:
        session.model.add_listener(listener)
        session.model.add_listener(listener)
        await model.emit(audio())
        session.model.remove_listener(listener)
        session.model.remove_listener(listener)
        await model.emit(audio())
    assert listener.seen == ["audio"]


async def test_a_slow_reader_makes_the_model_wait_and_loses_no_sound() -> None:
    model = ScriptedRealtimeModel()
    async with await session_of(model, max_queued_events=8) as session:

        async def talk() -> None:
            for number in range(200):
                await model.emit(audio(bytes([number, 0]), item=f"a{number}"))
            await model.emit(ended())

        talking = asyncio.create_task(talk())
        await asyncio.sleep(0)
        assert len(session._core.queue) <= 16
        events = await read_until(session, "agent_end")
        await talking
    assert [event.audio.data[0] for event in events if event.type == "audio"] == list(range(200))


async def test_memory_stays_bounded_over_a_long_talk() -> None:
    model = ScriptedRealtimeModel()
    async with await session_of(model, max_history_items=50, tools=[]) as session:
        sizes: list[int] = []
        for turn in range(300):
            response, item = f"r{turn}", f"a{turn}"
            await model.emit(
                started(response),
                m.RealtimeModelInputAudioTranscriptionCompletedEvent(f"u{turn}", "question"),
                said("answer", item=item, response=response),
                audio(bytes(4800), item=item, response=response),
                m.RealtimeModelItemTruncatedEvent(item, 0, 10, 100),
                ended(response),
            )
            await read_until(session, "agent_end")
            await asyncio.sleep(0)
            if turn in (150, 299):
                gc.collect()
                sizes.append(len(gc.get_objects()))
        assert len(session.history) == 50
    assert sizes[1] - sizes[0] < 200


def test_the_port_needs_all_its_methods() -> None:
    with pytest.raises(TypeError):
        RealtimeModel()  # type: ignore[abstract]


async def test_handoffs_given_as_agents_or_made_by_hand_are_the_same() -> None:
    other = RealtimeAgent("The Other One", handoff_description="Knows birds.")
    agent = RealtimeAgent(
        "Ada", handoffs=[other, realtime_handoff(other, tool_name_override="birds", tool_description="B.")]
    )
    settings = await opened_with(agent)
    assert [(h.tool_name, h.tool_description) for h in settings["handoffs"]] == [
        ("transfer_to_the_other_one", "Give the conversation to the agent The Other One. Knows birds."),
        ("birds", "B."),
    ]
