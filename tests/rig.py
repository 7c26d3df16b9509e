"""A sound card made of software: PulseAudio with two null sinks under ALSA's pulse plugin, in real time.

    PyAudio ─▶ PortAudio ─▶ alsa-lib ─▶ pulse plugin ─▶ sink `speaker` ─▶ its monitor ─▶ Recorder
    PyAudio ◀─ PortAudio ◀─ alsa-lib ◀─ pulse plugin ◀─ monitor of sink `mic` ◀─ `say`

Each `SoundCard` is a server of its own in a folder of its own, so any number may run beside each other, as any
user, root included. The sinks run at our rates, so what is recorded is what was written, sample for sample.

Learned the hard way: `norewinds=1`, and somebody always reading each monitor, or else a null sink renders in
blocks of up to two seconds. Capture overruns never happen here.
"""

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, Self

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import MIC_RATE, SAMPLE_BYTES, WIRE_RATE
from tests.limits import limit

PROGRAMS: Final = ("pulseaudio", "parec", "pacat")
INSTALL: Final = "apt-get install pulseaudio pulseaudio-utils libasound2-plugins   (scripts/test does it)"
P = ParamSpec("P")
TRIES: Final = 3
_REAL_TIME: Final = os.sched_param(1)
BEFORE_OTHERS: Final = -11
PLUGIN_FOLDERS: Final = ("/usr/lib/*/alsa-lib", "/usr/lib/alsa-lib", "/usr/lib64/alsa-lib")

_TEAR: Final = re.compile(r"(?:Implicit|Actual) underrun of .*|Failed to push data into output queue.*")
"""What PulseAudio logs where a stream ran dry in mid-sound, or a recording one ran over; not where one begins or ends."""
_running: list["SoundCard"] = []

_ALSA: Final = """
pcm.speaker { type pulse device "speaker" }
pcm.mic { type pulse device "mic.monitor" }
pcm.array { type pulse device "array.monitor" }
pcm.default { type asym playback.pcm "speaker" capture.pcm "mic" }
pcm.hw { @args [ CARD ] @args.CARD { type string default "0" } type hw card $CARD }
"""


def first_in_line() -> None:
    """Put this thread, and those and the processes it starts, before others, where we may.

    The rig runs in real time: on a machine that is busy with other tests it would be torn for no fault of ours.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, BEFORE_OTHERS)


@contextlib.contextmanager
def _before_all_others() -> Iterator[None]:
    """Give this thread, and those that it starts, real-time priority, where we may.

    The device's own threads have it; a test that is interrupted while it holds the interpreter would hold them up.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, _REAL_TIME)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


class SoundDiffersError(AssertionError):
    """What was heard or captured, or when, is not what it should be."""


@contextlib.contextmanager
def about_the_sound() -> Iterator[None]:
    """For claims about recorded sound and its times: they fail for no fault of ours where the sound was torn."""
    try:
        yield
    except (
        AssertionError,
        ArithmeticError,
        LookupError,
        ValueError,
    ) as error:  # sound that is missing has no sums
        raise SoundDiffersError(str(error)) from error


def may_be_torn(test: Callable[P, None]) -> Callable[P, None]:
    """For a test of sound in real time: it is tried again, `TRIES` times in all, where PulseAudio tore the sound.

    On a machine that is busy with other work a stream runs dry now and then, for no fault of ours. PulseAudio writes
    that into its log. Only then, and only where a claim made in `about_the_sound` failed, the failure is forgiven, and
    told as a warning in the report. What else fails is a fault of behaviour, and fails at once, torn or not.
    """

    @functools.wraps(test)
    def patient(*arguments: P.args, **named: P.kwargs) -> None:
        for number in range(1, TRIES + 1):
            before = {card: card.tears() for card in _running}
            try:
                with _before_all_others():
                    return test(*arguments, **named)
            except SoundDiffersError:
                torn = [line for card in _running for line in card.tears()[len(before.get(card, ())) :]]
                if not torn or number == TRIES:
                    raise
                warnings.warn(
                    f"PulseAudio tore the sound of try {number}: {len(torn)} times, {torn[0]}", stacklevel=2
                )
        return None

    return patient


def _start(*words: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program that ends when we do, however we end (a hard limit kills without a word).

    It goes before others where we may say so. An ordinary priority would count only among the threads of its own
    session, and the kernel shares the processor among sessions first.
    """
    tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with _before_all_others():
        return subprocess.Popen([*tied, *words], **options)


def missing() -> str:
    """What of the rig is not installed, and the command that installs it; empty if nothing is missing."""
    programs = [program for program in PROGRAMS if shutil.which(program) is None]
    plugins = [path for folder in PLUGIN_FOLDERS for path in Path("/").glob(f"{folder[1:]}/*_pulse.so")]
    what = programs if plugins else [*programs, "ALSA's pulse plugin"]
    return f"{', '.join(what)}: {INSTALL}" if what else ""


class RigMissingError(RuntimeError):
    """The programs that the rig is made of are not installed."""


class Recorder:
    """Reads a sink's monitor for as long as it lives, and knows when each sample sounded."""

    def __init__(self, sink: str, rate: int, env: Mapping[str, str], channels: int = 1) -> None:
        self.rate = rate
        self._process = _start(
            "parec", "-d", f"{sink}.monitor", f"--rate={rate}", f"--channels={channels}", "--format=s16le",
            "--latency-msec=5", "--raw",
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=dict(env),
        )  # fmt: skip
        self._sound = bytearray()
        self._started = float("inf")
        self._lock = threading.Lock()
        self.begun = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"record-{sink}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        while chunk := os.read(pipe.fileno(), 65_536):
            now = time.monotonic()
            with self._lock:
                self._sound += chunk
                # The least delayed chunk tells best when the first sample sounded.
                self._started = min(self._started, now - len(self._sound) / SAMPLE_BYTES / self.rate)
            self.begun.set()

    @property
    def mark(self) -> int:
        """How many samples there are by now."""
        with self._lock:
            return len(self._sound) // SAMPLE_BYTES

    def since(self, mark: int = 0) -> NDArray[np.int16]:
        """The samples from `mark` on."""
        with self._lock:
            return np.frombuffer(bytes(self._sound[mark * SAMPLE_BYTES :]), dtype="<i2")

    def time_of(self, index: int) -> float:
        """The monotonic time at which sample `index` sounded, late by what the reading costs at its best."""
        with self._lock:
            return self._started + index / self.rate

    def wait_until(self, at: float, timeout: float = 10.0) -> None:
        """Return once everything that sounded before `at` has been read."""
        give_up = time.monotonic() + limit(timeout)
        while self.time_of(self.mark) < at:
            if time.monotonic() > give_up:
                raise TimeoutError(f"the recorder does not get to {at}")
            time.sleep(0.005)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()


@dataclass
class Saying:
    """Sound on its way into the microphone."""

    process: subprocess.Popen[bytes]

    def wait(self, timeout: float = 50) -> None:
        """Return when the last sample has gone in."""
        assert self.process.wait(limit(timeout)) == 0


class SoundCard:
    """A running rig; a context manager. `env` is what a process needs to find it."""

    def __init__(self) -> None:
        if what := missing():
            raise RigMissingError(f"the software sound card needs {what}")
        self.folder = Path(tempfile.mkdtemp(prefix="speakerd-rig-"))
        (self.folder / "asound.conf").write_text(_ALSA, encoding="utf-8")
        self.settings = {
            "ALSA_CONFIG_PATH": str(self.folder / "asound.conf"),
            "PULSE_SERVER": f"unix:{self.folder}/native",
            "PULSE_COOKIE": str(self.folder / "cookie"),
            "PULSE_RUNTIME_PATH": str(self.folder),
        }
        self.env = {**os.environ, **self.settings}
        self._others: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None
        _running.append(self)
        try:
            self.start_server()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_server(self) -> None:
        """Start it, and return when the monitors really give sound."""
        sinks = [
            f"module-null-sink sink_name={name} rate={rate} channels={channels} norewinds=1"
            for name, rate, channels in (
                ("speaker", WIRE_RATE, 1),
                ("mic", MIC_RATE, 1),
                ("array", MIC_RATE, 2),
            )
        ]
        socket = f"module-native-protocol-unix auth-anonymous=1 socket={self.folder}/native"
        modules = [word for module in (socket, *sinks) for word in ("-L", module)]
        with (self.folder / "pulse.log").open("ab") as log:
            self._server = _start(
                "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no",
                "--realtime=no", "--log-level=debug", *modules,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**self.env, "HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)},
            )  # fmt: skip
        deadline = time.monotonic() + limit(20)
        while not (self.folder / "native").exists():
            self._check(deadline)
            time.sleep(0.01)
        self.speaker = self._recorder("speaker", WIRE_RATE, deadline)
        self.mic = self._recorder("mic", MIC_RATE, deadline)
        self.array = self._recorder("array", MIC_RATE, deadline, channels=2)
        # It gives up what it was started with.
        for thread in Path(f"/proc/{self._server.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, _REAL_TIME)

    def tears(self) -> list[str]:
        """Each time that the server has found a stream dry, or full, in its own words."""
        return _TEAR.findall((self.folder / "pulse.log").read_text(encoding="utf-8", errors="replace"))

    def kill_server(self) -> None:
        """Pull the plug: every client's connection breaks at once."""
        self._recorders_off()
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None
        (self.folder / "native").unlink(missing_ok=True)

    def freeze_server(self, frozen: bool = True) -> None:
        """Have it stand still without a word, as a card whose driver hangs."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def say(self, pcm: bytes, sink: str = "mic", channels: int = 1) -> Saying:
        """Play 16 kHz PCM into the microphone.

        The server is given seconds of it ahead, so that a person does not stammer where `pacat` is kept waiting.
        """
        process = _start(
            "pacat", "-d", sink, f"--rate={MIC_RATE}", f"--channels={channels}", "--format=s16le",
            "--latency-msec=5000", "--raw", "--playback",
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env,
        )  # fmt: skip
        self._others.append(process)
        pipe = process.stdin
        assert pipe is not None

        def feed() -> None:
            # It may be cut off: the test is over, or the server was killed.
            with contextlib.suppress(BrokenPipeError), pipe:
                pipe.write(pcm)

        threading.Thread(target=feed, name="say", daemon=True).start()
        return Saying(process)

    def room(self, *words: str) -> subprocess.Popen[bytes]:
        """Start the room between loudspeaker and microphone (`tests/rig_room.py`, its options as words)."""
        process = _start(
            sys.executable, "-m", "tests.rig_room", *words,
            cwd=Path(__file__).parent.parent, env=self.env, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._others.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        return process

    def close(self) -> None:
        for process in self._others:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._others.clear()
        self.kill_server()
        if self in _running:
            _running.remove(self)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _recorder(self, sink: str, rate: int, deadline: float, channels: int = 1) -> Recorder:
        while True:
            recorder = Recorder(sink, rate, self.env, channels)
            while not recorder.begun.wait(0.02):
                self._check(deadline)
                if recorder._process.poll() is not None:
                    break  # the server was not ready yet
            else:
                return recorder
            recorder.close()

    def _recorders_off(self) -> None:
        for name in ("speaker", "mic", "array"):
            recorder = self.__dict__.pop(name, None)
            if recorder is not None:
                recorder.close()

    def _check(self, deadline: float) -> None:
        log = (self.folder / "pulse.log").read_text(encoding="utf-8", errors="replace")
        if self._server is None or self._server.poll() is not None:
            raise RuntimeError(f"PulseAudio did not start:\n{log}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"PulseAudio does not get ready:\n{log}")
