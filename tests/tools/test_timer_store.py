import json
import os
import stat
from pathlib import Path

import pytest

from speakerd.tools.errors import TimerStoreError
from speakerd.tools.timer_store import TimerStore

ONE = {"version": 1, "written_at": 1.0, "timers": [{"name": "tea", "duration_s": 60.0, "ends_at": 61.0}]}
NONE = {"version": 1, "written_at": 2.0, "timers": []}


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "state" / "timers.json"
    assert TimerStore(path).load(dict) is None
    TimerStore(path).save(ONE, 1)
    assert TimerStore(path).load(dict) == ONE


def test_the_file_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    TimerStore(path).save(ONE, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_written_that_is_written_already(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    store = TimerStore(path)
    assert store.save(ONE, 1)
    before = path.stat().st_ino
    assert not store.save({**ONE, "written_at": 9.0}, 2)
    assert path.stat().st_ino == before


def test_no_file_is_made_for_no_timers(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    assert not TimerStore(path).save(NONE, 1)
    assert not path.exists()


def test_the_last_timer_gone_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    TimerStore(path).save(ONE, 1)
    assert TimerStore(path).save(NONE, 1)
    assert json.loads(path.read_text()) == NONE


def test_an_older_list_never_replaces_a_newer_one(tmp_path: Path) -> None:
    store = TimerStore(tmp_path / "timers.json")
    store.save(ONE, 5)
    assert not store.save(NONE, 4)
    assert store.load(dict) == ONE


def test_a_crash_while_writing_leaves_the_old_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "timers.json"
    store = TimerStore(path)
    store.save(ONE, 1)

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TimerStoreError, match="Input/output error"):
        store.save(NONE, 2)
    assert store.load(dict) == ONE


def test_no_list_takes_the_place_of_one_that_can_be_neither_used_nor_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    path.write_text("{")
    (tmp_path / "timers.json.damaged" / "full").mkdir(parents=True)
    store = TimerStore(path)
    assert store.load(dict) is None
    assert not store.save(ONE, 1)
    assert path.read_text() == "{"
    assert store.problem is not None
    assert "moved it away" in store.problem


def test_that_it_cannot_be_written_is_known_until_it_can(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.touch()  # that is refused even to root
    store = TimerStore(folder / "timers.json")
    with pytest.raises(TimerStoreError):
        store.save(ONE, 1)
    assert store.problem is not None
    folder.unlink()
    assert store.save(ONE, 2)
    assert store.problem is None
