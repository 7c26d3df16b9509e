"""A model that plays a script: for testing what a session does without any network.

::

    model = ScriptedRealtimeModel([
        expect(RealtimeModelSendUserInput, user_input="Hello"),
        emit(RealtimeModelTurnStartedEvent("r1"), RealtimeModelTurnEndedEvent("r1", "completed")),
    ])
    async with await RealtimeRunner(agent, model=model).run() as session:
        await session.send_message("Hello")
        await model.finished()

The script is strict: requests must come in the order in which they are expected, and any other one raises
`ScriptError` where it was sent. Events after an expectation are emitted when it has been met.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from speakerd.realtime.errors import RealtimeLayerError
from speakerd.realtime.model import RealtimeModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from speakerd.realtime.model import (
        RealtimeModelConfig,
        RealtimeModelEvent,
        RealtimeModelListener,
        RealtimeModelSendEvent,
    )


class ScriptError(RealtimeLayerError, AssertionError):
    """What happened is not what the script of a test says."""


@dataclass(frozen=True, slots=True)
class ExpectedRequest:
    """A step of the script: a request of that type, with these fields, has to come now."""

    kind: type[Any]
    fields: dict[str, Any]

    def mismatch(self, event: object) -> str | None:
        """Return why `event` is not the expected one; `None` if it is."""
        if not isinstance(event, self.kind):
            return f"expected {self.kind.__name__}, found {event!r}"
        for name, value in self.fields.items():
            found = getattr(event, name)
            if found != value:
                return f"expected {self.kind.__name__} with {name}={value!r}, found {found!r}"
        return None


@dataclass(frozen=True, slots=True)
class EmittedEvents:
    """A step of the script: the model emits these events now."""

    events: tuple[RealtimeModelEvent, ...]


ScriptedStep: TypeAlias = ExpectedRequest | EmittedEvents


def expect(kind: type[Any], /, **fields: Any) -> ExpectedRequest:
    """Make a step: a request of that type comes, with these values of these fields."""
    return ExpectedRequest(kind, fields)


def emit(*events: RealtimeModelEvent) -> EmittedEvents:
    """Make a step: the model emits these events."""
    return EmittedEvents(events)


class ScriptedRealtimeModel(RealtimeModel):
    """A model that plays `steps` from its connection on.

    Args:
        steps: The script.
        ignore: Types of requests that may come at any time, such as `RealtimeModelSendAudio`. They are recorded.
    """

    def __init__(self, steps: Iterable[ScriptedStep] = (), *, ignore: tuple[type[Any], ...] = ()) -> None:
        self._steps = list(steps)
        self._expected = [step for step in self._steps if isinstance(step, ExpectedRequest)]
        self._ignore = ignore
        self._met = 0
        self._listeners: list[RealtimeModelListener] = []
        self._progress = asyncio.Condition()
        self._player: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self.sent: list[RealtimeModelSendEvent] = []
        """All requests, in order."""
        self.options: RealtimeModelConfig | None = None
        """The configuration given to `connect`."""
        self.closed = False

    async def connect(self, options: RealtimeModelConfig) -> None:
        """Begin to play the script."""
        self.options = options
        self.closed = False
        self._player = asyncio.create_task(self._play(), name="speakerd scripted model")

    def add_listener(self, listener: RealtimeModelListener) -> None:
        """Pass events to `listener` from now on."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def remove_listener(self, listener: RealtimeModelListener) -> None:
        """Stop passing events to `listener`."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    async def send_event(self, event: RealtimeModelSendEvent) -> None:
        """Compare a request with the script.

        Raises:
            ScriptError: it expects something else, or nothing more.
        """
        self.sent.append(event)
        if isinstance(event, self._ignore):
            return
        if self._met == len(self._expected):
            self._fail(f"nothing more is expected, found {event!r}")
        mismatch = self._expected[self._met].mismatch(event)
        if mismatch is not None:
            self._fail(f"request {self._met + 1}: {mismatch}")
        async with self._progress:
            self._met += 1
            self._progress.notify_all()

    async def emit(self, *events: RealtimeModelEvent) -> None:
        """Emit events that are not in the script."""
        for event in events:
            for listener in tuple(self._listeners):
                await listener.on_event(event)

    async def finished(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  # a limit for tests, not a deadline of the model
        """Wait until the script has been played to its end.

        Raises:
            ScriptError: something else was sent, a listener raised, or the time is up: it says what was missing.
        """
        if self._player is None:
            raise ScriptError("the model was never connected")
        await asyncio.wait({self._player}, timeout=timeout)
        if self._failure is not None:
            raise self._failure
        if not self._player.done():
            raise ScriptError(f"still expected after {timeout:g} s: {self._expected[self._met]!r}")
        if not self._player.cancelled() and (raised := self._player.exception()) is not None:
            raise raised
        if self._met < len(self._expected):
            raise ScriptError(f"closed while it expected {self._expected[self._met]!r}")

    async def close(self) -> None:
        """Stop playing the script. Idempotent."""
        self.closed = True
        player = self._player
        if player is not None and player is not asyncio.current_task() and not player.done():
            player.cancel()
            await asyncio.wait({player})

    async def _play(self) -> None:
        expected = 0
        for step in self._steps:
            match step:
                case EmittedEvents():
                    await self.emit(*step.events)
                case ExpectedRequest():
                    expected += 1
                    async with self._progress:
                        while self._met < expected:
                            await self._progress.wait()
                case _:
                    assert_never(step)

    def _fail(self, message: str) -> None:
        self._failure = self._failure or ScriptError(message)
        if self._player is not None:
            self._player.cancel()
        raise ScriptError(message)
