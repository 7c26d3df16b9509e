"""Runs the checks of `speakerd doctor`, from the power supply to the API key, with cause and cure of each failure.

Nothing is changed, and the service may be running. `--sound` plays a tone and records it, `--light` shows all
lights, `--button` waits for a press: these need the devices, so the service must be stopped first. Exit code 1 if a
check failed, else 0.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from speakerd.cli.config_file import DEFAULT_FILE, add_file_argument

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from speakerd.cli.doctor.finding import Finding
    from speakerd.config.settings import Settings
    from speakerd.realtime.agents import FunctionTool

CREDENTIAL_FILES = ("/etc/credstore/speakerd.api-key", "/etc/credstore.encrypted/speakerd.api-key")
BUTTON_LIMIT_S = 15.0
LIGHT_S = 1.5


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "doctor",
        help="look for what keeps the speaker from working",
        description="Every precondition with OK, WARN or FAIL, the cause and the cure.",
    )
    add_file_argument(parser, positional=False)
    parser.add_argument("--json", action="store_true", help="findings as JSON")
    parser.add_argument("--offline", action="store_true", help="do not go to the network")
    parser.add_argument("--sound", action="store_true", help="play a test tone and listen (two seconds)")
    parser.add_argument("--light", action="store_true", help="walk through the lights")
    parser.add_argument("--button", action="store_true", help="wait for a press of the button")
    parser.add_argument("--all", action="store_true", help="--sound --light --button")


def run(args: argparse.Namespace) -> int:
    """Run all checks and print their findings. Exit code 0 or 1."""
    from speakerd.cli.doctor.finding import report, summary

    findings = []
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for finding in examine(args):
        findings.append(finding)
        if not args.json:
            print(report([finding], colour=colour), flush=True)
    if args.json:
        print(json.dumps({"findings": [finding.to_dict() for finding in findings]}, indent=2))
    else:
        print(summary(findings))
    return 1 if any(finding.verdict == "FAIL" for finding in findings) else 0


def examine(args: argparse.Namespace) -> Iterator[Finding]:
    """Yield all findings, each as soon as it is known."""
    from speakerd.cli.doctor.finding import skip
    from speakerd.config.settings import Settings

    yield from _machine()
    settings = Settings()
    for finding, loaded in _configuration(args.config):
        settings = loaded or settings
        yield finding
        if finding.name == "config" and finding.verdict == "FAIL":
            yield skip("the rest", "not looked at: what it should be is in the file that is refused")
            return
    yield from _access(settings)
    yield from _sound(settings, audible=args.sound or args.all)
    yield from _pins(settings)
    if args.light or args.button or args.all:
        yield from _panel(settings, light=args.light or args.all, button=args.button or args.all)
    if not args.offline:
        yield from _network(settings)


def _machine() -> Iterator[Finding]:
    from speakerd.cli.doctor import machine, probes

    yield machine.power(probes.throttled())
    yield machine.heat(probes.celsius())
    yield machine.system(probes.text("/etc/os-release"), probes.machine())
    yield machine.python((sys.version_info.major, sys.version_info.minor), sys.executable)
    yield machine.systemd(probes.systemd_version(), probes.unit())
    yield machine.memory(probes.text("/proc/meminfo"))
    yield machine.storage(
        read_only=probes.root_read_only(),
        used_percent=probes.root_used_percent(),
        errors=probes.root_errors(),
    )
    yield machine.clock(time.localtime().tm_year, probes.synchronised())


def _configuration(file: Path | None) -> Iterator[tuple[Finding, Settings | None]]:
    from speakerd.cli import named_files
    from speakerd.cli.doctor import access
    from speakerd.cli.doctor.finding import ok
    from speakerd.cli.server_limits import server_limits
    from speakerd.config.errors import ConfigError
    from speakerd.config.load import read
    from speakerd.config.retirement import retirements

    if file is None and not DEFAULT_FILE.exists():
        yield ok("config", f"no {DEFAULT_FILE}: the built-in settings"), None
        return
    file = file or DEFAULT_FILE
    try:
        loaded = read(file)
    except ConfigError as error:
        yield access.configuration(str(file), str(error)), None
    else:
        yield access.configuration(str(file), ""), loaded.settings
        today = dt.datetime.now().astimezone().date()
        problems = [*loaded.warnings, *retirements(loaded, file, today), *server_limits(loaded)]
        # A missing part is a finding of its own.
        problems += named_files.findings(loaded, file, named_files.service_user(), extras=False)
        for problem in problems:
            usable = problem.severity == "warning"
            yield access.setting(problem.key, str(problem), usable=usable), None


def _access(settings: Settings) -> Iterator[Finding]:
    import shutil

    from speakerd.cli.doctor import access, probes
    from speakerd.cli.optional_parts import EXTRAS, is_there, needed

    user = probes.service_user()
    wanted = ["audio"] if settings.audio.driver == "portaudio" else []
    if named_pins(settings):
        wanted.append("gpio")
    yield access.groups(user, probes.groups_of(user), probes.existing_groups(*wanted))
    if settings.panel.light.strip_leds:
        device = f"/dev/spidev{settings.panel.light.strip_bus}.{settings.panel.light.strip_device}"
        cure = "dtparam=spi=on in config.txt, then reboot."
        yield access.device_node("spi", probes.node(device), "spi", cure)
    offline = settings.model.backend == "offline"
    yield from access.parts(
        probes.importable("pyaudio", "webrtcvad", "livekit", "pocketsphinx"),
        echo=settings.audio.echo,
        offline=offline or settings.model.fallback == "offline",
        espeak=shutil.which("espeak-ng") is not None,
    )
    # The canceller and the embedded server have been looked at just now.
    wanted_parts = {name: key for name, key in needed(settings).items() if name not in {"aec", "offline"}}
    yield from access.extras(wanted_parts, {extra.name for extra in EXTRAS if is_there(extra)})
    source, problem = _key(settings)
    yield access.api_key(needed=not offline and settings.model.auth != "none", source=source, problem=problem)


def _key(settings: Settings) -> tuple[str, str]:
    """Return where the key is, and what is wrong with it. The credential of the service is not read."""
    from speakerd.host.credentials import find_key
    from speakerd.host.errors import CredentialError

    try:
        if found := find_key(os.environ, settings.model.api_key_file):
            return f"from {found.source}", ""
    except CredentialError as error:
        return "", str(error)
    for name in CREDENTIAL_FILES:
        try:
            if Path(name).exists():
                return f"{name}, for the service", ""
        except PermissionError:
            return "not to be seen by this user; sudo shows it", ""
    return "", ""


def _sound(settings: Settings, *, audible: bool) -> Iterator[Finding]:
    from speakerd.audio.cards import sound_cards
    from speakerd.cli.doctor import probes, sound
    from speakerd.cli.doctor.finding import fail, skip
    from speakerd.cli.doctor.machine import WAITING

    simulated = settings.audio.driver == "simulated"
    yield sound.cards([card.card_id for card in sound_cards()], simulated=simulated)
    yield sound.converter(probes.good_converter())
    if simulated:
        yield sound.opened(sound.Opened(), service_active=False, simulated=True)
        return
    try:
        from speakerd.audio.devices import PyAudioDevice
        from speakerd.cli.doctor.sound_probe import RATE, listen
    except ImportError as error:
        yield fail("sound", "PortAudio cannot be loaded", str(error), "sudo apt install libportaudio2")
        return
    if _service_active():
        status = probes.unit().get("StatusText", "")
        if status.startswith(WAITING):
            yield sound.opened(
                sound.Opened(f"The service is {status}."), service_active=True, simulated=False
            )
            return
        # The service uses the device; opening it again would fail, or open another device of the same card.
        yield sound.opened(
            sound.Opened("held by the service", busy=True), service_active=True, simulated=False
        )
        if audible:
            yield skip("loudspeaker", "the service has it; sudo systemctl stop speakerd, then again")
        return
    heard = listen(PyAudioDevice(settings.audio), play=audible)
    yield sound.opened(heard.opened, service_active=False, simulated=False)
    if audible and not heard.opened.error:
        yield sound.room(heard.before)
        yield sound.tone_heard(heard.before, heard.during, RATE)


def _service_active() -> bool:
    from speakerd.cli.doctor import probes

    return probes.unit().get("ActiveState") == "active"


def named_pins(settings: Settings) -> dict[str, int | str]:
    """Return the pins that are used, by the key of the setting."""
    if settings.panel.kind != "gpio":
        return {}
    return settings.panel.named_pins()


def _pins(settings: Settings) -> Iterator[Finding]:
    from speakerd.cli.doctor import access, gpio_chips, pins, probes
    from speakerd.panel.header import gpio_of

    named = named_pins(settings)
    chips = gpio_chips.chips()
    yield pins.chip(chips, named)
    if not named:
        return
    yield access.device_node("gpio device", probes.node("/dev/gpiochip*"), "gpio", "Is this a Raspberry Pi?")
    header = next((chip for chip in chips if chip.is_header), None)
    lines = {}
    for key, pin in named.items():
        number = gpio_of(pin)
        if header is not None and number < header.lines:
            lines[key] = gpio_chips.line(header, number)
    yield from pins.held(named, lines, service_active=_service_active())


def _panel(settings: Settings, *, light: bool, button: bool) -> Iterator[Finding]:
    import threading

    from speakerd.cli.doctor import pins
    from speakerd.cli.doctor.finding import fail, ok
    from speakerd.panel.errors import PanelError
    from speakerd.panel.factory import open_panel
    from speakerd.panel.types import LIGHT_STATES

    pressed = threading.Event()
    panel = open_panel(settings.panel)
    try:
        panel.start(lambda _name, down, _at: pressed.set() if down else None)
    except PanelError as error:
        yield fail("panel", "does not open", str(error), "sudo systemctl stop speakerd frees its pins.")
        return
    try:
        if light:
            for state in reversed(LIGHT_STATES):
                print(f"      light: {state}", file=sys.stderr, flush=True)
                panel.show(state)
                time.sleep(LIGHT_S)
            yield ok("light", "walked through; did you see each?")
        if button:
            print(f"      press the button within {BUTTON_LIMIT_S:.0f} s", file=sys.stderr, flush=True)
            begun = time.monotonic()
            done = pressed.wait(BUTTON_LIMIT_S)
            yield pins.pressed(time.monotonic() - begun if done else None, BUTTON_LIMIT_S)
    finally:
        panel.close()


def _network(settings: Settings) -> Iterator[Finding]:
    from speakerd.cli.doctor import network
    from speakerd.cli.doctor.finding import skip
    from speakerd.daemon.model_config import address, handshake_headers
    from speakerd.host.credentials import find_key
    from speakerd.host.errors import CredentialError

    if settings.model.backend == "offline":
        yield skip("model", "the embedded server is used")
        return
    try:
        key = find_key(os.environ, settings.model.api_key_file)
    except CredentialError:
        key = None  # reported already
    if key is None and settings.model.auth != "none":
        secret = _service_key()
        if not secret:
            yield skip("model", "not tried: this user has no key; sudo speakerd doctor tries the service's")
            return
    else:
        secret = key.secret.reveal() if key else ""
    from speakerd.cli.doctor.network_probe import attempt
    from speakerd.cli.doctor.set_up import SetUp, findings

    set_up = SetUp(settings.model, _tools(settings))
    result = attempt(address(settings.model), handshake_headers(settings.model, secret), set_up=set_up)
    yield network.reachable(result)
    if result.stage == "done":
        yield from findings(set_up)
    if (skew := network.skew(result)) is not None:
        yield skew


def _tools(settings: Settings) -> Sequence[FunctionTool]:
    """Return the tools of the settings, to be described; none of them can be called."""
    from types import SimpleNamespace
    from typing import cast

    from speakerd.tools.build import Parts, build_tools

    return build_tools(settings.tools, cast("Parts", SimpleNamespace(local_time=None)))


def _service_key() -> str:
    """Return the API key of the service, if this user may read it."""
    try:
        return Path(CREDENTIAL_FILES[0]).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
