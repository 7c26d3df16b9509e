"""Settings that were renamed or taken out: understood for one version more, with a warning that names the new one.

An entry is deleted in the version that it names; a test fails from then on.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from speakerd.config.errors import Problem
from speakerd.config.line_numbers import KeyPath, line_of
from speakerd.config.validate import Document


@dataclass(frozen=True, slots=True)
class Renamed:
    """What became of a setting.

    Attributes:
        new: its new name; empty if there is no such setting any more.
        until: the version that no longer knows the old name.
        why: for a setting that was taken out, what happens now.
    """

    new: str
    until: str
    why: str = ""


RENAMED: Final[Mapping[str, Renamed]] = {
    "audio.abort_on_flush": Renamed(
        "", "0.2.0", "The driver is never told to abort: it clicks, and loses the stream."
    ),
    "offline.host": Renamed("", "0.2.0", "The embedded server asks for no key, so it is on 127.0.0.1 only."),
}
"""By the old name, dotted."""


def understood(document: Document, table: Mapping[str, Renamed] = RENAMED) -> tuple[Document, list[Problem]]:
    """Return the file with the new names in place of the old ones, and a warning for each.

    A file that has both names is in error: nobody could say which of the values is meant.
    """
    problems: list[Problem] = []
    data, places = document.data, dict(document.places)
    for old, entry in table.items():
        path = tuple(old.split("."))
        if not _holds(data, path):
            continue
        if data is document.data:
            data = copy.deepcopy(data)
        value, line = _taken(data, path), line_of(places, path)
        if not entry.new:
            what, cure = (
                f"there is no such setting any more; it is passed over until {entry.until}",
                "Delete this line.",
            )
            problems.append(_problem(document, line, old, what, f"{entry.why} {cure}".strip(), error=False))
            continue
        new = tuple(entry.new.split("."))
        if _holds(data, new):
            what = f"this is the old name of {entry.new}, which is set too (line {line_of(places, new)})"
            problems.append(_problem(document, line, old, what, "Delete this line.", error=True))
            continue
        _put(data, new, value)
        for place, number in document.places.items():
            if place[: len(path)] == path:
                places[(*new, *place[len(path) :])] = number
        what = f"this is called {entry.new} now; the old name is understood until {entry.until}"
        problems.append(_problem(document, line, old, what, f"Write {entry.new} instead.", error=False))
    return replace(document, data=data, places=places), problems


def _problem(document: Document, line: int | None, key: str, what: str, cure: str, *, error: bool) -> Problem:
    return Problem(document.file, line, key, what, cure=cure, severity="error" if error else "warning")


def _holds(data: Any, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


def _taken(data: dict[str, Any], path: KeyPath) -> Any:
    holders = [data]
    for part in path[:-1]:
        holders.append(holders[-1][part])
    value = holders[-1].pop(path[-1])
    for holder, part in zip(reversed(holders[:-1]), reversed(path[:-1]), strict=True):
        if holder[part]:
            break
        del holder[part]  # a table that is renamed with all that was in it
    return value


def _put(data: dict[str, Any], path: KeyPath, value: Any) -> None:
    for part in path[:-1]:
        below = data.get(part)
        if not isinstance(below, dict):
            below = data[part] = {}
        data = below
    data[path[-1]] = value
