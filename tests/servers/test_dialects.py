"""The whole speaker with each server in imitation: what a household does with it, in virtual time.

The settings are the lines that `config/providers/README.md` shows. None of it was tried on a real server.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.config.load import read_text
from speakerd.config.settings import Settings
from speakerd.config.show import plain
from speakerd.daemon.session.session_link import SAY
from speakerd.dialogue.events import Ask
from speakerd.dialogue.events import Say as SayAloud
from speakerd.realtime.dialects import DIALECTS
from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel
from tests.daemon.bench import GO_FORWARD, household
from tests.docs.pages import servers
from tests.realtime.shell import Ear
from tests.servers.emulated import EmulatedServer, Fail, Say
from tests.servers.home_localai import LocalAIServer
from tests.servers.home_speaches import SpeachesServer
from tests.servers.home_speech_to_speech import SpeechToSpeechServer
from tests.servers.home_vllm_omni import VllmOmniServer
from tests.servers.hosted_openai import AzureServer, OpenAIServer
from tests.servers.hosted_qwen import QwenServer
from tests.servers.hosted_voice_live import VoiceLiveServer
from tests.servers.hosted_xai import XaiConversation, XaiServer
from tests.simulation.virtual_loop import VirtualLoop, in_virtual_time

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from tests.daemon.bench import Household
    from tests.servers.emulated import Line, Reply

KEY = {"SPEAKERD_API_KEY": "sk-0123456789abcdef"}


@dataclass(frozen=True)
class Row:
    """A server, and in what is expected of it."""

    provider: str
    server: type[EmulatedServer]
    truncates: bool = True
    remembers: str = "user"
    """Who, before the model, has what was said before a reconnect."""
    captions: bool = True

    @property
    def lines(self) -> str:
        """What a household writes for it, as the page tells it."""
        return servers()[self.provider]


ROWS = [
    Row("openai", OpenAIServer),
    Row("azure", AzureServer),
    Row("azure-voice-live", VoiceLiveServer),
    Row("xai", XaiServer, remembers="instructions"),
    Row("qwen", QwenServer, truncates=False, remembers="instructions"),
    Row("localai", LocalAIServer, truncates=False),
    Row("speech-to-speech", SpeechToSpeechServer, truncates=False),
    Row("vllm-omni", VllmOmniServer, captions=False),
    Row("speaches", SpeachesServer, truncates=False),
]
SAME_AS_ANOTHER = {"azure"}
"""Its protocol is that of OpenAI: of use in the whole suite."""
each = pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=[pytest.mark.exhaustive] * (row.provider in SAME_AS_ANOTHER), id=row.provider)
        for row in ROWS
    ],
)


def settings_of(lines: str, url: str) -> dict[str, Any]:
    """What a file with these lines makes of `[model]`, but for the address."""
    model = read_text(lines).settings.model
    given: dict[str, Any] = plain(model)
    return {**given, "url": url.partition("?model=")[0]}


def at_home(row: Row, server: EmulatedServer, **more: Any) -> AbstractAsyncContextManager[Household]:
    model = more.pop("model", {})
    return household(
        server=server,
        settings={"model": lambda: {**settings_of(row.lines, server.url), **model}, **more},
        environment=dict(KEY),
    )


def users(server: EmulatedServer) -> list[str]:
    """The last of what the model had before it, each time that it was asked."""
    return [words for lines in server.asked for who, words in lines[-1:] if who == "user"]


def begun(server: EmulatedServer) -> list[Any]:
    """The answers that the server has begun."""
    return [event for event in server.sent if event["type"] == "response.created"]


async def ask_aloud(house: Household) -> None:
    """Press, and begin to say something."""
    house.panel.tap()
    await house.phase("listening")
    house.device.say(GO_FORWARD, after_s=0.2)


async def over(house: Household) -> None:
    """Until the answer has been heard."""
    await house.phase("speaking", within_s=20)
    await house.until(lambda: house.phases[-1] != "speaking", within_s=30)


@each
@in_virtual_time
async def test_a_spoken_question_is_heard_at_its_rate_and_answered_once(row: Row) -> None:
    server = row.server(words=("what is the weather",))
    async with at_home(row, server) as house:
        await ask_aloud(house)
        await over(house)
        await asyncio.sleep(3)
        assert users(server) == ["what is the weather"]
        assert len(server.asked) == len(begun(server)) == 1
        assert server.heard_s == pytest.approx(house.assembly.speaker.engine.stats.sent_s, abs=0.5)
        captions = [
            entry for entry in house.entries if entry["event"] == "caption" and entry["role"] == "user"
        ]
        assert [entry["text"] for entry in captions if entry["final"]][-1:] == [
            "what is the weather"
        ] * row.captions
        assert server.refusals == []


@each
@in_virtual_time
async def test_a_tool_is_run_and_answered_with(row: Row) -> None:
    server = row.server(words=("what time is it", "thank you"))
    async with at_home(row, server) as house:
        await ask_aloud(house)
        await over(house)
        assert [lines[-1][0] for lines in server.asked] == ["user", "tool"]
        house.device.say(GO_FORWARD, after_s=0.5)
        await over(house)
        assert users(server)[-1] == "thank you"
        assert server.refusals == []


@each
@in_virtual_time
async def test_a_voice_over_the_answer_ends_it_and_is_answered(row: Row) -> None:
    server = row.server(words=("tell me a story", "no, the weather"))
    async with at_home(row, server) as house:
        await ask_aloud(house)
        await house.phase("speaking", within_s=20)
        await asyncio.sleep(2.0)
        house.device.say(GO_FORWARD)
        await house.until(lambda: house.phases[-1] != "speaking", within_s=4.0)
        await over(house)
        assert users(server) == ["tell me a story", "no, the weather"]
        cut = house.sent("conversation.item.truncate")
        assert bool(cut) == row.truncates
        if cut:
            assert 1_500 < cut[0]["audio_end_ms"] < 5_000
            told = [words for who, words in server.asked[-1] if who == "assistant"]
            assert 0 < len(told[0]) < len("Once upon a time there was a small speaker in a kitchen.")
        assert server.refusals == []


@each
@in_virtual_time
async def test_a_turn_is_spoken_while_a_button_is_held(row: Row) -> None:
    server = row.server(words=("what is the weather",))
    async with at_home(row, server, panel={"gestures": {"hold": "talk"}}) as house:
        house.panel.press()
        said = house.device.say(GO_FORWARD, after_s=0.1)
        await house.said(said)
        house.panel.release()
        await over(house)
        await asyncio.sleep(2)
        assert users(server) == ["what is the weather"]
        assert len(server.asked) == 1
        assert server.refusals == []


@each
@in_virtual_time
async def test_a_typed_question_is_answered(row: Row) -> None:
    server = row.server()
    async with at_home(row, server, model={"connection": "warm"}) as house:
        house.assembly.speaker.handle(Ask("what is the weather"))
        await over(house)
        assert "what is the weather" in server.asked[0][-1][1]
        house.assembly.speaker.handle(Ask("and tomorrow"))
        await over(house)
        known = "\n".join(words for _, words in server.asked[1])
        assert "what is the weather" in known
        assert "and tomorrow" in known
        assert server.refusals == []


@each
@in_virtual_time
async def test_an_announcement_by_the_models_voice_is_asked_for_word_for_word(row: Row) -> None:
    server = row.server()
    async with at_home(row, server, dialogue={"announcement_voice": "model"}) as house:
        house.assembly.speaker.handle(SayAloud("Dinner is ready."))
        await over(house)
        assert server.asked == [[("instructions", SAY.format(text="Dinner is ready."))]]
        assert server.refusals == []


@each
@in_virtual_time
async def test_after_a_lost_connection_the_model_knows_what_was_said(row: Row) -> None:
    server = row.server(words=("what is the weather", "and tomorrow"))
    async with at_home(row, server) as house:
        await ask_aloud(house)
        await over(house)
        await asyncio.sleep(1)
        heard_s = server.heard_s
        server.connections[0].drop()
        await house.until(lambda: len(server.conversations) == 2)
        await asyncio.sleep(1)
        assert server.heard_s - heard_s < 1.5, "what was answered is said again"
        house.device.say(GO_FORWARD, after_s=0.2)
        await over(house)
        assert users(server)[-1] == "and tomorrow"
        known = " ".join(words for who, words in server.asked[-1][:-1] if who in {row.remembers, "assistant"})
        assert known.count("what is the weather") == 1
        assert (row.remembers == "instructions") or "Certainly." in known
        assert server.refusals == []


@in_virtual_time
async def test_a_reconnect_costs_nothing_at_xai() -> None:
    row = next(row for row in ROWS if row.provider == "xai")
    server = row.server(words=("what is the weather", "and tomorrow"))
    async with at_home(row, server) as house:
        await ask_aloud(house)
        await over(house)
        server.connections[0].drop()
        await house.until(lambda: len(server.conversations) == 2)
        await asyncio.sleep(2)
        talk = server.conversations[1]
        assert isinstance(talk, XaiConversation)
        assert talk.billed_texts == 0
        assert "what is the weather" in talk.instructions


@each
@in_virtual_time
async def test_a_question_that_a_lost_connection_takes_along_is_answered(row: Row) -> None:
    def reply(lines: list[Line]) -> Reply:
        if len(server.connections) == 1:
            server.connections[0].drop()
        return Say("Certainly.")

    server = row.server(reply, ("what is the weather",))
    async with at_home(row, server) as house:
        await ask_aloud(house)
        await over(house)
        assert len(server.connections) == 2
        assert "what is the weather" in server.asked[-1][-1][1]
        assert len(server.asked) == 2
        assert server.refusals == []


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.provider not in {"openai", "azure", "vllm-omni"}],
    ids=lambda row: row.provider,
)
@in_virtual_time
async def test_a_server_minds_to_be_taken_for_another(row: Row) -> None:
    """So that the tests above say something."""
    server = row.server(words=("what time is it", "thank you"))
    wrong = {"dialect": "openai", "voice": "marin", "turn_detection": "local"}
    async with at_home(row, server, model=wrong) as house:
        house.panel.tap()
        await asyncio.sleep(2)
        house.device.say(GO_FORWARD)
        await asyncio.sleep(15)
        asked = [lines[-1][0] for lines in server.asked]
        assert server.refusals or asked != ["user", "tool"] or len(begun(server)) != 2


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.provider in {"localai", "speaches"}], ids=lambda row: row.provider
)
@in_virtual_time
async def test_a_response_that_fails_without_its_end_does_not_block_the_next(row: Row) -> None:
    failing: list[Reply] = [Fail(), Say("Certainly.")]
    server = row.server(reply=lambda lines: failing.pop(0) if len(failing) > 1 else failing[0])
    async with at_home(row, server) as house:
        house.assembly.speaker.handle(Ask("what is the weather"))
        await asyncio.sleep(8)
        house.assembly.speaker.handle(Ask("and tomorrow"))
        await over(house)
        assert len(server.asked) == 2


def test_each_server_of_the_page_is_imitated_and_has_its_line_in_the_table() -> None:
    assert {row.provider for row in ROWS} | {"custom"} == set(servers()) == set(DIALECTS)


@in_virtual_time
async def test_another_provider_is_taken_by_a_reload_with_its_rate_and_its_owner_of_turns() -> None:
    row = next(row for row in ROWS if row.provider == "speech-to-speech")
    before, after = OpenAIServer(), SpeechToSpeechServer(words=("what is the weather",))
    async with after, at_home(ROWS[0], before) as house:
        house.assembly.speaker.handle(Ask("what time is it"))
        await over(house)
        tree = house.assembly.speaker.settings.latest.model_dump()
        tree["model"] = settings_of(row.lines, after.url)
        assert await house.assembly.speaker.reconfigure(Settings.model_validate(tree)) == ()
        await house.phase("idle", within_s=30)
        await ask_aloud(house)
        await over(house)
        assert users(after) == ["what is the weather"]
        assert after.heard_s == pytest.approx(house.assembly.speaker.engine.stats.sent_s, abs=0.5)
        assert [each for server in (before, after) for each in server.refusals] == []
        assert "input_audio_buffer.commit" not in after.types()


@in_virtual_time
async def test_a_session_is_renewed_before_its_server_ends_it() -> None:
    server = SpeachesServer()
    ear = Ear()
    async with server:
        model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0)
        model.add_listener(ear)
        await model.connect({"url": server.url, "api_key": "k", "dialect": DIALECTS["speaches"]})
        await asyncio.sleep(70 * 60)
        assert "reconnecting" not in ear.statuses()
        assert len(server.conversations) == 3
        await model.close()


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.provider in {"openai", "azure-voice-live", "xai"}],
    ids=lambda row: row.provider,
)
@in_virtual_time
async def test_at_ten_kilobytes_a_second_a_sentence_is_answered_by_telephone(row: Row) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert loop.network is not None
    server = row.server(words=("what is the weather",))
    model = {"line": "telephone", "turn_detection": "local"}
    async with at_home(row, server, model=model) as house:
        loop.network.bytes_per_s = 10_000
        house.panel.tap()
        await house.phase("listening")
        said = house.device.say(GO_FORWARD, after_s=0.2)
        await house.said(said)
        await house.phase("speaking", within_s=6)
        await over(house)
        loop.network.bytes_per_s = None
        assert users(server) == ["what is the weather"]
        assert server.heard_s == pytest.approx(
            house.assembly.speaker.engine.stats.sent_s, abs=0.5 + 1.0 * (row.provider == "azure-voice-live")
        )
        up = sum(len(json.dumps(event)) for event in house.sent("input_audio_buffer.append"))
        assert up / house.assembly.speaker.engine.stats.sent_s < 13_000
        assert server.refusals == []
