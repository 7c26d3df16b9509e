"""The list of folders in the README, made from the tree: `python -m tests.docs.folders` puts it there.

A folder's line is the first sentence of what its `__init__.py` says about it.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOORS = ("realtime", "audio", "panel", "host", "dialogue", "config", "tools", "offline", "daemon", "cli")
"""The rooms, lowest floor first."""


def folders() -> list[Path]:
    """Every package of speakerd: a room, then what is in it, by name."""
    found: list[Path] = []
    for room in FLOORS:
        top = ROOT / "speakerd" / room
        found += [top, *sorted(init.parent for init in top.glob("*/**/__init__.py"))]
    return found


def first_sentence(folder: Path) -> str:
    """What the folder holds, in its own words."""
    doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    paragraph = " ".join(doc.split("\n\n")[0].split())
    return re.split(r"(?<=\w)\. ", paragraph + " ")[0].strip().removesuffix(".")


def table() -> str:
    """Markdown."""
    lines = ["| folder | what |", "| --- | --- |"]
    for folder in folders():
        path = folder.relative_to(ROOT)
        name = f"[{path}]({path})" if len(path.parts) == 2 else f"{path.parts[1]}/{'/'.join(path.parts[2:])}"
        lines.append(f"| {name} | {first_sentence(folder)} |")
    return "\n".join(lines) + "\n"


def with_table(readme: str) -> str:
    """The README with the list as it is now."""
    head = "| folder | what |\n"
    before, after = readme.split(head)
    return before + table() + "\n" + after.split("\n\n", 1)[1]


if __name__ == "__main__":
    page = ROOT / "README.md"
    page.write_text(with_table(page.read_text("utf-8")), "utf-8")
