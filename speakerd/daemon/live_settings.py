"""The settings of the running speaker: the one place through which its parts take new ones.

A part that is made from settings subscribes: it names the tables or keys it is made of, when it can take others,
and how. Nothing else in the daemon passes settings on, and nothing but a part keeps a copy of them. So what a
reload does to a setting is what its parts answer (`LiveSettings.when`), and no reload can be missed.

A change has two steps. First every part that is made of a changed setting *prepares*: it makes and tries what the
new settings ask for beside what runs. If one of them cannot, all others abandon what they prepared, and nothing
has changed. Then each part *commits* at the moment that it has named:

- `now`: at once, also in the middle of an answer;
- `between_turns`: when no conversation is going on, so that nobody hears it;
- `restart`: never in this process; it has to be started again;
- `elsewhere`: never, since no part of the daemon reads it, but another command, at its own start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from speakerd.config.show import values

if TYPE_CHECKING:
    from speakerd.config.settings import Settings

log = logging.getLogger(__name__)

When = Literal["now", "between_turns", "restart", "elsewhere"]
"""The moment at which a part takes new settings, soonest first."""

_LATEST_LAST: tuple[When, ...] = get_args(When)

Done: TypeAlias = Awaitable[None] | None


class UnworkableSettingError(Exception):
    """A part cannot work with a new setting: which one, and why; the reason says what to do."""

    def __init__(self, key: str, reason: str) -> None:
        # Many a reason begins with the key, since it is also told where no file is known.
        reason = reason.removeprefix(f"{key} ").removeprefix(f"{key}: ")
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class SettingsRefusedError(Exception):
    """New settings that at least one part cannot work with; the old ones stay in force."""

    def __init__(self, problems: tuple[UnworkableSettingError, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """What a part has made and tried of new settings, and has not put to use yet.

    Attributes:
        commit: Puts it to use. What it returns, if anything, is awaited; it may raise UnworkableSettingError, and
            must then have gone back to what it was made of before.
        abandon: Undoes the preparation; it is not going to be used.
    """

    commit: Callable[[], Done]
    abandon: Callable[[], Done] = _nothing


Prepare: TypeAlias = "Callable[[Settings], Awaitable[PreparedChange]]"
"""Makes and tries what the new settings ask for. Raises UnworkableSettingError, and has then changed nothing."""


@dataclass(slots=True)
class SettingsSubscription:
    """What one part is made of, and how it takes other settings."""

    keys: tuple[str, ...]
    """Tables ("audio") or single keys ("audio.gate.hangover_ms"), dotted."""
    but: tuple[str, ...]
    """Keys or tables of those that the part does not read."""
    when: When
    prepare: Prepare | None
    """None where the part is made anew only with the process."""
    every_time: bool
    """Whether it is asked at each change, for what it reads beside the settings."""
    disturbs: bool
    """Whether it cannot try new settings beside the old: it is asked last, and only if no other has refused."""
    made_of: Settings
    """What it took last."""
    prepared: PreparedChange | None = None
    """What it has prepared of the newest settings and not committed."""
    failure: UnworkableSettingError | None = None
    """Why it could not commit the newest settings, and is still made of older ones."""

    def reads(self, key: str) -> bool:
        """Whether the part is made of the setting `key`."""
        return _within(key, self.keys) and not _within(key, self.but)

    def differs(self, settings: Settings) -> bool:
        """Whether `settings` are other ones than those it is made of."""
        return bool(self.missing(settings))

    def missing(self, settings: Settings) -> set[str]:
        """Return those of its settings that it is made of another value of."""
        if self.made_of is settings:
            return set()
        old, new = values(self.made_of), values(settings)
        return {key for key in new if self.reads(key) and old[key] != new[key]}


class LiveSettings:
    """Hands new settings to the parts that are made of them. Event loop only."""

    def __init__(
        self,
        settings: Settings,
        place_of: Callable[[str], str] = str,
        left_out: tuple[UnworkableSettingError, ...] = (),
    ) -> None:
        """`place_of` returns file, line and key of a setting, for a message; `left_out` is what they lack."""
        self.place_of = place_of
        self.latest = settings
        """The newest settings that were accepted. A part may still be made of older ones until it can take them."""
        self.left_out = left_out
        """What the file asks for and this start had to do without; nothing once a change has been accepted."""
        self._subscriptions: list[SettingsSubscription] = []
        self._changing = asyncio.Lock()
        self._commits: set[asyncio.Future[None]] = set()

    def subscribe(
        self,
        *keys: str,
        take: Callable[[Settings], None] | None = None,
        prepare: Prepare | None = None,
        but: tuple[str, ...] = (),
        when: When = "between_turns",
        every_time: bool = False,
        disturbs: bool = False,
    ) -> Settings:
        """Register a part; return the settings to make it of.

        Parts prepare and commit in the order of their subscriptions.

        Args:
            keys: Tables or single keys that the part is made of, dotted.
            take: For a part that can work with all settings there are: called with them to commit.
            prepare: For a part that may not be able to. Neither where it takes no others in this process.
            but: Keys or tables within `keys` that it does not read.
            when: When it commits.
            every_time: Prepare at each change, also if none of the keys differs: the part reads a file, too.
            disturbs: The trial interrupts the running part.
        """
        if take is not None:
            prepare = partial(_always, take)
        if (prepare is None) != (when in {"restart", "elsewhere"}):
            raise ValueError(f"{keys} cannot be taken {when!r}")
        self._subscriptions.append(
            SettingsSubscription(keys, but, when, prepare, every_time, disturbs, self.latest)
        )
        return self.latest

    def when(self, key: str) -> When:
        """Return when a change of that setting has reached all parts that are made of it.

        Raises:
            KeyError: no part is made of it.
        """
        moments = [part.when for part in self._subscriptions if part.reads(key)]
        if not moments:
            raise KeyError(key)
        return max(moments, key=_LATEST_LAST.index)

    def waiting(self, when: When) -> tuple[str, ...]:
        """Return the settings of which a part still waits for that moment to take the newest value."""
        parts = [part for part in self._subscriptions if part.when == when]
        return self._in_order(key for part in parts for key in part.missing(self.latest))

    @property
    def failures(self) -> tuple[UnworkableSettingError, ...]:
        """Why parts could not take the newest settings at their moment; until another change has been accepted."""
        return tuple(part.failure for part in self._subscriptions if part.failure is not None)

    def failed(self) -> tuple[str, ...]:
        """Return the settings of which a part could not take the newest value."""
        parts = [part for part in self._subscriptions if part.failure is not None]
        return self._in_order(key for part in parts for key in part.missing(self.latest))

    def _in_order(self, keys: Iterable[str]) -> tuple[str, ...]:
        some = set(keys)
        return tuple(key for key in values(self.latest) if key in some)

    async def change(self, settings: Settings) -> None:
        """Have all parts try new settings and accept them; those that can take them at once have done so then.

        Raises:
            SettingsRefusedError: a part cannot work with them. Nothing has changed.
        """
        async with self._changing:
            # What still goes on of an older change decides what the parts are made of.
            await self._committed()
            prepared = await self._prepare_all(settings)
            self.latest, self.left_out = settings, ()
            for part in self._subscriptions:
                if part.when == "restart":
                    continue
                part.failure = None
                if (older := part.prepared) is not None:
                    part.prepared = None
                    await _over(older.abandon())
                if (newer := prepared.get(id(part))) is not None:
                    part.prepared = newer
                else:
                    part.made_of = settings
            self._commit("now")
            await self._committed()

    def between_turns(self) -> None:
        """No conversation is going on: parts that waited for this take the newest settings. Cheap to call often.

        Nothing is taken while a change is being prepared, since that may replace what waits; whoever asked for the
        change calls this again after it, also after one that was refused.
        """
        if not self._changing.locked():
            self._commit("between_turns")

    async def settled(self) -> tuple[UnworkableSettingError, ...]:
        """Wait until all commits that have begun are over; return what went wrong with the newest settings."""
        await self._committed()
        return self.failures

    async def _prepare_all(self, settings: Settings) -> dict[int, PreparedChange]:
        prepared: dict[int, PreparedChange] = {}
        problems: list[UnworkableSettingError] = []
        try:
            for part in sorted(self._subscriptions, key=lambda part: part.disturbs):
                if part.prepare is None or (part.disturbs and problems):
                    continue
                if part.every_time or part.differs(settings):
                    try:
                        prepared[id(part)] = await part.prepare(settings)
                    except UnworkableSettingError as problem:
                        problems.append(problem)
            if problems:
                raise SettingsRefusedError(tuple(problems))
        except (
            BaseException
        ):  # whatever it is, a cancellation too: what has been prepared must not be left behind
            for change in prepared.values():
                await _over(change.abandon())
            raise
        return prepared

    def _commit(self, when: When) -> None:
        for part in self._subscriptions:
            if part.when != when or part.prepared is None:
                continue
            change, part.prepared = part.prepared, None
            before, part.made_of = part.made_of, self.latest
            try:
                done = change.commit()
            except Exception as error:  # noqa: BLE001  # a fault of ours in one part must not keep the others from theirs
                self._failed(part, before, error)
                continue
            if done is not None:
                task = asyncio.ensure_future(self._finish(done, part, before))
                self._commits.add(task)
                task.add_done_callback(self._commits.discard)

    async def _finish(self, done: Awaitable[None], part: SettingsSubscription, before: Settings) -> None:
        try:
            await done
        except Exception as error:  # noqa: BLE001  # likewise
            self._failed(part, before, error)

    def _failed(self, part: SettingsSubscription, before: Settings, error: Exception) -> None:
        part.made_of = before
        if isinstance(error, UnworkableSettingError):
            log.error("the old setting stays in force: %s", error)
        else:
            log.error("a part could not take new settings", exc_info=error)
            error = UnworkableSettingError(part.keys[0], f"internal error: {error!r}")
        part.failure = error

    async def _committed(self) -> None:
        while self._commits:
            await asyncio.wait(self._commits)


async def _always(take: Callable[[Settings], None], settings: Settings) -> PreparedChange:
    return PreparedChange(partial(take, settings))


async def _over(done: Done) -> None:
    if done is not None:
        await done


def _within(key: str, tables: tuple[str, ...]) -> bool:
    return any(key == table or key.startswith(f"{table}.") for table in tables)
