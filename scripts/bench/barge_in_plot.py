"""A picture of one barge-in: microphone, what the canceller leaves, gate, and what the loudspeaker is given."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from speakerd.audio.settings import AudioSettings
from tests.audio.barge_in_score import Moment, run_room
from tests.audio.rooms import RoomPlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEFORE_S, AFTER_S = 1.2, 2.4
FLOOR = -90.0
GREY, BLUE, GREEN, ORANGE, RED = "#8a8f98", "#2f6db5", "#3a8f5c", "#e08a1e", "#c0392b"


def plot(plan: RoomPlan, settings: AudioSettings, path: Path) -> float:
    """Draw the first barge-in in that room into a PNG; returns milliseconds from the first word to silence."""
    import matplotlib as mpl  # noqa: PLC0415  # installed only where a plot is wanted

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415  # the backend is chosen first

    trace: list[Moment] = []
    run_room(plan, settings, seconds=13, near_db=0, trace=trace)
    word = next(moment.at for moment in trace if moment.person)
    ducked = next(moment.at for moment in trace if moment.ducked and moment.at >= word)
    decided = next(moment.at for moment in trace if moment.gate_open)
    silent = next(moment.at for moment in trace if moment.at >= decided and moment.far_dbfs <= FLOOR)
    shown = [moment for moment in trace if -BEFORE_S <= moment.at - word <= AFTER_S]
    at = [moment.at - word for moment in shown]

    figure, axes = plt.subplots(
        4, 1, sharex=True, figsize=(11, 7.6), layout="constrained", height_ratios=(3, 3, 1.3, 3)
    )
    figure.suptitle(
        f"A person interrupts: silent {(silent - word) * 1000:.0f} ms after the first word\n"
        f'simulated room "{plan.name}": echo {plan.echo_db:g} dB, {plan.delay_ms:g} ms late, '
        "the person as loud as the echo",
        fontsize=12,
    )
    microphone, residual, gate, output = axes
    _level(microphone, "microphone", at, [moment.mic_dbfs for moment in shown], GREY)
    _level(residual, "after the canceller", at, [moment.clean_dbfs for moment in shown], BLUE)
    _level(output, "loudspeaker", at, [moment.far_dbfs for moment in shown], GREEN)
    limit = settings.barge_in.level_dbfs
    residual.axhline(limit, color=RED, linewidth=0.9, linestyle="--")
    residual.text(
        -BEFORE_S + 0.02, limit + 2, f"a barge-in must be above {limit:g} dBFS", color=RED, fontsize=8
    )

    bars: tuple[tuple[str, Callable[[Moment], bool], str], ...] = (
        ("gate open", lambda moment: moment.gate_open, BLUE),
        ("voice ducked", lambda moment: moment.ducked, ORANGE),
        ("person speaks", lambda moment: moment.person, GREY),
    )
    for height, (_, holds, colour) in enumerate(bars):
        gate.broken_barh(_spans(shown, word, holds), (height - 0.35, 0.7), color=colour)
    gate.set_yticks(range(len(bars)), [name for name, _, _ in bars])
    gate.set_ylim(-0.6, len(bars) - 0.4)
    gate.grid(axis="x", alpha=0.25)

    events = (
        (0.0, GREY, "first word"),
        (ducked - word, ORANGE, "suspected"),
        (decided - word, BLUE, "confirmed"),
    )
    for axis in axes:
        for moment, colour, _ in events:
            axis.axvline(moment, color=colour, linewidth=1.1)
    for row, (moment, colour, name) in enumerate(events):
        late = f" +{moment * 1000:.0f} ms" if moment else ""
        first = row == 0
        microphone.annotate(
            f"{name}{late}",
            (moment if first else decided - word, 0), (-6 if first else 6, -12 - 12 * max(0, row - 1)),
            textcoords="offset points", ha="right" if first else "left", color=colour, fontsize=9, weight="bold",
        )  # fmt: skip
    output.annotate(
        f"silent +{(silent - word) * 1000:.0f} ms", (silent - word, FLOOR), (6, 10),
        textcoords="offset points", color=GREEN, fontsize=9, weight="bold",
    )  # fmt: skip
    output.set_xlabel("seconds from the person's first word")
    output.set_xlim(-BEFORE_S, AFTER_S)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return (silent - word) * 1000


def _level(axis: "Axes", name: str, at: Sequence[float], levels: Sequence[float], colour: str) -> None:
    axis.fill_between(at, levels, FLOOR, color=colour, alpha=0.35, linewidth=0)
    axis.plot(at, levels, color=colour, linewidth=1)
    axis.set_ylabel(f"{name}\ndBFS")
    axis.set_ylim(FLOOR, 0)
    axis.set_yticks([-80, -60, -40, -20, 0])
    axis.grid(alpha=0.25)


def _spans(
    shown: Sequence[Moment], word: float, holds: Callable[[Moment], bool]
) -> list[tuple[float, float]]:
    """Where it holds, as (begin, length)."""
    spans: list[tuple[float, float]] = []
    for moment in shown:
        if not holds(moment):
            continue
        begin = moment.at - word - 0.01
        if spans and begin - sum(spans[-1]) < 0.005:
            spans[-1] = (spans[-1][0], begin + 0.01 - spans[-1][0])
        else:
            spans.append((begin, 0.01))
    return spans
