"""A household over days and weeks: questions, interruptions, mute, tools, and all that a server and a network do wrong.

Everything is drawn from one seed. What a speaker may never do is looked at with each frame that it sends, what has to
come of a question after each, and what may not grow each night.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from speakerd.dialogue.requests import MUTE, UNMUTE
from speakerd.panel.frames import Frame
from speakerd.panel.simulated import Shown
from speakerd.realtime import event_names as names
from tests.daemon.evidence import with_changes
from tests.simulation.faults import WeatheredWire
from tests.simulation.model_server import ModelServer
from tests.simulation.network import Network
from tests.simulation.virtual_loop import network_of_the_loop, simulate
from tests.simulation.watched import (
    TOLD_WITHIN_S,
    Run,
    in_a_minute,
    kinds_of_tasks,
    now,
    watched,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

DAY_S: Final = 86_400.0
WAKING_S: Final = 16 * 3_600.0
SESSION_S: Final = 3_600.0
"""The server ends each session after this."""
SPOILT: Final = 1 / 250
"""The part of all frames that is spoilt: about one turn in eight."""
HABITS: Final = (
    {"model.connection": "on_wake", "model.turn_detection": "local"},
    {"model.connection": "warm", "model.turn_detection": "local"},
    {"model.connection": "on_wake", "model.turn_detection": "server_vad"},
)
"""Settings that the household has for a while, one after the other; reloaded while the speaker runs."""
LEFT_ALONE_S: Final = 1.0
"""What was on its way when somebody muted it, or when it fell asleep, has come by then."""
SPOILT_FOR_S: Final = 60.0
"""For so long what a spoilt frame has done to a conversation may last."""
MOST_A_MINUTE: Final = 8
"""Requests, and connections, in any minute: far within the budgets, which are the last resort."""
OBJECTS_A_TURN: Final = 40.0
"""By how many objects each turn may leave the process larger, once it is warm. It leaves 2 by itself, and 12 under pytest,
which keeps each line of the journal for its report."""
STOCK_EVERY: Final = 8
"""Acts between two counts of what there is."""
WARM_AFTER: Final = 3
"""Counts that are left out: by then whatever is made once has been made."""
GROWTH_BYTES: Final = 16 << 20
"""The heap of a process has a high-water mark: of thirty days those in which a session is kept raise it by 11 MB."""


@dataclass
class Report:
    """What was counted."""

    days: int
    acts: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    told: int = 0
    requests: int = 0
    connections: int = 0
    faults: int = 0
    outages: int = 0
    requests_in_a_minute: int = 0
    connections_in_a_minute: int = 0
    objects: list[tuple[int, int]] = field(default_factory=list)
    """How many there were after so many turns."""
    memory: list[int] = field(default_factory=list)
    """Bytes of the process, likewise."""
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        acts = ", ".join(f"{count} {act}" for act, count in sorted(self.acts.items()))
        return (
            f"{self.days} days: {acts}; {self.faults} faults of frames, {self.outages} of the network; "
            f"{self.answered} answered, {self.told} told why not; {self.requests} requests, at most "
            f"{self.requests_in_a_minute} in a minute; {self.connections} connections, at most "
            f"{self.connections_in_a_minute} in a minute; {objects_a_turn(self.objects):.1f} objects more with each turn, "
            f"memory {[size >> 20 for size in (*self.memory[1:2], *self.memory[-1:])]} MB; "
            f"{len(self.problems)} problems"
        )


def live(days: int, seed: int) -> Report:
    """Let a household live for so many days."""
    report = Report(days)
    chance = random.Random(f"month {seed}")
    random.seed(seed)
    with patch("secrets.token_hex", return_value="0123abcd"):
        simulate(_Household(chance, report).live(), Network(delay_s=0.02), random.Random(f"order {seed}"))
    return report


class _Household:
    def __init__(self, chance: random.Random, report: Report) -> None:
        self.chance = chance
        self.report = report
        self.wire = WeatheredWire(random.Random(chance.random()), SPOILT)
        self.server = ModelServer(self.wire)
        self.server.watch = self.look
        self.run: Run
        self.muted_at: float | None = None
        self.faults = 0
        self.spoilt_at = 0.0
        """When it was last seen that a frame had been spoilt."""

    async def live(self) -> None:
        async with watched(self.server, self.wire, {}, noise_dbfs=-80.0, record_s=2.0) as self.run:
            others = [asyncio.create_task(self.weather()), asyncio.create_task(self.expire_sessions())]
            for day in range(self.report.days):
                await self.set_habits(HABITS[day * len(HABITS) // self.report.days])
                await self.day(day)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        self.report.problems += [
            f"the harness failed: {e!r}" for e in (*self.server.failures, *self.wire.failures)
        ]
        self.judge_growth()

    async def set_habits(self, habits: Mapping[str, Any]) -> None:
        speaker = self.run.house.assembly.speaker
        self.server.detects_turns = habits["model.turn_detection"] == "server_vad"
        assert await speaker.reconfigure(with_changes(speaker.settings.latest, habits)) == ()

    async def day(self, day: int) -> None:
        night = 1_000.0 + (day + 1) * DAY_S
        while (pause_s := self.chance.expovariate(1 / 1_500.0)) < night - (DAY_S - WAKING_S) - now():
            await asyncio.sleep(pause_s)
            act = self.chance.choices(list(ACTS), [weight for weight, _ in ACTS.values()])[0]
            self.report.acts[act] += 1
            await ACTS[act][1](self)
            if self.report.acts.total() % STOCK_EVERY == 0:
                self.count_objects()
        await asyncio.sleep(night - now())
        self.take_stock()

    # -- what may never be ---------------------------------------------------------------------------------

    def look(self, event: Mapping[str, Any]) -> None:
        """The server has got this."""
        if event["type"] not in (names.INPUT_AUDIO_APPEND, names.INPUT_AUDIO_COMMIT, names.RESPONSE_CREATE):
            return
        self.look_at_responses(event)
        for what, since in (("asleep", self.asleep_since()), ("muted", self.muted_at or now())):
            if now() - since > LEFT_ALONE_S:
                self.problem(f"{event['type']} came when it had been {what} for {now() - since:.1f} s")

    def asleep_since(self) -> float:
        """Since when the dialogue has been idle, by its own changes of phase; now, where it is not."""
        since = now()
        for entry in reversed(self.run.house.entries):
            if entry["event"] == "state":
                if entry["phase"] != "idle":
                    break
                since = entry["at"]
        return since

    def look_at_responses(self, event: Mapping[str, Any]) -> None:
        """One response at a time: where no frame was spoilt lately, none is asked for while one runs."""
        if self.wire.faults != self.faults:
            self.faults, self.spoilt_at = self.wire.faults, now()
        talk = self.server.talk
        running = event["type"] == names.RESPONSE_CREATE and talk is not None and talk.response_id is not None
        if running and now() - self.spoilt_at > SPOILT_FOR_S:
            self.problem("a response was asked for while another one ran")

    async def judged(self, question: Callable[[], Awaitable[None]]) -> None:
        """Ask, and see that an answer is heard, or that it is told why there is none."""
        begun = now()
        await question()
        run = self.run
        if not await run.wait_for(lambda: run.heard_since(begun) or run.told_since(begun), TOLD_WITHIN_S):
            self.problem(f"nothing was heard or seen within {TOLD_WITHIN_S:g} s")
        elif run.heard_since(begun):
            self.report.answered += 1
        elif not run.causes_since(0.0):
            self.problem("the journal does not say why there was no answer")
        else:
            self.report.told += 1

    async def until_idle(self) -> None:
        if not await self.run.reach("idle", 150.0):
            self.problem("not idle")
        self.forget()

    def problem(self, what: str) -> None:
        """Note it, with what happened before it."""
        self.report.problems.append(f"at {now():.2f} s: {what}; {self.run.story()[-3_000:]}")

    def forget(self) -> None:
        """Keep nothing of what is over: a month is long."""
        run, server = self.run, self.run.house.server
        run.house.entries[:] = [entry for entry in run.house.entries if entry["event"] == "state"][-1:]
        run.sounds.clear()
        run.journal.clear()
        run.questions.clear()
        self.server.history.clear()
        for kept in (server.received, server.sent):
            kept.clear()
        del server.connections[:-1]
        for connection in server.connections:
            connection.forget()
        network_of_the_loop().links[:] = network_of_the_loop().open_links

    def take_stock(self) -> None:
        """It is night: nothing is left but what there was."""
        self.forget()
        report, server = self.report, self.server
        kinds = kinds_of_tasks()
        if (tasks := sum(kinds.values())) > _TASKS:
            self.problem(f"{tasks} tasks at night: {dict(kinds)}")
        if (links := len(network_of_the_loop().open_links)) > 1:
            self.problem(f"{links} connections at night")
        times = [at for at, _ in server.requested]
        report.requests += len(times)
        report.connections += len(server.connected)
        report.requests_in_a_minute = max(report.requests_in_a_minute, in_a_minute(times))
        report.connections_in_a_minute = max(report.connections_in_a_minute, in_a_minute(server.connected))
        server.requested.clear()
        server.connected.clear()
        server.generated.clear()
        server.hosted_told.clear()
        report.faults = self.wire.faults
        report.memory.append(_resident_bytes())

    def count_objects(self) -> None:
        """What there is now, after all that has happened so far."""
        gc.collect()
        # The panel's record is bounded, and fills for weeks. (By type: `isinstance` would wake sleeping proxies.)
        there = sum(type(kept) not in (Frame, Shown) for kept in gc.get_objects())
        self.report.objects.append((self.report.acts.total(), there))

    def judge_growth(self) -> None:
        """Nothing grows with the days, and nothing was spent beyond the budgets."""
        report = self.report
        if (slope := objects_a_turn(report.objects)) > OBJECTS_A_TURN:
            report.problems.append(f"{slope:.1f} objects are left by each turn: {report.objects}")
        if report.memory[-1] > report.memory[min(1, report.days - 1)] + GROWTH_BYTES:
            report.problems.append(f"memory grew: {[size >> 20 for size in report.memory]} MB")
        for what, most in (
            ("requests", report.requests_in_a_minute),
            ("connections", report.connections_in_a_minute),
        ):
            if most > MOST_A_MINUTE:
                report.problems.append(f"{most} {what} in a minute")
        if self.server.refused > report.faults:
            report.problems.append(f"{self.server.refused} requests came while a response ran")

    # -- the server and the network ------------------------------------------------------------------------

    async def weather(self) -> None:
        """Now and then the network fails, in one of the ways in which networks do."""
        network = network_of_the_loop()
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 5_000.0))
            self.report.outages += 1
            links = network.open_links
            match self.chance.choice(("cut", "gone", "black hole", "slow")):
                case "cut":
                    for link in links:
                        link.cut()
                case "gone":
                    network.down = True
                    for link in links:
                        link.cut()
                case "black hole":
                    network.down = True
                    for link in links:
                        link.black_hole = True
                case "slow":
                    network.delay_s = 0.7
            await asyncio.sleep(self.chance.choice((0.5, 5.0, 60.0, 1_800.0)))
            network.down, network.delay_s = False, 0.02
            for link in links:
                if link.black_hole:
                    link.cut()  # by now the server has noticed, too

    async def expire_sessions(self) -> None:
        """The server ends what has lasted for an hour."""
        while True:
            await asyncio.sleep(60.0)
            talk = self.server.talk
            if talk is not None and now() - talk.begun > SESSION_S:
                await talk.connection.close(names.CLOSE_GOING_AWAY, "maximum duration")

    # -- what people do ------------------------------------------------------------------------------------

    async def ask(self) -> None:
        await self.judged(self.run.ask)
        await self.until_idle()

    async def ask_aloud(self) -> None:
        await self.judged(self.run.ask_aloud)
        await self.until_idle()

    async def use_a_tool(self) -> None:
        tool = self.chance.choice(("wait", "look"))
        await self.judged(lambda: self.run.ask(tool))
        await self.until_idle()

    async def open_the_door(self) -> None:
        async def ask_and_approve() -> None:
            await self.run.ask("open")
            if await self.run.wait_for(lambda: self.run.house.lights[-1:] == ["approval"], 5.0):
                await asyncio.sleep(1.0)
                await self.run.press()

        await self.judged(ask_and_approve)
        await self.until_idle()

    async def interrupt(self) -> None:
        await self.judged(lambda: self.run.ask("tell"))
        await asyncio.sleep(self.chance.random())
        await self.run.press()
        await self.until_idle()

    async def press_by_mistake(self) -> None:
        await self.run.press()
        await asyncio.sleep(self.chance.choice((0.5, 15.0)))
        await self.run.press()
        await asyncio.sleep(1.0)
        await self.until_idle()

    async def mute(self) -> None:
        speaker = self.run.house.assembly.speaker
        self.run.house.wake()
        speaker.handle(MUTE)
        self.muted_at = now()
        await asyncio.sleep(2.0)
        await self.run.ask_aloud()
        await asyncio.sleep(self.chance.choice((10.0, 3_000.0)))
        self.run.house.wake()
        self.muted_at = None
        speaker.handle(UNMUTE)
        await self.until_idle()


ACTS: Final[dict[str, tuple[int, Callable[[_Household], Awaitable[None]]]]] = {
    "typed questions": (50, _Household.ask),
    "spoken questions": (15, _Household.ask_aloud),
    "tools": (10, _Household.use_a_tool),
    "approvals": (5, _Household.open_the_door),
    "interruptions": (10, _Household.interrupt),
    "presses by mistake": (5, _Household.press_by_mistake),
    "mutings": (5, _Household.mute),
}
"""What people do, and how often."""

_TASKS: Final = 20
"""More than this are never alive at night, with a session or without."""


def objects_a_turn(counts: Sequence[tuple[int, int]]) -> float:
    """The slope of these counts, without the first ones, by least squares; 0 where there are too few for one."""
    warm = counts[WARM_AFTER:]
    if len(warm) < WARM_AFTER:
        return 0.0
    turns, objects = zip(*warm, strict=True)
    return statistics.linear_regression(turns, objects).slope


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
