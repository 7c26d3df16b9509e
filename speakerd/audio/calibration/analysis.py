"""What the answer to the probe sound says about a room and its devices, and which settings follow. Pure.

The probe is an exponential sweep, 200 to 7000 Hz in one second, played `REPEATS` times with a pause after each. It
is found even under noise, since correlation with itself gathers all of its energy in one point (a matched filter).
From what the microphone heard, and when:

- *noise floor*: the level of the second before the first sweep;
- *echo return*: the energy heard of the sweep relative to what was played, without the noise; -6 dB is a loud
  speaker beside its microphone, below -50 dB there is nothing to cancel;
- *round trip*: from the pull of a sample to its capture; the median of the repeats, and their spread, since an echo
  whose delay varies cannot be cancelled well;
- *tail*: how long after the sweep's end the room is louder than its noise and than 40 dB below the echo.

If the delay varied between the sweeps by more than `STEADY_MS`, nothing is proposed that depends on it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import (
    FLOOR_DBFS,
    MIC_RATE,
    WIRE_RATE,
    Samples,
    dbfs,
    gain_of,
    samples_of,
    to_int16,
)
from speakerd.audio.playback import volume_gain
from speakerd.audio.resample import resample
from speakerd.audio.settings import AudioSettings

SWEEP_S: Final = 1.0
PAUSE_S: Final = 1.5
LEAD_S: Final = 1.5
"""Silence before the first sweep, in which the noise is measured."""
REPEATS: Final = 3
LEVEL_DBFS: Final = -9.0
"""Level of the sweep, before the volume."""
LONGEST_TRIP_S: Final = 1.0
CLEAR: Final = 8.0
"""A correlation peak this many times above the rest of the search is the sweep."""
CLIPPED: Final = 32_700
INAUDIBLE_DB: Final = -50.0
STEADY_MS: Final = 15.0
"""More than a block and its jitter."""
GARBLED_DB: Final = 10.0
"""Sound this much louder than the noise did come from the loudspeaker."""
_WINDOW: Final = MIC_RATE // 100


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured. Trip, return and tail are None if the sweep was not heard."""

    noise_dbfs: float
    heard: bool
    clipped: bool
    garbled: bool = False
    """Whether something was heard while the sweep was played, but not the sweep."""
    echo_return_db: float | None = None
    round_trip_ms: float | None = None
    spread_ms: float | None = None
    tail_ms: float | None = None
    device_latency_ms: float = 0.0
    """The latency that the devices report, both directions together."""

    @property
    def steady(self) -> bool:
        """Whether the round trip was about the same for all sweeps."""
        return self.spread_ms is not None and self.spread_ms <= STEADY_MS


@dataclass(frozen=True, slots=True)
class Proposal:
    """A setting to change, by dotted key, and why."""

    key: str
    value: Any
    reason: str


def probe(volume: float, repeats: int = REPEATS) -> bytes:
    """Return the whole probe at 24 kHz: silence, then each sweep with its pause."""
    lead = np.zeros(round(LEAD_S * WIRE_RATE), dtype=np.int16)
    pause = np.zeros(round(PAUSE_S * WIRE_RATE), dtype=np.int16)
    one = np.concatenate([sweep(volume), pause])
    return np.concatenate([lead, *([one] * repeats)]).tobytes()


def sweep(volume: float) -> Samples:
    """Return one exponential sweep at 24 kHz, with 10 ms of fade at both ends."""
    time = np.arange(round(SWEEP_S * WIRE_RATE)) / WIRE_RATE
    low, high = 200.0, 7000.0
    growth = math.log(high / low)
    phase = 2 * np.pi * low * SWEEP_S / growth * (np.exp(time / SWEEP_S * growth) - 1)
    fade = np.minimum(1, np.minimum(time, SWEEP_S - time) / 0.01)
    peak = 32_767 * gain_of(LEVEL_DBFS) * volume_gain(volume)
    return to_int16((peak * fade * np.sin(phase)).astype(np.float32))


def sweep_starts(repeats: int = REPEATS) -> tuple[int, ...]:
    """Return where in the probe each sweep begins, in samples at 24 kHz."""
    period = SWEEP_S + PAUSE_S
    return tuple(round((LEAD_S + number * period) * WIRE_RATE) for number in range(repeats))


def analyse(
    heard: bytes, sent_at: Sequence[int], volume: float, *, device_latency_s: float = 0.0
) -> Measurement:
    """Measure in `heard` (16 kHz). `sent_at`: the sample of `heard` at whose capture each sweep was pulled."""
    samples = samples_of(heard)
    played = samples_of(resample(sweep(volume).tobytes(), WIRE_RATE, MIC_RATE))
    noise = dbfs(samples[max(0, sent_at[0] - MIC_RATE) : sent_at[0]])
    clipped = bool(np.max(np.abs(samples.astype(np.int32)), initial=0) >= CLIPPED)
    trips = [trip for start in sent_at if (trip := _trip(samples, played, start)) is not None]
    if 2 * len(trips) <= len(sent_at):
        levels = [dbfs(samples[start : start + 2 * len(played)]) for start in sent_at]
        return Measurement(
            noise,
            heard=False,
            clipped=clipped,
            garbled=float(np.median(levels)) > noise + GARBLED_DB,
            device_latency_ms=1000 * device_latency_s,
        )
    trip = float(np.median(trips))
    arrived = [start + round(trip) for start in sent_at]
    return Measurement(
        noise,
        heard=True,
        clipped=clipped,
        echo_return_db=_echo_return(samples, played, arrived, noise),
        round_trip_ms=trip * 1000 / MIC_RATE,
        spread_ms=(max(trips) - min(trips)) * 1000 / MIC_RATE,
        tail_ms=_tail(samples, len(played), arrived, noise),
        device_latency_ms=1000 * device_latency_s,
    )


def propose(found: Measurement, settings: AudioSettings, *, canceller: bool) -> tuple[Proposal, ...]:
    """Return settings that fit better than `settings`. `canceller`: whether the extra `aec` is installed."""
    proposals: list[Proposal] = []

    def want(key: str, value: Any, now: Any, reason: str) -> None:
        if value != now:
            proposals.append(Proposal(f"audio.{key}", value, reason))

    if found.clipped:
        gain = max(-30.0, settings.input_gain_db - 6.0)
        want("input_gain_db", gain, settings.input_gain_db, "the microphone clips: lower its own mixer first")
    elif found.noise_dbfs > settings.gate.min_level_dbfs:
        level = float(min(0, math.ceil(found.noise_dbfs + 3)))
        want(
            "gate.min_level_dbfs",
            level,
            settings.gate.min_level_dbfs,
            f"the room's noise alone is at {found.noise_dbfs:.0f} dBFS",
        )
    if found.echo_return_db is None or found.round_trip_ms is None or found.tail_ms is None:
        return tuple(proposals)
    if found.echo_return_db < INAUDIBLE_DB:
        want("echo", "off", settings.echo, "the microphone hardly hears the loudspeaker")
        return tuple(proposals)
    if settings.echo == "off":
        mode = "cancel" if canceller else "half_duplex"
        want(
            "echo",
            mode,
            settings.echo,
            f"the microphone hears the loudspeaker at {found.echo_return_db:.0f} dB",
        )
    if not found.steady:
        return tuple(proposals)
    hidden = found.round_trip_ms - found.device_latency_ms - settings.output_delay_ms
    if abs(hidden) >= 40:
        delay = max(0, 10 * round((settings.output_delay_ms + hidden) / 10))
        want(
            "output_delay_ms", delay, settings.output_delay_ms, "the devices report less delay than there is"
        )
    tail = 50 * math.ceil((found.round_trip_ms + found.tail_ms + 50) / 50)
    if not 0.8 * settings.echo_tail_ms <= tail <= settings.echo_tail_ms:
        want("echo_tail_ms", tail, settings.echo_tail_ms, "so long does the room still sound afterwards")
    return tuple(proposals)


def report(found: Measurement, proposals: Sequence[Proposal]) -> str:
    """Format the measurement and the proposals as text, the latter as lines of TOML."""
    lines = [f"noise floor   {found.noise_dbfs:6.1f} dBFS  of the room, when nobody speaks"]
    if found.heard:
        lines += [
            f"echo return   {found.echo_return_db:6.1f} dB    of what was played, at the microphone",
            f"round trip    {found.round_trip_ms:6.0f} ms    the devices report {found.device_latency_ms:.0f}",
            f"its spread    {found.spread_ms:6.0f} ms    between the sweeps",
            f"tail          {found.tail_ms:6.0f} ms    the room sounds on for so long",
        ]
    lines.append("")
    troubles = list(_troubles(found))
    lines += troubles
    if proposals:
        lines.append("These settings would fit better (--write puts them into the file):")
        lines += _as_toml(proposals)
    elif not troubles:
        lines.append("The settings fit.")
    return "\n".join(lines)


def _troubles(found: Measurement) -> Iterator[str]:
    """What went wrong, each with what to do."""
    if found.noise_dbfs <= FLOOR_DBFS:
        yield "The microphone gives digital silence: is it switched off, or muted in alsamixer?"
    elif found.garbled:
        yield (
            "The microphone heard something, but not the sweep: was it noisy, or is the machine too busy? "
            "Measure again."
        )
    elif not found.heard:
        yield "The microphone did not hear the loudspeaker: is the volume up, is it the right device?"
    elif not found.steady:
        yield (
            "The delay wandered, so none is proposed: the machine was busy, or a device loses sound. Measure again."
        )
    if found.clipped:
        yield "The microphone clips."


def _as_toml(proposals: Sequence[Proposal]) -> Iterator[str]:
    """The proposals as lines of TOML, each under its table."""
    table = ""
    for proposal in sorted(proposals, key=lambda proposal: proposal.key.rpartition(".")[0]):
        before, (table, _, key) = table, proposal.key.rpartition(".")
        if table != before:
            yield f"[{table}]"
        value = f'"{proposal.value}"' if isinstance(proposal.value, str) else proposal.value
        yield f"{key} = {value}   # {proposal.reason}"


def _trip(samples: Samples, played: Samples, start: int) -> float | None:
    """Samples from `start` to the sweep's arrival; None if it is not found clearly."""
    search = samples[start : start + round(LONGEST_TRIP_S * MIC_RATE) + len(played)].astype(np.float64)
    if len(search) < len(played) or not search.any():
        return None
    match = _correlate(search, played.astype(np.float64))
    peak = int(np.argmax(match))
    rest = float(np.sqrt(np.mean(match**2)))
    # The first arrival counts, not the loudest: a reflection may be both later and louder.
    early = np.flatnonzero(match > match[peak] / 2)
    return float(early[0]) if rest and match[peak] / rest > CLEAR else None


def _correlate(search: NDArray[np.float64], pattern: NDArray[np.float64]) -> NDArray[np.float64]:
    size = len(search) + len(pattern)
    spectrum = np.fft.rfft(search, size) * np.conj(np.fft.rfft(pattern, size))
    return np.abs(np.fft.irfft(spectrum, size)[: len(search) - len(pattern) + 1])


def _echo_return(samples: Samples, played: Samples, arrived: Sequence[int], noise_dbfs: float) -> float:
    noise = gain_of(noise_dbfs) ** 2
    energies = [gain_of(dbfs(samples[start : start + len(played)])) ** 2 for start in arrived]
    heard = max(float(np.median(energies)) - noise, 1e-12)
    return 10 * math.log10(heard) - dbfs(played)


def _tail(samples: Samples, length: int, arrived: Sequence[int], noise_dbfs: float) -> float:
    tails = []
    for start in arrived:
        echo = dbfs(samples[start : start + length])
        quiet = max(noise_dbfs + 6, echo - 40)
        after = samples[start + length : start + length + round(PAUSE_S * MIC_RATE / 2)]
        windows = [dbfs(after[at : at + _WINDOW]) for at in range(0, len(after) - _WINDOW + 1, _WINDOW)]
        loud = [number for number, level in enumerate(windows) if level > quiet]
        tails.append(10.0 * (loud[-1] + 1) if loud else 0.0)
    return float(np.median(tails))
