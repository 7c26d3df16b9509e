"""The proof of the service, inside the guest: one row for each check, exit code 1 if any is not as it should be.

First with the embedded server, as a household without a network has it; then with a server of its own behind a
relay, which writes down what it is told and can vanish.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import (
    changes,
    conversation,
    costs,
    ending,
    extras,
    failures,
    household,
    interruption,
    load,
    machine,
    privacy,
    speaker,
    table,
)
from .relay import BEHIND, Relay
from .sound import Room
from .start import booted, start, started

PARTS = ("conversation", "costs", "load", "extras", "interruption", "changes", "failures", "privacy")


def main() -> int:
    """All parts, or those named; `boot` only by name."""
    wanted = sys.argv[1:] or PARTS
    if wanted == ["boot"]:
        booted(exact=True)
        return finished()
    key = failures.new_key()
    with Room() as room:
        booted(exact=False)
        started()
        if "conversation" in wanted:
            conversation.pressed()
            conversation.answered(room)
            # Here the embedded server runs beside it.
            privacy.unseen([key])
        if "costs" in wanted:
            costs.idle()
            costs.busy()
        if "load" in wanted:
            load.shared()
        if "extras" in wanted:
            extras.wake_word(room)
            extras.unworkable()
        if {"interruption", "changes", "failures"} & set(wanted):
            _with_a_server(wanted, key)
        if "privacy" in wanted:
            privacy.kept([key, failures.KEY_FILE.read_text()])
        ending.stopped()
    return finished()


def _with_a_server(wanted: Sequence[str], key: str) -> None:
    """What is seen best from the server's side."""
    table.title("a server of its own")
    words = ["/usr/local/bin/speakerd", "offline", "--free-speech", "off", "--port", str(BEHIND)]
    machine.run("systemd-run", "--unit=server", *words)
    relay = Relay()
    household.settle("remote")
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


def finished() -> int:
    """The last row, and the exit code."""
    print(f"{len(table.failures)} failures: {', '.join(table.failures) or 'none'}")
    return 1 if table.failures else 0


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    table.figure("all of it", f"{time.monotonic() - begun:.0f} s of the guest's time")
    sys.exit(code)
