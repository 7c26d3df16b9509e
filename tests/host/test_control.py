"""The control socket over real sockets, with real peers: other threads, other processes, other users."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from speakerd.host import control, control_lines
from speakerd.host.control import ControlServer
from speakerd.host.control_client import ControlClient
from speakerd.host.errors import CommandError, ControlError, HostError, NotRunningError
from speakerd.host.peers import Peer, group_number, groups_of, may
from speakerd.host.socket_path import SERVICE, calling_paths, listening_path
from tests.limits import limit

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


class Feed:
    """A live view as the daemon has one: bounded, the oldest goes first."""

    def __init__(self, limit: int = 4) -> None:
        self.events: deque[Mapping[str, Any]] = deque(maxlen=limit)
        self.news = asyncio.Event()
        self.closed = False

    def publish(self, **event: Any) -> None:
        self.events.append(event)
        self.news.set()

    def close(self) -> None:
        self.closed = True
        self.news.set()

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        while True:
            while self.events:
                yield self.events.popleft()
            if self.closed:
                return
            self.news.clear()
            await self.news.wait()


async def handle(command: str, args: dict[str, Any]) -> dict[str, Any]:
    match command:
        case "echo":
            return args
        case "refuse":
            raise CommandError("muted", "it is muted; speakerd ctl unmute")
        case "bug":
            raise ZeroDivisionError
        case "sleep":
            await asyncio.sleep(3600)
    raise CommandError("unknown_command", f"there is no command {command!r}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that other users may enter, as /run/speakerd is."""
    path = Path(tempfile.mkdtemp(prefix="speakerd-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def feeds() -> list[Feed]:
    return []


@pytest.fixture
def serve(folder: Path, feeds: list[Feed]) -> Callable[..., ControlServer]:
    def make(**options: Any) -> ControlServer:
        def watch() -> Feed:
            feeds.append(Feed())
            return feeds[-1]

        return ControlServer(folder / "control.sock", handle, watch, **options)

    return make


async def until(condition: Callable[[], bool]) -> None:
    """Let the server's tasks run until it is so."""
    async with asyncio.timeout(limit(20)):
        while not condition():
            await asyncio.sleep(0)


async def call(path: Path, *requests: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    def talk() -> list[dict[str, Any]]:
        with ControlClient([path], timeout_s=20) as client:
            return [client.request(command, **args) for command, args in requests]

    return await asyncio.to_thread(talk)


async def raw(path: Path, data: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    if writer.can_write_eof():
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_command_is_done_and_answered(serve: Callable[..., ControlServer]) -> None:
    async with serve() as server:
        assert await call(server.path, ("echo", {"text": "hällo"}), ("echo", {})) == [{"text": "hällo"}, {}]


async def test_a_refusal_carries_its_reason(serve: Callable[..., ControlServer]) -> None:
    async with serve() as server:
        with pytest.raises(CommandError, match="speakerd ctl unmute") as caught:
            await call(server.path, ("refuse", {}))
        assert caught.value.kind == "muted"
        assert isinstance(caught.value, HostError)
        assert isinstance(caught.value, ConnectionError)


async def test_a_fault_of_ours_is_answered_and_logged_and_the_connection_lives(
    serve: Callable[..., ControlServer], caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as server:
        answers = await raw(server.path, b'{"id":1,"command":"bug"}\n{"id":2,"command":"echo"}\n')
    first, second = map(json.loads, answers.splitlines())
    assert (first["id"], first["error"]["kind"]) == (1, "internal")
    assert second == {"id": 2, "ok": True, "result": {}}
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[]",
        b"{}",
        b'{"command": 1}',
        b'{"command": "x", "args": []}',
        b'{"command":"x","id":{}}',
        b"[" * 9000,
        b"\xff",
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_one_is_heard(
    serve: Callable[..., ControlServer], line: bytes
) -> None:
    async with serve() as server:
        answers = await raw(server.path, line + b'\n{"id":"a","command":"echo"}\n')
    first, second = map(json.loads, answers.splitlines())
    assert first["error"]["kind"] == "bad_request"
    assert second["ok"]


async def test_a_line_without_end_is_cut_off(serve: Callable[..., ControlServer]) -> None:
    async with serve() as server:
        answer = await raw(server.path, b"x" * 300_000)
        assert json.loads(answer)["error"]["kind"] == "bad_request"


async def test_a_text_of_60_000_characters_fits_in_a_line(serve: Callable[..., ControlServer]) -> None:
    line = control_lines.request_line(control_lines.ControlRequest(1, "echo", {"text": "x" * 60_000}))
    async with serve() as server:
        assert json.loads(await raw(server.path, line))["ok"]


async def test_a_command_that_hangs_is_answered(
    serve: Callable[..., ControlServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "COMMAND_LIMIT_S", 0.05)
    async with serve() as server:
        with pytest.raises(CommandError, match="not done within") as caught:
            await call(server.path, ("sleep", {}))
        assert caught.value.kind == "timeout"


async def test_a_monitor_gets_events_until_it_hangs_up(
    serve: Callable[..., ControlServer], feeds: list[Feed]
) -> None:
    async with serve() as server:
        reader, writer = await asyncio.open_unix_connection(str(server.path))
        writer.write(b'{"id":1,"command":"monitor"}\n')
        assert json.loads(await reader.readline()) == {"id": 1, "ok": True, "result": {}}
        feeds[0].publish(event="state", state="listening")
        assert json.loads(await reader.readline()) == {"event": "state", "state": "listening"}
        writer.close()
        await until(lambda: feeds[0].closed)


async def test_a_monitor_that_reads_nothing_is_cut_off_and_holds_nobody_up(
    serve: Callable[..., ControlServer], feeds: list[Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "STALL_LIMIT_S", 0.1)
    async with serve() as server:
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            client.connect(str(server.path))
            client.sendall(b'{"id":1,"command":"monitor"}\n')
            await until(lambda: bool(feeds))
            async with asyncio.timeout(limit(20)):
                while not feeds[0].closed:
                    feeds[0].publish(event="x", filler="y" * 50_000)
                    await asyncio.sleep(0.001)
                    assert len(feeds[0].events) <= 4
        assert await call(server.path, ("echo", {})) == [{}]


async def test_the_monitor_of_the_client(serve: Callable[..., ControlServer], feeds: list[Feed]) -> None:
    def watch() -> list[Mapping[str, Any]]:
        with ControlClient([server.path], timeout_s=20) as client:
            return list(client.monitor())

    async with serve() as server:
        watching = asyncio.create_task(asyncio.to_thread(watch))
        await until(lambda: bool(feeds))
        feeds[0].publish(event="state", state="idle")
        feeds[0].close()
        assert await watching == [{"event": "state", "state": "idle"}]


async def test_one_client_too_many_is_told_so_and_a_place_is_free_again_later(
    serve: Callable[..., ControlServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "RESERVED", 0)
    async with serve(max_clients=2) as server:
        places = [await asyncio.open_unix_connection(str(server.path)) for _ in range(2)]
        for reader, writer in places:
            writer.write(b'{"command":"echo"}\n')
            await reader.readline()
        with pytest.raises(CommandError, match="max_clients") as caught:
            await call(server.path, ("echo", {}))
        assert caught.value.kind == "busy"
        for _, writer in places:
            writer.close()
        await until(lambda: not server._clients)
        assert await call(server.path, ("echo", {})) == [{}]


async def test_silent_clients_lock_nobody_out(
    serve: Callable[..., ControlServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve() as server:
        silent = [await asyncio.open_unix_connection(str(server.path)) for _ in range(8)]
        await until(lambda: len(server._clients) == 8)
        assert await call(server.path, ("echo", {})) == [{}], "this user has places of its own"
        monkeypatch.setattr(control, "RESERVED", 0)
        with pytest.raises(CommandError, match="max_clients"):
            await call(server.path, ("echo", {}))
        monkeypatch.setattr(control, "SILENT_LIMIT_S", 0.0)
        assert await call(server.path, ("echo", {})) == [{}], "the first of them gave its place up"
        assert await silent[0][0].read() == b""
        for _, writer in silent:
            writer.close()


async def test_a_client_that_waits_for_its_answer_keeps_its_place(
    serve: Callable[..., ControlServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "SILENT_LIMIT_S", 0.0)
    monkeypatch.setattr(control, "RESERVED", 1)
    async with serve(max_clients=2) as server:
        busy = [await asyncio.open_unix_connection(str(server.path)) for _ in range(2)]
        for _, writer in busy:
            writer.write(b'{"command":"sleep"}\n')
        await until(lambda: len(server._clients) == 2 and not server._silent_since)
        assert await call(server.path, ("echo", {})) == [{}]
        assert len(server._tasks) >= 2
        for _, writer in busy:
            writer.close()


async def test_a_command_may_take_as_long_as_its_client_says(
    serve: Callable[..., ControlServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "COMMAND_LIMIT_S", 0.0)
    async with serve() as server:
        for wait_s in (0, -1, "long", True):
            with pytest.raises(CommandError, match="not done within 0 s"):
                await call(server.path, ("sleep", {"wait_s": wait_s}))
        with pytest.raises(CommandError, match="it is muted"):
            await call(server.path, ("refuse", {"wait_s": 5}))


async def test_a_silent_client_is_shown_out(
    serve: Callable[..., ControlServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "IDLE_LIMIT_S", 0.05)
    async with serve() as server:
        reader, writer = await asyncio.open_unix_connection(str(server.path))
        async with asyncio.timeout(limit(20)):
            assert await reader.read() == b""
        writer.close()


async def test_closing_hangs_up_removes_the_socket_and_may_be_repeated(
    serve: Callable[..., ControlServer],
) -> None:
    server = serve()
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(server.path))
    writer.write(b'{"command":"monitor"}\n')
    await reader.readline()
    await server.close()
    await server.close()
    assert await reader.read() == b""
    writer.close()
    assert not server.path.exists()
    with pytest.raises(NotRunningError, match="systemctl start"):
        await call(server.path, ("echo", {}))


async def test_the_socket_is_for_its_user_alone_unless_a_group_is_named(
    serve: Callable[..., ControlServer],
) -> None:
    async with serve() as server:
        assert stat.S_IMODE(server.path.stat().st_mode) == 0o600


@AS_ROOT
async def test_the_socket_belongs_to_its_group(serve: Callable[..., ControlServer]) -> None:
    async with serve(group="audio") as server:
        status = server.path.stat()
        assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o660, group_number("audio"))


async def test_a_group_that_does_not_exist_opens_the_socket_to_nobody(
    serve: Callable[..., ControlServer], caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(group="no-such-group") as server:
        assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    assert "no-such-group" in caplog.text


PROBE = """
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(20)
try:
    client.connect(sys.argv[1])
    client.sendall(b'{"command":"echo"}\\n')
    print(client.recv(4096).decode())
except PermissionError:
    print("permission denied")
"""


async def probe(path: Path, **who: Any) -> str:
    def run() -> str:
        words = ["/usr/bin/python3", "-c", PROBE, str(path)]
        return str(subprocess.run(words, capture_output=True, text=True, check=True, **who).stdout)

    return await asyncio.to_thread(run)


@AS_ROOT
async def test_another_user_cannot_use_it_but_a_member_of_the_group_can(
    serve: Callable[..., ControlServer],
) -> None:
    audio = group_number("audio")
    async with serve(group="audio") as server:
        assert "permission denied" in await probe(server.path, user=65534, group=65534, extra_groups=[])
        assert '"ok":true' in await probe(server.path, user=65534, group=audio, extra_groups=[])
        assert '"ok":true' in await probe(server.path, user=65534, group=65534, extra_groups=[audio])


@AS_ROOT
async def test_should_the_mode_be_wrong_the_peer_is_still_checked(
    serve: Callable[..., ControlServer], caplog: pytest.LogCaptureFixture
) -> None:
    async with serve() as server:
        server.path.chmod(0o666)
        assert '"not_allowed"' in await probe(server.path, user=65534, group=65534, extra_groups=[])
    assert "65534" in caplog.text


@AS_ROOT
async def test_the_client_says_how_to_be_let_in(serve: Callable[..., ControlServer]) -> None:
    program = (
        "import sys; from pathlib import Path; from speakerd.host.control_client import ControlClient\n"
        "import os; os.setgid(65534); os.setuid(65534)\n"
        "try: ControlClient([Path(sys.argv[1])])\n"
        "except OSError as error: print(type(error).__name__, error)"
    )
    async with serve() as server:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", program, str(server.path)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.startswith("NotAllowedError")
    assert "usermod -aG speakerd" in done.stdout


async def test_what_a_killed_daemon_left_is_taken_over(
    serve: Callable[..., ControlServer], folder: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(folder / "control.sock"))
    async with serve() as server:
        assert await call(server.path, ("echo", {})) == [{}]


async def test_a_second_daemon_is_refused_and_the_first_goes_on(serve: Callable[..., ControlServer]) -> None:
    async with serve() as server:
        with pytest.raises(ControlError, match="another speakerd is running"):
            await serve().start()
        assert await call(server.path, ("echo", {})) == [{}]


async def test_what_is_no_socket_is_not_removed(serve: Callable[..., ControlServer], folder: Path) -> None:
    path = folder / "control.sock"
    await asyncio.to_thread(path.write_text, "precious")
    with pytest.raises(ControlError, match="is no socket"):
        await serve().start()
    assert await asyncio.to_thread(path.read_text) == "precious"


async def test_a_folder_that_others_may_write_to_is_refused(
    serve: Callable[..., ControlServer], folder: Path
) -> None:
    await asyncio.to_thread(folder.chmod, 0o777)
    with pytest.raises(ControlError, match="somebody else"):
        await serve().start()


async def test_a_folder_that_cannot_be_made_is_named() -> None:
    server = ControlServer(Path("/proc/nothing/control.sock"), handle, Feed)
    with pytest.raises(ControlError, match="/proc/nothing"):
        await server.start()


async def test_something_else_on_the_socket_is_told_apart(folder: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp ready\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(babble, str(folder / "x.sock")):
        with pytest.raises(ControlError, match="not speakerd"):
            await call(folder / "x.sock", ("echo", {}))


def test_who_may() -> None:
    stranger = Peer(1, 1000, 1000)
    assert may(Peer(1, 0, 0), 500, None, frozenset())
    assert may(Peer(1, 500, 500), 500, None, frozenset())
    assert not may(stranger, 500, None, frozenset({27}))
    assert not may(stranger, 500, 27, frozenset())
    assert may(stranger, 500, 27, frozenset({27}))
    assert may(stranger, 500, 1000, frozenset())
    assert group_number("") is None


def test_the_kernel_knows_the_groups_of_a_peer() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert groups_of(one) == frozenset(os.getgroups())


def test_where_the_socket_is() -> None:
    assert listening_path("auto", {"RUNTIME_DIRECTORY": "/run/speakerd"}, 5) == SERVICE
    assert listening_path("auto", {"XDG_RUNTIME_DIR": "/run/user/5"}, 5) == Path(
        "/run/user/5/speakerd/control.sock"
    )
    assert listening_path("auto", {}, 5) == Path("/tmp/speakerd-5/control.sock")
    assert listening_path("/x/y", {}, 5) == Path("/x/y")
    assert calling_paths("auto", {}, 5) == (SERVICE, Path("/tmp/speakerd-5/control.sock"))
    assert calling_paths("/x/y", {}, 5) == (Path("/x/y"),)


def test_lines_come_back_as_they_went() -> None:
    request = control_lines.ControlRequest("a", "say", {"text": "ä\n\u2028"})
    line = control_lines.request_line(request)
    assert line.count(b"\n") == 1
    assert control_lines.parse_request(line) == request


@pytest.mark.parametrize("turns", range(7))
async def test_a_close_leaves_no_connection_behind_that_came_in_the_last_moment(
    tmp_path: Path, turns: int
) -> None:
    server = ControlServer(tmp_path / "control.sock", handle, Feed)
    await server.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.path))
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
