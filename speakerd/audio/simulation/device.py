"""A sound card without hardware: a loudspeaker, a room, a person, and all their faults.

It is part of the product, for the demo, for tests, and for machines without a sound card. The person speaks
recordings into the microphone (`say`), the room returns the loudspeaker's sound (`RoomShape`, optional), and a
little noise is added. It records what was played, what the microphone heard, and what someone in the room would
have heard.

*Time.* In real time a thread runs one block every 10 ms by the monotonic clock; late blocks are made up for, as the
buffer of a sound card does. Stepped (`stepped=True`), time passes only in `step`, in the caller's thread: an hour
takes seconds and is reproducible.

*Latency.* What is pulled is played `output_latency_s` later, and what is captured is delivered `input_latency_s`
later. The recordings hold what left the loudspeaker and reached the microphone, at that time, so that reported
positions can be checked against them.

*Faults* are methods: `unplug`/`plug_in`, `refuse`, `stall`, `fail`, `hang`, `deafen`, `xrun`. Reopening repairs
what it would repair in a real card: a stall, but not a missing plug.
"""

import logging
import threading
import time
import wave
from collections import deque
from collections.abc import Callable
from os import PathLike
from typing import Final, TypeAlias

import numpy as np

from speakerd.audio.device import (
    BlockCounts,
    DeviceFailure,
    OnCapture,
    PullPlayback,
    XrunCount,
)
from speakerd.audio.errors import DeviceError, DeviceNotFoundError
from speakerd.audio.events import Direction
from speakerd.audio.pcm import (
    BLOCK_S,
    FULL_SCALE,
    MIC_BLOCK,
    MIC_BLOCK_BYTES,
    MIC_RATE,
    WIRE_BLOCK,
    WIRE_BLOCK_BYTES,
    WIRE_RATE,
    Samples,
    gain_of,
    samples_of,
)
from speakerd.audio.resample import Resampler, resample
from speakerd.audio.simulation.person import Person, ScriptedUtterance
from speakerd.audio.simulation.room import Room, RoomShape

log = logging.getLogger(__name__)

NAME: Final = "simulated"
OnStep: TypeAlias = Callable[[], object]
_LATE_S: Final = 0.5
"""Blocks later than this are not made up for, such as those of a night in which the machine slept."""
_SILENT_BLOCK: Final = bytes(MIC_BLOCK_BYTES)


class SimulatedDevice:
    """An `AudioDevice` without hardware, in real or stepped time."""

    def __init__(
        self,
        *,
        stepped: bool = False,
        room: RoomShape | None = None,
        noise_dbfs: float | None = -72.0,
        output_latency_s: float = 0.02,
        input_latency_s: float = 0.0,
        record_s: float = 900.0,
        seed: int = 1,
        begin_s: float = 0.0,
    ) -> None:
        """`noise_dbfs=None` is a microphone in digital silence; `record_s` bounds each recording.

        Stepped time starts at `begin_s`.
        """
        self._stepped = stepped
        self._room = Room(room) if room is not None else None
        self._noise = np.random.default_rng(seed)
        self._noise_level = gain_of(noise_dbfs) * FULL_SCALE if noise_dbfs is not None else 0.0
        self._latency_blocks = round(output_latency_s / BLOCK_S)
        self._input_latency_blocks = round(input_latency_s / BLOCK_S)
        self._person = Person()
        most = round(record_s / BLOCK_S)
        self._played: deque[bytes] = deque(maxlen=most)
        self._heard: deque[bytes] = deque(maxlen=most)
        self._near: deque[bytes] = deque(maxlen=most)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._time = begin_s
        self._on_capture: OnCapture | None = None
        self._pull: PullPlayback | None = None
        self._captured = 0
        self._pulled = 0
        self._lost = [0, 0]
        self._failure: DeviceFailure | None = None
        self._unplugged: Direction | None = None
        self._refusal: DeviceError | None = None
        self._stalled: set[Direction] = set()
        self._deaf = False
        self._unhung = threading.Event()
        self._unhung.set()
        self._on_step: OnStep = int
        self._sounded_at = begin_s
        self._begin()

    # -- the port ------------------------------------------------------------------------------------------

    def start(self, on_capture: OnCapture, pull_playback: PullPlayback) -> None:
        """Open both directions and begin to call the callbacks. Raises DeviceError if a fault says so."""
        self._unhung.wait()
        self.probe()
        self.stop()
        self._begin()
        self._on_capture = on_capture
        self._pull = pull_playback
        if not self._stepped:
            self._ending.clear()
            self._thread = threading.Thread(target=self._run, name="simulated-sound-card", daemon=True)
            self._thread.start()

    def probe(self) -> None:
        """Raise what `start` would raise now, without opening anything."""
        if self._unplugged is not None:
            raise DeviceNotFoundError(self._unplugged, NAME, ())
        if self._refusal is not None:
            raise self._refusal

    def stop(self) -> None:
        """Close both directions. Hangs while `hang` holds."""
        self._unhung.wait()
        self._ending.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._on_capture = None
        self._pull = None

    def now(self) -> float:
        """Return the monotonic clock, or the stepped time, which starts at `begin_s`."""
        return self._time if self._stepped else time.monotonic()

    @property
    def block_counts(self) -> BlockCounts:
        """Blocks captured and played so far."""
        return BlockCounts(self._captured, self._pulled)

    @property
    def xruns(self) -> XrunCount:
        """Over- and underflows counted by `xrun`."""
        return XrunCount(*self._lost)

    @property
    def failure(self) -> DeviceFailure | None:
        """The reason given to `fail`, or the callback that raised, until the device is reopened."""
        return self._failure

    @property
    def output_latency_s(self) -> float:
        """Seconds from pull to loudspeaker, as given."""
        return self._latency_blocks * BLOCK_S

    @property
    def input_latency_s(self) -> float:
        """Seconds from the microphone to `on_capture`, as given."""
        return self._input_latency_blocks * BLOCK_S

    @property
    def stepped(self) -> bool:
        """Whether time passes only in `step`."""
        return self._stepped

    # -- person and room -----------------------------------------------------------------------------------

    def say(
        self, what: bytes | str | PathLike[str], *, gain_db: float = 0.0, after_s: float = 0.0
    ) -> ScriptedUtterance:
        """Let the person say PCM (16 kHz mono int16) or a WAV file, after what is still being said. Any thread."""
        return self._person.say(what, gain_db=gain_db, after_s=after_s)

    def stop_talking(self) -> None:
        """Let the person stop speaking at once. Any thread."""
        self._person.stop_talking()

    def after_each_block(self, call: OnStep) -> None:
        """Call `call` after every block, such as `AudioEngine.tick`, which otherwise another thread runs."""
        self._on_step = call

    def step(self, blocks: int = 1) -> None:
        """Let `blocks` times 10 ms pass, in this thread, even while the device is stopped. Only if `stepped`."""
        if not self._stepped:
            raise RuntimeError("step() is for SimulatedDevice(stepped=True); this one runs by itself")
        for _ in range(blocks):
            self._time += BLOCK_S
            self._block()

    def let_pass(self, seconds: float) -> None:
        """Let time pass without a block, as a driver does that calls late. Only if `stepped`."""
        if not self._stepped:
            raise RuntimeError("let_pass() is for SimulatedDevice(stepped=True); this one runs by itself")
        self._time += seconds

    @property
    def silent_s(self) -> float:
        """For how long neither the person nor the loudspeaker has made a sound; 0 while the person is to speak."""
        return self.now() - self._sounded_at if self._person.silent else 0.0

    @property
    def played(self) -> bytes:
        """What the loudspeaker played in the last `record_s`, at 24 kHz."""
        with self._lock:
            return b"".join(self._played)

    @property
    def heard(self) -> bytes:
        """What the microphone heard in the last `record_s`, at 16 kHz."""
        with self._lock:
            return b"".join(self._heard)

    def room_recording(self) -> bytes:
        """Return what someone in the room heard, the loudspeaker and the person, at 24 kHz."""
        with self._lock:
            played, near = b"".join(self._played), b"".join(self._near)
        person = samples_of(resample(near, MIC_RATE, WIRE_RATE)).astype(np.int32)
        speaker = samples_of(played).astype(np.int32)
        length = min(len(person), len(speaker))
        mixed = np.clip(person[:length] + speaker[:length], -32_768, 32_767)
        pcm: bytes = mixed.astype("<i2").tobytes()
        return pcm

    def save_room_recording(self, path: str | PathLike[str]) -> None:
        """Write `room_recording` as a WAV file. Raises OSError."""
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(WIRE_RATE)
            out.writeframes(self.room_recording())

    # -- faults --------------------------------------------------------------------------------------------

    def unplug(self, direction: Direction = "capture") -> None:
        """Unplug the card: blocks stop in both directions, and `start` finds no device until `plug_in`."""
        self._unplugged = direction

    def plug_in(self) -> None:
        """Plug the card in again: the next `start` succeeds."""
        self._unplugged = None

    def refuse(self, error: DeviceError | None) -> None:
        """Let every `start` raise `error`, such as DeviceBusyError; None ends that."""
        self._refusal = error

    def stall(self, direction: Direction) -> None:
        """Stop calling one direction's callback, without a failure, until the device is reopened."""
        self._stalled.add(direction)

    def fail(self, direction: Direction, reason: str) -> None:
        """Fail as the driver would: blocks stop, and `failure` says why, until the device is reopened."""
        self._failure = DeviceFailure(direction, reason)

    def hang(self, hanging: bool = True) -> None:
        """Let `start` and `stop` hang until `hang(False)`, as PortAudio may on an unplugged card."""
        if hanging:
            self._unhung.clear()
        else:
            self._unhung.set()

    def deafen(self, deaf: bool = True) -> None:
        """Let the microphone deliver digital zeros, as one does whose switch is off."""
        self._deaf = deaf

    def xrun(self, direction: Direction, count: int = 1) -> None:
        """Report `count` over- or underflows, as the driver would."""
        self._lost[direction == "playback"] += count

    # -- the card ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Reset to the state of a card just opened: empty buffers, no failure."""
        self._stalled.clear()
        self._failure = None
        self._on_the_way = deque(bytes(WIRE_BLOCK_BYTES) for _ in range(self._latency_blocks))
        self._on_the_way_in = deque[bytes]()
        self._to_mic = Resampler(WIRE_RATE, MIC_RATE)
        # The resampler delays its first samples: a reserve keeps every block full.
        self._far = bytearray(4 * MIC_BLOCK_BYTES)

    def _run(self) -> None:
        due = time.monotonic() + BLOCK_S
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            self._block()
            due += BLOCK_S
            if time.monotonic() - due > _LATE_S:
                due = time.monotonic()

    def _block(self) -> None:
        running = self._unplugged is None and self._failure is None
        pull = self._pull if running and "playback" not in self._stalled else None
        on_capture = self._on_capture if running and "capture" not in self._stalled else None
        out = self._speaker(pull) if pull is not None else bytes(WIRE_BLOCK_BYTES)
        near = self._person.block(self.now())
        if near.any() or out.strip(b"\0"):
            self._sounded_at = self.now()
        heard = self._microphone(near, out)
        with self._lock:
            self._played.append(out)
            self._near.append(near.tobytes())
            self._heard.append(heard)
        if on_capture is not None:
            self._on_the_way_in.append(heard)
        if on_capture is not None and len(self._on_the_way_in) > self._input_latency_blocks:
            self._captured += 1
            try:
                on_capture(self._on_the_way_in.popleft(), self.now() - self.input_latency_s)
            except Exception as error:  # noqa: BLE001  # a real card's thread survives it, too
                self._broke("capture", error)
        self._on_step()

    def _speaker(self, pull: PullPlayback) -> bytes:
        try:
            self._on_the_way.append(pull(WIRE_BLOCK))
        except Exception as error:  # noqa: BLE001  # likewise
            self._on_the_way.append(bytes(WIRE_BLOCK_BYTES))
            self._broke("playback", error)
        self._pulled += 1
        return self._on_the_way.popleft()

    def _broke(self, direction: Direction, error: Exception) -> None:
        log.error("the %s callback failed", direction, exc_info=error)
        self._failure = DeviceFailure(direction, f"our own callback failed: {error!r}")

    def _microphone(self, near: Samples, out: bytes) -> bytes:
        if self._deaf:
            return _SILENT_BLOCK
        heard = near.astype(np.float64)
        if self._room is not None:
            self._far += self._to_mic.process(out)
            far = bytes(self._far[:MIC_BLOCK_BYTES])
            del self._far[:MIC_BLOCK_BYTES]
            heard += self._room.echo(far)
        if self._noise_level:
            heard += self._noise.standard_normal(MIC_BLOCK) * self._noise_level
        return np.clip(np.rint(heard), -32_768, 32_767).astype("<i2").tobytes()
