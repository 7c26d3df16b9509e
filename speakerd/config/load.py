"""Reading the configuration from files: the owner's, and the board preset that it names."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from speakerd.config.errors import ConfigErrors, ConfigFileError, Problem
from speakerd.config.settings import Settings
from speakerd.config.validate import Document, parse, validate

_LARGEST_BYTES = 1_000_000
"""A configuration is a few kilobytes; more is some other file."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with their origin.

    Attributes:
        settings: what is in force.
        own: the file, as parsed.
        board: the preset, as parsed; None without one.
    """

    settings: Settings
    own: Document
    board: Document | None


def load(path: Path) -> Settings:
    """The settings in a file. See `read`."""
    return read(path).settings


def read(path: Path) -> Loaded:
    """The settings in a file, over those of its board. The environment changes none of them.

    Raises:
        ConfigFileError: no such file, or it cannot be read.
        ConfigErrors: every mistake in it, with file and line.
    """
    return read_text(_text(path), path)


def read_text(text: str, path: Path | None = None) -> Loaded:
    """The same for a text that stands, or is to stand, in a file of that path.

    Raises:
        ConfigErrors: every mistake in it, with file and line.
    """
    own = parse(text, path)
    board, further = _board(own)
    return Loaded(validate(own, board, further), own, board)


def files_dir() -> Path:
    """The files that come with the program: inside the package when installed, beside it in a checkout."""
    packaged = Path(__file__).parent / "files"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "config"


def boards_dir() -> Path:
    """The folder of board presets."""
    return files_dir() / "boards"


def boards() -> dict[str, Path]:
    """All board presets by name."""
    return {path.stem: path for path in sorted(boards_dir().glob("*.toml"))}


def default_file() -> Path:
    """The commented file that holds every setting at its default."""
    return files_dir() / "speakerd.toml"


def _board(own: Document) -> tuple[Document | None, list[Problem]]:
    name = own.data.get("board", "")
    if not name or not isinstance(name, str):
        return None, []
    known = boards()
    if name in known:
        try:
            return parse(_text(known[name]), known[name]), []
        except ConfigErrors as errors:
            return None, list(errors.problems)
    near = difflib.get_close_matches(name, known, n=1)
    problem = Problem(
        own.file,
        own.places.get(("board",)),
        "board",
        "no preset of this name",
        found=f'"{name}"',
        allowed=", ".join(known) or "nothing: no presets are installed",
        cure=f"Did you mean {near[0]}?" if near else "Leave it out for a board that is not listed.",
    )
    return None, [problem]


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        reason = "there is no such file. `speakerd check --defaults` prints one to start from"
        raise ConfigFileError(path, reason) from None
    except IsADirectoryError:
        raise ConfigFileError(path, "this is a folder; name the TOML file in it") from None
    except PermissionError:
        reason = "permission denied. Let the service read it: sudo chmod 0644, or run this with sudo"
        raise ConfigFileError(path, reason) from None
    except OSError as error:
        raise ConfigFileError(path, f"cannot be read: {error.strerror}") from error
    if len(raw) > _LARGEST_BYTES:
        raise ConfigFileError(path, f"larger than {_LARGEST_BYTES} bytes: this is no configuration")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        what = "this byte is not UTF-8"
        raise ConfigErrors([Problem(path, line, "", what, cure="Save the file as UTF-8.")]) from None
