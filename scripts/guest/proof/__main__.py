"""The proof of the service, inside the guest: one row for each check, exit code 1 if any is not as it should be.

First with the embedded server, as a household without a network has it; then with a server of its own behind a
relay, which writes down what it is told and can vanish.
"""

import sys
import time
from pathlib import Path

import changes
import conversation
import costs
import ending
import failures
import interruption
import machine
import privacy
import speaker
import table
from relay import BEHIND, PORT, Relay
from sound import Room
from start import start, started

CONFIG = """
[model]
backend = "{backend}"
url = "ws://127.0.0.1:{port}/v1/realtime"
connection = "warm"
[offline]
free_speech = "off"
[dialogue]
# The emulated processor takes its time.
connect_timeout_s = 90
response_timeout_s = 60
listen_window_s = 60
[audio]
# The second device of each card is the room.
input = "hw:CARD=Mic,DEV=0"
output = "hw:CARD=Spk,DEV=0"
[panel.button]
pin = 17
[panel.light]
led_pin = 22
"""


def main() -> int:
    """All parts, or those named; `ten-minutes` idle only by name."""
    wanted = sys.argv[1:] or ["conversation", "costs", "interruption", "changes", "failures", "privacy"]
    key = failures.new_key()
    _configure("offline")
    with Room() as room:
        started()
        if "conversation" in wanted:
            conversation.pressed()
            conversation.answered(room)
        if "ten-minutes" in wanted:
            costs.idle(600.0)
        if "costs" in wanted:
            costs.idle()
            costs.busy()
        if {"interruption", "changes", "failures"} & set(wanted):
            _with_a_server(wanted, key)
        if "privacy" in wanted:
            privacy.kept([key, failures.KEY_FILE.read_text()])
        ending.stopped()
    print(f"{len(table.failures)} failures: {', '.join(table.failures) or 'none'}")
    return 1 if table.failures else 0


def _with_a_server(wanted: list[str], key: str) -> None:
    """What is seen best from the server's side."""
    table.title("a server of its own")
    words = ["/usr/local/bin/speakerd", "offline", "--free-speech", "off", "--port", str(BEHIND)]
    machine.run("systemd-run", "--unit=server", *words)
    relay = Relay()
    _configure("remote")
    machine.run("systemctl", "stop", machine.UNIT)
    listening = f":{BEHIND:04X} "
    machine.wait_until(lambda: listening in Path("/proc/net/tcp").read_text(), 120, 1)
    start("again, with everything in memory")
    machine.wait_until(lambda: speaker.ask("status")["connected"], 60, 1)
    if "costs" in wanted:
        costs.measure("idle, the server elsewhere")
    if "interruption" in wanted:
        interruption.interrupted(relay)
    if "changes" in wanted:
        changes.reloaded()
    if "failures" in wanted:
        failures.server_gone(relay)
        failures.card_gone()
        failures.standstill(relay, key)
        failures.callback_stuck()


def _configure(backend: str) -> None:
    Path("/etc/speakerd").mkdir(exist_ok=True)
    Path("/etc/speakerd/speakerd.toml").write_text(CONFIG.format(backend=backend, port=PORT))


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    table.figure("all of it", f"{time.monotonic() - begun:.0f} s of the guest's time")
    sys.exit(code)
