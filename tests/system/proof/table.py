"""The table: what was tried, whether it is as it should be, and what was measured."""

import sys
import time

failures: list[str] = []


def check(what: str, holds: object, found: object = "") -> bool:
    """One row with a verdict. Falsy `holds` makes the job fail; the rest goes on."""
    _row("ok" if holds else "FAIL", what, found)
    if not holds:
        failures.append(what)
    return bool(holds)


def figure(what: str, found: object) -> None:
    """One row that only tells."""
    _row("", what, found)


def title(words: str) -> None:
    """What the following rows are about, and the guest's clock: seconds since its boot."""
    print(f"-- {words} ({time.monotonic():.0f} s after boot)", flush=True)


def aside(text: str) -> None:
    """Lines that explain a row."""
    for line in text.splitlines():
        print(f"         {line}", flush=True)
    sys.stdout.flush()


def _row(verdict: str, what: str, found: object) -> None:
    print(f"{verdict:<5}{what:<58} {found}", flush=True)
