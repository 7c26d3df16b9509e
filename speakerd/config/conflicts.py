"""Contradictions: rules about several settings, or about the meaning of one rather than its type."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from speakerd.config.errors import Severity
from speakerd.config.settings import Settings
from speakerd.config.show import value_of
from speakerd.panel.header import gpio_of, pin_name
from speakerd.panel.light_settings import LightSettings


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction: the settings involved, what is wrong, what to do, and whether it can be lived with."""

    keys: tuple[str, ...]
    what: str
    cure: str
    severity: Severity = "error"


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


def _headers(settings: Settings) -> Iterator[Conflict]:
    """Check that HTTP can carry the headers. Their values are secrets, so nothing of them is shown."""
    name_cure = "A name consists of letters, digits and hyphens."
    value_cure = "Write it on one line, and quotation marks in it as \" or '."
    for name, value in settings.model.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            yield Conflict(("model.headers",), f"{name!a} is no name of a header", name_cure)
        elif not _HEADER_VALUE.fullmatch(value):
            what = f"the value of {name} has a character that no header can have"
            yield Conflict(("model.headers",), what, value_cure)
    if not _HEADER_VALUE.fullmatch(settings.model.safety_identifier):
        what = "it is sent as a header, and has a character that no header can have"
        yield Conflict(("model.safety_identifier",), what, value_cure)


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
    elif code not in {"", "en"} and "offline" in {settings.model.backend, settings.model.fallback}:
        alone = settings.model.backend == "offline"
        what = f"the embedded server knows English only{'' if alone else ', and answers so as the fallback'}"
        cure = "Leave model.language out" if alone else 'Set model.fallback = "none"'
        yield Conflict(("model.language",), what, f"{cure}, or speak English with it.", "warning")


def _pins(settings: Settings) -> Iterator[Conflict]:
    button, light = settings.panel.button, settings.panel.light
    uses: list[tuple[str, int | str, int | None]] = [
        ("panel.button.pin", button.pin, 11),
        ("panel.button.mute_switch_pin", button.mute_switch_pin, 15),
        ("panel.button.volume_up_pin", button.volume_up_pin, None),
        ("panel.button.volume_down_pin", button.volume_down_pin, None),
        ("panel.light.led_pin", light.led_pin, 13),
        ("panel.light.pwm_pin", light.pwm_pin, 13),
        *(
            ("panel.light.rgb_pins", pin, place)
            for pin, place in zip(light.rgb_pins, (15, 16, 18), strict=False)
        ),
    ]
    taken: dict[int, str] = {}
    if light.strip_leds and light.strip_bus == 0:
        taken = dict.fromkeys(_SPI0, "panel.light.strip_leds")
    for key, pin, drawn in uses:
        if pin == "":
            continue
        try:
            gpio = gpio_of(pin)
        except ValueError as error:
            yield Conflict((key,), f"{pin!r}: {error}", _PIN_CURE)
            continue
        if gpio in taken:
            other = taken[gpio]
            use = "is used twice" if other == key else f"is taken by {other}"
            yield Conflict((key, other), f"{pin_name(pin)} {use}", "Give each its own pin.")
        elif pin == drawn:
            cure = (
                f'If you counted on the header, as the drawings do, write "BOARD{pin}": {pin_name(f"BOARD{pin}")}. '
                f'If you mean {pin_name(pin)}, write "GPIO{pin}".'
            )
            what = f"a bare number is that of the GPIO: {pin} is {pin_name(pin)}"
            yield Conflict((key,), what, cure, "warning")
        elif gpio in _IDENTITY:
            cure = "Take another pin."
            yield Conflict(
                (key,), f"{pin_name(pin)} is kept for the memory of add-on boards", cure, "warning"
            )
        taken.setdefault(gpio, key)


def _wakes(settings: Settings) -> Iterator[Conflict]:
    """Check that something can begin a conversation, and end a mute that is there from the start."""
    gestures = settings.panel.gestures
    by_hand = {gestures.press, gestures.hold, gestures.double, gestures.long}
    if settings.panel.kind == "none" or (settings.panel.kind == "gpio" and settings.panel.button.pin == ""):
        by_hand = set()
    if not settings.wake_word.enabled and by_hand.isdisjoint({"conversation", "talk"}):
        only = "only `speakerd ctl wake` does" if settings.control.enabled else "and nothing else can"
        what = f"no button and no wake word begins a conversation; {only}"
        if settings.panel.kind == "none":
            key, change = (
                "panel.kind",
                'Take panel.kind = "none" out and name the pin of a button in panel.button.pin',
            )
        elif by_hand:
            key, change = "panel.gestures.press", 'Set panel.gestures.press = "conversation"'
        else:
            key, change = "panel.button.pin", "Name the pin of a button in panel.button.pin"
        yield Conflict((key,), what, f"{change}, or set wake_word.enabled = true.", "warning")
    unmutes = "mute" in by_hand or (by_hand and settings.dialogue.press_while_muted == "unmute")
    if settings.dialogue.start_muted and not unmutes and not settings.control.enabled:
        cure = 'Set a gesture to "mute", or control.enabled = true, or leave dialogue.start_muted out.'
        yield Conflict(
            ("dialogue.start_muted",), "it starts muted, and nothing can unmute it", cure, "warning"
        )


def _night(settings: Settings) -> Iterator[Conflict]:
    light = settings.panel.light
    if light.night_from and not light.night_to:
        what = f"the night begins at {light.night_from} and has no end, so there is none"
        cure = 'Set panel.light.night_to too, or both to "" for no night.'
        yield Conflict(("panel.light.night_to", "panel.light.night_from"), what, cure)
    elif light.night_to != LightSettings().night_to and not light.night_from:
        what = "the night ends, but never begins, since night_from is empty"
        cure = 'Set panel.light.night_from too: night_from = "22:00"'
        yield Conflict(("panel.light.night_to", "panel.light.night_from"), what, cure)
    elif light.night_from and light.night_from == light.night_to:
        what = f"the night begins and ends at {light.night_from}, so there is none"
        cure = 'For no night, set panel.light.night_from = "".'
        yield Conflict(("panel.light.night_from", "panel.light.night_to"), what, cure, "warning")


def _service(settings: Settings) -> Iterator[Conflict]:
    """Check that the way of sending the key is the one of the service at this address."""
    model = settings.model
    if model.backend == "offline":
        return
    try:
        host = urlsplit(model.url).hostname or ""
    except ValueError:
        return
    azure = host.endswith(_AZURE)
    if azure and model.auth == "bearer":
        what = "Azure documents the header api-key for keys; bearer is for tokens, which end within a day"
        yield Conflict(("model.auth", "model.url"), what, 'Set model.auth = "api-key".', "warning")
    if host == "api.openai.com" and model.auth != "bearer":
        what = f"OpenAI takes its key as bearer, not as {model.auth}"
        yield Conflict(
            ("model.auth", "model.url"), what, 'Set model.auth = "bearer", or leave it out.', "warning"
        )
    for word, where in _PLACEHOLDERS.items():
        if host.startswith(f"{word.lower()}."):
            what = f"{word} stands for the name of your own {word.lower()}"
            yield Conflict(("model.url",), what, f"Write its name, as {where} shows it.", "warning")
    for key, value in (("model.model", model.model), ("model.transcription", model.transcription)):
        if value in _DEPLOYMENTS:
            what = f"{value} stands for the name of your own deployment"
            yield Conflict((key,), what, "Write its name, as the Azure portal shows it.", "warning")


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


_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

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

_PIN_CURE = "Which there are: `pinout`. The drawings in config/boards name both numbers."
_IDENTITY = (0, 1)
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")

_PLACEHOLDERS = {"RESOURCE": "the Azure portal", "WORKSPACE": "the console of Model Studio"}

_DEPLOYMENTS = ("DEPLOYMENT", "TRANSCRIPTION-DEPLOYMENT")

_SPI0 = (10, 11)
"""GPIO numbers of data and clock on SPI bus 0."""

_RULES: tuple[Callable[[Settings], Iterator[Conflict]], ...] = (
    _url,
    _key_file,
    _headers,
    _fallback,
    _language,
    _pins,
    _wakes,
    _night,
    _service,
    _orders,
    _socket,
)
