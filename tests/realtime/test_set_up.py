"""What is in force is what the server has confirmed; what it refuses is reported by name, and the rest is sent."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.realtime.errors import (
    NotConfirmedError,
    SettingChangedError,
    SettingRefusedError,
    SetUpRefusedError,
    UserError,
)
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.wire.due import DUE
from tests.realtime.protocol_wire import Wire, speaking

TOOLS = [
    {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}}
    for name in ("clock", "bad", "timer")
]
SETTINGS: dict[str, Any] = {
    "instructions": "Be the speaker.",
    "tools": TOOLS,
    "turn_detection": None,
    "voice": "nobody",
    "input_audio_transcription": {"model": "whisper-9"},
}


def strict(settings: Any = SETTINGS) -> Wire:
    """A wire to a server whose confirmations and refusals are the test's."""
    return Wire(settings, confirms=False)


def updates(wire: Wire) -> list[dict[str, Any]]:
    """The settings sent since the last call, and their ids."""
    sent, wire.sent = wire.sent, []
    return [event for event in sent if event["type"] == "session.update"]


def refuse(wire: Wire, update: dict[str, Any], parameter: str | None, code: str = "invalid_value") -> None:
    error = s.error(code, f"{parameter} cannot be", event_id=update["event_id"])
    error["error"]["param"] = parameter
    wire.hear(error)


def refusals(wire: Wire) -> list[str]:
    return [e.error.parameter for e in wire.events("error") if isinstance(e.error, SettingRefusedError)]


def creates(wire: Wire) -> int:
    return [event["type"] for event in wire.sent].count("response.create")


def test_no_response_is_asked_for_before_the_settings_are_confirmed() -> None:
    wire = strict()
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    assert [event["type"] for event in wire.sent] == ["session.update", "conversation.item.create"]
    wire.hear(s.session_created())
    assert creates(wire) == 0
    wire.hear(s.session_updated())
    assert creates(wire) == 1


def test_out_of_band_requests_wait_too() -> None:
    wire = strict()
    wire.ask(i.RealtimeModelSendResponse(conversation="none"))
    assert creates(wire) == 0
    wire.hear(s.session_updated())
    assert creates(wire) == 1


def test_without_settings_there_is_nothing_to_wait_for() -> None:
    wire = strict({})
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    assert creates(wire) == 1


def test_a_refused_parameter_is_named_and_the_rest_is_sent_again() -> None:
    wire = strict()
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    (first,) = updates(wire)
    refuse(wire, first, "session.audio.output.voice")
    assert refusals(wire) == ["session.audio.output.voice"]
    (second,) = updates(wire)
    expected = dict(first["session"])
    expected["audio"] = {"input": first["session"]["audio"]["input"]}
    assert second["session"] == expected
    assert creates(wire) == 0
    wire.hear(s.session_updated())
    assert creates(wire) == 1


def test_several_refused_parameters_are_found_one_after_the_other() -> None:
    wire = strict()
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    for parameter in ("session.audio.output.voice", "session.audio.input.transcription.model"):
        (update,) = updates(wire)
        refuse(wire, update, parameter)
    (last,) = updates(wire)
    assert set(last["session"]) == {"type", "instructions", "tools", "audio"}
    wire.hear(s.session_updated())
    assert refusals(wire) == ["session.audio.output.voice", "session.audio.input.transcription.model"]
    assert creates(wire) == 1


@pytest.mark.parametrize("parameter", ["voice", "session.voice"])
def test_the_older_flat_name_of_a_parameter_is_understood(parameter: str) -> None:
    wire = strict()
    (first,) = updates(wire)
    refuse(wire, first, parameter)
    (second,) = updates(wire)
    assert "output" not in second["session"]["audio"]
    assert len(refusals(wire)) == 1


def test_a_refused_tool_is_left_out_and_the_others_stay() -> None:
    wire = strict()
    (first,) = updates(wire)
    refuse(wire, first, "session.tools[1].parameters")
    (second,) = updates(wire)
    assert [tool["name"] for tool in second["session"]["tools"]] == ["clock", "timer"]
    assert refusals(wire) == ["session.tools[1].parameters"]


def test_a_refusal_that_names_nothing_is_narrowed_down() -> None:
    wire = strict()
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    (first,) = updates(wire)
    refuse(wire, first, None)
    single = updates(wire)
    assert len(single) == len(SETTINGS)
    assert refusals(wire) == []
    for update in single:
        if "voice" in update["session"].get("audio", {}).get("output", {}):
            refuse(wire, update, None)
        else:
            wire.hear(s.session_updated())
    assert refusals(wire) == ["session.audio.output.voice"]
    assert updates(wire) == []
    wire.connect()
    wire.lose()


def test_an_error_without_an_id_during_the_set_up_is_taken_for_a_refusal() -> None:
    wire = strict()
    wire.hear(s.error(None, "invalid_json", event_id="event_TODO"))
    assert len(updates(wire)) == 1 + len(SETTINGS)


def test_refused_values_are_not_in_force_and_are_sent_again_where_they_are_asked_for_again() -> None:
    wire = strict()
    (first,) = updates(wire)
    refuse(wire, first, "session.audio.output.voice")
    wire.hear(s.session_updated())
    updates(wire)
    wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": "Be the speaker."}))
    assert updates(wire) == []
    wire.ask(i.RealtimeModelSendSessionUpdate({"voice": "nobody"}))
    (again,) = updates(wire)
    assert again["session"] == {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}


def test_a_refused_change_leaves_the_old_value_to_be_asked_for() -> None:
    wire = Wire({"instructions": "a", "speed": 1.0})
    wire.confirms = False
    updates(wire)
    wire.ask(i.RealtimeModelSendSessionUpdate({"speed": 9.0}))
    (update,) = updates(wire)
    refuse(wire, update, "session.audio.output.speed")
    assert updates(wire) == []
    wire.ask(i.RealtimeModelSendSessionUpdate({"speed": 1.0}))
    assert updates(wire) == []  # It has been in force all the time.


def test_a_refused_value_is_not_tried_again_on_the_next_connection() -> None:
    wire = strict()
    (first,) = updates(wire)
    refuse(wire, first, "session.audio.output.voice")
    wire.hear(s.session_updated())
    wire.lose()
    updates(wire)
    wire.connect()
    (again,) = updates(wire)
    assert "output" not in again["session"]["audio"]


def test_where_the_instructions_are_refused_nobody_speaks() -> None:
    wire = strict()
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    (first,) = updates(wire)
    refuse(wire, first, "session.instructions")
    wire.hear(s.session_updated())
    wire.pass_time(60.0)
    assert creates(wire) == 0
    wire.ask(i.RealtimeModelSendUserInput("Hello?"))
    assert creates(wire) == 0
    told = [event.error for event in wire.events("error") if isinstance(event.error, SetUpRefusedError)]
    assert len(told) == 2  # when it happened, and to the one who asked after that
    assert told[0].parameter == "session.instructions"


def test_where_the_instructions_are_refused_the_servers_own_response_is_cancelled_and_not_heard() -> None:
    wire = strict({"instructions": "x"})
    (first,) = updates(wire)
    refuse(wire, first, "session.instructions")
    wire.hear(*speaking())
    assert [event["type"] for event in wire.sent][-2:] != []
    assert "response.cancel" in wire.types()
    assert wire.events("audio") == []


def test_other_instructions_end_that_silence() -> None:
    wire = strict({"instructions": "x"})
    (first,) = updates(wire)
    refuse(wire, first, "session.instructions")
    wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": "y"}))
    wire.hear(s.session_updated())
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    assert creates(wire) == 1


def test_a_server_that_never_confirms_is_waited_for_once_and_it_is_told() -> None:
    wire = strict()
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    wire.pass_time(DUE["set_up"].within_s - 0.1)
    assert creates(wire) == 0
    wire.pass_time(0.1)
    assert creates(wire) == 1
    assert [type(event.error) for event in wire.events("error")] == [NotConfirmedError]
    # From now on it is known: neither a change nor the next connection waits.
    wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": "New."}))
    assert len(updates(wire)) == 2
    wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": "New."}))
    assert updates(wire) == []
    wire.lose()
    wire.connect()
    assert creates(wire) == 1
    assert len(wire.events("error")) == 1


def test_a_server_that_never_confirms_may_still_refuse() -> None:
    wire = strict()
    wire.pass_time(DUE["set_up"].within_s)
    wire.types()
    wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": "New.", "speed": 9.0}))
    (update,) = updates(wire)
    refuse(wire, update, "session.audio.output.speed")
    (rest,) = updates(wire)
    assert rest["session"] == {"type": "realtime", "instructions": "New."}


def test_a_server_that_has_confirmed_before_and_does_not_any_more_is_left() -> None:
    wire = Wire(SETTINGS)
    wire.lose()
    wire.confirms = False
    wire.connect()
    wire.pass_time(DUE["set_up"].within_s)
    assert "session.updated" in str(wire.protocol.must_reconnect)


def test_a_fatal_code_that_names_a_setting_is_a_refused_setting() -> None:
    wire = strict()
    (first,) = updates(wire)
    refuse(wire, first, "session.audio.input.transcription.model", "model_not_found")
    assert wire.protocol.refusal is None
    assert refusals(wire) == ["session.audio.input.transcription.model"]


def test_settings_that_are_not_json_are_refused_at_once_and_do_not_stay() -> None:
    wire = Wire({"instructions": "a"})
    with pytest.raises(UserError, match="JSON"):
        wire.ask(i.RealtimeModelSendSessionUpdate({"tool_choice": {"type": object()}}))
    wire.lose()
    wire.types()
    wire.connect()
    (again,) = updates(wire)
    assert again["session"] == {"type": "realtime", "instructions": "a"}


# What the server says that it has.


def changes(wire: Wire) -> list[tuple[str, str]]:
    errors = [event.error for event in wire.events("error")]
    return [(e.parameter, e.difference) for e in errors if isinstance(e, SettingChangedError)]


SPOKEN: dict[str, Any] = {
    "instructions": "Be the speaker.",
    "tools": TOOLS,
    "turn_detection": {"type": "semantic_vad"},
    "voice": "marin",
    "speed": 1.25,
}


@pytest.mark.parametrize(
    ("account", "told"),
    [
        (
            {"audio": {"output": {"voice": "alloy"}}},
            ("audio.output.voice", '"alloy" in the place of "marin"'),
        ),
        ({"audio": {"output": {"speed": 1.0}}}, ("audio.output.speed", "1.0 in the place of 1.25")),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}},
            ("audio.input.turn_detection", '"server_vad" in the place of "semantic_vad"'),
        ),
        (
            {"audio": {"input": {"turn_detection": None}}},
            ("audio.input.turn_detection", 'null in the place of "semantic_vad"'),
        ),
        ({"tools": [TOOLS[0]]}, ("tools", "without bad, timer")),
    ],
)
def test_what_the_server_has_otherwise_than_it_was_sent_is_told_by_name_once(
    account: dict[str, Any], told: tuple[str, str]
) -> None:
    wire = strict(SPOKEN)
    for _ in range(2):
        wire.hear({"type": "session.updated", "session": account})
        assert changes(wire) == [(f"session.{told[0]}", told[1])]
        assert wire.protocol._state.settings.unconfirmed_since is None
        wire.types()
        wire.ask(i.RealtimeModelSendSessionUpdate(SPOKEN))  # type: ignore[arg-type]  # a dict of settings
        assert wire.types() == []
        wire.lose()
        wire.connect()


@pytest.mark.parametrize(
    "account",
    [
        {},
        {"instructions": "", "max_output_tokens": "inf"},
        {"audio": {"output": {"voice": "Marin", "speed": 1.2500001}}},
        {"audio": {"output": {"voice": {"id": "marin"}, "speed": None}, "input": {"turn_detection": {}}}},
        {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "auto"}}}},
        {"tools": [*reversed(TOOLS), {"type": "mcp", "server_label": "shop"}]},
        {"tools": [{"type": "function", "function": {"name": tool["name"]}} for tool in TOOLS]},
        {"tools": None, "audio": None},
    ],
)
def test_a_server_that_says_less_or_says_it_in_its_own_way_has_changed_nothing(
    account: dict[str, Any],
) -> None:
    wire = strict(SPOKEN)
    wire.hear({"type": "session.updated", "session": account})
    assert wire.events("error") == []


def test_a_refusal_revokes_what_a_confirmation_that_came_twice_was_taken_for() -> None:
    wire = strict({"instructions": "Be the speaker."})
    wire.hear(s.session_updated())
    brief = i.RealtimeModelSendSessionUpdate({"instructions": "Be brief."})
    limited = i.RealtimeModelSendSessionUpdate({"max_output_tokens": 5})
    updates(wire)
    wire.ask(brief, limited)
    (_, second) = updates(wire)
    wire.hear(s.session_updated(), s.session_updated())
    refuse(wire, second, None)
    assert refusals(wire) == ["session.max_output_tokens"]
    wire.ask(limited)
    assert [update["session"]["max_output_tokens"] for update in updates(wire)] == [5]


def test_a_confirmation_that_nothing_waits_for_says_nothing_about_the_server() -> None:
    wire = strict({})
    wire.hear(s.session_updated())
    wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": "Be brief."}))
    wire.pass_time(DUE["update"].within_s)
    assert wire.protocol.must_reconnect is None
    assert [type(event.error) for event in wire.events("error")] == [NotConfirmedError]
