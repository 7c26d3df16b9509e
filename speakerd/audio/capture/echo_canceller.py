"""The echo canceller behind a port: what the loudspeaker plays is taken out of what the microphone hears.

Three kinds: `cancel` (WebRTC's AEC3 from livekit's wheel, cancellation only: no gain control, no suppression of
noise, which would change what the speech detector and the noise floor see), `half_duplex` (nothing is taken out,
the pipeline does not listen while the loudspeaker sounds and for a tail after), and `off`.

The reference is what the playback callback handed to the device, silence included, one 10 ms block for every
block captured. Both sides pause together while the loudspeaker has been silent for `IDLE_S`: cancelling
silence costs as much as cancelling speech, and the canceller keeps what it has learnt of the room. It delays the
microphone by 8 ms, so it never begins to rest in the middle of a sentence, nor stops resting there but for sound.
"""

from typing import Any, Final, Literal, Protocol

from speakerd.audio.errors import ExtraMissingError
from speakerd.audio.pcm import BLOCK_S, MIC_BLOCK, MIC_RATE, WIRE_BLOCK, WIRE_RATE
from speakerd.audio.settings import EchoMode

IDLE_S: Final = 2.0
"""Longer than any echo path: by then nothing is left to cancel."""

EffectiveEcho = Literal["cancel", "half_duplex", "off"]


class EchoCanceller(Protocol):
    """Takes the echo out of 10 ms blocks."""

    @property
    def mode(self) -> EffectiveEcho:
        """What it does; `half_duplex` means: do not listen while the loudspeaker sounds."""
        ...

    def process(self, mic: bytes, far: bytes, *, far_silent: bool, mid_sentence: bool = False) -> bytes:
        """The microphone's block (16 kHz, 320 bytes) without the echo of what was played (24 kHz, 480 bytes).

        `far_silent`: `far` is nothing but zeros. `mid_sentence`: what comes out is being sent, without a seam.
        """
        ...

    def set_delay(self, delay_s: float) -> None:
        """Tell the delay from reference to echo, as far as the device knows it."""
        ...

    def reset(self) -> None:
        """Streams were restarted: forget the room."""
        ...


class PassThrough:
    """`half_duplex` and `off`: the block as it came."""

    def __init__(self, mode: Literal["half_duplex", "off"]) -> None:
        self._mode: EffectiveEcho = mode

    @property
    def mode(self) -> EffectiveEcho:
        """Either of the two."""
        return self._mode

    def process(  # the port's signature
        self,
        mic: bytes,
        far: bytes,  # noqa: ARG002
        *,
        far_silent: bool,  # noqa: ARG002
        mid_sentence: bool = False,  # noqa: ARG002
    ) -> bytes:
        """The block as it came."""
        return mic

    def set_delay(self, delay_s: float) -> None:
        """Of no interest."""

    def reset(self) -> None:
        """Nothing was learnt."""


class WebRtcCanceller:
    """AEC3 by livekit's wheel. Raises ExtraMissingError without the extra `aec`."""

    def __init__(self) -> None:
        try:
            from livekit import rtc  # noqa: PLC0415  # an extra of 20 MB: loaded only where used
        except ImportError as error:
            raise ExtraMissingError("audio.echo", "aec") from error
        self._rtc: Any = rtc
        self._delay_ms = 0
        self._idle_s = 0.0
        self._resting = False
        self._apm = self._make()

    def _make(self) -> Any:
        apm = self._rtc.AudioProcessingModule(echo_cancellation=True)
        apm.set_stream_delay_ms(self._delay_ms)
        return apm

    @property
    def mode(self) -> EffectiveEcho:
        """Cancel."""
        return "cancel"

    def process(self, mic: bytes, far: bytes, *, far_silent: bool, mid_sentence: bool = False) -> bytes:
        """See the port. The first blocks of a sound pass before the canceller has found the delay."""
        self._idle_s = self._idle_s + BLOCK_S if far_silent else 0.0
        if self._idle_s <= IDLE_S:
            self._resting = False
        elif not mid_sentence:
            self._resting = True
        if self._resting:
            return mic
        frame = self._rtc.AudioFrame
        self._apm.process_reverse_stream(frame(bytearray(far), WIRE_RATE, 1, WIRE_BLOCK))
        near = bytearray(mic)
        self._apm.process_stream(frame(near, MIC_RATE, 1, MIC_BLOCK))
        return bytes(near)

    def set_delay(self, delay_s: float) -> None:
        """A hint: the canceller finds delays of its own up to about half a second."""
        self._delay_ms = max(0, min(500, round(delay_s * 1000)))
        self._apm.set_stream_delay_ms(self._delay_ms)

    def reset(self) -> None:
        """A new canceller."""
        self._apm = self._make()


def make_canceller(mode: EchoMode) -> EchoCanceller:
    """The canceller for a setting; `auto` is half duplex where the extra is missing: see its `mode`.

    Raises ExtraMissingError if `cancel` was asked for and cannot be had.
    """
    if mode == "off" or mode == "half_duplex":  # noqa: PLR1714  # mypy narrows only this form
        return PassThrough(mode)
    try:
        return WebRtcCanceller()
    except ExtraMissingError:
        if mode == "cancel":
            raise
        return PassThrough("half_duplex")
