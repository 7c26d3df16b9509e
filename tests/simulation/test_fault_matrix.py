"""Every server event, spoilt by every fault, in every stage of a turn: what a person hears and sees, and what it costs.

Generated: the events are the protocol's own list, the stages and the faults are those of `faults`. A cell that fails
prints its name; `scripts/simulation cell NAME` plays it again, the same in every byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from speakerd.realtime.event_names import SERVER_EVENTS
from tests.realtime.validation import validate_server_event
from tests.simulation.examples import EXAMPLES
from tests.simulation.faults import FAULTS, FOREIGN_FAULTS, STAGES, Cell, cells
from tests.simulation.turns import honest, natural, play

if TYPE_CHECKING:
    from tests.simulation.model_server import Stage

EVENTS = sorted(SERVER_EVENTS)


def check(*chosen: Cell) -> None:
    """Play these, and tell all that is wrong."""
    found = {cell: problems for cell in chosen if (problems := play(cell).problems)}
    assert not found, "\n".join(
        f"scripts/simulation cell {cell}\n    " + "\n    ".join(problems) for cell, problems in found.items()
    )


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_wrong_where_no_fault_is(stage: Stage) -> None:
    assert honest(stage).problems == ()


@pytest.mark.parametrize("event", EVENTS)
def test_the_example_of_each_event_is_valid(event: str) -> None:
    example = dict(EXAMPLES[event]("resp_1", "item_1"))
    validate_server_event(example if event.endswith("dtmf_event_received") else {"event_id": "e", **example})


def test_each_cell_is_played_or_void_by_rule() -> None:
    played = {
        (cell.stage, cell.event, cell.fault)
        for stage in STAGES
        for event in EVENTS
        for cell in cells(stage, event, natural(stage))
    }
    void = {
        (stage, event, fault)
        for stage in STAGES
        for event in set(EVENTS) - natural(stage)
        for fault in set(FAULTS) - set(FOREIGN_FAULTS)
    }
    assert len(played) + len(void) == len(STAGES) * len(EVENTS) * len(FAULTS)
    assert not played & void
    # Each event happens of itself somewhere, or is one that a speaker never brings about.
    assert set(EVENTS) - {event for stage in STAGES for event in natural(stage)} == NEVER_ASKED_FOR


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


@pytest.mark.parametrize("stage", STAGES)
def test_the_same_cell_is_the_same_run(stage: Stage) -> None:
    event = min(natural(stage), default="response.created")
    cell = Cell(stage, event, "out_of_order", seed=7)
    first, second = play(cell), play(cell)
    assert first.trace == second.trace


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("event", EVENTS[::9])
def test_some_cells(event: str, stage: Stage) -> None:
    chosen = list(cells(stage, event, natural(stage)))
    check(chosen[len(event) % len(chosen)])


@pytest.mark.exhaustive
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("event", EVENTS)
def test_each_event_in_each_stage(event: str, stage: Stage) -> None:
    """All faults of what the stage has of itself, and one of the four of what it has not.

    The others are played by `scripts/simulation matrix`.
    """
    chosen = list(cells(stage, event, natural(stage)))
    if event not in natural(stage):
        chosen = [chosen[(EVENTS.index(event) + STAGES.index(stage)) % len(chosen)]]
    check(*chosen)
