"""What a person hears and sees where the server answers with less than an answer, or reports something else as failed."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.dialogue.events import Ask
from speakerd.realtime.testing.loopback import Expect, Raw, Wait
from speakerd.realtime.testing.server_events import (
    audio_delta,
    call_response,
    committed,
    error,
    output_item_added,
    output_item_done,
    response_created,
    response_done,
    session_updated,
    speech_started,
    speech_stopped,
    spoken_begin,
    spoken_end,
    spoken_item,
    written_response,
)
from speakerd.realtime.wire.due import MAX_BEGUN
from tests.daemon.bench import GO_FORWARD, Household, household, tone, tone_response
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.realtime.testing.loopback import LoopbackConnection, Step


def journal(caplog: pytest.LogCaptureFixture, event: str) -> list[Any]:
    """The lines of that event."""
    return [line for line in caplog.records if getattr(line, "SPEAKERD_EVENT", "") == event]


@pytest.fixture
def earcons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the short sounds that were played."""
    from speakerd.audio.engine import AudioEngine

    played: list[str] = []
    play = AudioEngine.play_earcon

    def noting(self: AudioEngine, name: Any) -> None:
        played.append(name)
        play(self, name)

    monkeypatch.setattr(AudioEngine, "play_earcon", noting)
    return played


async def ask_aloud(house: Household) -> None:
    house.panel.tap()
    house.device.say(GO_FORWARD, after_s=0.2)
    await house.phase("thinking")


def transcription_failed(code: str) -> dict[str, Any]:
    return {
        "type": "conversation.item.input_audio_transcription.failed",
        "item_id": "user_1",
        "content_index": 0,
        "error": {"type": "server_error", "code": code, "message": "no captions", "param": None},
    }


@pytest.mark.parametrize(
    "code", ["server_error", "rate_limit_exceeded", "model_not_found", "insufficient_quota", "odd"]
)
@in_virtual_time
async def test_a_transcription_that_fails_is_a_line_in_the_journal_and_nothing_else(
    caplog: pytest.LogCaptureFixture, earcons: list[str], code: str
) -> None:
    script = [
        Expect("response.create", within_s=30),
        *committed("user_1"),
        response_created("resp_1"),
        transcription_failed(code),
        Wait(0.1),
        *tone_response("resp_1", "item_1", "Yes.", 400)[1:],
        Wait(60),
    ]
    async with household(script) as house:
        await ask_aloud(house)
        await house.phase("speaking")
        await house.phase("listening")
        assert house.phases == ["idle", "connecting", "listening", "thinking", "speaking", "listening"]
        assert "error" not in house.lights
        assert "error" not in earcons
        assert house.sent("response.cancel") == []
        (line,) = [line for line in journal(caplog, "session_error") if line.levelname == "WARNING"][:1]
        assert "no captions" in line.message
        await house.phase("idle")


def hosted_call(*, done_first: bool) -> list[Step]:
    """A response that is nothing but a call of a tool that the server runs itself; when it ends, the tool may run."""
    called = {"id": "mcp_1", "type": "mcp_call", "server_label": "shop", "name": "find", "arguments": "{}"}
    ends: list[Step] = [
        Wait(1),
        {"type": "response.mcp_call.completed", "item_id": "mcp_1", "output_index": 0},
        output_item_done("resp_1", {**called, "output": "two kinds of tea"}),
    ]
    done: list[Step] = [response_done("resp_1")]
    return [
        response_created("resp_1"),
        output_item_added("resp_1", called),
        {"type": "response.mcp_call.in_progress", "item_id": "mcp_1", "output_index": 0},
        *(done + ends if done_first else ends + done),
    ]


@pytest.mark.parametrize("done_first", [True, False])
@in_virtual_time
async def test_a_response_that_has_a_tool_run_by_the_server_is_no_empty_one(
    caplog: pytest.LogCaptureFixture, earcons: list[str], done_first: bool
) -> None:
    reply = [Expect("response.create", within_s=30), *tone_response("resp_2", "item_2", "Two.", 400)]
    script = [Expect("response.create", within_s=30), *hosted_call(done_first=done_first), *reply, Wait(60)]
    async with household(script) as house:
        await ask_aloud(house)
        await house.phase("speaking")
        await house.phase("listening")
        assert "error" not in earcons
        assert "error" not in house.lights
        assert journal(caplog, "no_answer") == []


@in_virtual_time
async def test_a_hosted_tool_that_nobody_allows_is_no_empty_answer_and_the_model_says_what_it_makes_of_that(
    caplog: pytest.LogCaptureFixture, earcons: list[str]
) -> None:
    asks = {
        "id": "mcpr_1",
        "type": "mcp_approval_request",
        "server_label": "shop",
        "name": "buy",
        "arguments": "{}",
    }
    script: list[Step] = [
        Expect("response.create", within_s=30),
        response_created("resp_1"),
        output_item_done("resp_1", asks),
        response_done("resp_1", output=[asks]),
        Expect("response.create", within_s=60),
        *tone_response("resp_2", "item_2", "Then not.", 400),
        Wait(60),
    ]
    async with household(script) as house:
        await ask_aloud(house)
        await house.phase("speaking", within_s=60)
        (answer,) = [sent["item"] for sent in house.sent("conversation.item.create")]
        assert (answer["type"], answer["approve"]) == ("mcp_approval_response", False)
        assert "error" not in earcons
        assert "error" not in house.lights
        assert journal(caplog, "no_answer") == []


NO_ANSWERS: dict[str, tuple[list[Step], str]] = {
    "max_output_tokens": (
        [response_created("resp_1"), response_done("resp_1", "incomplete", reason="max_output_tokens")],
        "max_output_tokens",
    ),
    "content_filter": (
        [response_created("resp_1"), response_done("resp_1", "incomplete", reason="content_filter")],
        "content_filter",
    ),
    "cut within a call": (
        [
            *call_response("resp_1", "get_time")[:4],
            response_done("resp_1", "incomplete", reason="max_output_tokens"),
        ],
        "max_output_tokens",
    ),
    "empty": ([response_created("resp_1"), response_done("resp_1")], "empty"),
    "text only": ([*written_response("resp_1", "item_1", "It is noon.")], "text_only"),
    "cancelled by the server, since it believes that somebody speaks": (
        [response_created("resp_1"), response_done("resp_1", "cancelled", reason="turn_detected")],
        "turn_detected",
    ),
    "cancelled by the server, without a word": (
        [response_created("resp_1"), *spoken_begin("resp_1", "item_1"), response_done("resp_1", "cancelled")],
        "cancelled",
    ),
    "failed without an error": (
        [response_created("resp_1"), response_done("resp_1", "failed")],
        "failed",
    ),
}


@pytest.mark.parametrize("case", NO_ANSWERS)
@in_virtual_time
async def test_an_answer_with_neither_sound_nor_tool_is_an_error_sound_a_light_and_two_lines_with_the_reason(
    caplog: pytest.LogCaptureFixture, earcons: list[str], case: str
) -> None:
    caplog.set_level("INFO")
    answer, reason = NO_ANSWERS[case]
    again = tone_response("resp_2", "item_2", "Yes.", 400)
    script = [Expect("response.create", within_s=30), *answer, Expect("response.create", within_s=30), *again]
    async with household([*script, Wait(60)]) as house:
        house.voice.missing = True
        await ask_aloud(house)
        await house.phase("listening", within_s=2)
        assert earcons.count("error") == 1
        (line,) = journal(caplog, "no_answer")
        assert (line.levelname, line.SPEAKERD_REASON) == ("WARNING", reason)
        (turn,) = journal(caplog, "turn")
        assert reason == turn.SPEAKERD_REASON
        house.device.say(GO_FORWARD, after_s=1.0)
        await house.phase("speaking")
        await house.phase("idle")
        assert len(house.sent("response.create")) == 2


BUSY = "conversation_already_has_active_response"
REFUSALS: dict[str, tuple[list[Step], float]] = {
    # What the server answers to the request, and how soon a person has to hear of it.
    "twice because another response runs": (
        [error(BUSY, "x"), Expect("response.create", within_s=30), error(BUSY, "x")],
        2.0,
    ),
    "the request itself": (
        [
            Expect(
                "response.create",
                within_s=30,
                then=lambda sent: [error("bad", "x", event_id=sent["event_id"])],
            )
        ],
        0.5,
    ),
    "a text for an error, and nothing else": ([Raw('{"type": "error", "error": "it broke"}')], 4.0),
    "nothing for an error, and nothing else": ([Raw('{"type": "error", "error": null}')], 4.0),
}


@pytest.mark.parametrize("case", REFUSALS)
@in_virtual_time
async def test_an_answer_that_is_refused_for_good_ends_the_turn_at_once(
    caplog: pytest.LogCaptureFixture, earcons: list[str], case: str
) -> None:
    caplog.set_level("INFO")
    refusal, within_s = REFUSALS[case]
    first = [] if isinstance(refusal[0], Expect) else [Expect("response.create", within_s=30)]
    again = [Expect("response.create", within_s=30), *tone_response("resp_2", "item_2", "Yes.", 400)]
    async with household([*first, *refusal, *again, Wait(60)]) as house:
        await ask_aloud(house)
        await house.phase("listening", within_s=within_s)
        assert earcons.count("error") == 1
        (turn,) = journal(caplog, "turn")
        assert (turn.SPEAKERD_OUTCOME, turn.SPEAKERD_REASON) == ("failed", "server")
        assert journal(caplog, "answer_timeout") == []
        house.device.say(GO_FORWARD, after_s=1.0)
        await house.phase("speaking")
        await house.phase("idle")


WRITTEN = written_response("resp_1", "item_1", "It is noon.")
NOTHING_MORE = {"type": "response.done", "response": {"id": "resp_1", "status": "completed"}}
WRITTEN_ANSWERS: dict[str, list[dict[str, Any]]] = {
    "in all events": WRITTEN,
    "in all but response.done": [*WRITTEN[:-1], NOTHING_MORE],
    "in deltas alone": [
        event for event in WRITTEN if event["type"] in ("response.created", "response.output_text.delta")
    ]
    + [NOTHING_MORE],
    "in response.output_text.done alone": [
        event for event in WRITTEN if event["type"] in ("response.created", "response.output_text.done")
    ]
    + [NOTHING_MORE],
    "in response.output_item.done alone": [
        event for event in WRITTEN if event["type"] in ("response.created", "response.output_item.done")
    ]
    + [NOTHING_MORE],
}


@pytest.mark.parametrize("case", WRITTEN_ANSWERS)
@in_virtual_time
async def test_an_answer_that_is_written_where_sound_was_asked_for_is_spoken_by_the_local_voice(
    caplog: pytest.LogCaptureFixture, earcons: list[str], case: str
) -> None:
    caplog.set_level("INFO")
    script = [Expect("response.create", within_s=30), *WRITTEN_ANSWERS[case], Wait(60)]
    async with household(script) as house:
        await ask_aloud(house)
        await house.phase("speaking")
        await house.phase("listening")
        assert house.voice.spoken == ["It is noon."]
        assert "error" not in house.lights
        assert "error" not in earcons
        (turn,) = journal(caplog, "turn")
        assert turn.SPEAKERD_OUTCOME == "heard"


@in_virtual_time
async def test_a_press_interrupts_the_local_voice_as_it_does_the_model() -> None:
    script = [
        Expect("response.create", within_s=30),
        *written_response("resp_1", "item_1", "It is noon. " * 20),
        Wait(60),
    ]
    async with household(script) as house:
        await ask_aloud(house)
        await house.phase("speaking")
        await asyncio.sleep(1)
        house.panel.tap()
        await house.phase("listening", within_s=0.2)
        await asyncio.sleep(0.3)
        assert not any(house.device.played[-4_800:])


@in_virtual_time
async def test_a_tool_that_does_not_exist_goes_back_to_the_model_and_the_talk_goes_on(
    earcons: list[str],
) -> None:
    script = [
        Expect("response.create", within_s=30),
        *call_response("resp_1", "open_the_pod_bay_doors"),
        Expect("conversation.item.create", where=lambda e: e["item"]["type"] == "function_call_output"),
        Expect("response.create"),
        *tone_response("resp_2", "item_2", "I cannot do that.", 400),
        Wait(60),
    ]
    async with household(script) as house:
        await ask_aloud(house)
        await house.phase("speaking")
        await house.phase("listening")
        assert house.phases == ["idle", "connecting", "listening", "thinking", "speaking", "listening"]
        assert "There is no tool" in house.sent("conversation.item.create")[-1]["item"]["output"]
        assert "error" not in earcons
        assert "error" not in house.lights


@in_virtual_time
async def test_a_frame_that_cannot_be_read_ends_no_answer(earcons: list[str]) -> None:
    script = [
        Expect("response.create", within_s=30),
        response_created("resp_1"),
        Raw("{"),
        Wait(0.1),
        *tone_response("resp_1", "item_1", "Yes.", 400)[1:],
        Wait(60),
    ]
    async with household(script) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking")
        await house.phase("idle")
        assert "error" not in earcons
        await asyncio.sleep(1)
        assert "error" not in house.lights


@in_virtual_time
async def test_a_voice_that_the_server_refuses_is_named_and_the_conversation_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def choosy(connection: LoopbackConnection) -> None:
        update = await connection.expect("session.update", within_s=30)
        refusal = error("invalid_value", "there is no such voice", event_id=update["event_id"])
        refusal["error"]["param"] = "session.audio.output.voice"
        await connection.send(refusal)
        update = await connection.expect("session.update", within_s=30)
        assert "voice" not in update["session"]["audio"]["output"]
        assert update["session"]["instructions"]
        await connection.send(session_updated())
        await connection.expect("response.create", within_s=30)
        for event in tone_response("resp_1", "item_1", "Yes.", 400):
            await connection.send(event)
        await asyncio.sleep(60)

    async with household(choosy, settings={"model": {"voice": "nobody"}}, confirm=False) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking")
        await house.phase("idle")
    (line,) = journal(caplog, "setting_refused")
    assert line.message.startswith("model.voice: the server refuses it: there is no such voice")


@in_virtual_time
async def test_where_the_server_refuses_the_instructions_nothing_is_asked_and_the_light_says_so(
    caplog: pytest.LogCaptureFixture, earcons: list[str]
) -> None:
    async def strict(connection: LoopbackConnection) -> None:
        while True:
            update = await connection.expect("session.update", within_s=600)
            if "instructions" not in update["session"]:
                await connection.send(session_updated())
                continue
            refusal = error("invalid_value", "the instructions are too long", event_id=update["event_id"])
            refusal["error"]["param"] = "session.instructions"
            await connection.send(refusal)

    async with household(strict, confirm=False) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.light("error", within_s=5)
        await house.phase("idle", within_s=5)
        await asyncio.sleep(30)
        assert house.sent("response.create") == []
        assert house.lights[-1] == "error"
        assert earcons.count("error") == 1
    lines = [line.message for line in journal(caplog, "setting_refused")]
    assert any(line.startswith("model.instructions: the server refuses it") for line in lines)
    assert any("nothing is asked until it is changed" in line for line in lines)


@in_virtual_time
async def test_a_connection_that_drops_after_the_key_was_changed_is_made_again_with_the_new_key(
    tmp_path: Path,
) -> None:
    file = tmp_path / "key"
    file.write_text("sk-first")
    file.chmod(0o600)

    async def script(connection: LoopbackConnection) -> None:
        await connection.expect("response.create", within_s=60)
        if connection.number == 0:
            file.write_text("sk-second")
            connection.drop()
            return
        for event in tone_response("resp_1", "item_1", "Yes.", 400):
            await connection.send(event)
        await asyncio.sleep(60)

    settings = {"model": {"auth": "bearer", "api_key_file": str(file)}}
    async with household(script, settings=settings, environment={}) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking")
        keys = [connection.headers.get("Authorization") for connection in house.server.connections]
        assert keys == ["Bearer sk-first", "Bearer sk-second"]


@in_virtual_time
async def test_sound_that_is_cut_within_samples_is_played_whole() -> None:
    pcm = tone(600)
    cuts = [0, 4_801, 9_602, 14_403, len(pcm)]
    deltas = [audio_delta("resp_1", "item_1", pcm[begin:end]) for begin, end in itertools.pairwise(cuts)]
    script = [
        Expect("response.create", within_s=30),
        response_created("resp_1"),
        *spoken_begin("resp_1", "item_1"),
        *deltas,
        *spoken_end("resp_1", "item_1", "Yes."),
        response_done("resp_1", output=[spoken_item("item_1", "Yes.")]),
        Wait(60),
    ]
    async with household(script, settings={"audio": {"volume": 100}}) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking")
        await house.phase("idle")
        assert "error" not in house.lights
        assert pcm[9_600:19_200] in house.device.played


@in_virtual_time
async def test_a_question_at_which_the_server_goes_each_time_is_told_and_asked_of_few_connections() -> None:
    async def fragile(connection: LoopbackConnection) -> None:
        await connection.expect("conversation.item.create", within_s=600)
        connection.drop()

    async with household(fragile, settings={"dialogue": {"response_timeout_s": 600}}) as house:
        house.assembly.speaker.handle(Ask("crash"))
        await house.light("error", within_s=20)
        await house.phase("idle")
        asked = len(house.server.connections)
        assert asked <= MAX_BEGUN + 2
        await asyncio.sleep(120)
        assert len(house.server.connections) <= asked + 1


@pytest.mark.parametrize(
    ("told", "within_s"),
    [
        pytest.param([speech_started("user_1")], 25.0, id="before it finds the end of speech"),
        pytest.param([speech_started("user_1"), speech_stopped("user_1")], 15.0, id="before it makes an item of it"),
        pytest.param(
            [speech_started("user_1"), speech_stopped("user_1"), *committed("user_1")], 20.0, id="before it answers"
        ),
    ],
)  # fmt: skip
@in_virtual_time
async def test_a_server_that_ends_the_turns_and_goes_mute_is_replaced_and_the_question_is_answered(
    caplog: pytest.LogCaptureFixture, told: list[dict[str, Any]], within_s: float
) -> None:
    async def mute(connection: LoopbackConnection) -> None:
        if connection.number == 0:
            await connection.expect("input_audio_buffer.append", within_s=60)
            await asyncio.sleep(1.5)
            for event in told:
                await connection.send(event)
            await asyncio.sleep(600)
        await connection.expect("conversation.item.create", within_s=60)
        await connection.expect("response.create", within_s=60)
        for event in tone_response("resp_1", "item_1", "Yes.", 400):
            await connection.send(event)
        await asyncio.sleep(600)

    settings = {"model": {"turn_detection": "server_vad"}}
    async with household(mute, settings=settings, noise_dbfs=None) as house:
        house.panel.tap()
        await house.said(house.device.say(GO_FORWARD, after_s=0.2))
        await house.phase("speaking", within_s=within_s)
        (line,) = journal(caplog, "connection_lost")
        assert "did not send" in line.message


@in_virtual_time
async def test_a_server_that_does_not_notice_speech_and_does_not_answer_is_told_by_a_sound_and_replaced(
    caplog: pytest.LogCaptureFixture, earcons: list[str]
) -> None:
    async def mute(connection: LoopbackConnection) -> None:
        if connection.number:
            await connection.expect("response.create", within_s=600)
            for event in tone_response("resp_1", "item_1", "Yes.", 400):
                await connection.send(event)
        await asyncio.sleep(600)

    settings = {"model": {"turn_detection": "server_vad"}}
    async with household(mute, settings=settings, noise_dbfs=None) as house:
        house.panel.tap()
        await house.said(house.device.say(GO_FORWARD, after_s=0.2))
        await house.until(lambda: "error" in earcons, within_s=10)
        (line,) = [each for each in journal(caplog, "session_error") if "notice" in each.message]
        assert "does not answer" in line.message
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking", within_s=2)


@in_virtual_time
async def test_while_a_server_says_no_more_in_the_middle_of_its_answer_the_light_does_not_say_that_it_speaks() -> (
    None
):
    script = [
        Expect("response.create", within_s=30),
        response_created("resp_1"),
        *spoken_begin("resp_1", "item_1"),
        audio_delta("resp_1", "item_1", tone(600)),
        Wait(600),
    ]
    async with household(script) as house:
        house.assembly.speaker.handle(Ask("hello"))
        await house.phase("speaking")
        await house.light("thinking", within_s=4)
        assert house.phases[-1] == "speaking"
