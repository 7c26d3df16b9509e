"""Contradictions: rules about several settings, or about the meaning of one rather than its type."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from speakerd.config.settings import Settings
from speakerd.config.show import value_of


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction: the settings involved, what is wrong, what to do."""

    keys: tuple[str, ...]
    what: str
    cure: str


def conflicts(settings: Settings) -> Iterator[Conflict]:
    """Yield all contradictions in settings that are valid otherwise."""
    for rule in _RULES:
        yield from rule(settings)


def _url(settings: Settings) -> Iterator[Conflict]:
    if settings.model.backend == "offline":
        return
    url = settings.model.url
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield Conflict(
            ("model.url",), "this is not an address", "Write wss://host/path, or ws://host:port/path."
        )
        return
    if parts.scheme not in {"ws", "wss"} or not host:
        meant = {"https": "wss", "http": "ws"}.get(parts.scheme)
        cure = f"Write {meant}:// instead of {parts.scheme}://." if meant else "Write wss://host/path."
        yield Conflict(("model.url",), "this is not the address of a WebSocket", cure)
    elif parts.scheme == "ws" and settings.model.auth != "none" and not _loopback(host):
        yield Conflict(
            ("model.url", "model.auth"),
            "the key would cross the network unencrypted",
            'Use wss://; or, if that server needs no key, set model.auth = "none".',
        )


def _key_file(settings: Settings) -> Iterator[Conflict]:
    name = settings.model.api_key_file
    if name and not PurePosixPath(name).is_absolute():
        yield Conflict(
            ("model.api_key_file",),
            "a service has no folder of its own, so the path must be absolute",
            "Write it from the root, as /etc/speakerd/api-key.",
        )


def _fallback(settings: Settings) -> Iterator[Conflict]:
    if settings.model.backend == "offline" and settings.model.fallback == "offline":
        yield Conflict(
            ("model.fallback", "model.backend"),
            "the embedded server cannot fall back to itself",
            'Leave model.fallback at "none".',
        )


def _language(settings: Settings) -> Iterator[Conflict]:
    code = settings.model.language
    if code and not (2 <= len(code) <= 3 and code.isascii() and code.islower()):
        yield Conflict(
            ("model.language",), "this is no ISO 639-1 code", "Write two small letters: en, de, fr."
        )


def _pins(settings: Settings) -> Iterator[Conflict]:
    button, light = settings.panel.button, settings.panel.light
    uses: list[tuple[str, int | str]] = [
        ("panel.button.pin", button.pin),
        ("panel.button.mute_switch_pin", button.mute_switch_pin),
        ("panel.button.volume_up_pin", button.volume_up_pin),
        ("panel.button.volume_down_pin", button.volume_down_pin),
        ("panel.light.led_pin", light.led_pin),
        ("panel.light.pwm_pin", light.pwm_pin),
        *(("panel.light.rgb_pins", pin) for pin in light.rgb_pins),
    ]
    taken: dict[str, str] = {}
    if light.strip_leds and light.strip_bus == 0:
        taken = dict.fromkeys(_SPI0, "panel.light.strip_leds")
    for key, pin in uses:
        name = str(pin).upper().removeprefix("GPIO").removeprefix("BCM").lstrip("0") or str(pin)
        if not name:
            continue
        if name in taken:
            other = taken[name]
            what = f"pin {pin} is used twice" if other == key else f"pin {pin} is taken by {other}"
            yield Conflict((key, other), what, "Give each its own pin.")
        taken.setdefault(name, key)


def _socket(settings: Settings) -> Iterator[Conflict]:
    name = settings.control.socket
    if name == "auto" or not settings.control.enabled:
        return
    if not PurePosixPath(name).is_absolute() or len(name.encode()) > _LONGEST_SOCKET_PATH:
        yield Conflict(
            ("control.socket",),
            "this cannot be the path of a socket",
            f"Write an absolute path of at most {_LONGEST_SOCKET_PATH} bytes, or auto.",
        )


def _orders(settings: Settings) -> Iterator[Conflict]:
    """Check the pairs of which the first must not exceed the second."""
    for low, high, why in _ORDERED:
        values = [value_of(settings, tuple(key.split("."))) for key in (low, high)]
        if values[0] > values[1]:
            name, other = low.rpartition(".")[2], high.rpartition(".")[2]
            what = f"{name} = {values[0]} is more than {other} = {values[1]}: {why}"
            yield Conflict((low, high), what, f"Make {name} smaller, or {other} larger.")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


_LONGEST_SOCKET_PATH = 107
"""Bytes: sun_path of unix(7) less its closing zero."""

_ORDERED = (
    ("audio.gate.onset_frames", "audio.gate.onset_window", "the gate could never open"),
    ("audio.gate.tail_ms", "audio.gate.hangover_ms", "the tail is a part of that silence"),
    ("audio.barge_in.onset_frames", "audio.barge_in.onset_window", "speech could never interrupt"),
    (
        "audio.barge_in.suspect_frames",
        "audio.barge_in.onset_frames",
        "it would be ducked after the interruption",
    ),
    ("audio.reopen_first_s", "audio.reopen_longest_s", "the first wait cannot be longer than the longest"),
)

_SPI0 = ("10", "11")
"""GPIO numbers of data and clock on SPI bus 0."""

_RULES: tuple[Callable[[Settings], Iterator[Conflict]], ...] = (
    _url,
    _key_file,
    _fallback,
    _language,
    _pins,
    _orders,
    _socket,
)
