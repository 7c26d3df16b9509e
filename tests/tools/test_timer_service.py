import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from speakerd.tools.errors import TimerUnknownError
from speakerd.tools.timer_service import TimerService
from speakerd.tools.timer_store import TimerStore
from speakerd.tools.timers import TimerBook
from tests.limits import limit


class House:
    """A service on clocks that only move when told, and what it reported."""

    def __init__(self, path: Path | None) -> None:
        self.now = 100.0
        self.wall = 1_000_000.0
        self.rang: list[str] = []
        self.silenced: list[str] = []
        self.path = path
        self.service = TimerService(
            TimerBook(most=5, longest_s=86_400.0),
            on_ring=self.rang.append,
            on_silenced=self.silenced.append,
            store=None if path is None else TimerStore(path),
            monotonic=lambda: self.now,
            wall=lambda: self.wall,
        )

    async def turn(self) -> None:
        """Let the loop do what is due, threads included."""
        for _ in range(50):
            await asyncio.sleep(0)
        while self.service._saving is not None:
            await self.service._saving

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds
        self.service._run()  # what the loop's timer would call

    @property
    def stored(self) -> list[str]:
        assert self.path is not None
        return [timer["name"] for timer in json.loads(self.path.read_text())["timers"]]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "timers.json")
    house.service.start()
    yield house
    house.service.close()
    await house.turn()


async def test_a_timer_rings_when_its_time_has_come(house: House) -> None:
    house.service.set(60, "tea")
    house.pass_time(59)
    assert house.rang == []
    house.pass_time(1)
    assert house.rang == ["tea"]


async def test_the_loop_wakes_the_service_by_itself() -> None:
    rang = asyncio.Event()
    service = TimerService(
        TimerBook(most=5, longest_s=60.0), on_ring=lambda _: rang.set(), on_silenced=lambda _: None
    )
    service.start()
    service._book._add(service._book.set(1, "soon", 0.0))  # ends in the past of the true clock
    service.set(30, "later")
    await asyncio.wait_for(rang.wait(), limit(5))
    service.close()


async def test_a_change_is_written_and_nothing_else_is(house: House) -> None:
    house.service.set(60, "tea")
    await house.turn()
    assert house.stored == ["tea"]
    assert house.path is not None
    before = house.path.stat().st_ino
    house.pass_time(30)
    await house.turn()
    assert house.path.stat().st_ino == before


async def test_cancelling_a_ringing_timer_silences_it(house: House) -> None:
    house.service.set(60, "tea")
    house.pass_time(60)
    house.service.cancel()
    assert house.silenced == ["tea"]


async def test_cancelling_a_running_timer_silences_nothing(house: House) -> None:
    house.service.set(60, "tea")
    house.service.cancel("tea")
    assert house.silenced == []
    with pytest.raises(TimerUnknownError):
        house.service.cancel("tea")
    await house.turn()
    assert house.path is not None
    assert not house.path.exists() or house.stored == []


async def test_a_timer_that_was_heard_is_over(house: House) -> None:
    house.service.set(60, "tea")
    await house.turn()
    house.pass_time(60)
    assert house.stored == ["tea"]
    house.service.heard("tea")
    house.service.heard("coffee")
    await house.turn()
    assert house.service.left() == ()
    assert house.stored == []


async def test_what_is_left_is_told_ringing_ones_first(house: House) -> None:
    house.service.set(60, "tea")
    house.service.set(30, "eggs")
    house.pass_time(40)
    assert house.service.left() == (("eggs", 0.0), ("tea", 20.0))


async def test_timers_go_on_after_a_restart(house: House) -> None:
    house.service.set(60, "tea")
    house.service.close()
    house.service.close()
    other = House(house.path)
    other.wall = house.wall + 20
    other.service.start()
    assert other.service.left() == (("tea", 40.0),)
    other.pass_time(40)
    assert other.rang == ["tea"]
    other.service.close()
    await other.turn()


async def test_after_closing_nothing_rings(house: House) -> None:
    house.service.set(60, "tea")
    house.service.close()
    house.pass_time(100)
    assert house.rang == []


async def test_a_missed_timer_is_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.service.set(60, "tea")
    house.service.close()
    other = House(house.path)
    other.wall = house.wall + 10_000
    other.service.start()
    other.service.close()
    assert "'tea' ran out while nobody was here" in caplog.text


@pytest.mark.parametrize("text", ["{", '{"timers": 3}'])
async def test_a_file_that_is_broken_is_logged_and_does_not_stop_the_speaker(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "timers.json"
    path.write_text(text)
    house = House(path)
    with caplog.at_level(logging.WARNING):
        house.service.start()
    assert caplog.records
    house.service.set(60, "tea")
    await house.turn()
    assert house.stored == ["tea"]
    house.service.close()


async def test_a_disk_that_cannot_be_written_is_logged_and_the_timer_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    house = House(tmp_path / "file" / "timers.json")
    house.service.start()
    house.service.set(60, "tea")
    await house.turn()
    assert "Not a directory" in caplog.text
    house.pass_time(60)
    assert house.rang == ["tea"]
    house.service.close()


async def test_without_a_store_timers_run_all_the_same() -> None:
    house = House(None)
    house.service.start()
    house.service.set(60, "tea")
    house.pass_time(61)
    assert house.rang == ["tea"]
    house.service.close()
