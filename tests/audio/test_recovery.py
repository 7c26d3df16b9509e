"""When a device is lost, tried again, stuck: the policy alone, with the time as a parameter."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio.device import BlockCounts, DeviceFailure
from speakerd.audio.events import AudioEvent, CaptureSilent, DeviceLost, DeviceReturned, DeviceStuck, Xruns
from speakerd.audio.pcm import MIC_BLOCK_BYTES
from speakerd.audio.supervision import SilenceWatch, XrunReporter
from speakerd.audio.supervision.recovery import RecoveryState


class Bench:
    """A recovery, and a card whose blocks run or stand still."""

    def __init__(self) -> None:
        self.recovery = RecoveryState(reopen_first_s=0.5, reopen_longest_s=10, heartbeat_limit_s=5)
        self.now = 100.0
        self.block_counts = BlockCounts()
        self.events: list[AudioEvent] = []
        self.attempts: list[float] = []
        self.recovery.opening(self.now)
        self.recovery.opened(self.block_counts, self.now)

    def run(
        self, seconds: float, *, capture: bool = True, playback: bool = True, opens: str = "yes"
    ) -> list[AudioEvent]:
        """Let time pass in steps of 0.1 s; `opens` says what an attempt comes to: yes, no, never."""
        self.events = []
        for _ in range(round(seconds * 10)):
            self.now = round(self.now + 0.1, 3)
            if self.recovery.state in {"proving", "running"}:
                self.block_counts = BlockCounts(
                    self.block_counts.capture + 10 * capture, self.block_counts.playback + 10 * playback
                )
            self.events += self.recovery.watch(self.block_counts, None, self.now)
            if self.recovery.wants_reopening(self.now):
                self.attempts.append(self.now)
                self.recovery.opening(self.now)
                if opens == "yes":
                    self.recovery.opened(self.block_counts, self.now)
                elif opens == "no":
                    self.events += self.recovery.not_opened("capture", "not found", self.now)
        return self.events


def test_a_device_that_runs_is_left_alone() -> None:
    bench = Bench()
    assert bench.run(3600) == []
    assert not bench.attempts


def test_a_device_that_stands_still_for_a_second_is_lost_and_reopened_half_a_second_later() -> None:
    bench = Bench()
    bench.run(5)
    events = bench.run(1.1, capture=False)
    assert events == [DeviceLost("capture", "no block for 1.0 s", bench.now - 0.1)]
    assert bench.recovery.lost
    lost_at = bench.now - 0.1
    events = bench.run(2)
    assert bench.attempts == [round(lost_at + 0.5, 3)]
    assert [type(event) for event in events] == [DeviceReturned]
    assert not bench.recovery.lost


def test_a_failure_that_the_device_tells_of_is_a_loss_at_once() -> None:
    bench = Bench()
    bench.run(5)
    events = bench.recovery.watch(bench.block_counts, DeviceFailure("playback", "our own"), bench.now)
    assert events == [DeviceLost("playback", "our own", bench.now)]


def test_an_absent_device_is_tried_ever_more_rarely_told_of_once_and_never_stuck() -> None:
    bench = Bench()
    bench.run(20)
    events = bench.run(1.0, capture=False)
    events += bench.run(3600, opens="no")
    assert [type(event) for event in events] == [DeviceLost, DeviceLost]  # the second: "not found"
    gaps = [round(b - a, 1) for a, b in pairwise(bench.attempts)]
    assert gaps[:5] == [1.0, 2.0, 4.0, 8.0, 10.0]
    assert set(gaps[5:]) == {10.0}
    assert [type(event) for event in bench.run(11)] == [DeviceReturned]


def test_both_directions_told_lost_are_both_told_returned() -> None:
    bench = Bench()
    bench.run(5)
    bench.run(1.1, playback=False)
    bench.run(1.0, opens="no")
    assert {type(event) for event in bench.run(30)} == {DeviceReturned}
    assert {event.direction for event in bench.events if isinstance(event, DeviceReturned)} == {
        "capture",
        "playback",
    }


def test_a_card_plugged_in_ends_a_long_wait() -> None:
    bench = Bench()
    bench.run(20)
    bench.run(1.0, capture=False)
    bench.run(120, opens="no")
    while bench.attempts[-1] != bench.now:
        bench.run(0.1, opens="no")
    bench.recovery.cards_changed(bench.now)
    plugged_at = bench.now
    bench.run(1)
    assert bench.attempts[-1] == round(plugged_at + 0.5, 3)
    assert bench.recovery.state == "running"


def test_after_ten_good_seconds_the_waits_begin_anew() -> None:
    bench = Bench()
    bench.run(20)
    bench.run(1.0, capture=False)
    bench.run(30, opens="no")
    bench.run(30)
    bench.attempts.clear()
    bench.run(1.0, capture=False)
    lost_at = bench.now
    bench.run(2)
    assert bench.attempts == [round(lost_at + 0.5, 3)]


def test_a_loose_plug_is_reopened_ever_more_slowly() -> None:
    bench = Bench()
    for _ in range(8):
        bench.run(0.5)
        while not bench.recovery.lost:
            bench.run(0.1, capture=False)
        while bench.recovery.lost:
            bench.run(0.1)
    gaps = [b - a for a, b in pairwise(bench.attempts)]
    assert gaps[-1] > 10 > gaps[0]


def test_an_attempt_that_never_comes_back_is_stuck_and_told_once() -> None:
    bench = Bench()
    bench.run(5)
    bench.run(1.0, capture=False)
    events = bench.run(60, opens="never")
    assert [type(event) for event in events] == [DeviceStuck]
    assert events[0].at - bench.attempts[0] == 5


def test_a_device_that_opens_but_never_beats_is_stuck() -> None:
    bench = Bench()
    bench.run(5)
    events = bench.run(60, capture=False)
    assert [type(event) for event in events if not isinstance(event, DeviceLost)] == [DeviceStuck]
    assert len(bench.attempts) == 2


def test_one_attempt_without_a_block_is_not_stuck_however_late_it_is_noticed() -> None:
    bench = Bench()
    bench.run(5)
    bench.run(1.6, capture=False)
    assert bench.recovery.state == "proving"
    events = bench.recovery.watch(bench.block_counts, None, bench.now + 60)
    assert [type(event) for event in events] == [DeviceLost]


@given(st.lists(st.tuples(st.sampled_from(["run", "still", "absent"]), st.integers(1, 100)), max_size=20))
def test_whatever_happens_losses_and_returns_alternate_and_it_ends_well(story: list[tuple[str, int]]) -> None:
    bench = Bench()
    events: list[AudioEvent] = []
    for what, tenths in [*story, ("run", 300)]:
        opens = "no" if what == "absent" else "yes"
        events += bench.run(tenths / 10, capture=what == "run", opens=opens)
    stuck = [event for event in events if isinstance(event, DeviceStuck)]
    assert len(stuck) <= 1
    lost: set[str] = set()
    for event in events:
        if isinstance(event, DeviceLost):
            lost.add(event.direction)
        elif isinstance(event, DeviceReturned):
            assert event.direction in lost
            lost.remove(event.direction)
    if not stuck:
        assert not lost
        assert bench.recovery.state == "running"


def test_digital_silence_is_told_once_and_again_only_after_sound() -> None:
    watch = SilenceWatch(30)
    quiet, sound = bytes(MIC_BLOCK_BYTES), bytes(MIC_BLOCK_BYTES - 2) + b"\x01\x00"
    told = [event for second in range(100) if (event := watch.block(quiet, second))]
    assert told == [CaptureSilent(30, 30)]
    assert watch.block(sound, 101) is None
    told = [event for second in range(102, 200) if (event := watch.block(quiet, second))]
    assert told == [CaptureSilent(30, 132)]


def test_xruns_are_told_at_once_and_then_once_a_minute_and_none_is_left_out() -> None:
    reporter = XrunReporter("playback")
    told = [report for second in range(600) if (report := reporter.update(second // 2, float(second)))]
    assert told[0] == Xruns("playback", 1, 2.0)
    assert [b.at - a.at for a, b in pairwise(told)] == [60.0] * (len(told) - 1)
    assert sum(report.count for report in told) == int(told[-1].at) // 2
    assert reporter.update(299, 700.0) is not None
    assert reporter.update(299, 900.0) is None
