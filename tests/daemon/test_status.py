"""The words of `systemctl status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from speakerd.cli.doctor.machine import WAITING
from speakerd.config.load import read_text
from speakerd.daemon.control import Control
from speakerd.daemon.service import WORDS, status_words, ways_to_begin
from speakerd.dialogue.events import ConnectionLost, Ready
from speakerd.dialogue.requests import MUTE, STOP, WAKE
from speakerd.dialogue.state import PHASES
from speakerd.dialogue.state_machine import Dialogue
from speakerd.host.errors import CommandError
from tests.daemon import scenes
from tests.daemon.bench import household
from tests.daemon.test_usage import ask
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from speakerd.daemon.control import Reloader


def test_every_phase_has_its_words() -> None:
    assert set(WORDS) == set(PHASES)


def test_muted_is_said_where_nothing_else_goes_on() -> None:
    dialogue = Dialogue()
    assert status_words(dialogue) == "starting"
    dialogue.handle(Ready(), 1.0)
    assert status_words(dialogue, begin="press the button to talk") == "idle: press the button to talk"
    assert status_words(dialogue, ("no microphone", "no microphone")) == (
        "waiting for the sound card: no microphone"
    )
    dialogue.handle(MUTE, 2.0)
    assert status_words(dialogue) == "muted"


BUTTON = "[panel.button]\npin = 17\n"
WAKE_WORD = "[wake_word]\nenabled = true\n"
NOTHING = "no button and no wake word begins a conversation"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (BUTTON, "press the button to talk"),
        (BUTTON + '[panel.gestures]\npress = "none"\n', "hold the button to talk"),
        (BUTTON + WAKE_WORD, "press the button to talk, or say the wake word (okay_nabu)"),
        (WAKE_WORD, "say the wake word (okay_nabu)"),
        (BUTTON + '[panel]\nkind = "none"\n', f"{NOTHING}; speakerd ctl wake begins"),
        (
            BUTTON + '[panel.gestures]\npress = "none"\nhold = "none"\n',
            f"{NOTHING}; speakerd ctl wake begins",
        ),
        ("[control]\nenabled = false\n", NOTHING),
    ],
)
def test_it_says_how_a_conversation_begins_with_these_settings(lines: str, words: str) -> None:
    assert ways_to_begin(read_text(lines).settings) == words


def test_a_model_out_of_reach_and_one_that_answers_in_its_place_are_told() -> None:
    dialogue = Dialogue()
    dialogue.handle(Ready(), 1.0)
    assert status_words(dialogue, instead=True) == (
        "idle; the embedded server answers in place of the voice model"
    )
    dialogue.handle(WAKE, 2.0)
    dialogue.handle(ConnectionLost("no route"), 3.0)
    dialogue.handle(STOP, 4.0)
    assert status_words(dialogue, begin="press") == "idle, and the voice model is out of reach: press"


@in_virtual_time
async def test_status_and_monitor_name_who_answers_and_the_wake_word() -> None:
    async with household() as house:
        before = await ask(house, "status")
        assert (before["answers"], before["wake_word"]) == (None, "off")
        house.panel.tap()
        await house.phase("listening")
        assert (await ask(house, "status"))["answers"] == "the voice model"
        assert [entry["by"] for entry in house.entries if entry["event"] == "answers"] == ["the voice model"]


def test_the_doctor_knows_a_wait_for_the_sound_card_by_these_words() -> None:
    assert status_words(Dialogue(), ("no microphone",)).startswith(WAITING)


@in_virtual_time
async def test_an_answer_that_waits_for_a_yes_is_told_so_to_whoever_asked() -> None:
    door = {"name": "door", "description": "Open it.", "argv": ["/bin/true"], "approval": True}
    async with household(scenes.calling(("door", "{}")), settings={"tools": {"commands": [door]}}) as house:
        control = Control(house.assembly, cast("Reloader", None))
        with pytest.raises(CommandError, match="the tool door waits for a yes or a no at the button"):
            await control.handle("ask", {"text": "open the door", "wait_s": 3})
