"""The diagram of the dialogue, drawn from its table. `python -m speakerd.dialogue.diagram` prints it.

Only what changes the phase is drawn; what stands on an arrow are triggers, their conditions are in the table.
"""

from speakerd.dialogue.state import PHASES
from speakerd.dialogue.table import ANY, ROWS, SAME

_WIDTH = 112


def diagram() -> str:
    """A Mermaid state diagram, ending in a line break."""
    arrows: dict[tuple[str, str], list[str]] = {}
    anywhere: dict[str, list[str]] = {}
    for row in ROWS:
        if row.to == SAME:
            continue
        if row.phases == ANY:
            anywhere.setdefault(row.to, []).extend(row.on)
            continue
        for phase in row.phases:
            if phase != row.to:
                names = arrows.setdefault((phase, row.to), [])
                names.extend(trigger for trigger in row.on if trigger not in names)
    lines = ["stateDiagram-v2", "    [*] --> starting"]
    for begin in PHASES:
        for end in PHASES:
            lines += _arrow(begin, end, arrows.get((begin, end), []))
    lines += [
        f"    note right of {goal}: from anywhere on {', '.join(names)}" for goal, names in anywhere.items()
    ]
    lines.append("    stopping --> [*]")
    return "\n".join(lines) + "\n"


def _arrow(begin: str, end: str, names: list[str]) -> list[str]:
    """One arrow; a long label is given to several of the same. No label: none."""
    head = f"    {begin} --> {end}: "
    lines: list[str] = []
    for name in names:
        if not lines or len(lines[-1]) + 2 + len(name) > _WIDTH:
            lines.append(head + name)
        else:
            lines[-1] += f", {name}"
    return lines


if __name__ == "__main__":
    print(diagram(), end="")  # noqa: T201  # a command's output
