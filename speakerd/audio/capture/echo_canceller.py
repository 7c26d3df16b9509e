"""The echo canceller behind a port: removes what the loudspeaker plays from what the microphone hears.

Three kinds: `cancel` (WebRTC's AEC3 from livekit's wheel, cancellation only, without gain control and noise
suppression, which would change what the speech detector and the noise floor see), `half_duplex` (nothing is
removed; the pipeline does not listen while the loudspeaker sounds and for a tail after), and `off`.

The reference is what the playback callback gave to the device, silence included, one 10 ms block for every block
captured. The canceller is bypassed once the loudspeaker has been silent for `IDLE_S`: cancelling silence costs as
much as cancelling speech, and it keeps what it has learnt of the room. It delays the microphone by 8 ms, so the
bypass never begins in the middle of a sentence, and ends there only when the loudspeaker sounds again.
"""

from typing import Any, Final, Literal, Protocol, assert_never

from speakerd.audio.errors import ExtraMissingError
from speakerd.audio.pcm import BLOCK_S, MIC_BLOCK, MIC_RATE, WIRE_BLOCK, WIRE_RATE
from speakerd.audio.settings import EchoMode

IDLE_S: Final = 2.0
"""Longer than any echo path: after this much silence nothing is left to cancel."""

EffectiveEcho = Literal["cancel", "half_duplex", "off"]


class EchoCanceller(Protocol):
    """Removes the echo from the microphone's blocks of 10 ms."""

    @property
    def mode(self) -> EffectiveEcho:
        """What it does. With `half_duplex` the caller must not listen while the loudspeaker sounds."""
        ...

    def process(self, mic: bytes, far: bytes, *, far_silent: bool, mid_sentence: bool = False) -> bytes:
        """Return `mic` (16 kHz, 320 bytes) without the echo of `far`, which was played (24 kHz, 480 bytes).

        `far_silent`: whether `far` is all zeros. `mid_sentence`: the result is being sent, so its delay must not
        change.
        """
        ...

    def set_delay(self, delay_s: float) -> None:
        """Set the delay from the reference to its echo, as far as the device knows it."""
        ...

    def reset(self) -> None:
        """Discard what was learnt of the room: the streams were restarted."""
        ...


class PassThrough:
    """A canceller that changes nothing, for the modes `half_duplex` and `off`."""

    def __init__(self, mode: Literal["half_duplex", "off"]) -> None:
        self._mode: EffectiveEcho = mode

    @property
    def mode(self) -> EffectiveEcho:
        """`half_duplex` or `off`, as given."""
        return self._mode

    def process(  # the port's signature
        self,
        mic: bytes,
        far: bytes,  # noqa: ARG002
        *,
        far_silent: bool,  # noqa: ARG002
        mid_sentence: bool = False,  # noqa: ARG002
    ) -> bytes:
        """Return the microphone's block unchanged."""
        return mic

    def set_delay(self, delay_s: float) -> None:
        """Do nothing: there is no echo path to align."""

    def reset(self) -> None:
        """Do nothing: nothing was learnt."""


class WebRtcCanceller:
    """WebRTC's AEC3 from livekit's wheel. Raises ExtraMissingError without the extra `aec`."""

    def __init__(self) -> None:
        try:
            from livekit import rtc  # noqa: PLC0415  # an extra of 20 MB: loaded only where used
        except ImportError as error:
            raise ExtraMissingError("audio.echo", "aec") from error
        self._rtc: Any = rtc
        self._delay_ms = 0
        self._idle_s = 0.0
        self._bypassed = False
        self._apm = self._make()

    def _make(self) -> Any:
        apm = self._rtc.AudioProcessingModule(echo_cancellation=True)
        apm.set_stream_delay_ms(self._delay_ms)
        return apm

    @property
    def mode(self) -> EffectiveEcho:
        """Always `cancel`."""
        return "cancel"

    def process(self, mic: bytes, far: bytes, *, far_silent: bool, mid_sentence: bool = False) -> bytes:
        """Return the block without the echo. The first blocks of a sound pass until the delay has been found."""
        self._idle_s = self._idle_s + BLOCK_S if far_silent else 0.0
        if self._idle_s <= IDLE_S:
            self._bypassed = False
        elif not mid_sentence:
            self._bypassed = True
        if self._bypassed:
            return mic
        frame = self._rtc.AudioFrame
        self._apm.process_reverse_stream(frame(bytearray(far), WIRE_RATE, 1, WIRE_BLOCK))
        near = bytearray(mic)
        self._apm.process_stream(frame(near, MIC_RATE, 1, MIC_BLOCK))
        return bytes(near)

    def set_delay(self, delay_s: float) -> None:
        """Set the delay: a hint, since AEC3 itself finds delays up to about half a second."""
        self._delay_ms = max(0, min(500, round(delay_s * 1000)))
        self._apm.set_stream_delay_ms(self._delay_ms)

    def reset(self) -> None:
        """Replace the canceller by a new one."""
        self._apm = self._make()


def make_canceller(mode: EchoMode) -> EchoCanceller:
    """Make the canceller for a setting; `auto` becomes half duplex where the extra `aec` is not installed.

    Raises:
        ExtraMissingError: the setting is `cancel`, and the extra is not installed.
    """
    match mode:
        case "off" | "half_duplex":
            return PassThrough(mode)
        case "cancel":
            return WebRtcCanceller()
        case "auto":
            try:
                return WebRtcCanceller()
            except ExtraMissingError:
                return PassThrough("half_duplex")
        case _:
            assert_never(mode)
