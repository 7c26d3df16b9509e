"""The session over a scripted model: what it sends, how it is entered, who else hears the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from speakerd.realtime import RealtimeAgent, RealtimeRunner, UserError
from speakerd.realtime.model import events as m
from speakerd.realtime.model import inputs as i
from speakerd.realtime.model.port import RealtimeModel, RealtimeModelListener
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, expect
from tests.realtime.layer import audio, session_of, session_with

if TYPE_CHECKING:
    from speakerd.realtime.model.config import RealtimeModelConfig


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


def test_the_port_needs_all_its_methods() -> None:
    with pytest.raises(TypeError):
        RealtimeModel()  # type: ignore[abstract]
