"""The recipes of the README: each one is accepted, and does what is said of it."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.audio.playback.earcons import render
from speakerd.audio.resample import resample
from speakerd.audio.simulation.person import read_wav
from speakerd.cli import EXIT_OK, main
from speakerd.cli.ctl import volume_arguments
from speakerd.config.load import load, read_text
from speakerd.config.settings import Settings
from speakerd.config.show import values
from speakerd.config.write import write
from speakerd.daemon.model_config import address, handshake_headers
from speakerd.panel.gpio.panel import GpioPanel
from speakerd.panel.simulated import SimulatedPanel
from tests.daemon.bench import GO_FORWARD, answering, household
from tests.docs.pages import README, recipe, recipes, set_up
from tests.panel.rigs import wait_until
from tests.simulation.virtual_loop import in_virtual_time

ALL = recipes()


def settings_of(title: str) -> Settings:
    return read_text(ALL[title]).settings


def test_there_are_ten_and_each_is_tried_here() -> None:
    tests = Path(__file__).read_text("utf-8")
    assert len(ALL) == 10
    assert [title for title in ALL if f'("{title}")' not in tests] == []


def _flat(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return flat


def test_the_file_of_the_guide_gives_a_button_and_a_light() -> None:
    panel = read_text(set_up()).settings.panel
    assert (panel.button.pin, panel.light.pwm_pin) == (17, 27)


@pytest.mark.parametrize("title", sorted(ALL))
def test_it_can_be_added_to_the_file_of_the_guide(title: str, tmp_path: Path) -> None:
    file = tmp_path / "speakerd.toml"
    wanted = recipe(title)
    commands = wanted.get("tools", {}).pop("commands", [])
    file.write_text(set_up() + (f"\n{ALL[title]}\n" if commands else ""), "utf-8")
    write(file, _flat(wanted))
    assert main(["check", "--no-key", "--quiet", str(file)]) == EXIT_OK
    shown = values(load(file))
    for key, value in _flat(wanted).items():
        assert shown[key] == value
    assert len(load(file).tools.commands) == len(commands)


async def first_update(title: str) -> dict[str, Any]:
    """What the model's server is told at the beginning of a conversation with these settings."""
    async with household(settings=recipe(title)) as house:
        house.panel.tap()
        await house.until(lambda: bool(house.sent("session.update")))
        session: dict[str, Any] = house.sent("session.update")[0]["session"]
        return session


def spoken(pcm: bytes) -> bytes:
    """Without the silence around it."""
    samples = np.frombuffer(pcm, "<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 600)
    sound: bytes = samples[loud[0] : loud[-1] + 1].tobytes()
    return sound


@in_virtual_time
async def test_hands_free() -> None:
    pytest.importorskip("pymicro_wakeword", reason="the extra wakeword is not installed")
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    words = [program, "-v", "en-us", "-s", "140", "--stdout", "okay nah boo"]
    wav = (await asyncio.to_thread(subprocess.run, words, capture_output=True, check=True)).stdout
    word = resample(wav[44 : len(wav) // 2 * 2], 22_050, 16_000)
    async with household(settings=recipe("Hands-free")) as house:
        house.device.say(bytes(16_000) + spoken(word) + spoken(read_wav(GO_FORWARD, 16_000).tobytes()))
        await house.phase("speaking")
        assert "listening" in house.phases
        assert len(house.sound_sent()) > 1.5 * 48_000


@in_virtual_time
async def test_german() -> None:
    session = await first_update("German")
    assert session["audio"]["input"]["transcription"]["language"] == "de"
    assert "Antworte auf Deutsch" in session["instructions"]


@in_virtual_time
async def test_push_to_talk_only() -> None:
    async with household(answering(ms=4_000), settings=recipe("Push-to-talk only")) as house:
        house.panel.tap()
        await house.said(house.device.say(GO_FORWARD))
        assert house.server.connections == [], "a tap is nothing, and nobody listens"
        house.panel.press()
        await house.phase("listening")
        await house.said(house.device.say(GO_FORWARD))
        assert house.phases[-1] == "listening", "it listens for as long as it is held"
        house.panel.release()
        await house.phase("speaking")
        sent = len(house.sound_sent())
        house.device.say(GO_FORWARD)
        await house.phase("idle")
        assert len(house.sound_sent()) == sent, "nor does it listen to who speaks over the answer"
        assert house.phases.count("listening") == 1


@in_virtual_time
async def test_a_command_of_your_own() -> None:
    session = await first_update("A command of your own")
    tools = {tool["name"]: tool["description"] for tool in session["tools"]}
    assert tools["kitchen_light_on"] == "Turn the kitchen light on."


def test_quieter_at_night() -> None:
    settings = settings_of("Quieter at night")
    now, minute = [0.0], [12 * 60]
    light = SimulatedPanel(
        settings.panel.light, stepped=True, clock=lambda: now[0], minute_of_day=lambda: minute[0]
    )
    light.start(lambda *_: None)
    bright = []
    for minute[0] in (21 * 60 + 59, 23 * 60, 6 * 60 + 59, 7 * 60):
        now[0] += 60
        light.show("connecting")
        light.show("listening")
        light.step()
        bright.append(light.record[-1].frame.brightness)
    light.close()
    assert bright[1] == bright[2] == pytest.approx(0.1 * bright[0])
    assert bright[3] == bright[0]
    loud, soft = (
        np.abs(np.frombuffer(render("bell", made.audio.sounds.level_db), "<i2").astype(np.int32)).max()
        for made in (Settings(), settings)
    )
    assert soft == pytest.approx(loud / 4, rel=0.02), "12 dB less"
    cron = r"^ +0 +(\d+) \* \* \* root /usr/local/bin/speakerd ctl volume (\d+)$"
    lines = re.findall(cron, README.read_text("utf-8"), re.MULTILINE)
    assert [(hour, volume_arguments(volume)) for hour, volume in lines] == [
        ("22", {"level": 25}),
        ("7", {"level": 60}),
    ]


def test_azure() -> None:
    model = settings_of("Azure").model
    assert address(model) == "wss://RESOURCE.openai.azure.com/openai/v1/realtime?model=DEPLOYMENT"
    assert handshake_headers(model, "a-key") == {"api-key": "a-key"}


def test_a_server_of_your_own() -> None:
    model = settings_of("A server of your own").model
    assert address(model) == "ws://server.lan:8000/v1/realtime?model=my-pipeline"
    assert handshake_headers(model, "a-key") == {}


@in_virtual_time
async def test_a_second_character() -> None:
    session = await first_update("A second character")
    assert session["audio"]["output"]["voice"] == "cedar"
    assert "old sea captain" in session["instructions"]


def test_a_mute_switch() -> None:
    settings = settings_of("A mute switch")
    pins = MockFactory(pin_class=MockPWMPin)
    panel = GpioPanel(settings.panel.button, settings.panel.light, pin_factory=pins)
    edges: list[tuple[str, bool]] = []
    panel.start(lambda button, pressed, _at: edges.append((button, pressed)))
    try:
        pins.pin(22).drive_low()
        wait_until(lambda: edges == [("mute_switch", True)], "the switch is on")
        pins.pin(22).drive_high()
        wait_until(lambda: edges[-1] == ("mute_switch", False), "and off again")
    finally:
        panel.close()


def led_is_driven(settings: Settings) -> bool:
    pins = MockFactory(pin_class=MockPWMPin)
    panel = GpioPanel(settings.panel.button, settings.panel.light, pin_factory=pins)
    panel.start(lambda *_: None)
    try:
        return bool(pins.pin(27).function == "output")
    finally:
        panel.close()


@in_virtual_time
async def test_no_light() -> None:
    assert led_is_driven(read_text('board = "button-and-led"').settings)
    assert not led_is_driven(settings_of("No light"))
    sounds = {"dialogue": recipe("No light")["dialogue"]}
    async with household(settings=sounds) as house:
        house.panel.tap()
        await house.phase("listening")
        await house.until(lambda: bool(np.any(np.abs(np.frombuffer(house.device.played, "<i2")) > 300)))
        assert "speaking" not in house.phases
