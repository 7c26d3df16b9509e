"""What is documented is what is done."""

import speakerd.dialogue
from speakerd.dialogue.diagram import diagram
from speakerd.dialogue.gesture_table import HANDS, SITUATIONS, gesture_table
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import PHASES
from speakerd.dialogue.table import ROWS, SAME
from speakerd.panel.settings import GestureSettings


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


def test_the_table_of_gestures_has_a_row_for_every_situation_and_a_column_for_every_gesture() -> None:
    lines = gesture_table().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == list(SITUATIONS)
    assert [cell.strip() for cell in lines[0].split("|")[2:-1]] == list(HANDS)
    assert {situation.split(" ")[0] for situation in SITUATIONS} >= {*PHASES} - {"stopping"}


def test_the_table_of_gestures_says_what_happens() -> None:
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in gesture_table().splitlines()
    }
    assert cells["idle"] == ["listens", "listens while held, answers on release", "mutes"]
    assert cells["connecting"][0] == "cancels"
    assert cells["speaking"][0] == "interrupts and listens"
    assert cells["muted"] == ["a low sound: still muted", "a low sound: still muted", "unmutes"]
    assert cells["ringing (a timer)"][0] == "silences it"
    assert cells["approval (a tool asks)"] == ["allows it", "refuses it", "refuses it"]
    assert cells["starting"][0] == "as soon as it is ready: listens"
    assert cells["offline"][0] == "listens, speech is kept until connected"


def test_the_table_of_gestures_follows_the_settings() -> None:
    table = gesture_table(
        DialogueSettings(
            press_while_listening="send", press_while_answering="end", press_while_muted="unmute"
        ),
        GestureSettings(double="none", hold="mute"),
    )
    assert "| while it shows | press | hold |" in table
    assert "| listening | answers what was said | mutes |" in table
    assert "| speaking | ends the answer | mutes |" in table
    assert "| muted | unmutes and listens | unmutes |" in table


def test_a_gesture_that_does_nothing_is_said_to() -> None:
    table = gesture_table(DialogueSettings(approval_press="none", remember_press_s=0.0))
    assert "| approval (a tool asks) | nothing | refuses it | refuses it |" in table
    assert "| starting | nothing | nothing | mutes |" in table
