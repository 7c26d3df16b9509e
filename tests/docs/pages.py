"""The pages that people read, and what stands in them."""

import re
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (
    README,
    ROOT / "speakerd" / "CHANGING.md",
    ROOT / "systemd" / "README.md",
    ROOT / "config" / "alsa" / "README.md",
    ROOT / "config" / "providers" / "README.md",
)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def toml_blocks(text: str) -> list[str]:
    blocks = re.findall(r"^ *```toml\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [dedent(block) for block in blocks]


def set_up() -> str:
    """The file that the guide has people write."""
    (block,) = toml_blocks(README.read_text("utf-8").split("\n## Set it up on a Pi\n")[1].split("\n## ")[0])
    return block


def recipes() -> dict[str, str]:
    """The TOML of each numbered recipe of the README, by its title."""
    text = README.read_text("utf-8")
    section = text.split("\n## Ten recipes\n")[1].split("\n## ")[0]
    parts = re.split(r"^\*\*(\d+)\. (.+?)\.\*\* ", section, flags=re.MULTILINE)
    return {title: "\n".join(toml_blocks(body)) for title, body in zip(parts[2::3], parts[3::3], strict=True)}


def servers() -> dict[str, str]:
    """The TOML that each server takes, by the name of the provider."""
    text = (ROOT / "config" / "providers" / "README.md").read_text("utf-8")
    parts = re.split(r"^\*\*([\w-]+)\*\*", text.split("\n## What to write\n")[1], flags=re.MULTILINE)
    return {name: "\n".join(toml_blocks(body)) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def recipe(title: str) -> dict[str, Any]:
    """What a recipe sets."""
    return tomllib.loads(recipes()[title])
