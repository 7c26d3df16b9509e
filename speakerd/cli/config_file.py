"""The configuration file that a command reads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from speakerd.config.errors import ConfigError
    from speakerd.config.settings import Settings

DEFAULT_FILE: Final = Path("/etc/speakerd/speakerd.toml")


class _Named(argparse.Action):
    """Takes a file that is named as an argument; where none is, what an option has named stays."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, values: Any, _option: Any = None) -> None:
        """See `argparse.Action`."""
        if values is not self.default:
            setattr(namespace, self.dest, values)


def add_file_argument(
    parser: argparse.ArgumentParser,
    *,
    positional: bool = True,
    default: Path | None = None,
    words: str = f"default: {DEFAULT_FILE}, else the built-in settings",
) -> None:
    """Let the user name a file with `--config`; where `positional`, as an argument as well."""
    if not positional:
        parser.add_argument("--config", metavar="FILE", type=Path, default=default, help=words)
        return
    parser.add_argument("--config", dest="file", metavar="FILE", type=Path, default=default, help=words)
    parser.add_argument(
        "file", nargs="?", type=Path, action=_Named, default=default, help="the same, without --config"
    )


def problems_of(error: ConfigError, file: Path | None) -> list[dict[str, Any]]:
    """Return what is wrong, for `--json`: one for each mistake."""
    from speakerd.config.errors import ConfigErrors

    if isinstance(error, ConfigErrors):
        return [problem.to_dict() for problem in error.problems]
    return [{"file": str(file or DEFAULT_FILE), "what": str(error)}]


def read_settings(file: Path | None) -> Settings:
    """Return the settings of `file`; without one, those of the default file, or the built-in ones if it is missing.

    Raises:
        ConfigError: the file cannot be read, or has mistakes.
    """
    from speakerd.config.load import load
    from speakerd.config.settings import Settings

    if file is None and not DEFAULT_FILE.exists():
        return Settings()
    return load(file or DEFAULT_FILE)
