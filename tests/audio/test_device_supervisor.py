"""Keeping a device open: attempts in the background, cards that come and go."""

from speakerd.audio.cards import SoundCard
from speakerd.audio.device import BlockCounts
from speakerd.audio.events import DeviceLost, DeviceReturned
from speakerd.audio.settings import AudioSettings
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.audio.supervision.device_supervisor import DeviceSupervisor


class Bench:
    def __init__(self) -> None:
        self.device = SimulatedDevice(stepped=True)
        self.cards: tuple[SoundCard, ...] = (SoundCard(0, "Headphones"),)
        self.looks = 0
        self.supervisor = DeviceSupervisor(
            self.device,
            AudioSettings(),
            lambda block, at: None,
            lambda samples: bytes(2 * samples),
            self._look,
        )

    def _look(self) -> tuple[SoundCard, ...]:
        self.looks += 1
        return self.cards

    def run(self, seconds: float) -> list[object]:
        events: list[object] = []
        for _ in range(round(seconds * 100)):
            self.device.step()
            events += self.supervisor.tick(self.device.now())
        return events


def test_a_card_that_comes_back_is_opened_within_a_second_however_long_it_was_gone() -> None:
    bench = Bench()
    bench.supervisor.start(wait=False)
    bench.run(5)
    bench.cards = ()
    bench.device.unplug("capture")
    events = bench.run(600)
    assert {type(event) for event in events} == {DeviceLost}
    bench.device.plug_in()
    bench.cards = (SoundCard(1, "Headphones"),)
    assert DeviceReturned in {type(event) for event in bench.run(1.2)}


def test_cards_are_not_looked_at_while_all_is_well() -> None:
    bench = Bench()
    bench.supervisor.start(wait=False)
    bench.run(20)
    assert bench.looks == 0


def test_after_close_nothing_is_reopened_and_closing_again_does_nothing() -> None:
    bench = Bench()
    bench.supervisor.start(wait=False)
    bench.run(1)
    bench.supervisor.close()
    bench.supervisor.close()
    beats = bench.device.block_counts
    bench.run(30)
    assert bench.device.block_counts == beats == BlockCounts(100, 100)
    assert bench.supervisor.idle
