"""Makes anew what is made from the code: `.venv/bin/python -m scripts.generate` writes the files that have changed.

    config/reference.toml            every setting, from the settings themselves
    systemd/JOURNAL.md               the events of the journal
    speakerd/dialogue/__init__.py    the diagram of the dialogue, from its table
    README.md                        the tables of gestures and lights; the list of folders, from what each
                                     folder's `__init__.py` says about it in its first sentence

A test fails while one of them is old.
"""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from speakerd.config.template import template
from speakerd.dialogue.diagram import diagram
from speakerd.dialogue.gesture_meaning import table_markdown as gesture_table
from speakerd.host.events import catalog
from speakerd.panel.looks import table_markdown as light_table

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = (
    "realtime",
    "audio",
    "panel",
    "host",
    "dialogue",
    "config",
    "tools",
    "offline",
    "daemon",
    "cli",
)
"""Lowest floor first."""


def folders() -> list[Path]:
    """Every package of speakerd: a room, then what is in it, by name."""
    found: list[Path] = []
    for room in ROOMS:
        top = ROOT / "speakerd" / room
        found += [top, *sorted(init.parent for init in top.glob("*/**/__init__.py"))]
    return found


def folder_table() -> str:
    """Markdown."""
    lines = ["| folder | what |", "| --- | --- |"]
    for folder in folders():
        path = folder.relative_to(ROOT)
        name = f"[{path}]({path})" if len(path.parts) == 2 else "/".join(path.parts[1:])
        lines.append(f"| {name} | {_first_sentence(folder)} |")
    return "\n".join(lines) + "\n"


def _first_sentence(folder: Path) -> str:
    doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    paragraph = " ".join(doc.split("\n\n")[0].split())
    return re.split(r"(?<=\w)\. ", paragraph)[0].removesuffix(".")


def _readme(text: str) -> str:
    for table in (gesture_table(), light_table(), folder_table()):
        head = table.splitlines(keepends=True)[0]
        text = _replaced(text, head, "\n\n", table.removesuffix("\n"))
    return text


def _dialogue(text: str) -> str:
    return _replaced(text, "stateDiagram-v2\n", '"""', diagram())


def _replaced(text: str, begin: str, end: str, new: str) -> str:
    """`text` with `new` in place of what is there from the first `begin` up to the next `end`, which stays."""
    before, found, rest = text.partition(begin)
    _, stop, after = rest.partition(end)
    if not found or not stop:
        raise ValueError(f"there is no {begin.strip()!r}, or nothing ends it")
    return before + new + stop + after


MADE: Final[dict[str, Callable[[str], str]]] = {
    "config/reference.toml": lambda _: template(),
    "systemd/JOURNAL.md": lambda _: catalog(),
    "speakerd/dialogue/__init__.py": _dialogue,
    "README.md": _readme,
}
"""File -> what it becomes, given what it is."""


def main() -> None:
    """Write each file that is not as it would be made now, and say so."""
    for name, made in MADE.items():
        path = ROOT / name
        old = path.read_text("utf-8")
        new = made(old)
        if new != old:
            path.write_text(new, "utf-8")
            print(f"made anew: {name}")


if __name__ == "__main__":
    main()
