"""The folder of one version of the program, and the optional parts in it.

Each part has a folder of its own, `extras/NAME`, in which the interpreter looks for modules; it is empty while the
part is not installed. A part is put together beside it, tried in a process of its own, and then takes the place of
the empty folder in one step: whatever fails before, the program is as it was. A running daemon finds it, too.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speakerd.cli.optional_parts.catalogue import EXTRAS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from speakerd.cli.optional_parts.catalogue import Extra

_DEBIAN_MODULES: Final = Path("/usr/lib/python3/dist-packages")
_PTH = "speakerd-extras.pth"
_TRIAL_LIMIT_S = 120.0
_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|Max retries|ProxyError|SSLError|Temporary failure|"
    r"Connection (?:refused|reset|broken)|Network is unreachable|Name or service not known|timed out|"
    r"Failed to fetch|Could not resolve|Could not connect",
    re.IGNORECASE,
)
_NOWHERE = re.compile(r"No matching distribution|Unable to locate package|has no installation candidate")


class ExtraNotInstalledError(Exception):
    """A part could not be installed, and nothing has changed. The text says why.

    Attributes:
        again: whether it may succeed later as it is: the network failed.
    """

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


class Installation:
    """One version of the program, as `scripts/install` makes it."""

    def __init__(self, root: Path, constraints: Path | None = None) -> None:
        """`root` is its virtual environment; `constraints` the file with the versions of what pip brings."""
        self.root = root
        self.folder = root / "extras"
        self._constraints = constraints or _constraints()

    @classmethod
    def here(cls) -> Installation:
        """Return the one that this process runs from."""
        return cls(Path(sys.prefix))

    @property
    def is_ours(self) -> bool:
        """Whether `scripts/install` has made it; else it is somebody's own environment."""
        return self.folder.is_dir()

    def prepare(self) -> None:
        """Make the folders of all parts, and have the interpreter look there."""
        for extra in EXTRAS:
            (self.folder / extra.name).mkdir(parents=True, exist_ok=True)
        for site in self.root.glob("lib/python3*/site-packages"):
            (site / _PTH).write_text("".join(f"../../../extras/{extra.name}\n" for extra in EXTRAS))

    def has(self, extra: Extra) -> bool:
        """Whether it is in its folder, or among all other packages."""
        if any((self.folder / extra.name).glob("[!.]*")):
            return True
        names = (extra.module, f"{extra.module}.py", f"{extra.module}.*.so")
        sites = self.root.glob("lib/python3*/site-packages")
        return any(found for site in sites for name in names for found in site.glob(name))

    def megabytes(self, extra: Extra) -> float:
        """What it takes on the disk; 0 if it is not in its folder."""
        files = (path for path in (self.folder / extra.name).rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files) / 1e6

    def add(self, extra: Extra, say: Callable[[str], None] = lambda _words: None) -> None:
        """Install a part; `say` is told what is being done. Raises ExtraNotInstalledError."""
        for left in self.folder.glob(f".{extra.name}.*"):  # by a power cut
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=f".{extra.name}.") as name:
            stage = Path(name) / extra.name
            stage.mkdir()
            if not (extra.package and self._link(extra, stage, say)):
                self._fetch(extra, stage, say)
            say(f"{extra.name}: trying it")
            self._try(extra, stage)
            for path in (stage, *stage.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))
            try:
                stage.rename(self.folder / extra.name)
            except OSError as error:
                raise ExtraNotInstalledError(f"it cannot be put in its place: {error}") from error

    def remove(self, extra: Extra) -> None:
        """Take a part out, in one step. A daemon that uses it goes on until it is restarted."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=f".{extra.name}.") as name:
            (self.folder / extra.name).rename(Path(name) / extra.name)
            (self.folder / extra.name).mkdir()
        for site in self.root.glob("lib/python3*/site-packages"):
            if (site / extra.module).is_dir():  # pip has put it there by hand
                _run([*self._pip("uninstall"), "--yes", *extra.wheels])

    # -- by Debian's package -----------------------------------------------------------------------------------

    def _link(self, extra: Extra, stage: Path, say: Callable[[str], None]) -> bool:
        """Link the modules of Debian's package; False where there is no such package."""
        if not _package_files(extra):
            if shutil.which("apt-get") is None:
                return False
            say(f"{extra.name}: installing Debian's {extra.package}")
            words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", extra.package]
            done = _run(words, DEBIAN_FRONTEND="noninteractive")
            if done.returncode:
                if _NOWHERE.search(done.stderr):
                    return False
                cause, network = _last_words(done.stderr), bool(_NETWORK.search(done.stderr))
                raise ExtraNotInstalledError(
                    f"apt-get could not install {extra.package}: {cause}", again=network
                )
        for path in _package_files(extra):
            (stage / path.name).symlink_to(path)
        return True

    # -- by pip ------------------------------------------------------------------------------------------------

    def _pip(self, command: str) -> list[str]:
        return [str(self.root / "bin/python"), "-m", "pip", command, "--disable-pip-version-check"]

    def _fetch(self, extra: Extra, stage: Path, say: Callable[[str], None]) -> None:
        if not extra.wheels:
            raise ExtraNotInstalledError(f"this system has no package {extra.package}")
        say(f"{extra.name}: fetching {', '.join(extra.wheels)} (some {extra.megabytes:.0f} MB on the disk)")
        words = [*self._pip("install"), "--no-cache-dir", "--retries", "2", "--timeout", "30"]
        words += ["--only-binary", ":all:", "--no-deps", "--target", str(stage), "-c", str(self._constraints)]
        done = _run([*words, *extra.wheels])
        if done.returncode == 0:
            return
        said = done.stdout + done.stderr
        if _NETWORK.search(said):
            raise ExtraNotInstalledError(f"the network failed: {_network_cause(said)}", again=True)
        if _NOWHERE.search(said):
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            machine = os.uname().machine
            raise ExtraNotInstalledError(f"there is none for this machine ({machine}, Python {version})")
        raise ExtraNotInstalledError(_last_words(said))

    # -- the trial ---------------------------------------------------------------------------------------------

    def _try(self, extra: Extra, stage: Path) -> None:
        with tempfile.TemporaryDirectory() as place:  # lgpio makes a FIFO where it is
            done = _run(
                [str(self.root / "bin/python"), "-c", extra.trial],
                limit_s=_TRIAL_LIMIT_S,
                cwd=place,
                PYTHONPATH=os.pathsep.join(filter(None, (str(stage), os.environ.get("PYTHONPATH")))),
                LG_WD=place,
            )
        if done.returncode < 0:
            cause = "it needs another processor" if done.returncode == -4 else "it crashed"
            raise ExtraNotInstalledError(f"it does not run here: {cause} (signal {-done.returncode})")
        if done.returncode:
            raise ExtraNotInstalledError(f"it does not run here: {_last_words(done.stderr)}")


def is_there(extra: Extra) -> bool:
    """Whether this process could import it."""
    return importlib.util.find_spec(extra.module) is not None


def _constraints() -> Path:
    """Return the file with the versions: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[2]
    packaged = package / "constraints.txt"
    return packaged if packaged.is_file() else package.parent / "scripts/constraints.txt"


def _package_files(extra: Extra) -> list[Path]:
    return [path for pattern in extra.package_files for path in sorted(_DEBIAN_MODULES.glob(pattern))]


def _run(
    words: Sequence[str], *, limit_s: float | None = None, cwd: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # our own words, and names from the catalogue
            # A speaker may be running on the same small processor, and its sound comes first.
            ["/usr/bin/nice", "-n", "10", *words],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=limit_s,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"it took longer than {limit_s:g} s")


def _network_cause(said: str) -> str:
    """Return the core of what pip said of a connection, without the names of its classes."""
    line = next(line for line in said.splitlines() if _NETWORK.search(line))
    if found := re.search(r"\[Errno -?\d+\] ([^'\")>]+)", said):
        return found[1].strip()
    return _last_words(line)


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"
