"""At the start: what of the settings this machine can be, where a part that they ask for is not there.

Somebody has to come by to install a part, and until then a speaker that answers to its button is worth more than
one that is started again and again. What is left out is told in the journal and in the status, and a reload brings
it into force once the part is there. A reload itself is not so lenient: it refuses what cannot work.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import logging
import shutil
from typing import TYPE_CHECKING

from speakerd.audio.capture import make_canceller, make_detector, make_wake_word
from speakerd.audio.errors import BadModelError, ExtraMissingError
from speakerd.daemon.live_settings import UnworkableSettingError
from speakerd.host.journal import fields

if TYPE_CHECKING:
    from speakerd.config.settings import Settings

log = logging.getLogger(__name__)


def fit_to_machine(settings: Settings) -> tuple[Settings, tuple[UnworkableSettingError, ...]]:
    """Return settings without what needs a part that is not there, and what was left out of them."""
    left_out = []
    for fit in (_wake_word, _second_opinion, _canceller, _light_strip, _pins):
        try:
            fit(settings)
        except UnworkableSettingError as problem:
            left_out.append(problem)
            settings = _WITHOUT[problem.key](settings)
    if lacking := missing_programs(settings):
        left_out += lacking.values()
        commands = settings.tools.commands
        kept = tuple(command for number, command in enumerate(commands) if number not in lacking)
        tools = dataclasses.replace(settings.tools, commands=kept)
        settings = settings.model_copy(update={"tools": tools})
    return settings, tuple(left_out)


def missing_programs(settings: Settings) -> dict[int, UnworkableSettingError]:
    """Return the commands of the owner whose program this user cannot run: number of the command -> why."""
    return {
        number: UnworkableSettingError(
            f"tools.commands.{number}.argv",
            f"there is no program {command.argv[0]} that the user of speakerd may run. Install it, or correct "
            "its path",
        )
        for number, command in enumerate(settings.tools.commands)
        if shutil.which(command.argv[0]) is None
    }


def tell(problem: UnworkableSettingError, place: str) -> None:
    """Write to the journal what this start does without; `place` is where the setting stands."""
    log.error(
        "%s: started without it: %s",
        place,
        problem.reason,
        extra=fields(event="left_out", setting=problem.key),
    )


def _wake_word(settings: Settings) -> None:
    try:
        make_wake_word(settings.wake_word)
    except (ExtraMissingError, BadModelError) as error:
        raise UnworkableSettingError("wake_word.enabled", str(error)) from error


def _second_opinion(settings: Settings) -> None:
    if settings.audio.gate.silero == "on":
        try:
            make_detector(settings.audio.gate)
        except ExtraMissingError as error:
            raise UnworkableSettingError("audio.gate.silero", str(error)) from error


def _canceller(settings: Settings) -> None:
    if settings.audio.echo == "cancel":
        try:
            make_canceller(settings.audio.echo)
        except ExtraMissingError as error:
            raise UnworkableSettingError("audio.echo", str(error)) from error


def _light_strip(settings: Settings) -> None:
    panel = settings.panel
    if panel.kind == "gpio" and panel.light.strip_leds and importlib.util.find_spec("spidev") is None:
        reason = (
            "a light strip needs the extra 'apa102', which is not installed: sudo speakerd extras add apa102"
        )
        raise UnworkableSettingError("panel.light.strip_leds", reason)


def _pins(settings: Settings) -> None:
    panel = settings.panel
    if panel.kind == "gpio" and panel.named_pins() and importlib.util.find_spec("lgpio") is None:
        reason = "pins need the extra 'gpio', which is not installed: sudo speakerd extras add gpio"
        raise UnworkableSettingError("panel.kind", reason)


def _no_wake_word(settings: Settings) -> Settings:
    wake_word = dataclasses.replace(settings.wake_word, enabled=False)
    return settings.model_copy(update={"wake_word": wake_word})


def _no_second_opinion(settings: Settings) -> Settings:
    audio = settings.audio
    gate = dataclasses.replace(audio.gate, silero="auto")
    return settings.model_copy(update={"audio": dataclasses.replace(audio, gate=gate)})


def _no_canceller(settings: Settings) -> Settings:
    audio = dataclasses.replace(settings.audio, echo="auto")
    return settings.model_copy(update={"audio": audio})


def _no_light_strip(settings: Settings) -> Settings:
    panel = settings.panel
    light = dataclasses.replace(panel.light, strip_leds=0)
    return settings.model_copy(update={"panel": dataclasses.replace(panel, light=light)})


def _no_pins(settings: Settings) -> Settings:
    return settings.model_copy(update={"panel": dataclasses.replace(settings.panel, kind="none")})


_WITHOUT = {
    "wake_word.enabled": _no_wake_word,
    "audio.gate.silero": _no_second_opinion,
    "audio.echo": _no_canceller,
    "panel.light.strip_leds": _no_light_strip,
    "panel.kind": _no_pins,
}
