"""Reads the configuration from files: the owner's, and the board preset that it names."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from speakerd.config.errors import ConfigErrors, ConfigFileError, Problem
from speakerd.config.settings import Settings
from speakerd.config.validate import Document, parse, validate

_LARGEST_BYTES = 1_000_000
"""A configuration has a few kilobytes; anything larger is another file."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with their origin.

    Attributes:
        settings: the settings in force.
        own: the file, parsed.
        board: the preset, parsed; None without one.
    """

    settings: Settings
    own: Document
    board: Document | None


def load(path: Path) -> Settings:
    """Return the settings of a file, over those of its board. Raises ConfigFileError, ConfigErrors."""
    return read(path).settings


def read(path: Path) -> Loaded:
    """Return the settings of a file, over those of its board, and the files. The environment changes nothing.

    Raises:
        ConfigFileError: no such file, or it cannot be read.
        ConfigErrors: every mistake in it, with file and line.
    """
    return read_text(_text(path), path)


def read_text(text: str, path: Path | None = None) -> Loaded:
    """Return the settings of a text, as if it were the content of the file at `path`.

    Raises:
        ConfigErrors: every mistake in it, with file and line.
    """
    own = parse(text, path)
    board, further = _board(own)
    return Loaded(validate(own, board, further), own, board)


def files_dir() -> Path:
    """Return the folder of the files that come with the program: in the package, or beside it in a checkout."""
    packaged = Path(__file__).parent / "files"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "config"


def boards_dir() -> Path:
    """Return the folder of the board presets."""
    return files_dir() / "boards"


def boards() -> dict[str, Path]:
    """Return the files of all board presets, by name."""
    return {path.stem: path for path in sorted(boards_dir().glob("*.toml"))}


def default_file() -> Path:
    """Return the path of the commented file with all settings at their defaults."""
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
