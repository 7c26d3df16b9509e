"""`speakerd offline`: what it prints, how it ends, and what it says when it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from speakerd.offline import RecognizerMissingError
from speakerd.offline.recognizer import Recognizer
from speakerd.offline.settings import OfflineSettings
from tests.limits import limit
from tests.offline.conftest import COMMAND, ROOT, start_offline, url_of

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=limit(30),
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_its_address_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    process = start_offline("--port", "0", "--free-speech", "off")
    url = url_of(process)
    assert process.stdout is not None
    assert f'url = "{url}"' in "".join(process.stdout.readline() for _ in range(3))
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=limit(10))
    assert process.returncode == 0
    assert time.monotonic() - began < limit(5)
    assert "Traceback" not in out + err


def test_a_taken_port_is_a_message_and_exit_code_3(served: object) -> None:
    port = getattr(served, "url").split(":")[2].split("/")[0]  # noqa: B009  # `Served`, without a circular import
    done = run("--port", port)
    assert done.returncode == 3
    assert f"port {port} on 127.0.0.1 is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_espeak_it_is_a_message_and_exit_code_3() -> None:
    done = run("--port", "0", PATH="/nonexistent")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == "the offline voice is not installed: apt install espeak-ng"


@pytest.mark.parametrize("arguments", [("--port", "99999"), ("--pace", "-1"), ("--config", "/no/such/file")])
def test_a_wrong_argument_is_a_message_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_the_file_gives_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text("[offline]\nport = 0\nfree_speech = 'off'\nload = 'first_use'\n")
    process = start_offline("--config", str(file))
    assert "ws://127.0.0.1:" in url_of(process)
    process.terminate()
    process.communicate(timeout=limit(10))
    assert process.returncode == 0


async def test_without_pocketsphinx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecognizerMissingError, match="sudo speakerd extras add offline"):
        await Recognizer(OfflineSettings()).start()
