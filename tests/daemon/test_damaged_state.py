"""Every state file in every bad state: the speaker starts, says which file it is and what to do, and stays private."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.daemon.control import Control, Reloader
from speakerd.dialogue.requests import UNMUTE
from speakerd.host.notify import Notifier
from tests.daemon.bench import household
from tests.simulation.network import Network
from tests.simulation.virtual_loop import simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.daemon.bench import Household

WHOLE = {
    "mute": "open\n",
    "volume": "37\n",
    "timers.json": json.dumps(
        {
            "version": 1,
            "written_at": 9e9,
            "timers": [{"name": "tea", "duration_s": 900, "ends_at": 9e9 + 900}],
        }
    ),
    "usage.json": json.dumps({"days": {"2026-03-02": {"turns": 2}}}),
}
OTHER_VERSION = {
    "mute": "level 2\n",
    "volume": '{"volume": 37}\n',
    "timers.json": '{"version": 9, "written_at": 9e9, "timers": []}',
    "usage.json": '{"version": 9, "weeks": {}}',
}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "file").touch()


def _unreadable(path: Path) -> None:
    path.symlink_to(path)  # refused even to root


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.touch(),
    "zeros": lambda path: path.write_bytes(b"\0" * 40),
    "cut off": lambda path: path.write_text(WHOLE[path.name][: len(WHOLE[path.name]) // 2]),
    "nested deeply": lambda path: path.write_text("[" * 300_000),
    "a huge number": lambda path: path.write_text(
        json.dumps({"version": 1, "written_at": 10**400, "timers": []}) + "\n"
    ),
    "no ASCII": lambda path: path.write_bytes(b"\xff\xfe\n"),
    "huge": lambda path: path.write_bytes(b"1" * 1_000_001),
    "another version": lambda path: path.write_text(OTHER_VERSION[path.name]),
    "a pipe": _fifo,
    "a folder": _folder,
    "unreadable": _unreadable,
}


def control(house: Household, path: Path) -> Control:
    return Control(house.assembly, Reloader(path, house.assembly.speaker, Notifier({}), lambda: ""))


async def status(house: Household, path: Path) -> dict[str, Any]:
    return await control(house, path).handle("status", {})


def test_the_files_are_all_that_there_are(tmp_path: Path) -> None:
    for name, text in WHOLE.items():
        (tmp_path / name).write_text(text)

    async def life() -> None:
        async with household(state=tmp_path) as house:
            speaker = house.assembly.speaker
            found = await status(house, tmp_path)
            assert (found["volume"], found["flags"]["muted"], found["unstored"]) == (37, False, None)
            assert [name for name, _ in speaker.tools.timers.left()] == ["tea"]
            assert speaker.usage.by_day()["2026-03-02"]["turns"] == 2
            await control(house, tmp_path).handle("mute", {})
            await control(house, tmp_path).handle("volume", {"level": 38})
            speaker.tools.timers.set(60)
            speaker.usage.count({"turns": 1})

    simulate(life(), Network(delay_s=0.0))
    assert {path.name for path in tmp_path.iterdir()} == set(WHOLE)
    for name, text in WHOLE.items():
        assert (tmp_path / name).read_text() != text, name


@pytest.mark.parametrize("obstructed", [False, True], ids=["set aside", "cannot be set aside"])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", WHOLE)
def test_it_starts_and_names_file_and_cure(
    name: str, damage: str, obstructed: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for other, text in WHOLE.items():
        (tmp_path / other).write_text(text)
    path, aside = tmp_path / name, tmp_path / f"{name}.damaged"
    path.unlink()
    DAMAGES[damage](path)
    before = path.lstat()
    if obstructed:
        (aside / "full").mkdir(parents=True)

    async def life() -> None:
        async with household(state=tmp_path) as house:
            found = await status(house, tmp_path)
            assert found["phase"] == "idle"
            assert found["flags"]["muted"] is (name == "mute")
            for words in (found["unstored"], caplog.text):
                assert str(path) in words
                assert ("moved it away" if obstructed else "mend it") in words
            for other in (part for part in WHOLE if part != name):
                assert str(tmp_path / other) not in found["unstored"]

    simulate(life(), Network(delay_s=0.0))
    assert (path if obstructed else aside).lstat().st_ino == before.st_ino


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mute_stays_shut_over_starts_until_somebody_unmutes(damage: str, tmp_path: Path) -> None:
    DAMAGES[damage](tmp_path / "mute")

    started_muted = []

    async def life(unmute: bool) -> None:
        async with household(state=tmp_path) as house:
            started_muted.append(house.assembly.speaker.dialogue.flags.muted)
            if unmute:
                house.assembly.speaker.handle(UNMUTE)

    for unmute in (False, True, False):
        simulate(life(unmute), Network(delay_s=0.0))
    assert started_muted == [True, True, False]


@pytest.mark.parametrize("text", ["muted", "muted\n", " muted \r\n"])
def test_muted_by_hand_in_an_editor_counts(text: str, tmp_path: Path) -> None:
    (tmp_path / "mute").write_text(text)

    async def life() -> None:
        async with household(state=tmp_path) as house:
            found = await status(house, tmp_path)
            assert (found["flags"]["muted"], found["unstored"]) == (True, None)

    simulate(life(), Network(delay_s=0.0))


def test_a_mute_that_will_not_outlive_a_restart_is_answered_with_that(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.touch()  # a file where the folder would be: that is refused even to root

    async def life() -> None:
        async with household(state=state) as house:
            assert "warning" not in await control(house, tmp_path).handle("unmute", {})
            answer = await control(house, tmp_path).handle("mute", {})
            assert answer["light"] == "muted"
            assert "will be forgotten at the next start" in answer["warning"]
            assert answer["warning"] in (await status(house, tmp_path))["unstored"]
            state.unlink()
            assert "warning" not in await control(house, tmp_path).handle("unmute", {})
            assert (await status(house, tmp_path))["unstored"] is None

    simulate(life(), Network(delay_s=0.0))
