"""One place through which the parts of a running speaker take new settings."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.config.diff import when
from speakerd.config.schema import settings as catalog
from speakerd.config.settings import Settings
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.session.api_key import LiveApiKey, MissingKeyError
from speakerd.dialogue.events import Ask
from speakerd.host.log_filters import Redactor
from speakerd.realtime.testing.loopback import Wait
from tests.daemon.bench import Household, answering, household
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.daemon.live_settings import Moment


def changed(settings: Settings, table: str, **values: Any) -> Settings:
    """The same settings, but for those of one table."""
    return settings.model_copy(update={table: replace(getattr(settings, table), **values)})


class Taker:
    """A part that remembers what it was given."""

    def __init__(self, live: LiveSettings, *keys: str, moment: Moment, but: tuple[str, ...] = ()) -> None:
        self.taken: list[Settings] = []
        self.made_of = live.subscribe(*keys, take=self.taken.append, moment=moment, but=but)


def test_a_part_takes_what_it_is_made_of_when_it_can_and_nothing_else() -> None:
    first = Settings()
    live = LiveSettings(first)
    tools = Taker(live, "tools", moment="live")
    sound = Taker(live, "audio", moment="between_turns", but=("audio.volume",))
    assert tools.made_of is sound.made_of is first
    second = changed(first, "tools", clock=False)
    live.change(second)
    live.between_turns()
    assert (tools.taken, sound.taken) == ([second], [])
    live.change(changed(second, "audio", volume=10))
    live.between_turns()
    assert (len(tools.taken), sound.taken) == (1, [])
    third = changed(second, "audio", prebuffer_ms=500)
    live.change(third)
    assert (len(tools.taken), sound.taken) == (1, [])
    live.between_turns()
    live.between_turns()
    assert (len(tools.taken), sound.taken) == (1, [third])


def test_a_part_that_had_to_wait_takes_the_newest_settings_once() -> None:
    first = Settings()
    live = LiveSettings(first)
    sound = Taker(live, "audio.gate.hangover_ms", moment="between_turns")
    for hangover_ms in (700, 800):
        live.change(changed(first, "audio", gate=replace(first.audio.gate, hangover_ms=hangover_ms)))
    live.between_turns()
    assert [settings.audio.gate.hangover_ms for settings in sound.taken] == [800]
    live.change(changed(first, "audio", gate=replace(first.audio.gate, hangover_ms=900)))
    live.change(live.latest.model_copy(update={"audio": sound.taken[-1].audio}))
    live.between_turns()
    assert len(sound.taken) == 1, "what was changed back is no change"


@in_virtual_time
async def test_every_setting_that_counts_without_a_restart_has_a_part_that_takes_it() -> None:
    async with household() as house:
        live = house.assembly.speaker.settings
        # The service's own: the journal and the key.
        outside = ("log.", "model.api_key_file", "board")
        missing = [
            key
            for key in catalog(Settings)
            if when(key) != "restart" and not key.startswith(outside) and not live.readers(key)
        ]
    assert missing == []


async def ask(house: Household) -> dict[str, Any]:
    """Have one conversation; what the model was told at its beginning."""
    house.assembly.speaker.handle(Ask("hello"))
    before = house.phases.count("speaking")
    await house.until(lambda: house.spoke_more_often_than(before))
    await house.phase("idle")
    session: dict[str, Any] = house.sent("session.update")[-1]["session"]
    return session


ONE_SHOT = {"dialogue": {"mode": "one_shot"}}


@in_virtual_time
async def test_instructions_and_tools_of_a_reload_are_those_of_the_next_conversation() -> None:
    async with household(answering(ms=200), settings=ONE_SHOT) as house:
        speaker = house.assembly.speaker
        first = await ask(house)
        assert "get_time" in [tool["name"] for tool in first["tools"]]
        settings = changed(speaker.settings.latest, "model", instructions="Be brief.")
        speaker.reconfigure(changed(settings, "tools", clock=False))
        second = await ask(house)
        assert second["instructions"] == "Be brief."
        assert "get_time" not in [tool["name"] for tool in second["tools"]]


@in_virtual_time
async def test_a_reload_in_a_conversation_leaves_it_alone_but_for_what_is_live() -> None:
    async with household(answering(ms=3_000), settings=ONE_SHOT) as house:
        speaker = house.assembly.speaker
        speaker.handle(Ask("hello"))
        await house.phase("speaking")
        engine = speaker.engine
        settings = changed(speaker.settings.latest, "audio", volume=11, prebuffer_ms=500)
        speaker.reconfigure(settings)
        assert speaker.volume.value == 11
        assert engine.volume == 11
        assert speaker.engine is engine
        await house.phase("idle")
        async with asyncio.timeout(5):
            while speaker.engine is engine:
                await asyncio.sleep(0.01)
        assert speaker.engine.volume == 11


@in_virtual_time
async def test_a_session_is_exchanged_after_the_minutes_that_the_settings_say() -> None:
    settings = {"model": {"connection": "warm", "rotate_after_min": 1}}
    async with household([Wait(120)], settings=settings) as house:
        await asyncio.sleep(50)
        assert len(house.server.connections) == 1
        await asyncio.sleep(20)
        assert len(house.server.connections) == 2


def test_another_key_file_is_read_and_one_that_cannot_be_leaves_the_old_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def key_file(name: str, secret: str) -> str:
        path = tmp_path / name
        path.write_text(secret)
        path.chmod(0o600)
        return str(path)

    environment = {"OPENAI_API_KEY": "sk-from-the-environment"}
    live = LiveSettings(changed(Settings(), "model", api_key_file=key_file("a", "sk-first-0123456789")))
    redactor = Redactor()
    key = LiveApiKey(live, environment, redactor)
    assert key.secret == "sk-first-0123456789"
    assert environment == {}
    live.change(changed(live.latest, "model", api_key_file=key_file("b", "second-0123456789")))
    live.between_turns()
    assert key.secret == "second-0123456789"
    assert "second" not in redactor("is second-0123456789 in it?")
    live.change(changed(live.latest, "model", api_key_file=str(tmp_path / "none")))
    live.between_turns()
    assert key.secret == "second-0123456789"
    assert "the old key stays in force" in caplog.text
    live.change(changed(live.latest, "model", api_key_file=""))
    live.between_turns()
    assert key.secret == "sk-from-the-environment"


def test_the_hosted_service_without_a_key_is_refused_with_the_cure() -> None:
    with pytest.raises(MissingKeyError, match="api_key_file"):
        LiveApiKey(LiveSettings(Settings()), {}, Redactor())
