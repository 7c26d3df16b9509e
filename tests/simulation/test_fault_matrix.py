"""Every server event, spoilt by every fault, in every stage of a turn: what a person hears and sees, and what it costs.

Generated: the events are the protocol's own list, the stages and the faults are those of `faults`. A cell that fails
prints its name; `scripts/simulation cell NAME` plays it again, the same in every byte.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from speakerd.realtime.event_names import SERVER_EVENTS
from tests.realtime.validation import validate_server_event
from tests.simulation.examples import EXAMPLES
from tests.simulation.faults import ANY, CONNECTIONS, SPOILING, STAGES, THEN, Cell, cells
from tests.simulation.known import KNOWN
from tests.simulation.turns import honest, natural, play

if TYPE_CHECKING:
    from tests.simulation.faults import Connection
    from tests.simulation.model_server import Stage

EVENTS = sorted(SERVER_EVENTS)


def check(*chosen: Cell) -> None:
    """Play these, and tell all that is wrong; of what is known to fail, that it does not fail any more."""
    found = {str(cell): play(cell).problems for cell in chosen}
    mended = [name for name, problems in found.items() if not problems and name in KNOWN]
    assert not mended, f"not known to fail any more, to be taken out of known.py: {mended}"
    assert not any(problems for name, problems in found.items() if name not in KNOWN), "\n".join(
        f"scripts/simulation cell {name}\n    " + "\n    ".join(problems)
        for name, problems in found.items()
        if problems and name not in KNOWN
    )


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("stage", STAGES)
def test_where_no_fault_is_all_is_answered_and_nothing_is_said_to_be_wrong(
    stage: Stage, connection: Connection
) -> None:
    if (stage, connection) == ("idle", "on_wake"):
        assert not any(cell.connection == connection for cell in cells("idle", ANY, natural("idle")))
    else:
        assert honest(stage, connection).problems == ()


@pytest.mark.parametrize("event", EVENTS)
def test_the_example_of_each_event_is_valid(event: str) -> None:
    example = dict(EXAMPLES[event]("resp_1", "item_1"))
    validate_server_event(example if event.endswith("dtmf_event_received") else {"event_id": "e", **example})


def test_each_event_comes_of_itself_in_some_stage_or_is_one_that_a_speaker_never_brings_about() -> None:
    assert set(EVENTS) - {event for stage in STAGES for event in natural(stage)} == NEVER_ASKED_FOR


def test_six_seeds_have_each_fault_with_both_ways_to_be_connected_and_all_that_a_person_does_next() -> None:
    drawn = [cell for seed in range(6) for cell in cells("thinking", EVENTS[-1], frozenset(EVENTS), seed)]
    assert {(cell.fault, cell.connection, cell.then) for cell in drawn} == set(
        product(SPOILING, CONNECTIONS, THEN)
    )
    assert [Cell.parse(str(cell)) for cell in drawn] == drawn


def test_in_each_stage_the_server_can_go_mute() -> None:
    for stage in STAGES:
        faults = {cell.fault for event in (ANY, *EVENTS) for cell in cells(stage, event, natural(stage))}
        assert "mute" in faults


NEVER_ASKED_FOR = {
    "error",
    "conversation.created",
    "conversation.item.created",
    "conversation.item.deleted",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.input_audio_transcription.segment",
    "conversation.item.retrieved",
    "input_audio_buffer.cleared",
    "input_audio_buffer.dtmf_event_received",
    "input_audio_buffer.timeout_triggered",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "mcp_list_tools.in_progress",
    "response.mcp_call.failed",
    "response.output_text.delta",
    "response.output_text.done",
}


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param(stage, marks=() if at % 4 == 0 else pytest.mark.exhaustive)
        for at, stage in enumerate(STAGES)
    ],
)
def test_the_same_cell_is_the_same_run(stage: Stage) -> None:
    event = min(natural(stage), default="response.created")
    cell = Cell(stage, event, "out_of_order", "warm", "press", seed=7)
    first, second = play(cell), play(cell)
    assert first.trace == second.trace


@pytest.mark.parametrize("stage", STAGES)
def test_some_cells(stage: Stage) -> None:
    """Of each stage three of what it has of itself, or its going mute; and one of what it has not."""
    events = sorted(natural(stage))
    chosen = list(cells(stage, ANY, natural(stage)))
    for number in range(min(3, len(events))):
        own = list(cells(stage, events[number * len(events) // 3], natural(stage)))
        chosen.append(own[(3 * number + STAGES.index(stage)) % len(own)])
    foreign = [event for event in EVENTS if event not in events]
    others = list(cells(stage, foreign[7 * STAGES.index(stage) % len(foreign)], natural(stage)))
    check(*chosen, others[STAGES.index(stage) % len(others)])


@pytest.mark.exhaustive
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("event", EVENTS)
def test_each_event_in_each_stage(event: str, stage: Stage) -> None:
    """All faults of what the stage has of itself; of what it has not, one of the four, of every other event.

    The others are played by `scripts/simulation matrix`, each seed of which is another way to be connected and
    another thing that the person does next.
    """
    chosen = list(cells(stage, event, natural(stage)))
    if event not in natural(stage):
        number = EVENTS.index(event) + STAGES.index(stage)
        chosen = [] if number % 2 else [chosen[number // 2 % len(chosen)]]
    check(*chosen)


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_to_fail_still_fails(name: str) -> None:
    assert play(Cell.parse(name)).problems, f"{name} does not fail any more: take it out of known.py"
