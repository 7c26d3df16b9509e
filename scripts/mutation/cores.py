"""Which modules are mutated: those that pyproject.toml's import contract names as pure cores."""

import re
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent


def _pattern(expression: str) -> re.Pattern[str]:
    """What import-linter's module expression matches: `*` is one name, `**` is one or more, and what lies below."""
    wild = {"*": r"[^.]+", "**": r"[^.]+(\.[^.]+)*"}
    names = r"\.".join(wild.get(name, re.escape(name)) for name in expression.split("."))
    return re.compile(names + r"(\..+)?")


def pure_cores() -> dict[str, Path]:
    """Dotted name and file of each module that the contract names, itself or by a package it lies in."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(one for one in contracts if one["name"].startswith("pure cores"))
    patterns = [_pattern(expression) for expression in contract["source_modules"]]
    return {name: path for name, path in modules().items() if any(one.fullmatch(name) for one in patterns)}


def modules() -> dict[str, Path]:
    """Dotted name and file of every module of `speakerd`; a package's file is its `__init__`."""
    found = {}
    for path in sorted((ROOT / "speakerd").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    """The first folder below `speakerd`; its tests lie in the folder of the same name below `tests`."""
    return module.split(".")[1]
