"""Which modules are mutated: those that pyproject.toml's import contract names as pure cores."""

from pathlib import Path
from typing import Final

from scripts import coverage_gate

ROOT: Final = Path(__file__).resolve().parent.parent.parent


def pure_cores() -> dict[str, Path]:
    """Dotted name and file of each module that the contract names, itself or by a package it lies in."""
    files = {ROOT / file for file in coverage_gate.pure_cores()}
    return {name: path for name, path in modules().items() if path in files}


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
