"""Who may use the socket, and where the key is not."""

import resource
from pathlib import Path

from . import machine
from .table import check, title

KNOCK = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/speakerd/control.sock');"
    's.sendall(b\'{"id": 1, "command": "status", "args": {}}\\n\'); print(s.recv(4096).decode())'
)


def kept(keys: list[str]) -> None:
    """Another user is turned away; no key is found where it could be read."""
    title("privacy")
    python = "/usr/bin/python3"
    said = machine.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", python, "-c", KNOCK)
    refused = "PermissionError" in said.stderr or "not_allowed" in said.stdout
    words = (said.stdout or said.stderr).strip().rpartition("\n")[2]
    check("another user cannot use the socket", refused, words)
    said = machine.run(
        "setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=speakerd", python, "-c", KNOCK
    )
    check("a member of the group can", '"ok":true' in said.stdout, said.stderr.strip().rpartition("\n")[2])
    everything = machine.run("journalctl", "-q", "-o", "export").stdout
    check(
        "no key in the journal",
        not any(key in everything for key in keys),
        f"{len(everything)} bytes searched",
    )
    unseen(keys)
    main = int(machine.unit("MainPID"))
    soft, _hard = resource.prlimit(main, resource.RLIMIT_CORE)
    owner = Path(f"/proc/{main}/environ").stat().st_uid
    check(
        "no core dump, nobody may look into it",
        soft == 0 and owner == 0,
        f"core limit {soft}, /proc owner {owner}",
    )
    state = [path for path in Path("/var/lib/speakerd").rglob("*") if path.is_file()]
    leaks = [str(path) for path in state if any(key.encode() in path.read_bytes() for key in keys)]
    check("no key in its state folder", not leaks, f"{sorted(path.name for path in state)}")


def unseen(keys: list[str]) -> None:
    """No key where a process tells about itself: the daemon, and what it has started."""
    pids = machine.processes()
    found = []
    for pid in pids:
        for place in ("environ", "cmdline"):
            text = Path(f"/proc/{pid}/{place}").read_bytes().decode(errors="replace")
            found += [f"{pid}/{place}" for key in keys if key in text]
    check(
        "no key in environment or arguments of any process", not found, f"{len(pids)} processes {found or ''}"
    )
