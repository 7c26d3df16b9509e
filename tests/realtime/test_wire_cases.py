"""Every case of `wire/`, over a real WebSocket; every client event of it valid, strictly."""

from __future__ import annotations

import pytest

from tests.realtime.validation import validate_client_event, validate_server_event
from tests.realtime.wire.case import Case, verdict
from tests.realtime.wire.cases import ALL
from tests.realtime.wire.driver import MARKER, run_case
from tests.realtime.wire.layers import ours


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
async def test_a_conversation_over_a_real_websocket(case: Case) -> None:
    outcome = await run_case(case, ours())
    wrong = verdict(case, outcome)
    assert not wrong, "\n".join(wrong)
    for event in outcome.sent:
        validate_client_event(event)


def test_the_marker_behind_each_script_is_a_valid_event() -> None:
    validate_server_event({"event_id": "e1", **MARKER})


def test_names_are_unique_and_every_point_of_the_contract_has_a_case() -> None:
    assert len({case.name for case in ALL}) == len(ALL) >= 120
    assert {case.point for case in ALL} >= set(range(1, 12))
