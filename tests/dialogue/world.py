"""A house in which the dialogue lives: a person, a server and a loudspeaker that behave as real ones do.

Sound is numbered chunks. The house carries out the dialogue's commands as the daemon does (send, keep, drop), so
that it can be said at any time which chunks have left the house, and when the loudspeaker fell silent. It is a
discrete simulation: one queue of things to happen, one clock. What it checks beyond `Checker`:

- no chunk that was captured while muted has left, and none that was discarded;
- what is committed is what was said: every chunk of the turn, in order, each once;
- never two answers at a time on the server;
- `speaking` ends when the loudspeaker has nothing more to play and the server nothing to send, or by a flush;
- left alone, it comes to rest in `idle`.
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from functools import partial

from speakerd.audio import events as audio
from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from speakerd.dialogue.requests import MUTE, STOP, UNMUTE, WAKE
from speakerd.panel.buttons.gestures import GestureRecognizer
from tests.dialogue.walk import BrokenError, Checker, some_dialogue

QUIET_S = 4000.0
"""Longer than any wait in the settings: after this nothing may be left to happen."""


class Server:
    """One answer at a time; sound comes faster than it is played; now and then a tool, a failure, a silence."""

    def __init__(self) -> None:
        self.buffer: list[int] = []
        self.active: str | None = None
        self.cancelled: set[str] = set()
        self.serial = itertools.count()


class World:
    """See the module."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.seed = seed
        self.count = 0
        self.tally: Counter[str] = Counter()
        self._order = itertools.count()

    # -- the house -----------------------------------------------------------------------------------------

    def run(self, count: int) -> None:
        """Live through `count` events, in houses with different settings."""
        while self.count < count:
            self._new_house()
            end = self.now + self.rng.uniform(60, 600)
            self._live(end, count)
            try:
                self._come_to_rest()
            except BrokenError as error:
                raise BrokenError(f"seed {self.seed}, event {self.count}: {error}") from None

    def _new_house(self) -> None:
        self.now = self.rng.uniform(0, 1000)
        self.checker: Checker = some_dialogue(self.rng, self.now)
        self.dialogue = self.checker.dialogue
        self.button = GestureRecognizer(self.dialogue.gestures)
        self.server = Server()
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self.chunks = itertools.count()
        self.held: list[int] = []
        self.outbox: list[int] = []
        self.muted_chunks: set[int] = set()
        self.dropped_chunks: set[int] = set()
        self.gate_open = False
        self.speaking_until = 0.0
        self.connected = False
        self.connecting = False
        self.playing: list[tuple[str, float]] = []
        self.sounding = False
        self.generation = 0
        self.announcing = 0
        self.tools_running: dict[str, str] = {}
        """Call -> the response that called it; it lives as long as the session."""
        self.later(0.5, lambda: self.tell(events.Ready()))
        self.person()

    def later(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.queue, (self.now + delay, next(self._order), act))

    def _live(self, end: float, count: int) -> None:
        while self.count < count:
            at = min(
                (time for time in (self.dialogue.deadline, self.button.deadline) if time is not None),
                default=end,
            )
            if self.queue and self.queue[0][0] <= at:
                at, _, act = heapq.heappop(self.queue)
                self.now = max(self.now, at)
                if self.now > end:
                    return
                act()
                continue
            self.now = max(self.now, at)
            if self.now >= end:
                return
            self.clock()

    def clock(self) -> None:
        for gesture in self.button.tick(self.now):
            self.tell(gesture)
        deadline = self.dialogue.deadline
        if deadline is not None and deadline <= self.now:
            self.tally["ticks"] += 1
            self.obey(self.checker.tick(self.now))

    def _come_to_rest(self) -> None:
        """Nobody does anything any more: no press, no voice, and the server says nothing new."""
        self.queue.clear()
        if self.button.is_pressed:
            for gesture in self.button.edge(pressed=False, now=self.now):
                self.tell(gesture)
        end = self.now + QUIET_S
        while True:
            times = [
                time
                for time in (self.dialogue.deadline, self.button.deadline)
                if time is not None and time <= end
            ]
            if not times:
                break
            self.now = max(self.now, min(times))
            self.clock()
            self.queue.clear()
        if self.dialogue.phase not in {"idle", "starting"}:
            raise BrokenError(f"left alone it stays {self.dialogue.state}")
        self.tally["rests"] += 1

    def tell(self, event: events.Event) -> None:
        self.count += 1
        self.tally[self.dialogue.phase] += 1
        before = self.dialogue.phase
        try:
            orders = self.checker.handle(event, self.now)
            self.obey(orders)
            flushed = any(isinstance(order, c.Interrupt) for order in orders)
            if before == "speaking" and self.dialogue.phase != "speaking" and not flushed and self.playing:
                raise BrokenError(f"speaking ended while {len(self.playing)} items were to be played")
        except BrokenError as error:
            raise BrokenError(f"seed {self.seed}, event {self.count} ({event}): {error}") from None

    # -- the daemon ----------------------------------------------------------------------------------------

    def obey(self, orders: tuple[c.Command, ...]) -> None:
        for order in orders:
            match order:
                case c.Announce():
                    self.announcing += 1
                    self.later(2.0, partial(self.announced, self.announcing))
                case c.HushAnnouncement():
                    self.announcing += 1
                case c.Connect():
                    if not self.connected and not self.connecting:
                        self.connecting = True
                        self.later(self.rng.choice([0.01, 0.3, 1.5, 30.0]), self.connect)
                case c.Disconnect():
                    self.connected = self.connecting = False
                    self.tools_running.clear()
                    self.server.active = None
                    self.server.buffer.clear()
                case c.Listen(mode):
                    if mode == "closed" and self.gate_open:
                        self.later(0.01, lambda: self.close_gate("closed"))
                    if mode == "open":
                        self.later(0.01, self.open_gate)
                case c.SendHeld():
                    self.send(self.held)
                    self.held = []
                case c.DiscardAudio():
                    self.dropped_chunks.update(self.held, self.server.buffer)
                    self.held = []
                    self.server.buffer.clear()
                case c.Commit():
                    self.commit()
                case c.SendText():
                    self.answer()
                case c.Interrupt():
                    self.generation += 1
                    self.playing.clear()
                    self.sounding = False
                    if self.server.active is not None:
                        self.server.cancelled.add(self.server.active)
                    self.server.active = None
                case c.Approve(call_id):
                    self.run_tool(call_id)
                case _:
                    pass  # of no consequence for who hears what; `CommandExecutor` must know them all

    def capture(self) -> None:
        """The gate passes a chunk."""
        chunk = next(self.chunks)
        if self.dialogue.state.muted:
            self.muted_chunks.add(chunk)
        uplink = self.dialogue.uplink
        if uplink == "open":
            self.send([chunk])
        elif uplink == "hold":
            self.held.append(chunk)
        else:
            self.dropped_chunks.add(chunk)

    def send(self, chunks: list[int]) -> None:
        for chunk in chunks:
            if chunk in self.muted_chunks or chunk in self.dropped_chunks:
                raise BrokenError(f"chunk {chunk} has left the house")
            if not self.connected:
                raise BrokenError("something was sent without a connection")
            if self.server.buffer and chunk <= self.server.buffer[-1]:
                raise BrokenError("sound was sent twice, or in the wrong order")
            self.server.buffer.append(chunk)
        self.tally["chunks sent"] += len(chunks)

    # -- the person ----------------------------------------------------------------------------------------

    def person(self) -> None:
        """Does something, and something else later."""
        self.rng.choice(
            [self.press_button] * 6
            + [self.talk] * 8
            + [self.fidget] * 1
            + [self.noise] * 1
            + [self.outside] * 1
        )()
        self.later(self.rng.expovariate(1 / 4.0), self.person)

    def press_button(self) -> None:
        if self.button.is_pressed:
            return
        for gesture in self.button.edge(pressed=True, now=self.now):
            self.tell(gesture)
        self.later(self.rng.choice([0.003, 0.1, 0.2, 0.3, 2.0, 6.0]), self.let_go)
        if self.rng.random() < 0.3:
            self.later(0.45, self.press_button)

    def let_go(self) -> None:
        for gesture in self.button.edge(pressed=False, now=self.now):
            self.tell(gesture)

    def talk(self) -> None:
        """Speaks for a while; the gate, if it is set to, opens."""
        self.speaking_until = max(self.speaking_until, self.now + self.rng.uniform(0.3, 4.0))
        if self.sounding:
            if self.checker.listen.mode == "gated":
                self.tell(audio.BargeInSuspected(self.now))
                self.later(0.2, self.barge)
            return
        if self.checker.listen.mode == "gated" and not self.gate_open:
            self.later(0.12, self.open_gate)

    def barge(self) -> None:
        if self.rng.random() < 0.6 and self.checker.listen.mode == "gated":
            self.tell(audio.BargeInConfirmed(self.now))
            self.open_gate()
        else:
            self.tell(audio.BargeInRejected(self.now))

    def open_gate(self) -> None:
        if self.gate_open or self.checker.listen.mode == "closed":
            return
        self.gate_open = True
        self.tell(audio.SpeechStarted(self.now))
        if self.dialogue._owner == "server":
            self.later(0.1, self.server_hears)
        self.chunk()

    def chunk(self) -> None:
        if not self.gate_open:
            return
        self.capture()
        server_turn = self.dialogue._owner == "server" and self.checker.listen.mode == "gated"
        if self.checker.listen.mode == "open" or self.now < self.speaking_until or server_turn:
            self.later(0.2, self.chunk)
        else:
            self.close_gate("silence")

    def close_gate(self, reason: audio.SpeechEndReason) -> None:
        if not self.gate_open:
            return
        self.gate_open = False
        turn = self.dialogue.state.turn
        if reason == "closed" and turn is not None and turn.over:
            self.capture()  # the last of it, which was on its way when the hand let go
        self.tell(audio.SpeechEnded(self.now, reason))

    def fidget(self) -> None:
        requests: list[events.Event] = [
            MUTE,
            UNMUTE,
            UNMUTE,
            STOP,
            WAKE,
        ]
        self.tell(self.rng.choice(requests))

    def outside(self) -> None:
        """The connection breaks, someone asks by the control socket, a timer rings."""
        what = self.rng.choice(["lost", "ask", "timer"])
        if what == "lost" and self.connected:
            self.connected = False
            self.server.active = None
            self.server.buffer.clear()
            self.generation += 1
            self.tell(events.ConnectionLost("reset"))
            if not self.connecting:
                self.connecting = True
                self.later(self.rng.choice([0.2, 5.0]), self.connect)
        elif what == "ask":
            self.tell(events.Ask("the time") if self.count % 3 else events.Say("dinner is ready"))
        elif what == "timer":
            self.tell(events.TimerRinging(self.rng.choice(["tea", "eggs"])))

    def noise(self) -> None:
        if self.checker.listen.mode == "gated" and not self.gate_open and not self.sounding:
            self.speaking_until = self.now + 0.1
            self.open_gate()

    # -- the server ----------------------------------------------------------------------------------------

    def connect(self) -> None:
        if self.connecting:
            self.connecting, self.connected = False, True
            self.tell(events.Connected())

    def server_hears(self) -> None:
        if not self.server.buffer or not self.connected:
            return
        self.tell(events.ServerSpeechStarted())
        self.later(max(0.6, self.speaking_until + 0.5 - self.now), self.server_stops)

    def server_stops(self) -> None:
        turn = self.dialogue.state.turn
        talking = turn is not None and turn.talking
        if not self.connected or not self.server.buffer or talking:
            return
        heard = self.dialogue.phase == "listening"
        self.tell(events.ServerSpeechStopped())
        if heard and self.dialogue.phase == "thinking":
            self.take_turn()
            self.tell(events.TurnCommitted())
            self.close_gate("server")
            self.answer()

    def commit(self) -> None:
        if not self.connected:
            raise BrokenError("a turn was committed without a connection")
        if self.server.buffer:
            self.take_turn()
            self.answer()
        else:
            self.later(0.1, lambda: self.tell(events.SessionError("empty_turn", "buffer is empty")))

    def take_turn(self) -> None:
        buffer = self.server.buffer
        lost = set(range(buffer[0], buffer[-1])) - set(buffer) - self.dropped_chunks
        if lost:
            raise BrokenError(f"chunks {sorted(lost)} of a turn never left the house")
        buffer.clear()
        self.tally["turns"] += 1

    def answer(self) -> None:
        if self.server.active is not None:
            raise BrokenError("two answers at a time")
        if not self.connected:
            raise BrokenError("an answer was asked for without a connection")
        response_id = f"r{next(self.server.serial)}"
        self.server.active = response_id
        generation = self.generation
        delay = self.rng.choice([0.05, 0.4, 1.0, 60.0])
        self.later(delay, lambda: self.begin(response_id, generation))

    def _stale(self, response_id: str, generation: int) -> bool:
        return generation != self.generation or self.server.active != response_id or not self.connected

    def begin(self, response_id: str, generation: int) -> None:
        if self._stale(response_id, generation):
            return
        self.tell(events.ResponseStarted(response_id))
        if self._stale(response_id, generation):
            return
        kind = self.rng.choices(["sound", "tool", "both", "failed", "empty", "goodbye"], [8, 2, 2, 1, 1, 1])[
            0
        ]
        sounds = kind in {"sound", "both", "goodbye"}
        if sounds:
            for item in range(self.rng.choice([1, 1, 2])):
                self.playing.append((f"{response_id}.{item}", self.rng.uniform(0.5, 6.0)))
            self.later(0.06, lambda: self.play(generation))
        if kind == "goodbye":
            self.tell(events.ConversationEndRequested())
        calls = 1 if kind in {"tool", "both"} else 0
        self.later(self.rng.uniform(0.1, 3.0), lambda: self.end(response_id, generation, kind, sounds, calls))

    def end(self, response_id: str, generation: int, kind: str, sounds: bool, calls: int) -> None:
        if self._stale(response_id, generation):
            return
        self.server.active = None
        if calls and self.rng.random() < 0.4:
            self.tell(events.ResponseEnded(response_id, "completed", sounds, calls))
            self.tell(events.ApprovalNeeded(f"call-{response_id}", "unlock"))
            return
        if calls:
            self.tool_begins(response_id, self.rng.choice([0.01, 0.5, 5.0, 20.0]))
        status: events.ResponseStatus = "failed" if kind == "failed" else "completed"
        self.tell(events.ResponseEnded(response_id, status, sounds, calls))

    def run_tool(self, call_id: str) -> None:
        self.later(0.01, lambda: self.tool_begins(call_id.removeprefix("call-"), 0.5))

    def tool_begins(self, response_id: str, seconds: float) -> None:
        if not self.connected:
            return
        call_id = f"call-{response_id}"
        self.tools_running[call_id] = response_id
        self.tell(events.ToolStarted("clock", call_id))
        self.later(seconds, lambda: self.tool_ends(call_id))

    def tool_ends(self, call_id: str) -> None:
        """A tool runs on whatever is said; the reply to it waits for the person, the running one, the connection."""
        if call_id not in self.tools_running:
            return
        busy = self.server.active is not None or self.dialogue.phase in {"connecting", "listening"}
        if busy or not self.connected:
            self.later(0.3, lambda: self.tool_ends(call_id))
            return
        response_id = self.tools_running.pop(call_id)
        self.tally["tools"] += 1
        # The conversation that called it is over: the session asks for a reply only when it may, and nobody waits.
        given_up = call_id not in self.dialogue.state.tools
        self.tell(events.ToolEnded("clock", call_id))
        if given_up or response_id in self.server.cancelled or self.rng.random() < 0.1:
            self.tell(events.NoReplyDue(response_id))
        elif self.dialogue.phase in {"thinking", "speaking"}:
            self.answer()

    def announced(self, number: int) -> None:
        if number == self.announcing and self.dialogue.phase == "announcing":
            self.tally["announced"] += 1
            self.tell(events.AnnouncementEnded())

    # -- the loudspeaker -----------------------------------------------------------------------------------

    def play(self, generation: int) -> None:
        if generation != self.generation or not self.playing or self.sounding:
            return
        self.sounding = True
        item, seconds = self.playing[0]
        self.tell(audio.PlaybackStarted(item, self.now))
        if generation == self.generation:
            self.later(seconds, lambda: self.played(generation))

    def played(self, generation: int) -> None:
        if generation != self.generation:
            return
        self.playing.pop(0)
        self.sounding = False
        if self.playing:
            self.play(generation)
        else:
            self.tally["answers heard"] += 1
            self.tell(audio.PlaybackDrained(self.now))
