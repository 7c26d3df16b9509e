"""What of a running speaker can be seen from outside, taken down with its time.

In virtual time two runs of one scene are the same in every byte. So where a run with one setting changed differs from
the run without, that setting has an effect; and where in the evidence it differs says of which kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import logging
import random
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from speakerd.config.settings import Settings
from speakerd.daemon.control import Control
from speakerd.daemon.core import PartFailedError
from tests.daemon.bench import Household, household
from tests.simulation.network import Network
from tests.simulation.virtual_loop import simulate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from speakerd.daemon.live_settings import LiveSettings, When

    Scene = Callable[[Household], Awaitable[None]]

CHANNELS = ("wire", "sound", "light", "status", "journal", "monitor")

WITHOUT_SECOND_OPINION = {"audio.gate.silero": "off"}
"""Where a scene does not say otherwise: it costs more than all else in a run, and is observed in runs of its own."""
REMADE = {
    "model.connect_timeout_s": 9.75,
    "audio.capture_queue_ms": 1_010,
    "dialogue.playback_limit_s": 899.0,
    "panel.light.pwm_hz": 201,
    "tools.max_timers": 19,
}
"""Changed in every run, so that every part is made anew in the runs that are compared, and no difference is only that."""


def remade_with(settings: LiveSettings, key: str) -> dict[str, Any]:
    """What of REMADE is changed together with `key`; the rest is before it.

    A part that takes `key` at once must do so by itself: one that is made anew has it from its beginning, and would
    hide that the part in force never took it.
    """
    if not key or settings.when(key) != "now":
        return REMADE
    parts = [part for part in settings._subscriptions if part.reads(key)]
    return {name: value for name, value in REMADE.items() if any(part.reads(name) for part in parts)}


@cache
def _as_it_comes() -> LiveSettings:
    """The settings of a speaker that was not changed, with the parts that take them."""
    found: list[LiveSettings] = []

    async def look() -> None:
        async with household() as house:
            found.append(house.assembly.speaker.settings)

    simulate(look(), Network(delay_s=0.0))
    return found[0]


def taken_with(key: str) -> frozenset[str]:
    """The names of `remade_with`."""
    return frozenset(remade_with(_as_it_comes(), key))


@dataclasses.dataclass
class Evidence:
    """One run; `channels` holds what was seen, by the kind of place where it was seen."""

    channels: dict[str, list[Any]]
    when: When | None

    def differs_from(self, other: Evidence) -> tuple[str, ...]:
        """The kinds of places in which something else was seen."""
        return tuple(name for name in CHANNELS if self.channels[name] != other.channels[name])


class _Timed(list[Any]):
    """A list whose entries carry the time at which they came."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def append(self, item: Any) -> None:
        super().append(item)
        self.times.append(asyncio.get_running_loop().time())


class _Journal(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[tuple[float, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("speakerd"):
            self.lines.append((_now(), record.getMessage()))


def _now() -> float:
    try:
        return round(asyncio.get_running_loop().time(), 4)
    except RuntimeError:
        return 0.0


def with_changes(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings, but for some, by dotted key; checked as a file would be."""
    tree = settings.model_dump()
    for key, value in changes.items():
        *tables, name = key.split(".")
        here: Any = tree
        for table in tables:
            here = here.setdefault(table, {})
        here[name] = value
    return Settings.model_validate(tree)


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as nested tables."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *tables, name = key.split(".")
        here = tree
        for table in tables:
            here = here.setdefault(table, {})
        here[name] = value
    return tree


def run(
    scene: Scene,
    change: Mapping[str, Any],
    *,
    base: Mapping[str, Any],
    key: str = "",
    script: Any = None,
    environment: dict[str, str] | None = None,
    early: Any = None,
    from_the_start: bool = False,
) -> Evidence:
    """Start a speaker with `base`, reload `change`, play `scene`, and tell what was seen since the reload.

    With `from_the_start` the change is in force from the start on, as after a restart.
    """
    seen: list[Evidence] = []

    async def play() -> None:
        started = {**WITHOUT_SECOND_OPINION, **base, **(change if from_the_start else {})}
        journal = _Journal()
        root = logging.getLogger("speakerd")
        before_level = root.level
        root.setLevel(logging.INFO)
        root.addHandler(journal)
        try:
            with contextlib.suppress(PartFailedError):
                async with household(
                    script,
                    settings=nested(started),
                    environment=dict(environment) if environment else None,
                    early=early,
                ) as house:
                    await _play(house, journal)
        finally:
            root.removeHandler(journal)
            root.setLevel(before_level)

    async def _play(house: Household, journal: _Journal) -> None:
        speaker = house.assembly.speaker
        when = speaker.settings.when(key) if key else None
        house.server.received = _Timed()
        remade = {name: value for name, value in REMADE.items() if name != key and name not in base}
        # Places that depend on the run are filled in: the server's address.
        filled = {name: value(house) if callable(value) else value for name, value in change.items()}
        together = remade_with(speaker.settings, key)
        first = {name: value for name, value in remade.items() if name not in together}
        then = {name: value for name, value in remade.items() if name in together}
        for new in (first, {**then, **({} if from_the_start else filled)}):
            failures = await speaker.reconfigure(with_changes(speaker.settings.latest, new))
            assert failures == ()
        journal.lines.clear()
        await asyncio.sleep(0.5)
        mark = len(house.device.played)
        entries = len(house.entries)
        try:
            await scene(house)
            await asyncio.sleep(0.1)
        finally:
            seen.append(_evidence(house, journal, mark, entries, when))

    random.seed(1)
    with patch("secrets.token_hex", return_value="0123abcd"):
        simulate(play(), Network(delay_s=0.0))
    return seen[0]


def _evidence(house: Household, journal: _Journal, mark: int, entries: int, when: When | None) -> Evidence:
    status = _status(house)
    received = house.server.received
    times = getattr(received, "times", [0.0] * len(received))
    wire: list[Any] = [
        (connection.path, sorted(connection.headers.items())) for connection in house.server.connections
    ]
    wire = [
        (path, [item for item in headers if item[0].lower() != "sec-websocket-key"]) for path, headers in wire
    ]
    wire += [(round(at, 3), _plain(event)) for at, event in zip(times, received, strict=True)]
    frames = [
        (
            round(shown.at, 3),
            shown.frame.state,
            shown.frame.is_lit,
            round(shown.frame.brightness, 6),
            shown.frame.color,
        )
        for shown in house.panel.record
    ]
    return Evidence(
        {
            "wire": wire,
            "sound": [hashlib.sha256(house.device.played[mark:]).hexdigest()],
            "light": frames,
            "status": [status],
            "journal": journal.lines.copy(),
            "monitor": [
                tuple(sorted((key, str(value)) for key, value in entry.items()))
                for entry in house.entries[entries:]
            ],
        },
        when,
    )


def _status(house: Household) -> str:
    control = Control(house.assembly, None)  # type: ignore[arg-type]  # nothing is reloaded by it
    coroutine = control.handle("status", {})
    try:
        coroutine.send(None)
    except StopIteration as done:
        answer: dict[str, Any] = dict(done.value)
        answer.pop("uptime_s")
        return str(answer)
    raise AssertionError("the status waits for something")


def _plain(event: Mapping[str, Any]) -> str:
    return str({key: value for key, value in event.items() if key != "event_id"})
