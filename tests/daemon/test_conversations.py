"""Longer stories of the whole daemon over a real WebSocket: tools, timers, approvals, lost servers, other turn owners."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from speakerd.audio.simulation.room import RoomShape
from speakerd.dialogue.events import Ask
from speakerd.dialogue.requests import MUTE, STOP
from speakerd.realtime.testing.loopback import Expect, Silent, Wait
from speakerd.realtime.testing.server_events import (
    call_response,
    committed,
    session_created,
    speech_started,
    speech_stopped,
    transcribed,
)
from tests.daemon.bench import GO_FORWARD, answering, household, tone_response
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from speakerd.realtime.testing.loopback import LoopbackConnection


@in_virtual_time
async def test_a_tool_is_run_and_its_answer_spoken_while_the_light_thinks() -> None:
    script = [
        Expect("response.create", within_s=30),
        *call_response("resp_1", "get_time"),
        Expect("conversation.item.create", where=lambda e: e["item"]["type"] == "function_call_output"),
        Expect("response.create"),
        *tone_response("resp_2", "item_2", "It is noon.", 500),
        Wait(30),
    ]
    async with household(script) as house:
        house.assembly.speaker.handle(Ask("what time is it"))
        await house.phase("speaking")
        await house.until(lambda: "speaking" in house.phases and house.phases[-1] != "speaking")
        assert house.phases[:4] == ["idle", "connecting", "thinking", "speaking"]
        output = house.sent("conversation.item.create")[-1]["item"]
        assert output["call_id"] == "call_1"
        assert ":" in output["output"]


@in_virtual_time
async def test_a_goodbye_ends_the_conversation_after_it_was_heard() -> None:
    script = [
        Expect("response.create", within_s=30),
        *call_response("resp_1", "end_conversation"),
        Expect("response.create"),
        *tone_response("resp_2", "item_2", "Goodbye.", 500),
        Wait(30),
    ]
    async with household(script) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking")
        await house.phase("idle")
        assert "listening" not in house.phases[house.phases.index("speaking") :]


@in_virtual_time
async def test_a_timer_rings_until_a_press_silences_it() -> None:
    script = [
        Expect("response.create", within_s=30),
        *call_response("resp_1", "set_timer", json.dumps({"seconds": 1, "name": "tea"})),
        Expect("response.create"),
        *tone_response("resp_2", "item_2", "Set.", 300),
        Wait(30),
    ]
    async with household(script, settings={"dialogue": {"mode": "one_shot"}}) as house:
        house.assembly.speaker.handle(Ask("a timer for tea"))
        await house.light("ringing")
        house.panel.tap()
        await house.light("idle")
        assert house.assembly.speaker.tools.timers.left() == ()


@in_virtual_time
async def test_a_command_that_needs_a_yes_runs_after_a_press() -> None:
    command = {
        "name": "open_door",
        "description": "Open the door.",
        "argv": ["/bin/echo", "opened"],
        "approval": True,
    }
    script = [
        Expect("response.create", within_s=30),
        *call_response("resp_1", "open_door"),
        Expect(
            "conversation.item.create",
            where=lambda e: e["item"]["type"] == "function_call_output",
            within_s=20,
        ),
        Expect("response.create"),
        *tone_response("resp_2", "item_2", "Done.", 300),
        Wait(30),
    ]
    async with household(script, settings={"tools": {"commands": [command]}}) as house:
        house.assembly.speaker.handle(Ask("open the door"))
        await house.light("approval")
        assert [e for e in house.sent("conversation.item.create") if "output" in e["item"]] == []
        house.panel.tap()
        await house.phase("speaking")
        assert "opened" in house.sent("conversation.item.create")[-1]["item"]["output"]


@in_virtual_time
async def test_a_server_that_owns_the_turn_is_sent_the_silence_too_and_nothing_is_committed_here() -> None:
    async def owner(connection: LoopbackConnection) -> None:
        await connection.expect("input_audio_buffer.append", within_s=30)
        await connection.send(speech_started("user_1"))
        quiet = 0
        while quiet < 60:
            # The end of speech: a second of appends whose sound is next to nothing.
            event = await connection.expect("input_audio_buffer.append", within_s=30)
            quiet = quiet + 1 if event["audio"].count("A") > 0.3 * len(event["audio"]) else 0
        await connection.send(speech_stopped("user_1"))
        for event in committed("user_1"):
            await connection.send(event)
        await connection.send(transcribed("user_1", "go forward ten meters"))
        for event in tone_response("resp_1", "item_1", "Yes.", 400):
            await connection.send(event)
        await asyncio.sleep(30)

    settings = {"model": {"turn_detection": "server_vad"}}
    async with household(owner, settings=settings, noise_dbfs=None) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking", within_s=20)
        assert house.sent("input_audio_buffer.commit") == []
        assert house.sent("response.create") == []
        assert len(house.sound_sent()) / 48_000 > 3.0


@in_virtual_time
async def test_push_to_talk_takes_the_turn_from_a_server_that_detects_turns_and_gives_it_back() -> None:
    settings = {"model": {"turn_detection": "server_vad"}, "panel": {"gestures": {"hold": "talk"}}}
    async with household(settings=settings) as house:
        house.panel.press()
        said = house.device.say(GO_FORWARD, after_s=0.1)
        await house.said(said)
        house.panel.release()
        await house.phase("speaking")
        updates = [event["session"]["audio"]["input"] for event in house.sent("session.update")]
        detection = [update["turn_detection"] for update in updates if "turn_detection" in update]
        assert detection[0]["type"] == "server_vad"
        assert detection[1] is None
        types = [event["type"] for event in house.server.received]
        assert types.count("input_audio_buffer.commit") == 1


@in_virtual_time
async def test_a_voice_over_the_answer_interrupts_it_in_a_room_with_echo() -> None:
    async with household(
        answering(ms=20_000), settings={"audio": {"echo": "cancel"}}, room=RoomShape(echo_db=-12.0)
    ) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking")
        await asyncio.sleep(3.0)
        assert house.phases[-1] == "speaking"
        house.device.say(GO_FORWARD)
        await house.until(lambda: house.phases[-1] == "listening", within_s=3.0)
        await house.until(lambda: bool(house.sent("conversation.item.truncate")))
        assert 2_500 < house.sent("conversation.item.truncate")[0]["audio_end_ms"] < 5_500


@in_virtual_time
async def test_a_connection_that_breaks_in_mid_sentence_loses_no_turn() -> None:
    async def breaks(connection: LoopbackConnection) -> None:
        if connection.number == 0:
            for _ in range(20):
                await connection.expect("input_audio_buffer.append", within_s=30)
            connection.drop()
            return
        await answering()(connection)

    async with household(breaks) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking", within_s=25)
        assert len(house.server.connections) == 2


@in_virtual_time
async def test_a_connection_that_breaks_before_the_answer_brings_the_answer_all_the_same() -> None:
    async def breaks(connection: LoopbackConnection) -> None:
        if connection.number == 0:
            await connection.expect("response.create", within_s=30)
            connection.drop()
            return
        await answering()(connection)

    async with household(breaks) as house:
        house.panel.tap()
        house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking", within_s=25)
        await house.phase("listening")
        assert house.phases == ["idle", "connecting", "listening", "thinking", "speaking", "listening"]


@pytest.mark.realtime_clock  # the recogniser is a process with a clock of its own
async def test_the_embedded_server_answers_where_the_other_cannot_be_reached() -> None:
    settings = {"model": {"url": "ws://127.0.0.1:9/v1/realtime", "fallback": "offline"}}
    async with household(settings=settings) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking", within_s=30)
        assert house.assembly.fallen_back
        assert house.assembly.answers == "the embedded server"


@in_virtual_time
async def test_muted_on_an_open_connection_nothing_is_sent() -> None:
    async with household(settings={"model": {"connection": "warm"}}) as house:
        await house.until(lambda: bool(house.sent("session.update")))
        house.assembly.speaker.handle(MUTE)
        before = len(house.server.received)
        house.panel.tap()
        await house.said(house.device.say(GO_FORWARD))
        house.assembly.speaker.handle(Ask("typed"))
        await asyncio.sleep(0.3)
        assert len(house.server.received) == before


@in_virtual_time
async def test_a_server_that_never_answers_is_given_up_with_a_sound_and_a_light() -> None:
    script = [Expect("response.create", within_s=30), Wait(60)]
    settings = {"dialogue": {"response_timeout_s": 1.0, "mode": "one_shot"}}
    async with household(script, settings=settings) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.light("error")
        assert house.phases[-1] == "idle"


@in_virtual_time
async def test_a_server_that_numbers_its_answers_anew_in_each_session_is_heard_each_time() -> None:
    async with household(answering(ms=200), settings={"dialogue": {"mode": "one_shot"}}) as house:
        for _ in range(3):
            before = house.phases.count("speaking")
            house.assembly.speaker.handle(Ask("hello"))
            await house.until(partial(house.spoke_more_often_than, before))
            await house.phase("idle")
        assert len(house.server.connections) == 3


@in_virtual_time
async def test_a_stop_while_connecting_leaves_nothing_behind() -> None:
    async with household([Silent(), Wait(1.0), session_created(), Wait(30)]) as house:
        house.panel.tap()
        await house.phase("connecting")
        house.assembly.speaker.handle(STOP)
        await house.phase("idle")
        await asyncio.sleep(1.5)
        assert house.sent("input_audio_buffer.append") == []
        assert house.phases[-1] == "idle"
        assert not house.assembly.speaker.link.connected


@in_virtual_time
async def test_a_server_that_refuses_the_key_is_told_apart_and_shown() -> None:
    from speakerd.realtime.testing.loopback import Refuse

    async with household([Refuse(401)]) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.light("error")
        assert house.phases[-1] == "idle"


@in_virtual_time
async def test_a_server_that_drops_while_it_answers_leaves_the_speaker_usable() -> None:
    async def drops(connection: LoopbackConnection) -> None:
        if connection.number == 0:
            await connection.expect("response.create", within_s=30)
            for event in tone_response("resp_a", "item_a", "Half of it", 3_000)[:12]:
                await connection.send(event)
            await asyncio.sleep(0.5)
            connection.drop()
            return
        await answering()(connection)

    async with household(drops) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking")
        await house.phase("idle")
        house.assembly.speaker.handle(Ask("hello again"))
        await house.until(lambda: house.phases.count("speaking") == 2)
