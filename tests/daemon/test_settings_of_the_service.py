"""The settings of the process around the speaker: its socket, its journal, its key, its board."""

from __future__ import annotations

import signal
import stat
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.host.control import RESERVED
from speakerd.host.control_client import ControlClient
from speakerd.host.errors import CommandError, NotRunningError
from tests.daemon.process import Daemon
from tests.limits import limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BASE = """
{top}
[model]
url = "ws://127.0.0.1:9"
auth = "none"
{model}
[audio]
driver = "simulated"
{audio}
[dialogue]
connect_timeout_s = 4
mode = "one_shot"
[offline]
free_speech = "off"
[log]
{log}
"""


def text(control: str = "", **parts: str) -> str:
    """A configuration; the keys of `control` are added by hand."""
    filled = {name: parts.get(name, "") for name in ("top", "model", "audio", "log")}
    if not filled["top"]:
        filled["audio"] += '\necho = "off"'
    return BASE.format(**filled) + ("" if parts.get("top") else '[panel]\nkind = "none"\n') + control


class Service(Daemon):
    """A daemon whose file is written anew and reloaded."""

    def __init__(self, folder: Path, **parts: str) -> None:
        super().__init__(folder, text(**parts))
        self.wait_ready()

    def reload(self, control: str = "", **parts: str) -> dict[str, Any]:
        body = text(**parts)
        self.config.write_text(f'{body}\n[control]\nsocket = "{self.socket}"\ngroup = ""\n{control}\n')
        return self.ask("reload")

    def wake_and_stop(self, times: int) -> str:
        """Have so many conversations in which nothing is said; what the journal got of them."""
        before = len(self.log.read_text())
        for _ in range(times):
            self.ask("wake")
            self.ask("stop")
        return self.log.read_text()[before:]

    def refusals(self, times: int) -> int:
        """Reload a file with a mistake so often; how many lines of it the journal got."""
        good = self.config.read_text()
        self.config.write_text("board = 3\n")
        before = self.log.read_text().count("reload refused")
        for _ in range(times):
            assert self.ask("reload")["applied"] is False
        self.config.write_text(good)
        return self.log.read_text().count("reload refused") - before


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def start(**parts: str) -> Service:
        started.append(Service(tmp_path, **parts))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + limit(20)
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def answered(service: Service) -> bool:
    """Whether a typed question is answered."""
    try:
        service.ask("ask", text="hello")
    except CommandError as error:
        assert "could not be reached" in error.reason  # noqa: PT017  # whether it is raised is the question
        return False
    end = time.monotonic() + limit(15)
    while time.monotonic() < end:
        status = service.ask("status")
        if status["phase"] == "speaking":
            return True
        time.sleep(0.05)
    raise AssertionError("neither answered nor refused")


def when(answer: dict[str, Any], key: str) -> str:
    assert answer["applied"], answer
    return str(next(change["when"] for change in answer["changes"] if change["key"] == key))


PROCESS = (
    "board",
    "model.backend",
    "model.fallback",
    "offline.port",
    "control.enabled",
    "control.socket",
    "control.group",
    "control.max_clients",
    "log.level",
    "log.repeat_burst",
    "log.repeat_window_s",
)


@pytest.mark.parametrize(
    ("key", "line"), [("model.backend", 'backend = "offline"'), ("model.fallback", 'fallback = "offline"')]
)
def test_the_embedded_server_answers_once_a_reload_says_so(
    service: Callable[..., Service], key: str, line: str
) -> None:
    it = service()
    assert not answered(it)
    assert when(it.reload(model=line), key) == "now"
    assert answered(it)


def test_another_board_brings_its_own_settings(service: Callable[..., Service]) -> None:
    it = service(top='board = "button-and-led"\n[panel]\nkind = "none"\n')
    before = it.ask("status")["echo"]
    answer = it.reload(top='board = "usb-speakerphone"\n[panel]\nkind = "none"\n')
    assert when(answer, "board") == "now"
    assert before != "off"
    it.until("echo", "off")


def test_the_port_of_the_embedded_server_is_not_said_to_be_in_force(service: Callable[..., Service]) -> None:
    it = service()
    body = text().replace('free_speech = "off"', 'free_speech = "off"\nport = 8291')
    it.config.write_text(f'{body}\n[control]\nsocket = "{it.socket}"\ngroup = ""\n')
    assert when(it.ask("reload"), "offline.port") == "elsewhere"


def test_the_control_socket_follows_its_settings(service: Callable[..., Service], tmp_path: Path) -> None:
    it = service()
    assert when(it.reload("max_clients = 1"), "control.max_clients") == "now"
    with ExitStack() as clients:
        for _ in range(1 + RESERVED):
            clients.enter_context(ControlClient((it.socket,))).request("status")
        with pytest.raises(CommandError, match="max_clients"), ControlClient((it.socket,)) as one_more:
            one_more.request("status")
    assert stat.S_IMODE(it.socket.stat().st_mode) == 0o600
    import grp
    import os

    group = grp.getgrgid(os.getgid()).gr_name
    body = it.config.read_text().replace('group = ""', f'group = "{group}"')
    it.config.write_text(body)
    assert when(it.ask("reload"), "control.group") == "now"
    assert stat.S_IMODE(it.socket.stat().st_mode) == 0o660
    old, new = it.socket, tmp_path / "other.sock"
    it.config.write_text(body.replace(str(old), str(new)))
    with ControlClient((old,)) as client:
        assert when(client.request("reload"), "control.socket") == "now"
    assert not old.exists()
    it.socket = new
    assert it.ask("status")["phase"] == "idle"
    it.config.write_text(it.config.read_text() + "enabled = false\n")
    assert when(it.ask("reload"), "control.enabled") == "now"
    with pytest.raises(NotRunningError):
        it.ask("status")
    it.config.write_text(it.config.read_text().replace("enabled = false", ""))
    it.process.send_signal(signal.SIGHUP)
    until(new.exists, "the socket is there again")


def test_the_journal_follows_its_settings(service: Callable[..., Service]) -> None:
    it = service()
    assert it.wake_and_stop(4).count("went from") >= 8
    it.reload(log='level = "warning"')
    assert "went from" not in it.wake_and_stop(4)
    assert it.refusals(8) == 5, "the default"
    it.reload(log="repeat_burst = 7")
    assert it.refusals(8) == 7 - 5, "in the same minute"
    it.reload(log="repeat_burst = 7\nrepeat_window_s = 1")
    time.sleep(1.2)
    assert it.refusals(8) == 7
