"""One place through which the parts of a running speaker take new settings."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.config.settings import Settings
from speakerd.daemon.live_settings import (
    LiveSettings,
    PreparedChange,
    SettingsRefusedError,
    UnworkableSettingError,
)
from speakerd.daemon.session.api_key import LiveApiKey, MissingKeyError
from speakerd.dialogue.events import Ask
from speakerd.host.log_filters import Redactor
from speakerd.realtime.testing.loopback import Wait
from tests.daemon.bench import Household, answering, household
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.daemon.live_settings import When


def changed(settings: Settings, table: str, **values: Any) -> Settings:
    """The same settings, but for those of one table."""
    return settings.model_copy(update={table: replace(getattr(settings, table), **values)})


class Part:
    """A part that remembers what was done with it."""

    def __init__(
        self, live: LiveSettings, *keys: str, when: When, but: tuple[str, ...] = (), disturbs: bool = False
    ) -> None:
        self.log: list[str] = []
        self.taken: list[Settings] = []
        self.refuses = False
        self.fails = False
        self.made_of = live.subscribe(*keys, prepare=self._prepare, when=when, but=but, disturbs=disturbs)

    async def _prepare(self, settings: Settings) -> PreparedChange:
        self.log.append("prepare")
        if self.refuses:
            raise UnworkableSettingError("audio.input", "there is none")
        return PreparedChange(lambda: self._commit(settings), lambda: self.log.append("abandon"))

    async def _commit(self, settings: Settings) -> None:
        self.log.append("commit")
        if self.fails:
            raise UnworkableSettingError("audio.input", "it was pulled out")
        self.taken.append(settings)


@in_virtual_time
async def test_a_part_takes_what_it_is_made_of_when_it_can_and_nothing_else() -> None:
    first = Settings()
    live = LiveSettings(first)
    tools = Part(live, "tools", when="now")
    sound = Part(live, "audio", when="between_turns", but=("audio.volume",))
    assert tools.made_of is sound.made_of is first
    second = changed(first, "tools", clock=False)
    await live.change(second)
    live.between_turns()
    assert (tools.taken, sound.log) == ([second], [])
    await live.change(changed(second, "audio", volume=10))
    live.between_turns()
    assert (len(tools.taken), sound.log) == (1, [])
    third = changed(second, "audio", prebuffer_ms=500)
    await live.change(third)
    assert (len(tools.taken), sound.taken) == (1, [])
    assert live.waiting("between_turns") == ("audio.prebuffer_ms",)
    live.between_turns()
    live.between_turns()
    assert await live.settled() == ()
    assert (len(tools.taken), sound.taken) == (1, [third])
    assert live.waiting("between_turns") == ()


@in_virtual_time
async def test_a_part_that_had_to_wait_takes_the_newest_settings_once() -> None:
    first = Settings()
    live = LiveSettings(first)
    sound = Part(live, "audio.gate.hangover_ms", when="between_turns")
    for hangover_ms in (700 + 50, 800):
        await live.change(changed(first, "audio", gate=replace(first.audio.gate, hangover_ms=hangover_ms)))
    live.between_turns()
    await live.settled()
    assert [settings.audio.gate.hangover_ms for settings in sound.taken] == [800]
    assert sound.log == ["prepare", "prepare", "abandon", "commit"]
    await live.change(changed(first, "audio", gate=replace(first.audio.gate, hangover_ms=900)))
    await live.change(live.latest.model_copy(update={"audio": sound.taken[-1].audio}))
    live.between_turns()
    await live.settled()
    assert len(sound.taken) == 1, "what was changed back is no change"


@in_virtual_time
async def test_where_one_part_cannot_no_part_changes() -> None:
    first = Settings()
    live = LiveSettings(first)
    before, sound, after = (Part(live, "audio", when="now") for _ in range(3))
    panel = Part(live, "panel", when="now", disturbs=True)
    sound.refuses = True
    second = changed(first, "audio", input="kitchen")
    with pytest.raises(SettingsRefusedError, match=r"audio\.input: there is none"):
        await live.change(changed(second, "panel", kind="none"))
    assert before.log == after.log == ["prepare", "abandon"]
    assert panel.log == [], "what disturbs is not tried where another has refused"
    assert live.latest is first
    sound.refuses = False
    await live.change(second)
    assert before.taken == sound.taken == after.taken == [second]


@in_virtual_time
async def test_nothing_that_waits_is_taken_while_a_newer_change_is_prepared() -> None:
    first = Settings()
    live = LiveSettings(first)
    sound, slow = Part(live, "audio", when="between_turns"), Part(live, "tools", when="now")
    await live.change(changed(first, "audio", input="kitchen"))
    gate = asyncio.Event()
    prepare = slow._prepare

    async def slowly(settings: Settings) -> PreparedChange:
        await gate.wait()
        return await prepare(settings)

    live._subscriptions[1].prepare = slowly
    back = asyncio.create_task(live.change(changed(first, "tools", clock=False)))
    await asyncio.sleep(0)
    live.between_turns()  # the conversation ends just now
    gate.set()
    await back
    live.between_turns()
    await live.settled()
    assert sound.taken == []
    assert live.waiting("between_turns") == ()


@in_virtual_time
@pytest.mark.parametrize("fault", [OSError("no space left"), asyncio.CancelledError()])
async def test_what_was_prepared_is_undone_whatever_ends_the_change(fault: BaseException) -> None:
    first = Settings()
    live = LiveSettings(first)
    sound, broken = Part(live, "audio", when="now"), Part(live, "audio", when="now")

    async def fail(_: Settings) -> PreparedChange:
        raise fault

    live._subscriptions[1].prepare = fail
    with pytest.raises(type(fault)):
        await live.change(changed(first, "audio", input="kitchen"))
    assert sound.log == ["prepare", "abandon"]
    assert broken.log == []
    assert live.latest is first


@in_virtual_time
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_fault_of_a_part_that_commits_is_told_and_the_others_commit(at_once: bool) -> None:
    first = Settings()
    live = LiveSettings(first)

    def commit() -> None:
        raise KeyError("a mistake")

    async def later() -> None:
        commit()

    async def prepare(_: Settings) -> PreparedChange:
        return PreparedChange(commit if at_once else later)

    live.subscribe("audio", prepare=prepare, when="now")
    other = Part(live, "audio", when="now")
    await live.change(changed(first, "audio", input="kitchen"))
    (failure,) = await live.settled()
    assert (failure.key, failure.reason) == ("audio", "internal error: KeyError('a mistake')")
    assert len(other.taken) == 1


@in_virtual_time
async def test_a_part_that_fails_when_it_commits_keeps_what_it_was_made_of_and_is_asked_again() -> None:
    first = Settings()
    live = LiveSettings(first)
    sound = Part(live, "audio", when="between_turns")
    sound.fails = True
    second = changed(first, "audio", input="kitchen")
    await live.change(second)
    live.between_turns()
    assert [failure.key for failure in await live.settled()] == ["audio.input"]
    assert live.waiting("between_turns") == ("audio.input",)
    sound.fails = False
    await live.change(second.model_copy())
    live.between_turns()
    assert await live.settled() == ()
    assert len(sound.taken) == 1


@in_virtual_time
async def test_a_failure_is_told_until_another_change_and_never_of_a_later_one() -> None:
    first = Settings()
    live = LiveSettings(first)
    sound = Part(live, "audio", when="between_turns")
    Part(live, "tools", when="now")
    sound.fails = True
    await live.change(changed(first, "audio", input="kitchen"))
    assert await live.settled() == ()
    live.between_turns()  # the conversation is over, long after the reload was answered
    for _ in range(2):
        assert [failure.key for failure in await live.settled()] == ["audio.input"]
    assert live.failed() == ("audio.input",)
    sound.fails = False
    good = changed(first, "audio", input="bedroom")
    await live.change(good)
    assert (await live.settled(), live.failures, live.failed()) == ((), (), ())
    live.between_turns()
    assert await live.settled() == ()
    assert sound.taken == [good]


@in_virtual_time
async def test_what_a_part_is_still_at_is_waited_for_before_the_next_change() -> None:
    first = Settings()
    live = LiveSettings(first)
    sound = Part(live, "audio", when="between_turns")
    sound.fails = True
    await live.change(changed(first, "audio", input="kitchen"))
    live.between_turns()
    second = changed(first, "audio", input="kitchen")
    change = asyncio.create_task(live.change(second))
    await asyncio.sleep(0)
    sound.fails = False
    await change
    live.between_turns()
    await live.settled()
    assert sound.log == ["prepare", "commit", "prepare", "commit"]
    assert (sound.taken, live.failures) == ([second], ())


@in_virtual_time
async def test_when_a_change_counts_is_what_the_slowest_of_its_readers_answers() -> None:
    live = LiveSettings(Settings())
    Part(live, "audio", when="now")
    Part(live, "audio.gate", when="between_turns")
    live.subscribe("dialogue.start_muted", when="restart")
    assert live.when("audio.volume") == "now"
    assert live.when("audio.gate.margin_db") == "between_turns"
    assert live.when("dialogue.start_muted") == "restart"
    with pytest.raises(KeyError):
        live.when("model.voice")


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
        await speaker.reconfigure(changed(settings, "tools", clock=False))
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
        await speaker.reconfigure(settings)
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


@in_virtual_time
async def test_another_key_file_is_read_and_one_that_cannot_be_leaves_the_old_key(tmp_path: Path) -> None:
    def key_file(name: str, secret: str) -> str:
        path = tmp_path / name
        path.write_text(secret)
        path.chmod(0o600)
        return str(path)

    async def change(api_key_file: str) -> None:
        await live.change(changed(live.latest, "model", api_key_file=api_key_file))
        live.between_turns()

    environment = {"OPENAI_API_KEY": "sk-from-the-environment"}
    live = LiveSettings(changed(Settings(), "model", api_key_file=key_file("a", "sk-first-0123456789")))
    redactor = Redactor()
    key = LiveApiKey(live, environment, redactor)
    assert key.secret == "sk-first-0123456789"
    assert environment == {}
    await change(key_file("b", "second-0123456789"))
    assert key.secret == "second-0123456789"
    assert "second" not in redactor("is second-0123456789 in it?")
    with pytest.raises(SettingsRefusedError, match=r"model\.api_key_file"):
        await change(str(tmp_path / "none"))
    assert key.secret == "second-0123456789"
    key_file("b", "third-01234567890")
    await change(str(tmp_path / "b"))
    assert key.secret == "third-01234567890", "the file is the same, its content is not"
    await change("")
    assert key.secret == "sk-from-the-environment"


def test_the_hosted_service_without_a_key_is_refused_with_the_cure() -> None:
    with pytest.raises(MissingKeyError, match=r"^there is no API key\. Put it into .* model\.api_key_file"):
        LiveApiKey(LiveSettings(Settings()), {}, Redactor())
