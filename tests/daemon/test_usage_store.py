"""When the usage reaches the disk, and that it outlives the process."""

from __future__ import annotations

import json
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from speakerd.daemon.metrics.usage_store import UsageStore, local_date
from tests.daemon.hand_clock import by_hand, pass_by

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MONDAY = date(2026, 3, 2)
TOKENS = {"requests": 1, "total_tokens": 100}


def keeper(path: Path | None, day: date = MONDAY) -> UsageStore:
    return UsageStore(path, today=lambda: day)


def stored(path: Path) -> dict[str, Any]:
    """The counts of MONDAY in the file."""
    counts: dict[str, Any] = json.loads(path.read_text())["days"][MONDAY.isoformat()]
    return counts


def test_a_conversation_is_written_when_it_ends(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "usage.json"
        usage = keeper(path)
        usage.conversation(ended=False)
        usage.count(TOKENS)
        usage.count({"turns": 1})
        await pass_by(29)
        assert not path.exists()
        usage.conversation(ended=True)
        await pass_by(0)
        assert stored(path) == {"turns": 1, "requests": 1, "total_tokens": 100}

    by_hand(story())


def test_a_long_conversation_is_written_every_half_minute_at_most(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "usage.json"
        usage = keeper(path)
        usage.conversation(ended=False)
        writes: list[int] = []
        for second in range(120):
            usage.count(TOKENS)
            before = path.stat().st_ino if path.exists() else None
            await pass_by(1)
            if path.exists() and path.stat().st_ino != before:
                writes.append(second)
        assert writes == [29, 59, 89, 119]
        assert stored(path)["requests"] == 120

    by_hand(story())


def test_what_comes_after_the_end_is_written_soon(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "usage.json"
        usage = keeper(path)
        usage.conversation(ended=False)
        usage.count({"turns": 1})
        usage.conversation(ended=True)
        await pass_by(0)
        usage.count(TOKENS)
        await pass_by(1)
        assert stored(path)["total_tokens"] == 100

    by_hand(story())


def test_nothing_is_written_where_nothing_was_used(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "usage.json"
        first = keeper(path)
        first.count(TOKENS)
        await first.close()
        before = path.stat()
        second = keeper(path, MONDAY + timedelta(days=1))
        for _ in range(3):
            second.conversation(ended=False)
            await pass_by(600)
            second.report()
            second.conversation(ended=True)
            await pass_by(600)
        await second.close()
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    by_hand(story())


async def test_nothing_is_written_where_nothing_ever_was_used(tmp_path: Path) -> None:
    usage = keeper(tmp_path / "usage.json")
    usage.conversation(ended=False)
    usage.conversation(ended=True)
    await usage.close()
    assert [*tmp_path.iterdir()] == []  # noqa: ASYNC240  # a look at a folder in memory


async def test_the_next_process_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    for _ in range(2):
        usage = keeper(path)
        usage.count(TOKENS)
        usage.count({"turns": 1})
        await usage.close()
    third = keeper(path, MONDAY + timedelta(days=1))
    report = third.report()
    assert (report["kept"]["since"], report["kept"]["turns"]) == ("2026-03-02", 2)
    assert report["kept"]["total_tokens"] == 200
    assert report["today"]["total_tokens"] == report["since_start"]["total_tokens"] == 0
    assert third.by_day()["2026-03-02"]["turns"] == 2


async def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "usage.json"
    path.write_text('{"days": {"2026-0')
    usage = keeper(path)
    usage.count(TOKENS)
    await usage.close()
    assert stored(path) == {"requests": 1, "total_tokens": 100}
    assert (tmp_path / "usage.json.damaged").read_text() == '{"days": {"2026-0'
    assert len(caplog.records) == 1


async def test_without_a_folder_it_counts_all_the_same() -> None:
    usage = keeper(None)
    usage.count({"turns": 1})
    await usage.close()
    assert usage.report()["today"]["turns"] == 1


def test_today_is_the_date_of_the_place_that_the_system_is_set_to(monkeypatch: pytest.MonkeyPatch) -> None:
    dates = []
    for zone in ("WEST+12", "EAST-14"):  # 26 hours apart: there it is never the same day
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        dates.append(local_date())
    monkeypatch.undo()
    time.tzset()
    assert dates[0] < dates[1]
