"""The daemon as a process: what it says when something is wrong, and how it stops."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from speakerd import cli
from speakerd.cli.run import run as run_command
from speakerd.daemon import service
from tests.daemon.process import Daemon, environment
from tests.limits import limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BASE = """
[model]
backend = "remote"
url = "ws://127.0.0.1:9"
auth = "none"
[audio]
driver = "simulated"
echo = "off"
[panel]
kind = "none"
[dialogue]
connect_timeout_s = 2
"""


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "speakerd", *words],
        capture_output=True,
        text=True,
        timeout=limit(40),
        env=environment(**more),
        check=False,
    )


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path, BASE)
    yield daemon
    daemon.process.kill()
    daemon.process.wait()


def test_a_missing_configuration_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    result = run("run", "--config", str(tmp_path / "none.toml"))
    assert result.returncode == 2
    assert "none.toml" in result.stderr
    assert "Traceback" not in result.stderr


def test_every_mistake_in_the_configuration_is_named_at_once(tmp_path: Path) -> None:
    config = tmp_path / "speakerd.toml"
    config.write_text('[audio]\nvolum = 50\n[model]\nspeed = "fast"\n')
    result = run("run", "--config", str(config))
    assert result.returncode == 2
    assert "speakerd.toml:2" in result.stderr
    assert "volume" in result.stderr
    assert "speakerd.toml:4" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_key_file_that_cannot_be_read_is_exit_code_3(tmp_path: Path) -> None:
    config = tmp_path / "speakerd.toml"
    config.write_text(f'[model]\napi_key_file = "{tmp_path}/nokey"\n')
    result = run("run", "--config", str(config))
    assert result.returncode == 3
    assert "nokey" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_key_for_the_hosted_service_says_where_to_put_one(tmp_path: Path) -> None:
    config = tmp_path / "speakerd.toml"
    config.write_text('[audio]\ndriver = "simulated"\n')
    result = run("run", "--config", str(config))
    assert result.returncode == 3
    assert "api_key_file" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.rig
def test_an_unknown_device_is_waited_for_and_those_there_are_are_listed(tmp_path: Path, rig: object) -> None:
    daemon = Daemon(tmp_path, BASE.replace('driver = "simulated"', 'input = "kitchen"'))
    try:
        daemon.wait_ready()
        missing = daemon.ask("status")["missing"]
        assert daemon.stop() == 0
    finally:
        daemon.process.kill()
        daemon.process.wait()
    assert "kitchen" in missing
    assert "speaker, mic" in missing
    log = daemon.log.read_text()
    assert missing in log
    assert "Traceback" not in log


def test_a_card_that_is_not_there_is_waited_for_and_a_reload_may_name_another(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, BASE.replace('driver = "simulated"', 'input = "kitchen"\noutput = "kitchen"'))
    try:
        daemon.wait_ready()
        status = daemon.ask("status")
        assert "kitchen" in status["missing"]
        assert status["light"] == "error"
        text = daemon.config.read_text()
        daemon.config.write_text(text.replace('input = "kitchen"', 'driver = "simulated"'))
        assert daemon.ask("reload")["applied"] is True
        daemon.until("missing", None)
        daemon.until("light", "idle")
        assert daemon.stop() == 0
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_a_restart_that_was_asked_for_is_exit_code_5(daemon: Daemon) -> None:
    daemon.wait_ready()
    assert daemon.ask("restart")["phase"] == "idle"
    assert daemon.process.wait(limit(10)) == 5
    assert "Traceback" not in daemon.log.read_text()


async def test_a_fault_of_ours_at_the_start_is_exit_code_4_and_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def assemble(*_: object, **__: object) -> object:
        raise RuntimeError("out of screws")

    monkeypatch.setattr(service, "assemble", assemble)
    config = tmp_path / "speakerd.toml"
    config.write_text(BASE)
    assert await service.serve(config, ()) == service.EXIT_DIED
    assert "out of screws" in capsys.readouterr().err


def test_an_absent_server_leaves_the_daemon_up_and_says_so(daemon: Daemon) -> None:
    daemon.wait_ready()
    daemon.ask("wake")
    daemon.until("offline", True, within_s=25)
    daemon.until("phase", "idle", within_s=25)
    log = daemon.log.read_text()
    assert "cannot reach the model" in log
    assert "Traceback" not in log


def test_sigterm_stops_it_cleanly_in_under_two_seconds(daemon: Daemon) -> None:
    daemon.wait_ready()
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < limit(2.0)
    assert not daemon.socket.exists()


def test_a_reload_applies_a_good_file_and_refuses_a_bad_one(daemon: Daemon) -> None:
    daemon.wait_ready()
    good = daemon.config.read_text().replace('echo = "off"', 'echo = "half_duplex"')
    daemon.config.write_text(good)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until("echo", "half_duplex")
    daemon.config.write_text(good + "\n[log]\nlevel = 3\n")
    answer = daemon.ask("reload")
    assert answer["applied"] is False
    assert "log.level" in str(answer["problem"])
    assert daemon.ask("status")["echo"] == "half_duplex"


def test_the_volume_outlives_a_restart(tmp_path: Path) -> None:
    for expected in (60, 35):
        daemon = Daemon(tmp_path, BASE)
        try:
            daemon.wait_ready()
            assert daemon.ask("volume")["volume"] == expected
            daemon.ask("volume", level=35)
            assert daemon.stop() == 0
        finally:
            daemon.process.kill()
            daemon.process.wait()


def test_the_key_is_in_no_log_no_status_and_no_environment(tmp_path: Path) -> None:
    key = "sk-test-0123456789abcdef"
    daemon = Daemon(tmp_path, BASE.replace('auth = "none"', 'auth = "bearer"'), SPEAKERD_API_KEY=key)
    try:
        daemon.wait_ready()
        daemon.ask("wake")
        daemon.until("offline", True, within_s=25)
        assert key not in json.dumps(daemon.ask("status"))
        assert daemon.stop() == 0
        assert key not in daemon.log.read_text()
    finally:
        daemon.process.kill()
        daemon.process.wait()


async def test_a_second_daemon_on_the_same_socket_is_refused(tmp_path: Path) -> None:
    first = Daemon(tmp_path, BASE)
    try:
        await asyncio.to_thread(first.wait_ready)
        result = await asyncio.to_thread(run, "run", "--config", str(first.config))
        assert result.returncode == 3
        assert "Traceback" not in result.stderr
    finally:
        first.process.kill()
        first.process.wait()


def test_a_hangup_while_it_starts_neither_ends_it_nor_is_forgotten(daemon: Daemon) -> None:
    status = Path(f"/proc/{daemon.process.pid}/status")
    end = time.monotonic() + limit(20)
    caught = 0
    while not caught & 1 and time.monotonic() < end:
        caught = int(re.findall(r"SigCgt:\s*(\w+)", status.read_text())[0], 16)
    assert "ready" not in daemon.log.read_text()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_ready()
    while "reloaded" not in daemon.log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert "reloaded" in daemon.log.read_text()


def test_a_hangup_is_waited_with_before_anything_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(_path: Path, hung_up: Sequence[int]) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        return len(hung_up)

    monkeypatch.setattr(service, "serve", serve)
    before = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what it would inherit must not save it
    try:
        assert run_command(argparse.Namespace(config=tmp_path / "speakerd.toml")) == 1
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_hangup_while_the_command_line_is_read_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def parser() -> argparse.ArgumentParser:
        os.kill(os.getpid(), signal.SIGHUP)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build_parser", parser)
    before = signal.signal(signal.SIGHUP, lambda *_: pytest.fail("it was not kept off"))
    try:
        assert cli.main(["run"]) == cli.EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGHUP, before)
