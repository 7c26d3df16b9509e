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
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, assert_never

from speakerd.realtime.errors import RealtimeLayerError
from speakerd.realtime.model import RealtimeModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from speakerd.realtime.model import (
        RealtimeModelConfig,
        RealtimeModelEvent,
        RealtimeModelListener,
        RealtimeModelSendEvent,
    )


class ScriptError(RealtimeLayerError, AssertionError):
    """What happened is not what the script of a test says."""


RealtimeScriptError = ScriptError
"""The same under the name that openai-agents has for it."""


class UnexpectedRealtimeSend(ScriptError):  # noqa: N818  # the documented name
    """A request is not the one that the script expects now; `expected` is None if it expects nothing more."""

    def __init__(self, message: str, *, actual: RealtimeModelSendEvent, expected: Any) -> None:
        super().__init__(message)
        self.actual = actual
        self.expected = expected


class UnconsumedRealtimeSteps(ScriptError):  # noqa: N818  # the documented name
    """The test is over and the script is not: so many requests never came."""

    def __init__(self, message: str, *, remaining_steps: int) -> None:
        super().__init__(message)
        self.remaining_steps = remaining_steps


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


@dataclass(frozen=True, slots=True)
class RealtimeStep:
    """A step in the form of openai-agents: a request has to come; then these events are emitted, or `error` raised.

    `expect` is a request that has to be equal, a class of requests, or a function that accepts a request.
    """

    expect: Any
    emit: Sequence[RealtimeModelEvent] = ()
    error: Exception | None = None

    def mismatch(self, event: object) -> str | None:
        """Return why `event` is not the expected one; `None` if it is."""
        if isinstance(self.expect, type):
            fits = isinstance(event, self.expect)
        elif callable(self.expect):
            fits = bool(self.expect(event))
        else:
            fits = event == self.expect
        return None if fits else f"expected {self.expect!r}, found {event!r}"


ScriptedStep: TypeAlias = ExpectedRequest | EmittedEvents | RealtimeStep


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
        connect_events: Emitted by `connect()`, before it returns.
        connect_error: Raised by `connect()`.
        close_error: Raised by `close()`, once.
        strict: False: requests that the script does not expect are recorded and otherwise ignored.
    """

    def __init__(
        self,
        steps: Iterable[ScriptedStep] = (),
        *,
        ignore: tuple[type[Any], ...] = (),
        connect_events: Iterable[RealtimeModelEvent] = (),
        connect_error: Exception | None = None,
        close_error: Exception | None = None,
        strict: bool = True,
    ) -> None:
        self._steps = list(steps)
        self._expected = [step for step in self._steps if not isinstance(step, EmittedEvents)]
        self._ignore = ignore
        self._connect_events = tuple(connect_events)
        self._connect_error = connect_error
        self._close_error = close_error
        self._strict = strict
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
        self.connect_calls: list[dict[str, Any]] = []
        """What each `connect` was given; of the key and the headers only whether they were given."""

    @property
    def sent_events(self) -> tuple[RealtimeModelSendEvent, ...]:
        """All requests that the model was sent so far, in order."""
        return tuple(self.sent)

    @property
    def listeners(self) -> tuple[RealtimeModelListener, ...]:
        """The listeners that get the model's events now."""
        return tuple(self._listeners)

    @property
    def remaining_steps(self) -> int:
        """How many expected requests have not come."""
        return len(self._expected) - self._met

    def assert_complete(self) -> None:
        """Check that all expected requests have come.

        Raises:
            UnconsumedRealtimeSteps: some have not.
        """
        if left := self.remaining_steps:
            message = f"{left} expected requests have not come; the next is {self._expected[self._met]!r}"
            raise UnconsumedRealtimeSteps(message, remaining_steps=left)

    async def connect(self, options: RealtimeModelConfig) -> None:
        """Begin to play the script.

        Raises:
            Exception: `connect_error`, if there is one.
        """
        self.options = options
        self.connect_calls.append(_shown(options))
        if self._connect_error is not None:
            raise self._connect_error
        self.closed = False
        self._player = asyncio.create_task(self._play(), name="speakerd scripted model")
        await self.emit(*self._connect_events)

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
            UnexpectedRealtimeSend: it expects something else, or nothing more.
            Exception: the error of the step.
        """
        self.sent.append(event)
        if isinstance(event, self._ignore):
            return
        step = self._expected[self._met] if self._met < len(self._expected) else None
        mismatch = f"nothing more is expected, found {event!r}" if step is None else step.mismatch(event)
        if step is None or mismatch is not None:
            if self._strict:
                at = "" if step is None else f"request {self._met + 1}: "
                wanted = step.expect if isinstance(step, RealtimeStep) else step
                self._fail(UnexpectedRealtimeSend(f"{at}{mismatch}", actual=event, expected=wanted))
            return
        async with self._progress:
            self._met += 1
            self._progress.notify_all()
        if isinstance(step, RealtimeStep):
            await self.emit(*step.emit)
            if step.error is not None:
                raise step.error

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
        error, self._close_error = self._close_error, None
        if error is not None:
            raise error

    async def _play(self) -> None:
        expected = 0
        for step in self._steps:
            match step:
                case EmittedEvents():
                    await self.emit(*step.events)
                case ExpectedRequest() | RealtimeStep():
                    expected += 1
                    async with self._progress:
                        while self._met < expected:
                            await self._progress.wait()
                case _:
                    assert_never(step)

    def _fail(self, error: ScriptError) -> NoReturn:
        self._failure = self._failure or error
        if self._player is not None:
            self._player.cancel()
        raise error


def _shown(options: RealtimeModelConfig) -> dict[str, Any]:
    """Return what a `connect` was given, without what may be secret."""
    kept = ("url", "initial_model_settings", "playback_tracker", "call_id")
    return {
        "api_key_provided": options.get("api_key") is not None,
        "headers_provided": bool(options.get("headers")),
        **{key: value for key, value in options.items() if key in kept},
    }
