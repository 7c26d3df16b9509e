"""Mutation testing of the pure cores: which small faults does no test notice?

For each pure core (the modules named in pyproject.toml's import contract) a sample of small faults is made: a
comparison turned or off by one, `+` for `-`, `and` for `or`, a constant changed, a result replaced, a statement
left out, two branches swapped. Each is tried in a process of its own by those tests of the module's room that
run the line. The score is the share of faults that a test noticed.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.mutation.cores import ROOT, modules, pure_cores, room_of
from scripts.mutation.forks import Outcome
from scripts.mutation.operators import Mutant, makes_a_difference, mutants
from scripts.mutation.rooms import Room, record
from scripts.mutation.trials import Pace, Trial, by_exchange, by_import, trial_of

PROGRESS_EVERY_S = 60
COLUMNS = ("mutants", "noticed", "lived", "not run", "score")


def row(name: str, outcomes: Counter[Outcome]) -> str:
    """One line of the table. A mutant that no test runs counts as one that was not noticed."""
    noticed = outcomes[Outcome.KILLED] + outcomes[Outcome.TIMED_OUT]
    figures = f"{outcomes.total():9}{noticed:9}{outcomes[Outcome.LIVED]:9}{outcomes[Outcome.NOT_TRIED]:9}"
    return f"{name:42}{figures}{100 * noticed / max(outcomes.total(), 1):7.1f} %"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="scripts/mutation/run", description=__doc__.partition("\n\n")[0])
    made.add_argument("names", nargs="*", help="only modules whose dotted name begins so; a module named in full "
                        "need not be a pure core")  # fmt: skip
    made.add_argument("--sample", type=int, default=40, help="mutants for each module (40); 0: all of them")
    made.add_argument("--seed", type=int, default=1, help="which sample (1)")
    made.add_argument("--minutes", type=float, default=60, help="time budget (60), shared by the rooms")
    made.add_argument(
        "--longest", type=float, default=3.0, help="leave out tests that last longer: seconds (3)"
    )
    made.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at once (one per core)")
    made.add_argument("--survivors", action="store_true", help="print each mutant that lived, as a diff")
    made.add_argument(
        "--modules", action="store_true", help="a line for each module, not only for each package"
    )
    return made


def chosen(names: Sequence[str]) -> dict[str, Path]:
    """The modules to mutate."""
    if not names:
        return pure_cores()
    return {
        module: path
        for module, path in modules().items()
        if module in names
        or (module in pure_cores() and any(f"{module}.".startswith(f"{n}.") for n in names))
    }


def sample(module: str, source: str, count: int, seed: int) -> list[Mutant]:
    """`count` of the module's mutants, or all; the same ones for the same seed and source."""
    candidates = mutants(module, source)
    random.Random(f"{seed} {module}").shuffle(candidates)
    found: list[Mutant] = []
    for mutant in candidates:
        if count and len(found) == count:
            break
        if makes_a_difference(mutant, source):
            found.append(mutant)
    return found


def try_all(
    room: Room, wanted: Sequence[Mutant], pace: Pace, longest_s: float
) -> Iterator[tuple[Mutant, Outcome]]:
    """Each mutant with its outcome; NOT_TRIED: no test runs it. Left out is what there is no time for."""
    in_functions: list[Trial] = []
    at_import: list[Trial] = []
    for mutant in wanted:
        tests = room.tests_for(mutant, longest_s)
        if not tests:
            yield mutant, Outcome.NOT_TRIED
        else:
            (at_import if room.acts_at_import(mutant) else in_functions).append(trial_of(room, mutant, tests))
    for done, outcome in by_exchange(room, in_functions, pace):
        if outcome is Outcome.NOT_TRIED:
            at_import.append(done)
        elif done.mutant is not None:
            yield done.mutant, outcome
    for done, outcome in by_import(room, at_import, pace):
        if done.mutant is not None:
            yield done.mutant, outcome


def run_room(
    name: str,
    cores: dict[str, Path],
    options: argparse.Namespace,
    until: float,
    outcomes: dict[Mutant, Outcome],
) -> None:
    """Add the outcome of each mutant of the room's cores that can be tried until then."""
    room = record(name)
    for test in room.failed:
        print(f"left out, since it fails without any fault: {test}", file=sys.stderr)
    wanted = [
        mutant
        for module, path in cores.items()
        if room_of(module) == name
        for mutant in sample(module, path.read_text(), options.sample, options.seed)
    ]
    random.Random(options.seed).shuffle(wanted)
    begun = told = time.monotonic()
    done = 0
    for mutant, outcome in try_all(room, wanted, Pace(options.jobs, until), options.longest):
        outcomes[mutant] = outcome
        done += 1
        if options.survivors and outcome in {Outcome.LIVED, Outcome.NOT_TRIED}:
            print_survivor(mutant, outcome, cores[mutant.module])
        if time.monotonic() - told >= PROGRESS_EVERY_S:
            told = time.monotonic()
            print(f"{name}: {done} of {len(wanted)} mutants so far", file=sys.stderr)
    pace = done / (time.monotonic() - begun)
    missing = f"; {len(wanted) - done} left for want of time" if done < len(wanted) else ""
    print(f"{name}: {done} mutants, {pace:.1f} a second{missing}", file=sys.stderr)


def main() -> int:
    """Run, and print the table; 0 whatever the score, since a survivor is a question and not a failure."""
    options = parser().parse_args()
    cores = chosen(options.names)
    if not cores:
        sys.exit(f"no pure core is named {' or '.join(options.names)}; they stand in pyproject.toml")
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was found until then is told
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    end = time.monotonic() + 60 * options.minutes
    rooms = sorted({room_of(module) for module in cores})
    outcomes: dict[Mutant, Outcome] = {}
    with contextlib.suppress(KeyboardInterrupt):
        for number, name in enumerate(rooms):
            now = time.monotonic()
            run_room(name, cores, options, now + (end - now) / (len(rooms) - number), outcomes)
    table: defaultdict[str, Counter[Outcome]] = defaultdict(Counter)
    for mutant, outcome in outcomes.items():
        package = ".".join(cores[mutant.module].relative_to(ROOT).parts[:-1])
        for key in (package, mutant.module) if options.modules else (package,):
            table[key][outcome] += 1
    print(" " * 42 + "".join(f"{column:>9}" for column in COLUMNS))
    for key in sorted(table):
        print(row(key, table[key]))
    print(row("together", Counter(outcomes.values())))
    return 0


def print_survivor(mutant: Mutant, outcome: Outcome, path: Path) -> None:
    """Show what was not noticed, as a diff."""
    unrun = "\n  (no test of the room runs it)" if outcome is Outcome.NOT_TRIED else ""
    print(f"{mutant.diff(path.read_text(), str(path.relative_to(ROOT)))}{unrun}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
