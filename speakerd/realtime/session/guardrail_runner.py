"""Runs the output guardrails over what is being said, and acts when one trips.

The checks run beside the event stream, in the order of the texts. When one trips, that response is cancelled by its
id, audio of it that the program has not read yet is removed from the queue and no more is queued, the program gets
`guardrail_tripped`, and the model is told which guardrails tripped and asked to continue. Once per response. A
check that trips when another response runs already leaves that one alone.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from speakerd.realtime.agents import run_apart
from speakerd.realtime.bounded import BoundedDict, BoundedSet
from speakerd.realtime.model import RealtimeModelSendInterrupt, RealtimeModelSendUserInput
from speakerd.realtime.run_context import TContext
from speakerd.realtime.session.events import RealtimeGuardrailTripped
from speakerd.realtime.session.task_queue import SerialQueue

if TYPE_CHECKING:
    from collections.abc import Container

    from speakerd.realtime.agents import OutputGuardrail, OutputGuardrailResult, RealtimeAgent
    from speakerd.realtime.session.state import SessionState

_MAX_CANCELLED = 16
"""Cancelled responses that are remembered, so that nothing late of them is heard."""


_MAX_ITEMS = 32
"""Items whose text is kept at a time: one response has one or two."""


class Debounce:
    """Says when guardrails check a text: when it passes a multiple of `length` characters, and at its end.

    A piece that passes several multiples at once makes one check.
    """

    def __init__(self, length: int = 100) -> None:
        self._length = max(1, length)
        self._texts: BoundedDict[str, tuple[str, int]] = BoundedDict(_MAX_ITEMS)
        """The text of each item, and its length when it was last checked."""

    def feed(self, item_id: str, delta: str) -> str | None:
        """Add a piece to an item's text; return the text if it is to be checked now."""
        text, checked = self._texts.get(item_id, ("", 0))
        text += delta
        due = len(text) // self._length > checked // self._length
        self._texts[item_id] = (text, len(text) if due else checked)
        return text if due else None

    def end(self, item_ids: Container[str] | None = None) -> list[str]:
        """Forget the texts of these items, or all; return those that have grown since they were checked."""
        ended = [item_id for item_id in self._texts if item_ids is None or item_id in item_ids]
        return [text for text, checked in map(self._texts.pop, ended) if len(text) > checked]


class GuardrailRunner(Generic[TContext]):
    """Runs the guardrails of one session: the run's, and those of the current agent."""

    def __init__(self, state: SessionState[TContext]) -> None:
        self._state = state
        length = state.run_config.get("guardrails_settings", {}).get("debounce_text_length", 100)
        self._debounce = Debounce(length)
        # Of the texts that wait for slow guardrails, the oldest may be dropped: later ones contain them.
        self._worker = SerialQueue(state.report)
        self._cancelled: BoundedSet[str] = BoundedSet(_MAX_CANCELLED)
        self._unnamed = 0
        """How many responses without an id have begun: each counts by itself."""
        self._response_of: BoundedDict[str, str] = BoundedDict(_MAX_ITEMS)
        """The response that each item belongs to, under the name that it is cancelled by."""

    def start(self, response_id: str | None) -> None:
        """A response begins; with a server that sends no ids, it is another one than the last."""
        if not response_id:
            self._unnamed += 1

    def feed(self, item_id: str, response_id: str, delta: str) -> None:
        """Add a piece of what the assistant says, and check the text if it is time."""
        run, own = self._state.run_config.get("output_guardrails"), self._state.agent.output_guardrails
        if not (run or own) or self.is_cancelled(response_id):
            return
        self._response_of[item_id] = self._name(response_id)
        text = self._debounce.feed(item_id, delta)
        if text is not None:
            self._queue_check(text, response_id)

    def end(self, response_id: str | None) -> None:
        """The response has ended: check what was not checked yet of its own texts."""
        name = self._name(response_id)
        for text in self._debounce.end({item for item, known in self._response_of.items() if known == name}):
            self._queue_check(text, response_id or "")

    def is_cancelled(self, response_id: str | None) -> bool:
        """Return whether a guardrail cancelled that response: nothing more of it may be heard."""
        return self._name(response_id) in self._cancelled

    def _name(self, response_id: str | None) -> str:
        return response_id or f"unnamed {self._unnamed}"

    def stop(self) -> set[asyncio.Task[Any]]:
        """Cancel the check that runs, and drop those that wait; return the task that is ending."""
        return self._worker.stop()

    def _guardrails(self) -> list[OutputGuardrail[Any]]:
        found: dict[int, OutputGuardrail[Any]] = {}
        for guardrail in [
            *self._state.run_config.get("output_guardrails", ()),
            *self._state.agent.output_guardrails,
        ]:
            found[id(guardrail)] = guardrail
        return list(found.values())

    def _queue_check(self, text: str, response_id: str) -> None:
        agent, guardrails = self._state.agent, self._guardrails()
        if not guardrails:
            return

        name = self._name(response_id)

        async def check() -> None:
            if name not in self._cancelled:
                await self._check(text, response_id, name, agent, guardrails)

        self._worker.add(check, "An output guardrail")

    async def _check(
        self,
        text: str,
        response_id: str,
        name: str,
        agent: RealtimeAgent[Any],
        guardrails: list[OutputGuardrail[Any]],
    ) -> None:
        state = self._state
        results = await asyncio.gather(
            *(
                run_apart("output guardrail", partial(guardrail.run, state.context, agent, text))
                for guardrail in guardrails
            ),
            return_exceptions=True,
        )
        tripped: list[OutputGuardrailResult] = []
        for result in results:
            if isinstance(result, Exception):
                await state.report(result, "An output guardrail")
            elif isinstance(result, BaseException):
                raise result
            elif result.output.tripwire_triggered:
                tripped.append(result)
        if not tripped:
            return
        self._cancelled.add(name)
        # Of a response without an id that another one has followed, nothing can be named that is to be cut.
        superseded = name != self._name(response_id)
        if not superseded:
            state.queue.drop_audio(response_id)
        await state.put(RealtimeGuardrailTripped(guardrail_results=tripped, message=text, info=state.info))
        if not superseded:
            await state.model.send_event(
                RealtimeModelSendInterrupt(force_response_cancel=True, response_id=response_id or None)
            )
        names = ", ".join(result.guardrail.get_name() for result in tripped)
        await state.model.send_event(
            RealtimeModelSendUserInput(
                f"guardrail triggered: {names}. Your last answer was cut off because of it; say something that "
                "keeps to the rule."
            )
        )
