"""Reads the configuration from files: the owner's, and the board preset that it names."""

import codecs
import difflib
import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from speakerd.config import schema, secrets
from speakerd.config.errors import ConfigError, ConfigErrors, ConfigFileError, Problem
from speakerd.config.excerpt import excerpt
from speakerd.config.line_numbers import line_of
from speakerd.config.model_settings import ProviderName
from speakerd.config.renamed import understood
from speakerd.config.settings import Settings
from speakerd.config.validate import Document, parse, parse_as_far, validate

_LARGEST_BYTES = 64_000
"""The reference with every setting has 25 kilobytes; anything much larger is another file."""

_LOST_AT_LEAST = 4
"""Zeros at the end. One of the encodings with zeros in it ends a text with three at most."""

_PROPOSAL = re.compile("Write(?: in [a-z0-9 ]+)?:")
_DEV_NULL = os.makedev(1, 3)
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a disk",
    stat.S_IFSOCK: "a socket",
}
_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with their origin.

    Attributes:
        settings: the settings in force.
        own: the file, parsed.
        board: the preset, parsed; None without one.
        provider: the preset of the model's server, parsed; None where it is the one of the defaults.
        warnings: what can be done as it is written, and is probably not meant so.
    """

    settings: Settings
    own: Document
    board: Document | None
    provider: Document | None = None
    warnings: tuple[Problem, ...] = ()

    def place(self, key: str) -> tuple[Path | None, int | None]:
        """Return the file that sets a key, and the line: the owner's file, else the board's, else no line."""
        path = tuple(key.split("."))
        presets = [preset for preset in (self.board, self.provider) if preset and preset.holds(path)]
        document = presets[0] if presets and not self.own.holds(path) else self.own
        if key in schema.settings(Settings) and not document.holds(path):
            return document.file, None
        return document.file, line_of(document.places, path)


def place_of(path: Path, key: str) -> str:
    """Return where a setting is, as the file is now: file, line and key, for the beginning of a message."""
    try:
        file, line = read(path).place(key)
    except ConfigError:
        file, line = path, None
    return f"{file}: {key}" if line is None else f"{file}:{line}: {key}"


def load(path: Path) -> Settings:
    """Return the settings of a file, over those of its board. Raises ConfigFileError, ConfigErrors."""
    return read(path).settings


def read(path: Path) -> Loaded:
    """Return the settings of a file, over those of its board, and the files. The environment changes nothing.

    Raises:
        ConfigFileError: no such file, or it cannot be read.
        ConfigErrors: every mistake in it, with file and line.
    """
    return read_text(file_text(path), path)


def read_text(text: str, path: Path | None = None) -> Loaded:
    """Return the settings of a text, as if it were the content of the file at `path`.

    Raises:
        ConfigErrors: every mistake in it, with file and line.
    """
    whole, mistakes = parse_as_far(text, path)
    if mistakes or whole is None:
        found = _with_further(whole, mistakes) if whole else mistakes
        raise ConfigErrors(sorted(found, key=lambda problem: (str(problem.file or ""), problem.line or 0)))
    own, renamed = understood(whole)
    (board, provider), further = _presets(own)
    further += renamed
    settings, warnings = validate(own, _there(board, provider), further)
    return Loaded(settings, own, board, provider, warnings)


def _with_further(mended: Document, mistakes: list[Problem]) -> list[Problem]:
    """Return the mistakes in the grammar of a file, and what else is wrong with it, as far as it can be read.

    What would be said of a line that is proposed is said in place of the proposal; nothing more of a setting that
    there is not.
    """
    own, _ = understood(mended)
    presets, further = _presets(own)
    found = list(mistakes)
    try:
        validate(own, _there(*presets), further)
    except ConfigErrors as errors:
        for each in errors.problems:
            hint = schema.hint_at(Settings, each.key.split("."))
            at = next((at for at, told in enumerate(mistakes) if _same_place(told, each)), None)
            if at is None or schema.is_section(hint):
                found.append(each)
            elif _PROPOSAL.match(found[at].cure) and "..." not in found[at].cure:
                cure = secrets.masked_text(f"Also: {each.what}. {each.cure}".strip())
                found[at] = replace(found[at], cure=cure, allowed=each.allowed or found[at].allowed)
            elif hint is not None:
                found.append(each)
    return found


def _same_place(one: Problem, other: Problem) -> bool:
    return (one.line, one.key) == (other.line, other.key)


def _presets(own: Document) -> tuple[tuple[Document | None, Document | None], list[Problem]]:
    """Return the presets that the file names, of its board and of its server, and what is wrong with the names."""
    board, problems = _board(own)
    return (board, _provider(own)), problems


def _there(*presets: Document | None) -> list[Document]:
    return [preset for preset in presets if preset is not None]


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


def providers_dir() -> Path:
    """Return the folder of the presets of servers."""
    return files_dir() / "providers"


def default_file() -> Path:
    """Return the path of the reference: the commented file with all settings at their defaults."""
    return files_dir() / "reference.toml"


def starter_file() -> Path:
    """Return the path of the short file that is installed: what most people set, all of it switched off."""
    return files_dir() / "speakerd.toml"


def _board(own: Document) -> tuple[Document | None, list[Problem]]:
    name = own.data.get("board", "")
    if not name or not isinstance(name, str):
        return None, []
    known = boards()
    if name in known:
        try:
            return understood(parse(file_text(known[name]), known[name]))
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


def _provider(own: Document) -> Document | None:
    """Return the preset of the server that the file names; None where there is none, or no such name."""
    model = own.data.get("model")
    name = model.get("provider") if isinstance(model, dict) else None
    if name not in get_args(ProviderName):
        return None
    file = providers_dir() / f"{name}.toml"
    return parse(file_text(file), file) if file.exists() else None


def file_text(path: Path) -> str:
    """Return the text of a file. Never waits, and reads no more than a configuration has.

    Raises:
        ConfigFileError: no such file, or it cannot be read.
        ConfigErrors: it is not UTF-8.
    """
    try:
        raw = _content(path)
    except ConfigFileError:
        raise
    except FileNotFoundError:
        reason = "there is no such file. `speakerd check --starter` prints one to start from"
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
        return _decoded(raw, path)
    except UnicodeDecodeError as error:
        raise ConfigErrors([_not_utf8(raw, error.start, path)]) from None


def _decoded(raw: bytes, path: Path) -> str:
    for mark, name in _OTHER_MARKS.items():
        if raw.startswith(mark):
            what = f"the file is saved as {name}"
            cure = f"Save it as UTF-8; here: iconv -f {name} -t UTF-8 {path} > NEW"
            raise ConfigErrors([Problem(path, 1, "", what, cure=cure)])
    if lost := len(raw) - len(raw.rstrip(b"\0")):
        if lost == len(raw):
            what = "the file holds nothing but zeros, as after a power cut: its content is lost"
            cure = f"Begin anew, from what is installed: speakerd check --starter | sudo tee {path}"
            raise ConfigErrors([Problem(path, 1, "", what, cure=cure)])
        if lost >= _LOST_AT_LEAST:
            what = "from here on the file holds nothing but zeros, as after a power cut: the rest is lost"
            cure = f"Take the zeros out, here: tr -d '\\0' < {path} > NEW. Then write again what is missing"
            number = raw.rstrip(b"\0").count(b"\n") + 1
            raise ConfigErrors([Problem(path, number, "", what, cure=cure)])
    if raw.count(0) * 3 > len(raw):
        cure = f"Save it as UTF-8; here: iconv -f UTF-16LE -t UTF-8 {path} > NEW"
        raise ConfigErrors([Problem(path, 1, "", "the file looks as if saved as UTF-16", cure=cure)])
    return raw.decode("utf-8-sig")


def _content(path: Path) -> bytes:
    """Return the content, at most one byte more than may be. Never waits, whatever kind of file it is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError
        if not stat.S_ISREG(status.st_mode) and status.st_rdev != _DEV_NULL:
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "a special file")
            raise ConfigFileError(path, f"this is {kind}, not a file with a text in it")
        return file.read(_LARGEST_BYTES + 1)


def _not_utf8(raw: bytes, at: int, path: Path) -> Problem:
    number = raw[:at].count(b"\n") + 1
    line = raw.split(b"\n")[number - 1].decode("cp1252", "replace").rstrip("\r")
    column = at - raw.rfind(b"\n", 0, at)
    char = bytes([raw[at]]).decode("cp1252", "replace")
    what = f"this byte (0x{raw[at]:02X}) is not UTF-8; in the Windows and Latin-1 encodings it is {char}"
    cure = f"Save the file as UTF-8; here: iconv -f WINDOWS-1252 -t UTF-8 {path} > NEW"
    return Problem(path, number, "", what, cure=cure, excerpt=excerpt(line, column, number))
