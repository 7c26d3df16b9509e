"""The main job through the real things: PortAudio, a WebSocket, a recogniser, a voice, as the daemon's process.

What the person says goes into the software sound card's microphone, what the loudspeaker says is recorded at its
monitor.
"""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from speakerd.host.control_client import ControlClient
from tests.daemon.bench import GO_FORWARD
from tests.daemon.process import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.rig import SoundCard

CONFIG = """
[model]
backend = "offline"
[audio]
input = "mic"
output = "speaker"
echo = "off"
[audio.sounds]
wake = "off"
end = "off"
[panel]
kind = "none"
"""


def one_turn(daemon: Daemon, speak: Callable[[], object]) -> tuple[list[str], list[str], list[str]]:
    """Wake it, `speak` once it listens, and watch until the answer was heard: phases, question, answer."""
    phases: list[str] = []
    said: dict[str, list[str]] = {"user": [], "assistant": []}
    with ControlClient((daemon.socket,)) as watcher:
        events = watcher.monitor(silence_s=40)
        daemon.ask("wake")
        for entry in events:
            if entry["event"] == "caption" and entry["final"]:
                said[entry["role"]].append(entry["text"])
            if entry["event"] != "state" or phases[-1:] == [entry["phase"]]:
                continue
            phases.append(entry["phase"])
            if phases[-2:] == ["speaking", "listening"]:
                break
            if phases[-1] == "listening":
                speak()
    return phases, said["user"], said["assistant"]


@pytest.mark.rig
def test_a_voice_at_the_microphone_is_understood_and_answered_at_the_loudspeaker(
    rig: SoundCard, tmp_path: Path
) -> None:
    with wave.open(str(GO_FORWARD)) as recording:
        pcm = recording.readframes(recording.getnframes())
    daemon = Daemon(tmp_path, CONFIG)
    try:
        daemon.wait_ready(40)
        mark = rig.speaker.mark
        phases, understood, answered = one_turn(daemon, lambda: rig.say(pcm))
        assert understood == ["go forward ten meters"]
        assert phases[-3:] == ["thinking", "speaking", "listening"]
        assert "go forward ten meters" in answered[0]
        sounding = np.abs(rig.speaker.since(mark).astype(np.int32)) > 300
        assert np.count_nonzero(sounding) / 24_000 > 0.5
        assert daemon.stop() == 0
    finally:
        daemon.process.kill()
        daemon.process.wait()
