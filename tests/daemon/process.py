"""`speakerd run` as a process of its own, spoken to over its control socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from speakerd.host.control_client import ControlClient
from speakerd.host.errors import NotRunningError
from tests.limits import limit

if TYPE_CHECKING:
    from pathlib import Path


def environment(**more: str) -> dict[str, str]:
    """This process's, without any key."""
    env = {key: value for key, value in os.environ.items() if "API_KEY" not in key}
    return {**env, **more}


class Daemon:
    """A running `speakerd run`."""

    def __init__(self, folder: Path, text: str, **more: str) -> None:
        self.config = folder / "speakerd.toml"
        self.socket = folder / "control.sock"
        self.config.write_text(f'{text}\n[control]\nsocket = "{self.socket}"\ngroup = ""\n')
        self.log = folder / "log"
        env = environment(XDG_STATE_HOME=str(folder / "state"), **more)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "speakerd", "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                env=env,
            )

    def wait_ready(self, within_s: float = 30.0) -> None:
        end = time.monotonic() + limit(within_s)
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                with ControlClient((self.socket,)) as client:
                    if client.request("status")["phase"] != "starting":
                        return
            except NotRunningError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the daemon did not get ready:\n{self.log.read_text()}")

    def ask(self, command: str, **args: Any) -> dict[str, Any]:
        with ControlClient((self.socket,)) as client:
            return dict(client.request(command, **args))

    def until(self, key: str, value: object, within_s: float = 20.0) -> None:
        end = time.monotonic() + limit(within_s)
        status: dict[str, Any] = {}
        while time.monotonic() < end:
            status = self.ask("status")
            if status.get(key, status["flags"].get(key)) == value:
                return
            time.sleep(0.05)
        raise AssertionError(f"{key} did not become {value!r}: {status}\n{self.log.read_text()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit(10))
