import asyncio
import json
import logging
from pathlib import Path

import pytest

from speakerd.tools.errors import TimerUnknownError
from speakerd.tools.timer_service import TimerService
from speakerd.tools.timer_store import TimerStore
from speakerd.tools.timers import TimerBook
from tests.simulation.virtual_loop import in_virtual_time

AHEAD_S = 1_000_000.0


class House:
    """A service in virtual time, and what it reported; the wall clock goes with it, `ahead_s` of it."""

    def __init__(self, path: Path | None, *, ahead_s: float = AHEAD_S) -> None:
        self.rang: list[str] = []
        self.silenced: list[str] = []
        self.path = path
        self.service = TimerService(
            TimerBook(most=5, longest_s=86_400.0),
            on_ring=self.rang.append,
            on_silenced=self.silenced.append,
            store=None if path is None else TimerStore(path),
            monotonic=now,
            wall=lambda: now() + ahead_s,
        )

    @property
    def stored(self) -> list[str]:
        assert self.path is not None
        return [timer["name"] for timer in json.loads(self.path.read_text())["timers"]]


def now() -> float:
    return asyncio.get_running_loop().time()


async def moment() -> None:
    """Let the loop do what is due, threads included."""
    await asyncio.sleep(0.001)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "timers.json")


@in_virtual_time
async def test_a_timer_rings_when_its_time_has_come(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    await asyncio.sleep(59)
    assert house.rang == []
    await asyncio.sleep(1.5)
    assert house.rang == ["tea"]


@in_virtual_time
async def test_a_change_is_written_and_nothing_else_is(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    await moment()
    assert house.stored == ["tea"]
    assert house.path is not None
    before = house.path.stat().st_ino
    await asyncio.sleep(30)
    await moment()
    assert house.path.stat().st_ino == before


@in_virtual_time
async def test_cancelling_a_ringing_timer_silences_it(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    await asyncio.sleep(60.5)
    house.service.cancel()
    assert house.silenced == ["tea"]


@in_virtual_time
async def test_cancelling_a_running_timer_silences_nothing(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    house.service.cancel("tea")
    assert house.silenced == []
    with pytest.raises(TimerUnknownError):
        house.service.cancel("tea")
    await moment()
    assert house.path is not None
    assert not house.path.exists() or house.stored == []


@in_virtual_time
async def test_a_timer_that_was_heard_is_over(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    await moment()
    await asyncio.sleep(60.5)
    assert house.stored == ["tea"]
    house.service.heard("tea")
    house.service.heard("coffee")
    await moment()
    assert house.service.left() == ()
    assert house.stored == []


@in_virtual_time
async def test_what_is_left_is_told_ringing_ones_first(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    house.service.set(30, "eggs")
    await asyncio.sleep(40)
    assert house.service.left() == (("eggs", 0.0), ("tea", 20.0))


@in_virtual_time
async def test_timers_go_on_after_a_restart(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    house.service.close()
    house.service.close()
    other = House(house.path, ahead_s=AHEAD_S + 20)
    other.service.start()
    assert other.service.left() == (("tea", 40.0),)
    await asyncio.sleep(40.5)
    assert other.rang == ["tea"]
    other.service.close()
    await moment()


@in_virtual_time
async def test_after_closing_nothing_rings(house: House) -> None:
    house.service.start()
    house.service.set(60, "tea")
    house.service.close()
    await asyncio.sleep(100)
    assert house.rang == []


@in_virtual_time
async def test_a_missed_timer_is_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.service.start()
    house.service.set(60, "tea")
    house.service.close()
    other = House(house.path, ahead_s=AHEAD_S + 10_000)
    other.service.start()
    other.service.close()
    assert "'tea' ran out while nobody was here" in caplog.text


@pytest.mark.parametrize("text", ["{", '{"timers": 3}'])
@in_virtual_time
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
    await moment()
    assert house.stored == ["tea"]
    house.service.close()


@in_virtual_time
async def test_a_disk_that_cannot_be_written_is_logged_and_the_timer_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    house = House(tmp_path / "file" / "timers.json")
    house.service.start()
    house.service.set(60, "tea")
    await moment()
    assert "cannot be stored (File exists)" in caplog.text
    assert f"see that {tmp_path / 'file'} can be written" in caplog.text
    await asyncio.sleep(60.5)
    assert house.rang == ["tea"]
    house.service.close()


@in_virtual_time
async def test_without_a_store_timers_run_all_the_same() -> None:
    house = House(None)
    house.service.start()
    house.service.set(60, "tea")
    await asyncio.sleep(61)
    assert house.rang == ["tea"]
    house.service.close()
