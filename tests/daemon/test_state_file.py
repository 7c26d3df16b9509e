"""What outlives the process: when it is written, and what becomes of it when the disk is not as it should be."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from speakerd.daemon.storage import state_file
from speakerd.daemon.storage.state_file import StateFile, state_dir
from tests.daemon.hand_clock import by_hand, pass_by
from tests.limits import limit


class Kept:
    """A number that outlives the process."""

    def __init__(self, path: Path | None) -> None:
        self.number = 0
        self.file = StateFile(path, "the number", lambda: f"{self.number}\n")
        self.number = self.file.load(int) or 0


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        getattr(record, "SPEAKERD_EVENT", "") for record in caplog.records if record.levelname == "WARNING"
    ]


def test_it_is_written_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "folder" / "number"
        kept = Kept(path)
        kept.number = 7
        kept.file.write_in(5)
        await pass_by(4.9)
        assert not path.parent.exists()
        await pass_by(0.2)
        assert not kept.file.due
        assert path.read_text() == "7\n"
        assert path.stat().st_mode & 0o777 == 0o600
        assert [file.name for file in path.parent.iterdir()] == ["number"]
        assert Kept(path).number == 7

    by_hand(story())


def test_a_later_moment_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    async def story() -> None:
        kept = Kept(tmp_path / "number")
        for kept.number in range(1, 5):
            kept.file.write_in(5)
            await pass_by(4)
        assert not (tmp_path / "number").exists()
        await pass_by(1)
        assert (tmp_path / "number").read_text() == "4\n"

    by_hand(story())


def test_what_is_in_the_file_already_is_not_written_again(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "number"
        path.write_text("7\n")
        before = path.stat()
        kept = Kept(path)
        await pass_by(3600)
        kept.number = 8
        kept.file.write_in(5)
        kept.number = 7
        await pass_by(5)
        await kept.file.close()
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    by_hand(story())


async def test_the_end_waits_for_what_was_due_and_may_come_twice(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "number")
    kept.number = 7
    kept.file.write_in(3600)
    await kept.file.close()
    assert (tmp_path / "number").read_text() == "7\n"
    kept.number = 8
    await kept.file.close()
    assert (tmp_path / "number").read_text() == "7\n", "nobody said that it had changed"


async def test_nothing_is_stored_without_a_path() -> None:
    kept = Kept(None)
    kept.file.write_in(0)
    await kept.file.close()
    assert kept.number == 0


def test_a_slow_disk_holds_nobody_up_and_gets_one_write_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        begun, go_on = asyncio.Event(), threading.Event()
        written: list[str] = []

        def slow(_path: Path, text: str) -> None:
            written.append(text)
            loop.call_soon_threadsafe(begun.set)
            assert go_on.wait(limit(20))

        monkeypatch.setattr(state_file, "replace_file", slow)
        kept = Kept(tmp_path / "number")
        kept.number = 1
        kept.file.write_in(0)
        await begun.wait()
        for kept.number in (2, 3):
            kept.file.write_in(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not kept.file.due
        assert written == ["1\n"]
        go_on.set()
        await kept.file.close()
        assert written == ["1\n", "3\n"]

    by_hand(story())


@pytest.mark.parametrize("data", [b"many", b"\0" * 100, b"\xff\n", b"1" * 1_000_001])
async def test_what_cannot_be_read_is_set_aside_told_of_and_begun_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    path = tmp_path / "number"
    path.write_bytes(data)
    kept = Kept(path)
    assert kept.number == 0
    assert (tmp_path / "number.damaged").read_bytes() == data
    assert warnings(caplog) == ["state_damaged"]
    assert "mend it" in caplog.text
    kept.number = 1
    kept.file.write_in(0)
    await kept.file.close()
    assert Kept(path).number == 1
    assert (tmp_path / "number.damaged").read_bytes() == data


async def test_what_can_be_neither_read_nor_set_aside_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "number"
    path.write_text("many")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        kept = Kept(path)
    kept.number = 1
    kept.file.write_in(0)
    await kept.file.close()
    assert path.read_text() == "many"
    assert warnings(caplog) == ["state_damaged"]
    assert "moved it away" in caplog.text


def test_a_folder_that_cannot_be_written_is_told_of_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        folder = tmp_path / "state"
        kept = Kept(folder / "number")
        # A file where the folder would be: that is refused even to root.
        folder.touch()
        for kept.number in range(1, 4):
            kept.file.write_in(1)
            await pass_by(1)
        assert warnings(caplog) == ["state_unwritable"]
        assert str(tmp_path) in caplog.text
        folder.unlink()
        await kept.file.close()
        assert (folder / "number").read_text() == "3\n"
        assert warnings(caplog) == ["state_unwritable"]

    by_hand(story())


def test_the_state_is_where_systemd_says_or_with_the_user() -> None:
    assert state_dir({"STATE_DIRECTORY": "/var/lib/speakerd:/x"}) == Path("/var/lib/speakerd")
    assert state_dir({"XDG_STATE_HOME": "/home/a/state"}) == Path("/home/a/state/speakerd")
