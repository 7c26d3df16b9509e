"""The real sound card: ALSA through PortAudio, in callback mode.

*Blocks.* The microphone delivers 10 ms at a time. The loudspeaker takes 8 ms, since PortAudio buffers two or three
blocks: with 10 ms a flush was silent after 30 ms (p50) and 34 ms (p99) at the monitor of the software sound card,
with 8 ms after 22 and 28, with 5 ms after 18 and 20; but at 5 ms one busy Python thread caused underruns.

*Late callbacks.* The microphone's card buffers four blocks before one is lost (`portaudio_latency`), which adds no
latency. Both threads ask for real-time priority (`thread_priority`).

*The GIL.* A callback waits for the interpreter, with the default switch interval 5 ms for every busy thread: with
three of them a fifth of the sound was lost. With `SWITCH_INTERVAL_S` next to nothing is lost, at no cost while no
thread is busy. So `start` lowers the interval, for the whole process.

*Callbacks only move bytes.* PortAudio calls them in its own threads, one for each direction. They take the GIL,
pass a block on, and return the whole block asked for: a short one would end the stream, and PyAudio would raise
an exception of theirs in the main thread, so neither can happen.

*Opening.* PortAudio lists the cards once, when it is initialised, so every `start` initialises it again to find
cards plugged in since. Rates are tried in order, the port's own first; what the card does not support,
`format_adapter` converts with soxr. PortAudio's own resampling and ALSA's linear one are not used.

*Latency* is measured, since what drivers report is not reliable: every playback callback is told when its
samples will be heard (`output_buffer_dac_time`), and the present is subtracted. PortAudio takes both from the
wall clock, so only differences within one call are used, and absurd ones (the date was set) are dropped.

*No abort.* PortAudio's abort (private in PyAudio: `pyaudio.pa.abort_stream`) drops what the card has buffered.
It was tried: silence after 1 ms instead of 22, but always with a click, since the cut is anywhere in the wave; a
call took up to 115 ms on a busy machine; and after some seventy aborts PyAudio freed the stream.

*A lost card* is recognised by blocks that no longer arrive (`block_counts`). No PortAudio function is called for
that, since calling one on a dead stream may hang or free it. Reopening is up to `supervision`.
"""

import contextlib
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, cast

import pyaudio

from speakerd.audio.cards import SoundCard, holder_of, sound_cards
from speakerd.audio.device import BlockCounts, DeviceFailure, OnCapture, PullPlayback, XrunCount
from speakerd.audio.devices.format_adapter import CaptureAdapter, PlaybackAdapter
from speakerd.audio.devices.names import DeviceRow, find_device, is_card, wants_plug
from speakerd.audio.devices.portaudio_latency import enlarge_capture_buffer
from speakerd.audio.devices.stderr_filter import StderrFilter
from speakerd.audio.errors import DeviceBusyError, DeviceError, DeviceNotFoundError, RateNotSupportedError
from speakerd.audio.events import Direction
from speakerd.audio.pcm import MIC_RATE, SAMPLE_BYTES, WIRE_RATE
from speakerd.audio.settings import AudioSettings
from speakerd.audio.thread_priority import raise_priority, restore_priority

log = logging.getLogger(__name__)

CAPTURE_RATES: Final = (MIC_RATE, 48_000, 44_100)
PLAYBACK_RATES: Final = (WIRE_RATE, 48_000, 44_100)
LONGEST_LATENCY_S: Final = 2.0
"""A latency above this is a clock that jumped, not a buffer."""
_SMOOTHING: Final = 0.05
"""Weight of each new latency in the running mean, which follows within a fifth of a second."""

CAPTURE_PERIOD_S: Final = 0.010
CAPTURE_PERIODS: Final = 4
"""Four, since PortAudio makes its blocks longer if more are requested."""
PLAYBACK_PERIOD_S: Final = 0.008
SWITCH_INTERVAL_S: Final = 0.0005

Reply: TypeAlias = tuple[bytes | None, int]


class Stream(Protocol):
    """What we use of a `pyaudio.PyAudio.Stream`."""

    def start_stream(self) -> None:
        """Begin to call the callbacks."""

    def close(self) -> None:
        """Stop the stream and free it."""


class PortAudio(Protocol):
    """What we use of `pyaudio.PyAudio`."""

    def get_device_count(self) -> int:
        """Return the number of devices."""

    def get_device_info_by_index(self, index: int, /) -> Mapping[str, Any]:
        """Return the description of one device."""

    def get_host_api_info_by_index(self, index: int, /) -> Mapping[str, Any]:
        """Return the description of a host API: ALSA, JACK and so on."""

    def open(self, **options: Any) -> Stream:
        """Open a stream. Raises OSError with one of PortAudio's codes as its errno."""

    def terminate(self) -> None:
        """Close all streams and release PortAudio."""


# The published stubs type the arguments of `open` too narrowly for one call that serves both directions.
REAL_PORTAUDIO: Final = cast("Callable[[], PortAudio]", pyaudio.PyAudio)


_DRIVER: Final = threading.Lock()
"""Held while PortAudio is initialised, listed, opened or closed: its state belongs to the whole process, and two
threads inside it crash."""
DRIVER_WAIT_S: Final = 5.0
"""How long `start` waits for another thread to return from the driver before it fails."""


class PyAudioDevice:
    """An `AudioDevice` on PortAudio. `portaudio` makes the binding; tests pass one that simulates faults."""

    def __init__(self, settings: AudioSettings, portaudio: Callable[[], PortAudio] = REAL_PORTAUDIO) -> None:
        self._settings = settings
        self._make = portaudio
        self._portaudio: PortAudio | None = None
        self._streams: list[Stream] = []
        self._filter = contextlib.ExitStack()
        self._captured = 0
        self._played = 0
        self._lost = [0, 0]
        self._failure: DeviceFailure | None = None
        self._input_latency = 0.0
        self._output_latency = 0.0
        self._pulled_at = 0.0

    # -- the port ------------------------------------------------------------------------------------------

    def start(self, on_capture: OnCapture, pull_playback: PullPlayback) -> None:
        """Open both directions and begin to call the callbacks. Raises DeviceError."""
        if not _DRIVER.acquire(timeout=DRIVER_WAIT_S):
            raise DeviceError("playback", self._settings.output, "another thread hangs in the sound driver")
        try:
            self._start(on_capture, pull_playback)
        finally:
            _DRIVER.release()

    def probe(self) -> None:
        """Find both devices, and open each for a moment unless this process has it open. Raises DeviceError."""
        if not _DRIVER.acquire(timeout=DRIVER_WAIT_S):
            raise DeviceError("playback", self._settings.output, "another thread hangs in the sound driver")
        running = self._portaudio  # of the streams that are open, and to be terminated with them
        try:
            with StderrFilter():
                self._portaudio = open_portaudio(self._make, self._settings)
                try:
                    self._probe(list_rows(self._portaudio), sound_cards())
                finally:
                    self._portaudio.terminate()
                    self._portaudio = running
        except OSError as error:
            if isinstance(error, DeviceError):
                raise
            raise DeviceError("playback", self._settings.output, f"PortAudio: {error}") from error
        finally:
            _DRIVER.release()

    def _probe(self, rows: Sequence[DeviceRow], cards: Sequence[SoundCard]) -> None:
        tries: tuple[tuple[Direction, str, Callable[[DeviceRow], Stream]], ...] = (
            (
                "playback",
                self._settings.output,
                lambda row: self._open_playback(row, lambda wanted: bytes(2 * wanted)),
            ),
            ("capture", self._settings.input, lambda row: self._open_capture(row, lambda _pcm, _at: None)),
        )
        for direction, name, open_ in tries:
            try:
                row = find_device(name, direction, rows, cards)
            except DeviceNotFoundError:
                if not is_card(name, direction, cards):
                    raise
                # While a device is open, PortAudio does not see cards that were plugged in since; the kernel does.
                continue
            try:
                open_(row).close()
            except DeviceBusyError as error:
                if _is_another(error.holder):
                    raise

    def stop(self) -> None:
        """Close both directions. May hang inside PortAudio if the card was unplugged: call it in a thread."""
        with _DRIVER:
            self._stop()

    def _start(self, on_capture: OnCapture, pull_playback: PullPlayback) -> None:
        self._stop()
        self._failure = None
        self._input_latency = self._output_latency = 0.0
        self._filter.enter_context(StderrFilter())
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL_S))
        try:
            self._portaudio = open_portaudio(self._make, self._settings)
            rows, cards = list_rows(self._portaudio), sound_cards()
            output = find_device(self._settings.output, "playback", rows, cards)
            microphone = find_device(self._settings.input, "capture", rows, cards)
            self._streams.append(self._open_playback(output, pull_playback))
            self._streams.append(self._open_capture(microphone, on_capture))
            for stream in self._streams:
                stream.start_stream()
        except OSError as error:
            self._stop()
            if isinstance(error, DeviceError):
                raise
            raise DeviceError("playback", self._settings.output, f"PortAudio: {error}") from error
        except BaseException:
            self._stop()
            raise

    def _stop(self) -> None:
        streams, self._streams = self._streams, []
        portaudio, self._portaudio = self._portaudio, None
        if streams:
            # The thread of a dead card spins; at real-time priority it would keep us from closing the stream.
            restore_priority()
        for stream in streams:
            try:
                stream.close()
            except OSError as error:
                log.debug("closing a stream: %s", error)
        if portaudio is not None:
            portaudio.terminate()
        self._filter.close()

    def now(self) -> float:
        """Return the system's monotonic clock."""
        return time.monotonic()

    @property
    def block_counts(self) -> BlockCounts:
        """Blocks captured and played so far."""
        return BlockCounts(self._captured, self._played)

    @property
    def xruns(self) -> XrunCount:
        """Over- and underflows so far."""
        return XrunCount(*self._lost)

    @property
    def failure(self) -> DeviceFailure | None:
        """Why a running device cannot continue: one of our callbacks raised."""
        return self._failure

    @property
    def output_latency_s(self) -> float:
        """Seconds of sound pulled and not yet heard; it falls with the clock between two pulls."""
        return max(0.0, self._output_latency - (time.monotonic() - self._pulled_at))

    @property
    def input_latency_s(self) -> float:
        """Seconds from the microphone to `on_capture`, a running mean."""
        return self._input_latency

    @property
    def stepped(self) -> bool:
        """Always False: a sound card runs in real time."""
        return False

    # -- opening -------------------------------------------------------------------------------------------

    def _open_capture(self, row: DeviceRow, on_capture: OnCapture) -> Stream:
        channel = self._settings.input_channel
        most = row.channels("capture")
        if channel >= most:
            raise DeviceError(
                "capture",
                self._settings.input,
                f"has {most} channels; audio.input_channel = {channel} is none of them",
            )
        only = self._settings.input_rate_hz
        for rate in (only,) if only else CAPTURE_RATES:
            # A card may open only with all of its channels, or only with pairs.
            for channels in sorted({channel + 1, max(2, channel + 1), most}):
                if channels > most:
                    continue
                callback = self._capture_callback(CaptureAdapter(rate, channels, channel), on_capture)
                stream = self._try_open("capture", row, rate, channels, callback)
                if stream is not None:
                    return stream
        raise RateNotSupportedError("capture", self._settings.input, (only,) if only else CAPTURE_RATES)

    def _open_playback(self, row: DeviceRow, pull: PullPlayback) -> Stream:
        only = self._settings.output_rate_hz
        most = row.channels("playback")
        for rate in (only,) if only else PLAYBACK_RATES:
            for channels in sorted({1, min(2, most)}):
                callback = self._playback_callback(PlaybackAdapter(rate, channels, pull), rate, channels)
                stream = self._try_open("playback", row, rate, channels, callback)
                if stream is not None:
                    return stream
        raise RateNotSupportedError("playback", self._settings.output, (only,) if only else PLAYBACK_RATES)

    def _try_open(
        self,
        direction: Direction,
        row: DeviceRow,
        rate: int,
        channels: int,
        callback: Callable[..., Reply],
    ) -> Stream | None:
        """Open a stream, not yet started; None if the card does not support the rate or the channels."""
        assert self._portaudio is not None  # noqa: S101  # set by _start, the only way here
        name = self._settings.input if direction == "capture" else self._settings.output
        try:
            stream = open_stream(
                self._portaudio, direction, row, rate=rate, channels=channels, callback=callback
            )
        except UnsupportedFormatError:
            return None
        except OSError as error:
            raise explain(error, direction, name, row) from error
        log.info(
            "%s: %s at %d Hz, %d channel%s", direction, row.name, rate, channels, "" if channels == 1 else "s"
        )
        return stream

    # -- the callbacks, in PortAudio's threads -------------------------------------------------------------

    def _capture_callback(self, adapter: CaptureAdapter, on_capture: OnCapture) -> Callable[..., Reply]:
        captured_at = 0.0

        def captured(raw: bytes, _frames: int, when: Mapping[str, float], status: int) -> Reply:
            nonlocal captured_at
            try:
                if status & pyaudio.paInputOverflow:
                    self._lost[0] += 1
                delay = when["current_time"] - when["input_buffer_adc_time"]
                if 0 <= delay <= LONGEST_LATENCY_S:
                    self._input_latency = _smooth(self._input_latency, delay + adapter.held_s)
                # The latency is an estimate that varies; times must not decrease.
                captured_at = max(captured_at, time.monotonic() - self._input_latency)
                for block in adapter.convert(raw):
                    self._captured += 1
                    on_capture(block, captured_at)
            except Exception as error:  # noqa: BLE001  # PyAudio would raise it in the main thread
                self._broke("capture", error)
            return None, pyaudio.paContinue

        return captured

    def _playback_callback(self, adapter: PlaybackAdapter, rate: int, channels: int) -> Callable[..., Reply]:
        def wanted(_raw: None, frames: int, when: Mapping[str, float], status: int) -> Reply:
            try:
                if status & pyaudio.paOutputUnderflow:
                    self._lost[1] += 1
                block = adapter.take(frames)
                self._played += 1
                delay = when["output_buffer_dac_time"] - when["current_time"]
                if 0 < delay <= LONGEST_LATENCY_S:
                    latency = delay + frames / rate + adapter.held_s
                    self._output_latency = _smooth(self._output_latency, latency)
                self._pulled_at = time.monotonic()
            except Exception as error:  # noqa: BLE001  # likewise
                self._broke("playback", error)
                block = bytes(frames * channels * SAMPLE_BYTES)
            return block, pyaudio.paContinue

        return wanted

    def _broke(self, direction: Direction, error: Exception) -> None:
        """Note that a callback of ours raised. That is a bug; the device is then reopened."""
        if self._failure is None:
            log.error("the %s callback failed", direction, exc_info=error)
            self._failure = DeviceFailure(direction, f"our own callback failed: {error!r}")


def _smooth(mean: float, new: float) -> float:
    return mean + _SMOOTHING * (new - mean) if mean else new


class UnsupportedFormatError(Exception):
    """A card does not support a rate or a number of channels; the next is tried."""


def _is_another(holder: str) -> bool:
    """Whether the program that holds a device is known and is not this process, one of whose threads opened it."""
    number = re.search(r"process (\d+)", holder)
    return number is not None and not Path(f"/proc/self/task/{number[1]}").exists()


def open_portaudio(make: Callable[[], PortAudio], settings: AudioSettings) -> PortAudio:
    """Initialise PortAudio, with ALSA's conversion if a name in the settings asks for it (`plughw:`)."""
    plug = wants_plug(settings.input) or wants_plug(settings.output)
    # PortAudio reads it while it lists the cards. It applies to both directions.
    os.environ["PA_ALSA_PLUGHW"] = "1" if plug else "0"
    return make()


def list_rows(portaudio: PortAudio) -> tuple[DeviceRow, ...]:
    """Return PortAudio's list of ALSA's devices, or of all devices if there is no ALSA."""
    infos = [portaudio.get_device_info_by_index(index) for index in range(portaudio.get_device_count())]
    alsa = [info for info in infos if _host_api(portaudio, info) == pyaudio.paALSA]
    return tuple(
        DeviceRow(
            int(info["index"]),
            str(info["name"]),
            int(info["maxInputChannels"]),
            int(info["maxOutputChannels"]),
        )
        for info in alsa or infos
    )


def open_stream(
    portaudio: PortAudio,
    direction: Direction,
    row: DeviceRow,
    *,
    rate: int,
    channels: int,
    callback: Callable[..., Reply],
) -> Stream:
    """Open a stream in callback mode, not yet started. Raises UnsupportedFormatError, else OSError as PyAudio."""
    end = "input" if direction == "capture" else "output"
    period_s = CAPTURE_PERIOD_S if direction == "capture" else PLAYBACK_PERIOD_S
    if direction == "capture":
        reported = portaudio.get_device_info_by_index(row.index)
        enlarge_capture_buffer(row.index, reported, (CAPTURE_PERIODS - 1) * CAPTURE_PERIOD_S)
    try:
        return portaudio.open(
            rate=rate,
            channels=channels,
            format=pyaudio.paInt16,
            frames_per_buffer=int(rate * period_s),
            start=False,
            stream_callback=_with_priority(callback),
            **{end: True, f"{end}_device_index": row.index},
        )
    except OSError as error:
        if error.errno in {pyaudio.paInvalidSampleRate, pyaudio.paInvalidChannelCount}:
            raise UnsupportedFormatError from error
        raise


def _with_priority(callback: Callable[..., Reply]) -> Callable[..., Reply]:
    """Wrap the callback so that its first call, in the stream's own thread, raises the thread's priority."""
    raised = False

    def called(*arguments: Any) -> Reply:
        nonlocal raised
        if not raised:
            raised = True
            raise_priority()
        return callback(*arguments)

    return called


def explain(error: OSError, direction: Direction, name: str, row: DeviceRow) -> DeviceError:
    """Convert PortAudio's error to one that says what the user can do."""
    if error.errno == pyaudio.paDeviceUnavailable:
        holder = holder_of(*row.hardware, direction) if row.hardware else ""
        return DeviceBusyError(direction, name, holder)
    if error.errno == pyaudio.paUnanticipatedHostError:
        tool, file = ("arecord", "/dev/null") if direction == "capture" else ("aplay", "/dev/zero")
        return DeviceError(direction, name, f"ALSA refuses it; this says why: {tool} -D {name} -d 1 {file}")
    return DeviceError(direction, name, f"PortAudio cannot open it: {error.strerror or error}")


def _host_api(portaudio: PortAudio, info: Mapping[str, Any]) -> int:
    return int(portaudio.get_host_api_info_by_index(int(info["hostApi"]))["type"])
