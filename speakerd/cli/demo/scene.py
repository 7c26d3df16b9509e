"""The scene: a press, a person's voice, the answer; a long answer, and the person cutting in.

Only the sound card, the room and the finger are simulated. The rest is real: the parts of the daemon, a WebSocket
on loopback, a recogniser, a synthetic voice. The microphone hears the recordings *and* the echo of the loudspeaker.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from speakerd.audio.simulation import RoomShape, SimulatedDevice
from speakerd.cli.demo.report import Report
from speakerd.cli.demo.settings import demo_settings
from speakerd.cli.demo.stage import Stage
from speakerd.daemon.assemble import assemble
from speakerd.daemon.live_settings import LiveSettings

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.audio.simulation import ScriptedUtterance

QUESTION = ("goforward.wav", "go forward ten meters")
STORY = "librivox-0870.wav"
ANSWER_LIMIT_S = 90.0
CUT_IN_AFTER_S = 3.0
"""Long enough for the echo canceller to adapt to the room (2.5 s)."""


class Spectator(Protocol):
    """Who is shown the scene beside the terminal: `scripts/timeline` draws it."""

    def note(self, entry: dict[str, Any]) -> None:
        """Take one entry of the live view."""

    def ended(self, said: list[ScriptedUtterance], played: bytes, at: float) -> str:
        """It went well. Return a line for the terminal.

        Args:
            said: What the person said.
            played: What left the loudspeaker, 24 kHz mono int16.
            at: The time at which its last sample did, on the clock of the entries.
        """


class SceneError(RuntimeError):
    """The scene did not go as planned; the text says what was waited for."""


async def play(recordings: Path, wav: Path, spectator: Spectator | None = None) -> int:
    """Play it, and show it to `spectator`; 0 if everything was understood and heard, else 1.

    Raises:
        OSError: a recording is missing, `wav` cannot be written, or what `spectator` raises.
    """
    for name in (QUESTION[0], STORY):
        if not (recordings / name).is_file():
            raise FileNotFoundError(
                f"{recordings / name} is missing: run the demo from a checkout of speakerd"
            )
    stage = Stage()
    device = SimulatedDevice(room=RoomShape(echo_db=-12.0))
    stage.say("Loading the recogniser and the voice ...")
    began = time.monotonic()
    settings = demo_settings()
    assembly = assemble(
        LiveSettings(settings), make_device=lambda _: device, make_panel=lambda _: stage.panel
    )
    await assembly.embedded.url()
    stage.say(
        f"Ready after {time.monotonic() - began:.1f} s. No key, no sound card, no GPIO: all of it is simulated."
    )
    speaker = assembly.speaker
    report = Report()
    notes = [report.note, *([spectator.note] if spectator is not None else [])]
    watch = asyncio.create_task(stage.follow(speaker.monitor.subscribe(4096), notes))
    running = asyncio.create_task(speaker.run(ready=stage.opened.set))
    problem, said = None, []
    try:
        await _guard(running, stage.opened.wait(), "the speaker to open")
        said = await _scene(stage, device, recordings, running)
    except SceneError as error:
        problem = str(error)
    finally:
        played, played_until = device.played, device.now()
        report.stats = speaker.engine.stats
        report.echo = speaker.engine.echo_mode
        speaker.stop()
        await asyncio.gather(running, return_exceptions=True)
        await watch
        await assembly.close()
    device.save_room_recording(wav)
    problem = problem or report.verdict(QUESTION[1], device.played)
    stage.say(report.table(wav))
    if spectator is not None and problem is None:
        stage.say(spectator.ended(said, played, played_until))
    stage.say(f"FAILED: {problem}" if problem else "The words were understood, and the answers heard.")
    return 1 if problem else 0


async def _scene(
    stage: Stage, device: SimulatedDevice, recordings: Path, running: asyncio.Task[None]
) -> list[ScriptedUtterance]:
    """Returns what the person said."""
    stage.say("\n[the button is pressed, and a man says: go forward ten meters]")
    stage.panel.tap()
    said = [device.say(recordings / QUESTION[0], after_s=0.3)]
    await _guard(running, stage.heard_answers(1), "the first answer to be heard to its end")
    stage.say("\n[it listens on by itself; a reader speaks]")
    said.append(device.say(recordings / STORY, after_s=0.5))
    await _guard(running, stage.speaking_since(CUT_IN_AFTER_S), "the second answer to begin")
    stage.say("\n[the man cuts in while it speaks]")
    said.append(device.say(recordings / QUESTION[0]))
    await _guard(running, stage.heard_interruptions(1), "the interruption")
    await _guard(running, stage.heard_answers(2), "the answer to the interruption")
    stage.say("\n[the button is pressed: that was all]")
    stage.panel.tap()
    await _guard(running, stage.in_phase("idle"), "the conversation to end")
    return said


async def _guard(running: asyncio.Task[None], waiting: object, what: str) -> None:
    """Wait for `waiting` until the limit, or until the speaker ends. Raises SceneError."""
    task = asyncio.ensure_future(waiting)  # type: ignore[call-overload]  # a coroutine; typed as object to accept any result
    done, _ = await asyncio.wait({task, running}, timeout=ANSWER_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    if task in done:
        return
    task.cancel()
    if running in done:
        await running
    raise SceneError(f"waited {ANSWER_LIMIT_S:.0f} s for {what}")
