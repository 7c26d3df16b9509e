"""Counts of an engine, continued by the one that takes its place."""

from dataclasses import asdict

from speakerd.audio.engine import EngineStats


def test_every_count_goes_on_and_the_noise_floor_is_the_newest() -> None:
    earlier = EngineStats(1.5, 0.5, 1, 2, 3, 4, 5, -60.0)
    now = EngineStats(10.0, 20.0, 30, 40, 50, 60, 70, -50.0)
    sums = {name: asdict(earlier)[name] + count for name, count in asdict(now).items()}
    assert asdict(now.after(earlier)) == {**sums, "noise_floor_dbfs": -50.0}
