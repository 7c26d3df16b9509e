"""What may happen to it, and how it comes back: the server gone, a card gone, the process standing still."""

import os
import secrets
import signal
import subprocess
import time
from pathlib import Path

from . import held_thread, machine, speaker
from .interruption import LONG
from .relay import Relay
from .sound import Ear
from .start import is_ready
from .table import check, figure, title

KEY_FILE = Path("/etc/credstore/speakerd.api-key")
WATCHDOG_S = 30.0


def new_key() -> str:
    """Put a fresh key where the unit's credential comes from."""
    key = f"sk-guest-{secrets.token_hex(16)}"
    KEY_FILE.parent.mkdir(mode=0o700, exist_ok=True)
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.write_text(key)
    return key


def server_gone(relay: Relay) -> None:
    """The server hangs up while it speaks, is away for a while, and comes back."""
    title("the server gone while it speaks")
    before = machine.this_moment()
    restarts = machine.unit("NRestarts")
    with speaker.Watch() as watch:
        begun = time.monotonic()
        speaker.ask("ask", text=LONG)
        check("it speaks", watch.phase("speaking", begun))
        relay.vanish()
        lost = machine.wait_until(lambda: machine.journal(before, "SPEAKERD_EVENT=connection_lost"), 60, 1)
        check("the journal has the loss", lost)
        time.sleep(5)
        back = time.monotonic()
        relay.appear()
    speaker.to_idle()
    answer = speaker.answer_to("who are you")
    check("the server is back: an answer", answer, f"{time.monotonic() - back:.1f} s later: {answer}")
    check("without a restart", machine.unit("NRestarts") == restarts)
    speaker.to_idle()


def card_gone() -> None:
    """The loudspeaker's card is unplugged while it speaks, and plugged in again."""
    title("the card gone while it speaks")
    before = machine.this_moment()
    restarts, main = machine.unit("NRestarts"), machine.unit("MainPID")
    with speaker.Watch() as watch:
        begun = time.monotonic()
        speaker.ask("ask", text=LONG)
        check("it speaks", watch.phase("speaking", begun))
        time.sleep(2)
        at = time.monotonic()
        # The kernel waits in this write until everybody has closed the card.
        puller = subprocess.Popen(
            ["sh", "-c", "echo snd_aloop.1 >/sys/bus/platform/drivers/snd_aloop/unbind"]
        )
        gone = machine.wait_until(lambda: puller.poll() is not None, 60)
        check("the daemon lets go of the card", gone, f"{time.monotonic() - at:.1f} s")
        time.sleep(3)
        figure("status meanwhile", f"{machine.unit('StatusText')}, light {speaker.ask('status')['light']}")
        plugged = time.monotonic()
        Path("/sys/bus/platform/drivers/snd_aloop/bind").write_text("snd_aloop.1")

        def running() -> bool:
            said = Path("/proc/asound/Spk/pcm0p/sub0/status")
            return said.exists() and "RUNNING" in said.read_text()

        healed = machine.wait_until(running, 90)
        check("plugged in again: its sound runs", healed, f"after {time.monotonic() - plugged:.1f} s")
    check("without a restart", machine.unit("NRestarts") == restarts and machine.unit("MainPID") == main)
    speaker.to_idle()
    with Ear() as ear:
        answer = speaker.answer_to("who are you")
        machine.wait_until(lambda: len(ear.loud(0)) > 20, 60)
        check("and it is heard", len(ear.loud(0)) > 20, f"peak {ear.peak()}: {answer}")
    speaker.to_idle()
    told = [entry["SPEAKERD_EVENT"] for entry in machine.journal(before) if "SPEAKERD_EVENT" in entry]
    check("the journal has both", "device_lost" in told and "device_returned" in told)
    if not healed:
        machine.show_journal(before)


def callback_stuck() -> None:
    """One of PortAudio's two threads no longer returns; the daemon sees it before systemd has to."""
    title("an audio callback that does not return")
    before = machine.this_moment()
    restarts, main = machine.unit("NRestarts"), int(machine.unit("MainPID"))
    threads = held_thread.sound_threads(main)
    if not check("threads that wait for the cards", len(threads) >= 2, threads):
        return
    at = time.monotonic()
    held_thread.hold(threads[-1])
    dead = machine.wait_until(lambda: machine.unit("MainPID") != str(main), 2 * WATCHDOG_S)
    died = time.monotonic()
    check("the process ends", dead, f"after {died - at:.1f} s")
    ready = machine.wait_until(lambda: machine.unit("NRestarts") != restarts and is_ready(), 120)
    check("and is started again: READY", ready, f"{time.monotonic() - died:.1f} s later")
    said = [entry["MESSAGE"] for entry in machine.journal(before, "SPEAKERD_EVENT=part_died")]
    check("the journal says why", said, said)
    if not ready:
        machine.show_journal(before)


def standstill(relay: Relay, room_key: str) -> str:
    """It is stopped by SIGSTOP, and the key is changed at the same time. The new key."""
    title("kill -STOP, and a new key by the credential")
    speaker.ask("volume", level=37)
    check("a timer is set", "timer" in speaker.answer_to("set a timer for two hours").lower())
    speaker.to_idle()
    time.sleep(7)
    used = speaker.ask("status")["usage"]["kept"]
    key = new_key()
    before = machine.this_moment()
    restarts, main = int(machine.unit("NRestarts")), int(machine.unit("MainPID"))
    at = time.monotonic()
    os.kill(main, signal.SIGSTOP)
    dead = machine.wait_until(lambda: machine.unit("MainPID") != str(main), 2 * WATCHDOG_S)
    died = time.monotonic()
    check("systemd's watchdog ends it", dead, f"after {died - at:.1f} s")
    ready = machine.wait_until(lambda: machine.unit("NRestarts") != str(restarts) and is_ready(), 120)
    check(
        "and starts it again: READY",
        ready,
        f"{time.monotonic() - died:.1f} s later, {machine.cpu_s():.1f} s of processor",
    )
    if not ready:
        machine.show_journal(before)
        return key
    check("the volume was kept", speaker.ask("status")["volume"] == 37, speaker.ask("status")["volume"])
    kept = speaker.ask("status")["usage"]["kept"]
    check(
        "the usage was kept",
        kept == used and kept["total_tokens"] > 0,
        f"{kept['turns']} turns, {kept['total_tokens']} tokens since {kept['since']}",
    )
    answer = speaker.answer_to("which timers are running")
    check("the timer was kept", "hour" in answer or "minute" in answer, answer)
    keys = [word.removeprefix("Bearer ") for word in relay.authorizations]
    check(
        "the server was shown the first key, then the new one",
        keys[0] == room_key and keys[-1] == key,
        len(keys),
    )
    speaker.to_idle()
    speaker.ask("volume", level=60)
    return key
