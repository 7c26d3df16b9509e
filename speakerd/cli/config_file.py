"""The configuration file that a command reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse

    from speakerd.config.settings import Settings

DEFAULT_FILE: Final = Path("/etc/speakerd/speakerd.toml")


def add_file_argument(parser: argparse.ArgumentParser, name: str = "file") -> None:
    """Let the user name a file, as an argument or an option; `read_settings` takes what was named."""
    words = f"default: {DEFAULT_FILE}, else the built-in settings"
    if name.startswith("-"):
        parser.add_argument(name, type=Path, help=words)
    else:
        parser.add_argument(name, nargs="?", type=Path, help=words)


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
