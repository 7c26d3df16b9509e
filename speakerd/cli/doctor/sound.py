"""Checks the sound: cards, devices, room noise, test tone. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.cli.doctor.finding import Finding, fail, ok, skip, warn

SILENCE_DBFS = -90.0
LOUD_ROOM_DBFS = -35.0
CLIPPING = 32_000
"""Samples beyond this magnitude count as clipped."""
TONE_HZ = 1000.0
TONE_DBFS = -20.0
HEARD_DB = 6.0
"""A tone that raises the level of the microphone in its band by this much was heard."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The result of opening the sound device: an error in words ("" if it opened), and whether it was in use."""

    error: str = ""
    busy: bool = False


def cards(found: Sequence[str], *, simulated: bool) -> Finding:
    """Check whether the kernel has a sound card."""
    if simulated:
        return skip("cards", "the sound card is simulated (audio.driver)")
    if not found:
        cause = "The kernel has no driver for a card, or none is plugged in."
        return fail(
            "cards",
            "no sound card",
            cause,
            "Plug it in; for a HAT, add its dtoverlay to config.txt and reboot.",
        )
    return ok("cards", ", ".join(found))


def opened(result: Opened, *, service_active: bool, simulated: bool) -> Finding:
    """Check whether microphone and loudspeaker open at their rates."""
    if simulated:
        return skip("sound", "simulated")
    if not result.error:
        return ok("sound", "microphone and loudspeaker open at the rates it needs")
    if result.busy and service_active:
        return ok("sound", "in use by the running service, as it should be")
    cure = "speakerd devices lists what there is; audio.input and audio.output name it."
    if result.busy:
        cure = "End the program that holds it, or give it another card."
    return fail("sound", "does not open", result.error, cure)


def converter(installed: bool) -> Finding:
    """Check whether ALSA has a good sample rate converter (libasound2-plugins)."""
    if not installed:
        cause = "ALSA resamples linearly: 19 dB of signal to noise at 5 kHz instead of 86."
        return warn("resampling", "no good converter", cause, "sudo apt install libasound2-plugins")
    return ok("resampling", "libasound2-plugins is installed")


def room(samples: NDArray[np.int16]) -> Finding:
    """Check the microphone, by a second of the quiet room."""
    level, peak = dbfs(samples), int(np.abs(samples.astype(np.int32)).max(initial=0))
    seen = f"room at {level:.0f} dBFS"
    if not len(samples) or not peak:
        cause = "The microphone gives digital zeros: muted in the mixer, its switch off, or the wrong device."
        return fail(
            "microphone", "silence", cause, "alsamixer, F4: unmute and raise Capture; or another audio.input."
        )
    if peak >= CLIPPING:
        return warn(
            "microphone", f"{seen}, clipped", "It is far too loud.", "Lower Capture in alsamixer (F4)."
        )
    if level > LOUD_ROOM_DBFS:
        cause = "So much noise hides speech; or the gain is too high."
        return warn(
            "microphone",
            seen,
            cause,
            "Lower Capture in alsamixer (F4), or audio.input_gain_db; speakerd calibrate.",
        )
    return ok("microphone", seen)


def tone_heard(before: NDArray[np.int16], during: NDArray[np.int16], rate: int) -> Finding:
    """Check whether the microphone hears a test tone of the loudspeaker, and how loud the echo is."""
    quiet, loud = band_dbfs(before, rate), band_dbfs(during, rate)
    if int(np.abs(during.astype(np.int32)).max(initial=0)) >= CLIPPING:
        cause = "No canceller can remove what is clipped."
        return warn(
            "loudspeaker", "the microphone clips while it plays", cause, "Lower the volume or Capture."
        )
    if loud - quiet < HEARD_DB:
        cause = "The microphone did not hear the test tone. Did you?"
        cure = (
            "If not: volume, cable, amplifier, audio.output. If you did: the microphone is far away or quiet."
        )
        return warn("loudspeaker", f"{loud - quiet:+.0f} dB at the microphone", cause, cure)
    return ok("loudspeaker", f"the microphone hears it {loud - quiet:.0f} dB above the room")


def tone(rate: int, seconds: float) -> NDArray[np.int16]:
    """Return the test tone, with soft edges."""
    count = int(rate * seconds)
    wave = np.sin(2 * np.pi * TONE_HZ * np.arange(count) / rate) * 32767 * 10 ** (TONE_DBFS / 20)
    edge = min(count // 2, rate // 50)
    ramp = np.linspace(0.0, 1.0, edge)
    wave[:edge] *= ramp
    wave[count - edge :] *= ramp[::-1]
    return wave.astype(np.int16)


def dbfs(samples: NDArray[np.int16]) -> float:
    """Return the level relative to full scale."""
    if not len(samples):
        return SILENCE_DBFS
    power = float(np.mean(np.square(samples.astype(np.float64) / 32768.0)))
    return max(SILENCE_DBFS, 10 * math.log10(power)) if power > 0 else SILENCE_DBFS


def band_dbfs(samples: NDArray[np.int16], rate: int) -> float:
    """Return the level in the third of an octave around the test tone."""
    if not len(samples):
        return SILENCE_DBFS
    spectrum = np.fft.rfft(samples.astype(np.float64) / 32768.0)
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    band = (frequencies > TONE_HZ / 2 ** (1 / 6)) & (frequencies < TONE_HZ * 2 ** (1 / 6))
    power = 2 * float(np.sum(np.square(np.abs(spectrum[band])))) / len(samples) ** 2
    return max(SILENCE_DBFS, 10 * math.log10(power)) if power > 0 else SILENCE_DBFS
