"""A container with a real systemd, booted from this machine's own root file system, in half a second.

An overlay over / keeps whatever happens in memory; $SPEAKERD_CONTAINER_ROOT names another tree to stand on,
to try another version of systemd. The service runs the interpreter and the packages of this very test run,
bound to places that an ordinary user may enter, with the sources copied beside them.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from tests.limits import SLOW, limit

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-container-0123456789abcdefghij"
BASE = Path(os.environ.get("SPEAKERD_CONTAINER_ROOT", "/"))
_TIMEOUT_S = limit(50)


def reason_not_to() -> str:
    """Why there can be no container here; empty if there can."""
    if sys.platform != "linux":
        return "containers need Linux"
    if os.geteuid() != 0:
        return "containers need root: run the suite with sudo to have these tests too"
    if not shutil.which("systemd-nspawn"):
        return "systemd-nspawn is missing: apt-get install systemd-container"
    return ""


def boot(folder: Path, part: str) -> dict[str, Any]:
    """Boot, run that part of container_job.py, power off; returns what the job has seen."""
    root, upper, share = folder / "root", folder / "upper", folder / "share"
    for path in (root, upper, share):
        path.mkdir()
    _run("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(upper))
    try:
        (upper / "data").mkdir()
        (upper / "work").mkdir()
        layers = f"lowerdir={BASE},upperdir={upper}/data,workdir={upper}/work"
        _run("mount", "-t", "overlay", "-o", layers, "overlay", str(root))
        try:
            _furnish(root, part)
            return _boot(root, share)
        finally:
            _run("umount", "--lazy", str(root))
    finally:
        _run("umount", "--lazy", str(upper))


def _furnish(root: Path, part: str) -> None:
    site = sysconfig.get_path("purelib")
    etc = root / "etc"
    _write(etc / "fstab", "")
    _write(etc / "machine-id", "uninitialized\n")
    _write(etc / "credstore/speakerd.api-key", KEY + "\n", 0o600)
    (etc / "credstore").chmod(0o700)
    _write(etc / "speakerd/speakerd.toml", "[audio]\nvolume = 10\n")
    for name in ("sysusers.d", "tmpfiles.d"):
        _write(etc / name / "speakerd.conf", (ROOT / "systemd" / name / "speakerd.conf").read_text())
    _write(etc / "systemd/system/speakerd.service", (ROOT / "systemd/speakerd.service").read_text())
    if _version() >= 254:
        drop_in = ROOT / "systemd/speakerd.service.d/10-newer-systemd.conf"
        _write(etc / "systemd/system/speakerd.service.d/10-newer-systemd.conf", drop_in.read_text())
    # The same policy on a shorter clock, so that the test need not wait.
    quick = "[Service]\nWatchdogSec=1\nRestartSec=100ms\n" + ("RestartSteps=0\n" if _version() >= 254 else "")
    _write(etc / "systemd/system/speakerd.service.d/90-test.conf", quick)
    source = root / "opt/speakerd/source"
    shutil.copytree(ROOT / "speakerd", source / "speakerd", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests/host/small_daemon.py", source)
    shutil.copy(ROOT / "tests/host/container_job.py", source)
    _run("chmod", "-R", "a+rX", str(source))
    python = f"/opt/speakerd/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    command = (
        "#!/bin/sh\nexport PYTHONPATH=/opt/speakerd/source:/opt/speakerd/site PYTHONDONTWRITEBYTECODE=1\n"
        # An interpreter with a shared library of its own must not find the system's instead.
        "export LD_LIBRARY_PATH=/opt/speakerd/python/lib\n"
        "if [ $1 = run ] && [ -e /opt/speakerd/small ]; then\n"
        f'  exec {python} /opt/speakerd/source/small_daemon.py "$@"\nfi\n'
        f"exec {python} -c 'import sys; from speakerd.cli import main; sys.exit(main())' \"$@\"\n"
    )
    _write(root / "opt/speakerd/small", "")
    _write(root / "opt/speakerd/current/bin/speakerd", command, 0o755)
    for name in ("python", "site"):
        (root / "opt/speakerd" / name).mkdir()
    _run("mount", "--bind", sys.base_prefix, str(root / "opt/speakerd/python"))
    _run("mount", "--bind", site, str(root / "opt/speakerd/site"))
    _write(
        etc / "systemd/system/speakerd-test.target",
        "[Unit]\nRequires=basic.target\nWants=speakerd-test.service\nAllowIsolate=yes\n",
    )
    _write(
        etc / "systemd/system/speakerd-test.service",
        "[Unit]\nAfter=basic.target dbus.socket\nWants=dbus.socket\nSuccessAction=exit-force\nFailureAction=exit-force\n"
        f"[Service]\nType=oneshot\nTimeoutStartSec={_TIMEOUT_S:g}\nEnvironment=KEY={KEY} SPEAKERD_TEST_SLOW={SLOW:g}\n"
        f"ExecStart=/usr/bin/python3 /opt/speakerd/source/container_job.py {part}\n"
        "StandardOutput=file:/host/output\nStandardError=inherit\n",
    )


def _boot(root: Path, share: Path) -> dict[str, Any]:
    done = subprocess.run(
        [
            "systemd-nspawn", "--quiet", f"--directory={root}", "--register=no", "--keep-unit", f"--bind={share}:/host",
            "--private-network", "--hostname=speaker", "--boot", "--", "systemd.unit=speakerd-test.target",
        ],
        env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    result = share / "seen.json"
    if not result.exists():
        output = share / "output"
        words = output.read_text() if output.exists() else ""
        raise RuntimeError(
            f"the container said nothing:\n{words}\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
        )
    seen: dict[str, Any] = json.loads(result.read_text())
    return seen


def _version() -> int:
    words = ["chroot", str(BASE), "systemctl", "--version"]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[1])


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
