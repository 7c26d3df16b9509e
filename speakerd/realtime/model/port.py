"""The port to a realtime model: the interface of a model and of those who listen to it.

A session sends requests to a `RealtimeModel` and receives its events as a `RealtimeModelListener`; the rest of the
layer knows nothing of sockets. `speakerd.realtime.transport` has the real model, `speakerd.realtime.testing` one
that plays a script.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakerd.realtime.model.config import RealtimeModelConfig
    from speakerd.realtime.model.events import RealtimeModelEvent
    from speakerd.realtime.model.inputs import RealtimeModelSendEvent


class RealtimeModelListener(abc.ABC):
    """Receives the events of a model."""

    @abc.abstractmethod
    async def on_event(self, event: RealtimeModelEvent) -> None:
        """Process one event. The model waits for the return before it passes on the next: be quick."""


class RealtimeModel(abc.ABC):
    """A connection to a realtime model. One session uses it at a time; after `close()` it may connect again."""

    @abc.abstractmethod
    async def connect(self, options: RealtimeModelConfig) -> None:
        """Connect, begin a session with the given settings, and start passing events to the listeners.

        Returns when the session can be used; raises if it cannot be established.
        """

    @abc.abstractmethod
    def add_listener(self, listener: RealtimeModelListener) -> None:
        """Pass every event to `listener` from now on. A listener added twice gets each event once."""

    @abc.abstractmethod
    def remove_listener(self, listener: RealtimeModelListener) -> None:
        """Stop passing events to `listener`. Unknown listeners are ignored."""

    @abc.abstractmethod
    async def send_event(self, event: RealtimeModelSendEvent) -> None:
        """Carry out a request. While the connection is being restored, it is kept and carried out afterwards."""

    @abc.abstractmethod
    async def close(self) -> None:
        """End the session and the connection. Idempotent; safe to call from a listener."""
