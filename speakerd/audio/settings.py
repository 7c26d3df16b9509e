"""Settings of the audio room: names, types, defaults and limits exist here and nowhere else.

Frozen stdlib dataclasses. The limits are `annotated_types`, which the configuration (pydantic) enforces when it
reads a file, so that this module does not need pydantic. Units are in the names. The string below each
field says what it is for; the configuration file's comments are made from them.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le, MinLen

Milliseconds = Annotated[int, Ge(0), Le(10_000)]
Percent = Annotated[int, Ge(0), Le(100)]

Driver = Literal["portaudio", "simulated"]
EchoMode = Literal["auto", "cancel", "half_duplex", "off"]
SoundName = Literal["wake", "end", "error", "offline", "mute", "unmute", "timer", "announcement", "working"]

VoiceMode = Literal["normal", "ducked"]
"""How speech is played: at its volume, or more quietly by `barge_in.duck_db`."""
"""What an earcon means; the settings choose its melody."""
Melody = Literal["off", "rise", "fall", "ping", "knock", "buzz", "low", "high", "bell"]

_STRICT: dict[str, str] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """When sound counts as speech, and what of it may leave the house (`[audio.gate]`)."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    aggressiveness: Literal[0, 1, 2, 3] = 2
    """webrtcvad's mode: higher calls less speech."""
    margin_db: Annotated[float, Ge(0), Le(30)] = 6.0
    """Speech must be this much louder than the tracked noise floor."""
    min_level_dbfs: Annotated[float, Ge(-90), Le(0)] = -60.0
    """Quieter sound is never speech, however quiet the room is."""
    onset_frames: Annotated[int, Ge(1), Le(50)] = 6
    """Voiced frames of 20 ms that open the gate ..."""
    onset_window: Annotated[int, Ge(1), Le(50)] = 8
    """... among this many in a row: a click or a slam is shorter."""
    pre_roll_ms: Milliseconds = 500
    """Sound kept from before the onset, so that no first sound is lost."""
    hangover_ms: Annotated[int, Ge(100), Le(10_000)] = 700
    """Silence that ends the sentence; shorter pauses are breaths."""
    tail_ms: Milliseconds = 240
    """Part of that silence that is sent at once; the rest only if speech continues (local turns)."""
    longest_turn_s: Annotated[float, Ge(1), Le(3600)] = 120.0
    """A longer turn is ended, so that a noise cannot hold the gate open for ever."""
    server_patience_s: Annotated[float, Ge(0.5), Le(120)] = 10.0
    """Server turns: how long silence is sent while the server has not reported the end of speech."""
    lookback_s: Annotated[float, Ge(0.5), Le(10)] = 2.0
    """Sound kept while the gate is closed: what was already said at a press or a wake word is taken from it."""
    silero: Literal["auto", "on", "off"] = "auto"
    """A second opinion (extra `silero`), asked only while webrtcvad reports speech."""
    silero_threshold: Annotated[float, Ge(0), Le(1)] = 0.6
    """silero's probability from which a frame counts as speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInSettings:
    """When speech over the speaker's own voice interrupts it (`[audio.barge_in]`)."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    enabled: bool = True
    """Off: only the button interrupts."""
    level_dbfs: Annotated[float, Ge(-90), Le(0)] = -55.0
    """Speech must be louder than this behind the canceller."""
    onset_frames: Annotated[int, Ge(1), Le(50)] = 5
    """Voiced frames of 20 ms that interrupt ..."""
    onset_window: Annotated[int, Ge(1), Le(50)] = 6
    """... among this many in a row."""
    suspect_frames: Annotated[int, Ge(1), Le(50)] = 3
    """Voiced frames in that window at which the voice is ducked while we decide."""
    decide_ms: Annotated[int, Ge(20), Le(5_000)] = 400
    """A suspicion not confirmed in this time is dropped and the voice restored."""
    duck_db: Annotated[float, Ge(-60), Le(0)] = -12.0
    """How much quieter the voice is while ducked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSettings:
    """The speaker's own short sounds: which melody, or "off" (`[audio.sounds]`)."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    level_db: Annotated[float, Ge(-60), Le(0)] = -18.0
    """Peak level of every sound, below full scale; the volume comes on top."""
    wake: Melody = "rise"
    """It begins to listen."""
    end: Melody = "fall"
    """The conversation is over."""
    error: Melody = "buzz"
    """Something went wrong."""
    offline: Melody = "knock"
    """The model cannot be reached."""
    mute: Melody = "low"
    """The microphone is off now."""
    unmute: Melody = "high"
    """The microphone is on again."""
    timer: Melody = "bell"
    """A timer has run out; repeated until silenced."""
    announcement: Melody = "ping"
    """Before an announcement (`speakerd ctl say --chime`)."""
    working: Melody = "ping"
    """A tool takes its time, and is at work; repeated every `dialogue.working_every_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeWordSettings:
    """Waking by a word as well as by the button (`[wake_word]`, extra `wakeword`)."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    enabled: bool = False
    """Off by default: the microphone is then listened to only after a press."""
    model: Annotated[str, MinLen(1)] = "okay_nabu"
    """okay_nabu, hey_jarvis, hey_mycroft, alexa, or the path of a microWakeWord .json."""
    threshold: Annotated[float, Ge(0), Le(1)] = 0.0
    """Probability that counts as heard; 0 takes the model's own."""
    refractory_s: Annotated[float, Ge(0), Le(60)] = 2.0
    """After the wake word, further hits are ignored for this long."""
    pre_roll_ms: Milliseconds = 200
    """Sound from before the word's end that still belongs to the sentence that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """Devices, playback and echo (`[audio]`), with the gate, barge-in and sounds below it."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    driver: Driver = "portaudio"
    """portaudio (ALSA), or simulated: no sound card is touched."""
    input: Annotated[str, MinLen(1)] = "default"
    """Microphone: ALSA name, card id or USB path as `speakerd devices` lists them."""
    output: Annotated[str, MinLen(1)] = "default"
    """Loudspeaker: named in the same way."""
    input_channel: Annotated[int, Ge(0), Le(31)] = 0
    """Which channel of a microphone array to listen to, counted from 0."""
    input_rate_hz: Literal[0, 16_000, 44_100, 48_000] = 0
    """Rate at which the microphone is opened; 0 tries 16000, 48000, 44100 in turn."""
    output_rate_hz: Literal[0, 24_000, 44_100, 48_000] = 0
    """Rate at which the loudspeaker is opened; 0 tries 24000, 48000, 44100 in turn."""
    input_gain_db: Annotated[float, Ge(-30), Le(40)] = 0.0
    """Gain on the microphone, for one whose mixer is not loud enough."""
    volume: Percent = 60
    """Volume at the first start, on a perceptual curve; later the stored one counts, until this is changed."""
    echo: EchoMode = "auto"
    """cancel (extra `aec`), half_duplex (deaf while it speaks), off (headphones); auto: cancel if installed."""
    echo_tail_ms: Milliseconds = 300
    """How long the speaker may hear itself after its last sound, beyond the delay that the device reports."""
    prebuffer_ms: Annotated[int, Ge(0), Le(2_000)] = 60
    """Sound gathered before the first sample is played, and after an underrun."""
    flush_ramp_ms: Annotated[int, Ge(1), Le(100)] = 5
    """Ramp to zero when the voice is cut off: shorter clicks."""
    stop_fade_ms: Milliseconds = 300
    """Fade when the daemon stops."""
    playback_limit_s: Annotated[int, Ge(10), Le(3_600)] = 600
    """Speech held for playing (48 kB a second); from 90 % of it the model is asked to wait."""
    output_delay_ms: Annotated[int, Ge(0), Le(2_000)] = 0
    """Delay that the device does not report (Bluetooth, HDMI), added to its own."""
    capture_queue_ms: Annotated[int, Ge(50), Le(10_000)] = 1_000
    """Captured sound that may wait for the processing thread before the oldest is dropped."""
    reopen_first_s: Annotated[float, Ge(0.05), Le(60)] = 0.5
    """A lost device is opened again after this ..."""
    reopen_longest_s: Annotated[float, Ge(0.1), Le(600)] = 10.0
    """... and then ever more rarely, up to this."""
    heartbeat_limit_s: Annotated[float, Ge(0.5), Le(120)] = 5.0
    """No callback for this long means that PortAudio hangs: the process ends, and systemd restarts it."""
    silent_capture_s: Annotated[float, Ge(1), Le(3_600)] = 30.0
    """A microphone that delivers only digital zeros for this long is reported and reopened."""
    gate: GateSettings = field(default_factory=GateSettings)
    """[audio.gate]"""
    barge_in: BargeInSettings = field(default_factory=BargeInSettings)
    """[audio.barge_in]"""
    sounds: SoundSettings = field(default_factory=SoundSettings)
    """[audio.sounds]"""
