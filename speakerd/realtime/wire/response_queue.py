"""The only sender of `response.create`: requests for a response wait here for their turn.

A conversation takes one response at a time; a request made while another runs is refused by the server. So every
request goes through this queue: user messages, tool outputs, guardrail messages, requests made by hand.

    request() ──▶ waiting ──▶ sent ──created()──▶ running ──done()──▶ (next)
                     ▲          │
                     └─refused()┘   once: a response of the server's own got in before it

Rules:

- While something runs or has been sent, requests wait. Plain ones (no parameters of their own) that wait together
  become one: the response answers everything that is in the conversation by then.
- Out-of-band requests disturb nobody and are sent at once.
- `cancel()` ends the running response by its id. One sent but not yet created is cancelled when `created()` tells
  its id. Requests that still wait stay.
- A refused request goes back to the head of the queue, once; if it is refused again, it is given up and reported.
- What the server owes and does not send in time, by the table in `due`, is reported by `tick()` as `Overdue`.
  Then the connection is replaced, or the response counts as ended, so that nothing blocks the others for ever.
- A request that is lost with its connection is sent again on the next one, `MAX_ASKED` times in all; then it is
  given up (`take_given_up()`).
- No more requests are sent than the budget allows; beyond it they wait, which `Throttled` reports.
- While the user is speaking (`hold()`), waiting requests stay: a reply must not start in the middle of a sentence.
  After it the server's own response goes first, where it makes one.
- Until the session is set up (`reconnected()`) requests wait, and a `cancel()` drops them.
- Where what was sent makes the server answer by itself (`answers_by_itself()`), the request for it is not sent; it
  counts as sent with that, and is lost and given up as others are.

Pure: no clock, no I/O. Methods return what has to be done as `Create`, `Cancel`, `Overdue` and `Throttled` values.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from speakerd.realtime.bounded import BoundedDict
from speakerd.realtime.wire.due import DUE, MAX_ASKED, RESPONSES, Allowance, Due
from speakerd.realtime.wire.response import (
    ActiveResponse,
    Cancel,
    Create,
    Overdue,
    QueueAction,
    QueueOutcome,
    ResponseRequest,
    ServerTurn,
    Throttled,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_WAITING = 64
"""Requests with parameters of their own that may wait; beyond it the oldest is given up."""

MAX_KNOWN = 64
"""Responses that may run at a time, and the same again of ended ones, whose late events are recognised."""


class ResponseQueue:
    """The requests for responses of one conversation, and the responses that run."""

    def __init__(self, *, supersedes: bool = False, allowance: Allowance | None = None) -> None:
        """Nothing runs or waits.

        Args:
            supersedes: A request ends the response that runs; a cancelled one need not be waited for.
            allowance: Bounds what is sent; one of its own if absent.
        """
        self._supersedes = supersedes
        self._waiting: deque[ResponseRequest] = deque()
        self._sent: ResponseRequest | None = None
        self._sent_at = 0.0
        self._sent_failed_at: float | None = None
        """When an error was received that may concern the request that was sent."""
        self._matched: ResponseRequest | None = None
        """The request that the last `created()` was taken to answer: wrongly, if it is refused after that."""
        self._sent_aside: dict[str, tuple[ResponseRequest, float]] = {}
        self._active: dict[str, ActiveResponse] = {}
        self._ended: BoundedDict[str, bool] = BoundedDict(MAX_KNOWN)
        self._held_until: float | None = None
        self._server_turn: ServerTurn | None = None
        """The response that the server is to begin by itself; `None` where none is awaited."""
        self._ids = 0
        self._paused = True
        """There is no session that was set up: requests wait for `reconnected()`."""
        self._allowance = allowance or Allowance(RESPONSES)
        self._throttled_until: float | None = None
        self._cancel_unconfirmed = False
        """A cancelled response was counted as ended without its `done`, and none has begun since."""
        self._given_up: list[ResponseRequest] = []

    # What there is.

    @property
    def running(self) -> ActiveResponse | None:
        """The response that writes to the conversation now, if one does."""
        return next((r for r in self._active.values() if not r.out_of_band), None)

    @property
    def idle(self) -> bool:
        """Whether nothing runs, was sent or waits, in the conversation or out of band."""
        return not (
            self._active or self._sent or self._sent_aside or self._waiting or self._server_turn is not None
        )

    def active(self, response_id: str) -> ActiveResponse | None:
        """Return the response of that id, if it runs."""
        return self._active.get(response_id)

    def is_cancelled(self, response_id: str) -> bool:
        """Return whether that response, running or ended, was cancelled: its events are to be dropped."""
        response = self._active.get(response_id)
        return response.cancelled if response is not None else self._ended.get(response_id, False)

    def has_ended(self, response_id: str) -> bool:
        """Return whether that response had its `done`, or was given up, not long ago."""
        return response_id in self._ended

    @property
    def awaits_server(self) -> bool:
        """Whether the server has to send something."""
        return bool(self._active or self._sent or self._sent_aside or self._server_turn is not None)

    @property
    def awaits_beginning(self) -> bool:
        """Whether the server has to begin a response."""
        return bool(self._sent or self._sent_aside or self._server_turn is not None)

    @property
    def deadline(self) -> float | None:
        """When `tick()` has to be called; `None`: not at all."""
        times = [at for at, _, _ in self._waits()]
        if self._waiting:
            times += [at for at in (self._held_until, self._throttled_until) if at is not None]
        return min(times, default=None)

    def _waits(self) -> Iterator[tuple[float, Due, str]]:
        """Yield by when the server has to send something, what it is, and the id of what it concerns, if one."""
        for response in self._active.values():
            yield (*response.due, response.response_id)
        if self._sent_failed_at is not None:
            yield self._sent_failed_at + DUE["end_after_error"].within_s, "end_after_error", ""
        elif self._sent is not None:
            yield self._sent_at + DUE["created"].within_s, "created", ""
        for event_id, (_, since) in self._sent_aside.items():
            yield since + DUE["created_aside"].within_s, "created_aside", event_id
        if self._server_turn is not None:
            yield self._server_turn.since + DUE["server_response"].within_s, "server_response", ""

    def take_given_up(self) -> list[ResponseRequest]:
        """Remove and return the requests that were given up: with a lost connection, or because too many waited."""
        given_up, self._given_up = self._given_up, []
        return given_up

    # What is wanted.

    def request(self, request: ResponseRequest, now: float) -> list[QueueAction]:
        """Request a response, now or as soon as no other one runs."""
        if request.out_of_band and not self._paused and self._allowance.try_take(now) == 0.0:
            return [self._send_aside(request, now)]
        if request.plain and self._server_turn is not None and self._server_turn.takes_request:
            self._server_turn.takes_request = False
            return []
        if not (request.plain and any(waiting.plain for waiting in self._waiting)):
            self._waiting.append(request)
            if len(self._waiting) > MAX_WAITING:
                self._given_up.append(self._waiting.popleft())
        return self._advance(now)

    def cancel(self, now: float, response_id: str | None = None) -> list[QueueAction]:
        """Cancel the response that runs, or that was requested and has not begun; with an id, only that one."""
        actions: list[QueueAction] = []
        for response in self._active.values():
            wanted = response.response_id == response_id if response_id else not response.out_of_band
            if wanted and not response.cancelled:
                response.cancelled, response.cancelled_at = True, now
                actions.append(Cancel(response.response_id))
        if response_id is None:
            if self._paused:
                self._waiting = deque(request for request in self._waiting if request.out_of_band)
            if self._sent is not None:
                self._sent = replace(self._sent, wanted=False)
            if self._matched is not None:
                self._matched = replace(self._matched, wanted=False)
            if (turn := self._server_turn) is not None:
                turn.request = replace(turn.request, wanted=False)
        return actions

    def cancel_silently(self, now: float) -> None:
        """Count the running response as cancelled without a request: the server cancels it by itself."""
        if (running := self.running) is not None and not running.cancelled:
            running.cancelled, running.cancelled_at = True, now

    def cancel_unconfirmed(self) -> None:
        """A cancelled response is about to be ended without its `done`."""
        self._cancel_unconfirmed = True

    def drop_waiting(self) -> int:
        """Drop all requests that wait; return how many."""
        dropped = len(self._waiting)
        self._waiting.clear()
        return dropped

    def hold(self, now: float, due: Due = "end_of_speech") -> None:
        """The user speaks: hold the waiting requests until `release()`, at most as long as the table says."""
        self._held_until = now + DUE[due].within_s
        self._server_turn = None

    def release(self, now: float, *, server_answers: bool = False) -> list[QueueAction]:
        """The user's turn is over; with `server_answers` the server will begin a response by itself."""
        self._held_until = None
        if server_answers and self.running is None and self._sent is None:
            self._server_turn = ServerTurn(now)
            # It comes first anyway: a request made now would only be refused.
            self._held_until = now + DUE["server_response_first"].within_s
        return self._advance(now)

    def answers_by_itself(self, now: float) -> None:
        """What was sent makes the server begin a response by itself; the plain request beside it is for that."""
        asked = next((request for request in self._waiting if request.plain), None)
        self._waiting = deque(request for request in self._waiting if not request.plain)
        self._server_turn = ServerTurn(now, asked or ResponseRequest(), takes_request=asked is None)

    # What happens.

    def created(
        self,
        response_id: str,
        now: float,
        *,
        conversation: bool | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[ActiveResponse, list[QueueAction]]:
        """A response began. `conversation`: whether it writes to the conversation, if the server says so."""
        known = self._active.get(response_id)
        if known is not None:
            known.metadata = metadata or known.metadata
            return known, []
        aside = self._match_aside(conversation, metadata)
        response = ActiveResponse(
            response_id, out_of_band=aside is not None, metadata=metadata, request=aside, seen_at=now
        )
        actions: list[QueueAction] = []
        if aside is None:
            for stale in [r for r in self._active.values() if not r.out_of_band]:
                self._end(stale)
            expected = [] if self._sent is None else [self._sent]
            if self._server_turn is not None:
                expected.append(self._server_turn.request)
            response.request, self._matched = next(iter(expected), None), self._sent
            if not all(request.wanted for request in expected):
                response.cancelled, response.cancelled_at = True, now
                actions.append(Cancel(response_id))
            self._sent = self._sent_failed_at = self._server_turn = None
            self._cancel_unconfirmed = False
            self._held_until = None
        self._active[response_id] = response
        self._ended.pop(response_id, None)
        if len(self._active) > MAX_KNOWN:
            self._end(next(iter(self._active.values())))
        return response, actions

    def done(self, response_id: str, now: float) -> tuple[ActiveResponse | None, list[QueueAction]]:
        """A response ended. Return it, or `None` if it had ended before."""
        response = self._active.get(response_id)
        if response is None:
            if response_id in self._ended:
                return None, []
            response, _ = self.created(response_id, now)
        self._end(response)
        return response, self._advance(now)

    def refused(self, event_id: str | None, now: float) -> tuple[bool, Sequence[QueueOutcome]]:
        """A request was refused because another response runs.

        Return whether it will be sent again; if not, it is given up and the error should be reported.
        """
        request = self._take(event_id)
        if request is not None and request.wanted and self._cancel_unconfirmed and self.running is None:
            self._sent, self._sent_at = request, now  # So that the next connection sends it again.
            return True, [Overdue("unknown_response")]
        if request is None or request.retried:
            return False, self._advance(now)
        if request.wanted:
            # Out of band too: a server that knows no such responses accepts it when nothing runs.
            again = replace(request, retried=True, event_id="")
            if not (again.plain and any(waiting.plain for waiting in self._waiting)):
                self._waiting.appendleft(again)
        if self.running is None:
            # Refused because of a response unknown here (so far).
            self._held_until = now + DUE["ask_again"].within_s
        return True, self._advance(now)

    def sent_as(self, event_id: str | None) -> ResponseRequest | None:
        """Return the request that was sent as that event, and is not answered yet; without an id, the last one."""
        if event_id is not None and event_id in self._sent_aside:
            return self._sent_aside[event_id][0]
        return self._sent if self._sent is not None and event_id in (None, self._sent.event_id) else None

    def failed(self, event_id: str | None, now: float) -> tuple[bool, list[QueueAction]]:
        """The client event of that id failed. Return whether it was a request for a response."""
        if event_id is None:
            return False, []
        begun = self._matched is not None and self._matched.event_id == event_id
        if begun and self.running is not None:
            self.running.failed_at = now  # Some servers report a response that fails so, and no more of it.
        request = self._take(event_id)
        return (False, []) if request is None else (True, self._advance(now))

    def suspect(self, now: float) -> None:
        """An error was received that names nothing: it may concern the response that runs, or the request for one.

        Unless something else of it is received soon, it counts as ended.
        """
        running = self.running
        if running is None:
            if self._sent is not None and self._sent_failed_at is None:
                self._sent_failed_at = now
        elif running.failed_at is None:
            running.failed_at = now

    def tick(self, now: float) -> list[QueueOutcome]:
        """Report what did not come in time; end a hold that lasts too long; send what may be sent now.

        A response that is overdue stays until the caller ends it, or the connection.
        """
        actions: list[QueueOutcome] = []
        for at, due, concerned in list(self._waits()):
            if now < at:
                continue
            if due == "server_response" and not self._server_turn_wanted:
                self._server_turn = None
            elif due == "end_after_error" and not concerned:
                if self._sent is not None and self._sent.wanted:
                    self._given_up.append(self._sent)
                self._sent = self._sent_failed_at = None
            elif due == "created_aside":
                del self._sent_aside[concerned]
                actions.append(Overdue(due))
            else:
                actions.append(Overdue(due, concerned or None))
        return [*actions, *self._advance(now)]

    def connection_lost(self) -> list[ActiveResponse]:
        """Nothing runs any more. Requests that brought nothing are sent again on the next connection, or given up.

        Return the responses that were running, so that their end can be reported.
        """
        ended = list(self._active.values())
        lost: list[ResponseRequest] = []
        for response in ended:
            if not response.cancelled and not response.delivered:
                lost.append(response.request or ResponseRequest())
            self._end(response)
        if self._sent is not None and self._sent.wanted:
            lost.append(self._sent)
        lost += [request for request, _ in self._sent_aside.values()]
        if self._server_turn is not None and self._server_turn_wanted:
            lost.append(self._server_turn.request)
        again = [replace(request, event_id="", retried=False, asked=request.asked + 1) for request in lost]
        self._given_up += [request for request in again if request.asked >= MAX_ASKED]
        again = [request for request in again if request.asked < MAX_ASKED]
        waiting = [*again, *self._waiting]
        self._waiting.clear()
        plain = [request for request in waiting if request.plain]
        for request in waiting:
            if not request.plain:
                self._waiting.append(request)
            elif request is plain[0]:
                # One for all of them, which is as new as the newest.
                self._waiting.append(replace(request, asked=min(other.asked for other in plain)))
        self._sent = self._sent_failed_at = self._matched = self._server_turn = None
        self._sent_aside.clear()
        self._held_until = None
        self._cancel_unconfirmed = False
        self._paused = True
        return ended

    def reconnected(self, now: float) -> list[QueueAction]:
        """The new session is set up and knows the conversation: send what waits."""
        self._paused = False
        actions: list[QueueAction] = []
        for request in [request for request in self._waiting if request.out_of_band]:
            self._waiting.remove(request)
            actions += self.request(request, now)
        return actions + self._advance(now)

    # Inside.

    def _advance(self, now: float) -> list[QueueAction]:
        if self._held_until is not None and now >= self._held_until:
            self._held_until = None
        if self._paused or not self._waiting or self._sent or self._held_until is not None:
            return []
        if any(not r.out_of_band and not self._gives_way(r) for r in self._active.values()):
            return []
        if (wait_s := self._allowance.try_take(now)) > 0.0:
            first = self._throttled_until is None
            self._throttled_until = now + wait_s
            return [Throttled(wait_s)] if first else []
        self._throttled_until = None
        request = self._waiting.popleft()
        if request.out_of_band:
            return [self._send_aside(request, now), *self._advance(now)]
        self._sent, self._sent_at = self._named(request), now
        return [Create(self._sent)]

    def _gives_way(self, response: ActiveResponse) -> bool:
        """Whether the next request ends that response at the server."""
        return self._supersedes and response.cancelled

    def _send_aside(self, request: ResponseRequest, now: float) -> Create:
        request = self._named(request)
        self._sent_aside[request.event_id] = (request, now)
        return Create(request)

    def _named(self, request: ResponseRequest) -> ResponseRequest:
        if request.event_id:
            return request
        self._ids += 1
        return replace(request, event_id=f"rsp_{self._ids}")

    def _match_aside(
        self, conversation: bool | None, metadata: Mapping[str, str] | None
    ) -> ResponseRequest | None:
        if conversation is True or not self._sent_aside:
            return None
        for event_id, (request, _) in self._sent_aside.items():
            wanted = (request.params or {}).get("metadata")
            if wanted and dict(wanted) == dict(metadata or {}):
                return self._sent_aside.pop(event_id)[0]
        if conversation is False or (self._sent is None and self._server_turn is None):
            return self._sent_aside.pop(next(iter(self._sent_aside)))[0]
        return None

    def _take(self, event_id: str | None) -> ResponseRequest | None:
        if event_id is not None and event_id in self._sent_aside:
            return self._sent_aside.pop(event_id)[0]
        if self._sent is not None and event_id in (None, self._sent.event_id):
            request, self._sent, self._sent_failed_at = self._sent, None, None
            return request
        if self._matched is not None and event_id in (None, self._matched.event_id):
            request, self._matched = self._matched, None
            if (running := self.running) is not None:
                running.request = None
            return request
        return None

    @property
    def _server_turn_wanted(self) -> bool:
        return self._server_turn is not None and self._server_turn.request.wanted

    def _end(self, response: ActiveResponse) -> None:
        self._active.pop(response.response_id, None)
        self._ended[response.response_id] = response.cancelled
