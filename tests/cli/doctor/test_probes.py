"""Probes on made-up machines, and on this one; the sound probe on the simulated card; the network on real servers."""

import asyncio
import http
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from speakerd.audio.device import AudioDevice
from speakerd.audio.errors import DeviceBusyError
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.audio.simulation.room import RoomShape
from speakerd.cli.doctor import gpio_chips, probes, sound, sound_probe
from speakerd.cli.doctor.network import Attempt, reachable
from speakerd.cli.doctor.network_probe import attempt


def make(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_pi_as_its_kernel_shows_it(tmp_path: Path) -> None:
    make(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    make(tmp_path, "sys/class/thermal/thermal_zone0/temp", "48312\n")
    make(tmp_path, "sys/fs/ext4/mmcblk0p2/errors_count", "0\n")
    make(tmp_path, "sys/fs/ext4/mmcblk0p1/errors_count", "2\n")
    make(tmp_path, "usr/lib/aarch64-linux-gnu/alsa-lib/libasound_module_rate_samplerate.so", "")
    make(tmp_path, "dev/gpiochip0", "")
    assert probes.throttled(tmp_path) == 0x50005
    assert probes.celsius(tmp_path) == 48.312
    assert probes.root_errors(tmp_path) == 2
    assert probes.good_converter(tmp_path)
    found = probes.node("/dev/gpiochip*", tmp_path)
    assert found is not None
    assert found.path == str(tmp_path / "dev/gpiochip0")


def test_a_machine_that_has_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert probes.throttled(tmp_path) is None
    assert probes.celsius(tmp_path) is None
    assert probes.root_errors(tmp_path) is None
    assert probes.node("/dev/gpiochip*", tmp_path) is None
    assert not probes.good_converter(tmp_path)
    assert probes.text("none", tmp_path) == ""
    assert probes.said("vcgencmd") == ""
    assert probes.synchronised() is None
    assert probes.unit() == {}


def test_a_program_that_fails_says_nothing() -> None:
    assert probes.said("false") == ""
    assert probes.said("echo", "x") == "x\n"


def test_this_machine_can_be_looked_at() -> None:
    assert probes.machine()
    assert 0 < probes.root_used_percent() <= 100
    assert isinstance(probes.root_read_only(), bool)
    assert probes.groups_of("root") == ["root"]
    assert probes.existing_groups("root", "no-such-group") == ["root"]
    assert probes.service_user()
    assert probes.importable("json", "no_such_module") == {"json": True, "no_such_module": False}


def test_gpio_chips_and_lines_as_the_kernel_packs_them(tmp_path: Path) -> None:
    chip = gpio_chips.parse_chip("/dev/gpiochip4", struct.pack("32s32sI", b"gpiochip4", b"pinctrl-rp1", 54))
    assert (chip.name, chip.label, chip.lines, chip.is_header) == ("gpiochip4", "pinctrl-rp1", 54, True)
    assert not gpio_chips.Chip("", "", "brcmvirt-gpio", 2).is_header
    raw = struct.pack("32s32sIIQ160s16s", b"GPIO17", b"lg", 17, 0, 1 | 1 << 2, b"", b"")
    assert len(raw) == 256, "sizeof(struct gpio_v2_line_info)"
    assert gpio_chips.parse_line(raw) == gpio_chips.Line(17, used=True, consumer="lg")
    assert gpio_chips._GET_CHIP_INFO == 0x8044B401, "GPIO_GET_CHIPINFO_IOCTL"
    assert gpio_chips._GET_LINE_INFO == 0xC100B405, "GPIO_V2_GET_LINEINFO_IOCTL"
    make(tmp_path, "gpiochip0", "not a device")
    assert gpio_chips.chips(tmp_path) == []


def step(device: AudioDevice, seconds: float) -> None:
    assert isinstance(device, SimulatedDevice)
    device.step(round(seconds * 100))


def simulated() -> SimulatedDevice:
    return SimulatedDevice(stepped=True)


def test_a_tone_in_a_room_with_an_echo_is_heard() -> None:
    device = SimulatedDevice(room=RoomShape(), stepped=True)
    heard = sound_probe.listen(device, play=True, wait=step)
    assert not heard.opened.error
    assert sound.room(heard.before).verdict == "OK"
    found = sound.tone_heard(heard.before, heard.during, sound_probe.RATE)
    assert found.verdict == "OK", found


def test_without_leave_to_play_nothing_is_played() -> None:
    device = simulated()
    heard = sound_probe.listen(device, play=False, wait=step)
    assert not heard.opened.error
    assert len(heard.during) == 0
    assert not np.frombuffer(device.played, np.int16).any()


def test_a_device_that_is_held_is_told_from_one_that_is_not_there() -> None:
    device = simulated()
    device.refuse(DeviceBusyError("capture", "default", "aplay (process 7)"))
    heard = sound_probe.listen(device, play=True, wait=step)
    assert heard.opened.busy
    assert "aplay" in heard.opened.error


@asynccontextmanager
async def server(answer: Callable[[ServerConnection], Any], status: int = 0) -> AsyncIterator[str]:
    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(http.HTTPStatus(status), "no\n") if status else None

    async with serve(answer, "127.0.0.1", 0, process_request=refuse) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/v1/realtime"


async def tried(url: str, limit_s: float = 10.0) -> Attempt:
    return await asyncio.to_thread(attempt, url, {"Authorization": "Bearer x"}, limit_s)


async def test_a_server_that_opens_a_session_gets_nothing_but_a_goodbye() -> None:
    said: list[Any] = []

    async def welcome(connection: ServerConnection) -> None:
        assert connection.request is not None
        said.append(connection.request.headers["Authorization"])
        await connection.send(json.dumps({"type": "session.created"}))
        said.extend([message async for message in connection])

    async with server(welcome) as url:
        result = await tried(url)
    assert result.stage == "done", result
    assert said == ["Bearer x"], "the key, and not one event: it costs nothing"
    assert result.skew_s is not None
    assert abs(result.skew_s) < 60


@pytest.mark.parametrize("status", [401, 404, 503])
async def test_a_server_that_refuses(status: int) -> None:
    async with server(lambda connection: connection.wait_closed(), status) as url:
        result = await tried(url)
    assert (result.stage, result.status) == ("handshake", status)
    assert reachable(result).verdict in {"FAIL", "WARN"}


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://portal.example/login?to=1", "https://portal.example/login"),
        ("wss://other.example/v1", "wss://other.example/v1"),
        ("/elsewhere", "ws://{host}/elsewhere"),
    ],
)
async def test_a_redirect_is_told_and_not_followed(location: str, told: str) -> None:
    asked: list[str] = []

    def redirect(connection: ServerConnection, request: Request) -> Response:
        asked.append(request.headers["Host"])
        response = connection.respond(http.HTTPStatus.FOUND, "")
        response.headers["Location"] = location
        return response

    async with serve(ServerConnection.wait_closed, "127.0.0.1", 0, process_request=redirect) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        result = await tried(f"ws://127.0.0.1:{port}/v1/realtime")
    assert (result.stage, result.status) == ("handshake", 302)
    assert result.error == f"it redirects to {told.format(host=asked[0])}"
    assert len(asked) == 1


async def test_a_key_that_no_header_can_carry_is_not_shown() -> None:
    async with server(lambda connection: connection.wait_closed()) as url:
        result = await asyncio.to_thread(attempt, url, {"Authorization": "Bearer k-0123456789\n"})
    assert result.stage == "handshake"
    assert "0123456789" not in result.error


async def test_a_server_that_greets_with_an_error() -> None:
    async def sulk(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "error", "error": {"message": "invalid model"}}))

    async with server(sulk) as url:
        result = await tried(url)
    assert (result.stage, result.error) == ("session", "invalid model")


async def test_a_server_that_says_nothing() -> None:
    async with server(lambda connection: connection.wait_closed()) as url:
        assert (await tried(url, limit_s=0.2)).stage == "session"


async def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert (await tried(f"ws://127.0.0.1:{port}/")).stage == "connect"
    assert (await tried("ws://no-such-host.invalid/")).stage == "name"


async def test_tls_with_one_who_does_not_speak_it() -> None:
    async with server(lambda connection: connection.wait_closed()) as url:
        assert (await tried(url.replace("ws://", "wss://"))).stage == "tls"
