"""sd_notify against a real datagram socket, as systemd has one."""

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from speakerd.host.notify import Notifier
from tests.limits import limit


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        server.settimeout(limit(5))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield server


def lines(server: socket.socket) -> list[str]:
    return server.recv(4096).decode().splitlines()


def nothing_more(server: socket.socket) -> bool:
    server.setblocking(False)
    try:
        server.recv(4096)
    except BlockingIOError:
        return True
    return False


def test_the_life_of_a_daemon(systemd: socket.socket) -> None:
    notifier = Notifier(os.environ, monotonic_usec=lambda: 123456789)
    notifier.ready("listening for a press")
    notifier.watchdog()
    notifier.reloading()
    notifier.ready("listening again")
    notifier.stopping()
    assert lines(systemd) == ["READY=1", "STATUS=listening for a press"]
    assert lines(systemd) == ["WATCHDOG=1"]
    assert lines(systemd) == ["RELOADING=1", "MONOTONIC_USEC=123456789", "STATUS=reloading"]
    assert lines(systemd) == ["READY=1", "STATUS=listening again"]
    assert lines(systemd) == ["STOPPING=1", "STATUS=stopping"]


def test_the_time_of_a_reload_is_the_monotonic_clock_of_the_kernel(systemd: socket.socket) -> None:
    Notifier(os.environ).reloading()
    usec = int(dict(line.split("=") for line in lines(systemd))["MONOTONIC_USEC"])
    since_boot = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(usec / 1e6 - since_boot) < 60, "CLOCK_MONOTONIC counts from the boot, in microseconds"


def test_a_status_is_one_line_and_is_not_repeated(systemd: socket.socket) -> None:
    notifier = Notifier(os.environ)
    notifier.status("speaking\nREADY=1" + " x" * 500)
    notifier.status("speaking\nREADY=1" + " x" * 500)
    (line,) = lines(systemd)
    assert line.startswith("STATUS=speaking READY=1 x")
    assert len(line) < 220
    assert nothing_more(systemd)


def test_outside_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notifier = Notifier({})
    notifier.ready("x")
    assert not notifier.active
    assert notifier.watchdog_interval_s is None


def test_a_deaf_systemd_is_mentioned_once_and_survived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notifier = Notifier(os.environ)
    with caplog.at_level(logging.DEBUG):
        notifier.watchdog()
        notifier.watchdog()
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG"]


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_interval_counts_only_for_the_process_it_is_meant_for(
    environment: dict[str, str], interval: float | None
) -> None:
    assert Notifier(environment).watchdog_interval_s == interval
