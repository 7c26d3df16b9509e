"""The matrix, a cell of it, or a month, from the command line: see `scripts/simulation`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time

from speakerd.realtime.event_names import SERVER_EVENTS
from tests.simulation.faults import ANY, STAGES, Cell
from tests.simulation.known import KNOWN
from tests.simulation.month import live
from tests.simulation.turns import play, play_all


def _matrix(seed: int, jobs: int) -> int:
    begun = time.monotonic()
    tasks = [(stage, event, seed) for stage in STAGES for event in (ANY, *sorted(SERVER_EVENTS))]
    played = failed = known = void = 0
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for results in pool.imap_unordered(play_all, tasks, chunksize=4):
            played += len(results)
            for name, outcome in results:
                void += outcome.void
                if outcome.problems and name in KNOWN:
                    known += 1
                elif outcome.problems:
                    failed += 1
                    print(f"scripts/simulation cell {name}", *outcome.problems, sep="\n    ", flush=True)
    print(
        f"{played} cells, {failed} failed, {known} as is known, of {void} the client had gone before the fault; "
        f"{time.monotonic() - begun:.0f} s"
    )
    return int(failed > 0)


def _cell(name: str) -> int:
    try:
        cell = Cell.parse(name)
    except ValueError as error:
        sys.exit(f"scripts/simulation: {error}")
    outcome = play(cell)
    print(*outcome.history, sep="\n")
    print(f"{cell}: {len(outcome.problems)} problems", *outcome.problems, sep="\n    ")
    return int(bool(outcome.problems))


def _month(days: int, seed: int) -> int:
    begun = time.process_time()
    report = live(days, seed)
    print(*report.problems, f"{report}; {time.process_time() - begun:.0f} s of computing", sep="\n")
    return int(bool(report.problems))


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/simulation")
    what = parser.add_subparsers(dest="what", required=True)
    matrix, cell, month = (what.add_parser(name) for name in ("matrix", "cell", "month"))
    for seeded in (matrix, month):
        seeded.add_argument("--seed", type=int, default=0)
    matrix.add_argument("--jobs", type=int, default=os.cpu_count())
    month.add_argument("--days", type=int, default=30)
    cell.add_argument("name")
    given = parser.parse_args()
    match given.what:
        case "matrix":
            return _matrix(given.seed, given.jobs)
        case "cell":
            return _cell(given.name)
        case _:
            return _month(given.days, given.seed)


if __name__ == "__main__":
    sys.exit(main())
