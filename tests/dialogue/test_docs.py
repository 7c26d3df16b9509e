"""What is documented is what is done."""

import speakerd.dialogue
from speakerd.dialogue.diagram import diagram
from speakerd.dialogue.table import ROWS, SAME


def test_the_diagram_in_the_documentation_is_the_one_drawn_from_the_table() -> None:
    """If this fails: `python -m speakerd.dialogue.diagram`, and put it into `speakerd/dialogue/__init__.py`."""
    assert diagram() in (speakerd.dialogue.__doc__ or "")


def test_the_diagram_shows_every_change_of_phase() -> None:
    drawn = diagram()
    for row in ROWS:
        for phase in row.phases:
            if row.to not in {SAME, phase, "stopping"}:
                assert f"    {phase} --> {row.to}: " in drawn
    assert "stopping: from anywhere on stop_requested" in drawn
    assert all(len(line) <= 116 for line in drawn.splitlines())
