"""The control socket while its path is changed again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from speakerd.config.settings import Settings
from speakerd.daemon.control import LiveControlServer
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.metrics import MonitorFeed

if TYPE_CHECKING:
    from pathlib import Path


async def handle(_command: str, _args: dict[str, Any]) -> dict[str, Any]:
    return {}


async def test_of_the_servers_it_has_left_only_those_are_kept_to_which_somebody_is_connected(
    tmp_path: Path,
) -> None:
    def at(number: int) -> Settings:
        return Settings.model_validate({"control": {"socket": str(tmp_path / f"{number}.sock"), "group": ""}})

    live = LiveSettings(at(0))
    servers = LiveControlServer(live, handle, MonitorFeed().subscribe)
    await servers.start()
    reader, writer = await asyncio.open_unix_connection(tmp_path / "0.sock")
    writer.write(b'{"id": 1, "command": "status"}\n')
    await reader.readline()
    for number in range(1, 6):
        await live.change(at(number))
        await live.settled()
    assert len(servers._retired) <= 2, "that with a client, and the last one"
    writer.write(b'{"id": 2, "command": "status"}\n')
    assert b'"id":2' in (await reader.readline()).replace(b" ", b""), "who is connected is still answered"
    writer.close()
    await servers.close()
    assert await reader.read() == b""
