"""Runs inside the container, as root, under its systemd: goes through a service's life and writes down what it saw.

Only the standard library of Debian's own Python; the judgement is in test_container.py.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

UNIT = "speakerd.service"
CONFIG = Path("/etc/speakerd/speakerd.toml")
CREDENTIAL = Path("/etc/credstore/speakerd.api-key")
SLOW = float(os.environ.get("SPEAKERD_TEST_SLOW", "1"))
"""As in limits.py, which is not in here."""
seen: dict[str, Any] = {}


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, capture_output=True, text=True, errors="replace", check=False, timeout=30 * SLOW, **options
    )


def show(*names: str) -> dict[str, str]:
    lines = run("systemctl", "show", UNIT, *(f"-p{name}" for name in names)).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def timed(*words: str) -> dict[str, Any]:
    start = time.monotonic()
    done = run(*words)
    return {"seconds": time.monotonic() - start, "code": done.returncode, "said": done.stdout + done.stderr}


def journal(*matches: str) -> list[dict[str, Any]]:
    run("journalctl", "--sync")
    lines = run("journalctl", "-o", "json", "--no-pager", *matches).stdout.splitlines()
    return [json.loads(line) for line in lines]


def wait_for(condition: Any, limit: float = 20.0) -> float:
    """Seconds until it is so; -1 if it never was."""
    start = time.monotonic()
    while time.monotonic() - start < limit * SLOW:
        if condition():
            return time.monotonic() - start
        time.sleep(0.02)
    return -1.0


def pid() -> int:
    return int(show("MainPID")["MainPID"])


def recovers_from(signal: str) -> dict[str, Any]:
    before = int(show("NRestarts")["NRestarts"])
    run("systemctl", "kill", f"--signal={signal}", "--kill-whom=main", UNIT)

    def back() -> bool:
        state = show("NRestarts", "ActiveState")
        return int(state["NRestarts"]) > before and state["ActiveState"] == "active"

    return {"seconds": wait_for(back), **show("ActiveState", "NRestarts")}


def ask_socket(user: int, group: int, *groups: int) -> str:
    program = (
        "import socket; c = socket.socket(socket.AF_UNIX); c.settimeout(5); c.connect('/run/speakerd/control.sock');"
        'c.sendall(b\'{"command":"status"}\\n\'); print(c.recv(999).decode())'
    )
    done = run(sys.executable, "-c", program, user=user, group=group, extra_groups=groups)
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


REAL = """[audio]
driver = "simulated"
[panel]
kind = "none"
[model]
backend = "offline"
[offline]
free_speech = "off"
[log]
level = "debug"
"""


def real_daemon() -> None:
    """The same unit with the real daemon in it, on simulated sound and with the embedded server."""
    speakerd = "/opt/speakerd/current/bin/speakerd"
    Path("/opt/speakerd/small").unlink()
    CONFIG.write_text(REAL)
    # Its callbacks are given five seconds, so the short clock of the other tests would be too short.
    Path("/etc/systemd/system/speakerd.service.d/90-test.conf").unlink()
    run("systemctl", "daemon-reload")
    seen["start"] = timed("systemctl", "start", UNIT)
    seen["after_start"] = show("ActiveState", "StatusText", "NRestarts")
    seen["status"] = json.loads(run(speakerd, "ctl", "--json", "status").stdout or "{}")
    seen["ask"] = timed(speakerd, "ctl", "ask", "--wait", "20", "hello")
    CONFIG.write_text(REAL.replace("[audio]", "[audio]\nvolume = 21"))
    seen["reload"] = timed("systemctl", "reload", UNIT)
    seen["reloaded"] = wait_for(lambda: bool(journal("SPEAKERD_EVENT=reloaded")), 5)
    CONFIG.write_text(REAL.replace("[audio]", "[audio]\nvolum = 22"))
    seen["reload_bad"] = timed(speakerd, "ctl", "reload")
    seen["after_bad"] = show("ActiveState", "NRestarts")
    memory = Path(f"/proc/{pid()}/status").read_text()
    seen["rss_kb"] = int(memory.split("VmRSS:")[1].split()[0])
    seen["stop"] = timed("systemctl", "stop", UNIT)
    seen["after_stop"] = show("ActiveState", "Result")
    seen["whole_journal"] = run("journalctl", "-o", "export", "--no-pager").stdout.count(os.environ["KEY"])
    seen["journal"] = [entry.get("MESSAGE") for entry in journal("-u", UNIT)][-40:]


def small_daemon() -> None:
    """The smallest daemon: every part of the host room, and every fault."""
    import grp

    seen["version"] = int(run("systemctl", "--version").stdout.split()[1])
    seen["start"] = timed("systemctl", "start", UNIT)
    seen["after_start"] = show("ActiveState", "StatusText", "Type", "NRestarts", "User", "Result")
    process = Path(f"/proc/{pid()}")
    seen["user"] = process.joinpath("status").read_text().split("Uid:")[1].split()[0]
    seen["no_new_privileges"] = "NoNewPrivs:\t1" in process.joinpath("status").read_text()
    seen["capabilities"] = process.joinpath("status").read_text().split("CapBnd:")[1].split()[0]
    seen["core_limit"] = process.joinpath("limits").read_text().split("Max core file size")[1].split()[:2]
    seen["memory_owner"] = process.joinpath("mem").stat().st_uid
    seen["environment"] = process.joinpath("environ").read_text(errors="replace")
    seen["facts"] = journal("SPEAKERD_EVENT=small_facts")

    speakerd = grp.getgrnam("speakerd").gr_gid
    seen["socket_stranger"] = ask_socket(65534, 65534)
    seen["socket_member"] = ask_socket(65534, 65534, speakerd)

    CONFIG.write_text("[audio]\nvolume = 11\n")
    seen["reload_good"] = timed("systemctl", "reload", UNIT)
    wait_for(lambda: show("StatusText")["StatusText"] == "volume 11", 5)
    seen["after_good"] = show("ActiveState", "StatusText", "NRestarts")
    CONFIG.write_text("[audio]\nvolum = 12\n")
    seen["reload_bad"] = timed("systemctl", "reload", UNIT)
    seen["after_bad"] = show("ActiveState", "StatusText", "NRestarts")
    run("systemctl", "kill", "--signal=HUP", "--kill-whom=main", UNIT)
    wait_for(lambda: bool(journal("SPEAKERD_EVENT=reload_refused")), 5)
    seen["refused"] = journal("SPEAKERD_EVENT=reload_refused")
    seen["after_refused"] = show("ActiveState", "StatusText", "NRestarts")
    seen["unit_journal"] = [entry.get("MESSAGE") for entry in journal("-u", UNIT)]
    CONFIG.write_text("[audio]\nvolume = 13\n")

    seen["stopped_process"] = recovers_from("STOP")
    seen["hung_loop"] = recovers_from("USR1")
    seen["stuck_callback"] = recovers_from("USR2")
    seen["killed"] = recovers_from("KILL")
    seen["stop"] = timed("systemctl", "stop", UNIT)
    seen["after_stop"] = show("ActiveState", "Result")
    seen["socket_after_stop"] = Path("/run/speakerd/control.sock").exists()

    CREDENTIAL.write_text(os.environ["KEY"] + "-rotated")
    run("systemctl", "start", UNIT)
    seen["facts_rotated"] = journal("SPEAKERD_EVENT=small_facts")[-1]
    run("systemctl", "stop", UNIT)

    encrypted = Path("/etc/credstore.encrypted") / CREDENTIAL.name
    encrypted.parent.mkdir(mode=0o700, exist_ok=True)
    run("systemd-creds", "encrypt", "--with-key=host", "--name=api-key", str(CREDENTIAL), str(encrypted))
    CREDENTIAL.unlink()
    drop_in = Path("/etc/systemd/system/speakerd.service.d/50-encrypted.conf")
    drop_in.write_text("[Service]\nLoadCredential=\nLoadCredentialEncrypted=api-key:speakerd.api-key\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", UNIT)
    seen["facts_encrypted"] = journal("SPEAKERD_EVENT=small_facts")[-1]
    seen["encrypted_at_rest"] = os.environ["KEY"].encode() not in encrypted.read_bytes()
    run("systemctl", "stop", UNIT)
    drop_in.unlink()
    encrypted.unlink()
    run("systemctl", "daemon-reload")

    seen["start_without_key"] = timed("systemctl", "start", UNIT)
    seen["facts_without_key"] = journal("SPEAKERD_EVENT=small_facts")[-1]
    run("systemctl", "stop", UNIT)

    CONFIG.write_text("[audio]\nvolum = 14\n")
    run("systemctl", "reset-failed", UNIT)
    seen["start_with_bad_file"] = timed("systemctl", "start", UNIT)
    seen["after_bad_start"] = show("ActiveState", "Result", "NRestarts", "ExecMainStatus")
    seen["whole_journal"] = run("journalctl", "-o", "export", "--no-pager").stdout.count(os.environ["KEY"])


try:
    {"small": small_daemon, "real": real_daemon}[sys.argv[1]]()
except Exception as error:
    seen["died"] = repr(error)
    seen["tail"] = run("journalctl", "-u", UNIT, "--no-pager", "-n", "30", "-o", "cat").stdout
    raise
finally:
    Path("/host/seen.json").write_text(json.dumps(seen))
