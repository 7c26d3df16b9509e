"""`speakerd demo --talk`: the speaker with this machine's microphone and loudspeaker, or typed text."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from speakerd.audio.errors import DeviceError
from speakerd.audio.simulation import SimulatedDevice
from speakerd.cli.demo.settings import demo_settings
from speakerd.cli.demo.stage import Captions
from speakerd.daemon.assemble import assemble, open_device
from speakerd.daemon.live_settings import LiveSettings
from speakerd.dialogue.events import Ask
from speakerd.panel.terminal import TerminalPanel

if TYPE_CHECKING:
    from speakerd.audio.device import AudioDevice
    from speakerd.daemon.core import Speaker
    from speakerd.daemon.metrics import Subscription

HELP = "space: tap to start or end, hold to talk    m: mute    + -: volume    q: quit"
NO_SOUND = """\
error: {error}
  Plug in a USB microphone and loudspeaker, or name them (--input, --output); `speakerd devices` lists what
  there is. Without any: `scripts/demo --talk --text` (you type), or `scripts/demo` (a simulated room)."""


async def talk(source: str, sink: str, *, text: bool) -> int:
    """Run until q, Ctrl-C or, with `text`, the end of input. Exit code 3 if there is no sound device."""
    settings = demo_settings(real_sound=(source, sink))
    device: AudioDevice = open_device(settings.audio)
    try:
        await asyncio.to_thread(device.start, lambda _pcm, _at: None, lambda samples: bytes(2 * samples))
        await asyncio.to_thread(device.stop)
    except DeviceError as error:
        if not text:
            print(NO_SOUND.format(error=error), file=sys.stderr)
            return 3
        print(f"(no loudspeaker here, so you only read the answers: {error})")
        settings, device = demo_settings(), SimulatedDevice()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def quit_() -> None:
        loop.call_soon_threadsafe(ended.set)

    # With typed text the typed line must stay: no keys are read, and the light is shown as plain lines.
    panel = TerminalPanel(with_keys=not text, on_quit=quit_, environ={"TERM": "dumb"} if text else os.environ)
    panel.write("Loading the recogniser and the voice ...")
    assembly = assemble(LiveSettings(settings), make_device=lambda _: device, make_panel=lambda _: panel)
    await assembly.embedded.url()
    speaker = assembly.speaker
    panel.write("Type a question; an empty line or Ctrl-D ends." if text else HELP)
    captions = asyncio.create_task(_captions(speaker.monitor.subscribe(), panel))
    opened = asyncio.Event()
    running = asyncio.create_task(speaker.run(ready=opened.set))
    work = asyncio.create_task(_typed(speaker, opened) if text else _wait(ended))
    try:
        await asyncio.wait({running, work}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        speaker.stop()
        await asyncio.gather(running, captions, return_exceptions=True)
        await assembly.close()
    if not running.cancelled() and (failure := running.exception()) is not None:
        print(f"error: {failure}", file=sys.stderr)
        return 4
    return 0


async def _wait(ended: asyncio.Event) -> None:
    await ended.wait()


async def _typed(speaker: Speaker, opened: asyncio.Event) -> None:
    """Send what is typed, a line at a time, each after the previous answer."""
    await opened.wait()
    lines = _lines(sys.stdin.fileno())
    while line := (await lines.get()).strip():
        entries = speaker.monitor.subscribe()
        speaker.handle(Ask(line))
        answering = False
        async for entry in entries:
            if entry["event"] == "state":
                answering = answering or entry["phase"] in {"thinking", "speaking"}
                if answering and entry["phase"] in {"listening", "idle"}:
                    break
        entries.close()


def _lines(descriptor: int) -> asyncio.Queue[str]:
    """Return what is typed, line by line, and an empty line at the end of input.

    It is read by a thread that nobody waits for: a read cannot be cancelled, and Ctrl-C would only act at the next
    Enter.
    """
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        rest = b""
        with suppress(RuntimeError):  # the loop has ended
            while data := _read(descriptor):
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    loop.call_soon_threadsafe(lines.put_nowait, line.decode("utf-8", "replace"))
            for last in (rest.decode("utf-8", "replace"), ""):
                loop.call_soon_threadsafe(lines.put_nowait, last)

    threading.Thread(target=read, name="typed", daemon=True).start()
    return lines


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the terminal has gone
        return b""


async def _captions(entries: Subscription, panel: TerminalPanel) -> None:
    captions = Captions()
    async for entry in entries:
        if entry["event"] == "caption":
            for line in captions.feed(entry["role"], entry["item_id"], entry["text"], final=entry["final"]):
                panel.write(line)
