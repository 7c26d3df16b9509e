"""The unit file as systemd judges it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = (FOLDER / "speakerd.service").read_text()
GOAL = 2.0


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    assert shutil.which("systemd-analyze"), "systemd-analyze is missing: apt-get install systemd"
    path = tmp_path / "speakerd.service"
    path.write_text(UNIT.replace("/opt/speakerd/current/bin/speakerd", "/bin/true"))
    return path


def test_systemd_finds_nothing_to_say(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "speakerd" in line]
    assert not complaints
    assert done.returncode == 0, done.stderr


def test_its_exposure_is_below_two(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for speakerd.service: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) < GOAL


def test_it_may_open_sound_and_pins_and_nothing_else() -> None:
    assert set(re.findall(r"^DeviceAllow=(\S+)", UNIT, re.MULTILINE)) == {
        "char-alsa",
        "char-gpiochip",
        "char-spi",
    }


def test_its_sound_may_take_the_priority_that_it_asks_for_and_not_for_ever() -> None:
    from speakerd.audio.thread_priority import REALTIME_PRIORITY

    assert f"\nLimitRTPRIO={REALTIME_PRIORITY}\n" in UNIT
    assert re.search(r"^SystemCallFilter=.*\bsched_setscheduler\b", UNIT, re.MULTILINE)
    assert re.search(r"^LimitRTTIME=\d+ms:\d+s$", UNIT, re.MULTILINE)


def test_it_may_write_where_lgpio_makes_its_fifo() -> None:
    assert "WorkingDirectory=/run/speakerd\n" in UNIT
    assert "RuntimeDirectory=speakerd\n" in UNIT


def test_no_limit_of_the_watchdog_is_below_that_of_the_callbacks() -> None:
    from speakerd.audio.settings import AudioSettings

    found = re.search(r"^WatchdogSec=(\d+)$", UNIT, re.MULTILINE)
    assert found
    assert float(found[1]) > 2 * AudioSettings().heartbeat_limit_s


def test_groups_of_the_user_are_made_before_they_are_needed() -> None:
    sysusers = (FOLDER / "sysusers.d/speakerd.conf").read_text()
    for group in re.findall(r"^m speakerd (\w+)$", sysusers, re.MULTILINE):
        assert re.search(rf"^g {group} ", sysusers, re.MULTILINE)
