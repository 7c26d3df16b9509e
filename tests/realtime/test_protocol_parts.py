"""The small pure files around the protocol: addresses, client events, settings, what is kept, what is replayed."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from speakerd.realtime import event_names as names
from speakerd.realtime.errors import (
    BadFrameError,
    ConnectFailedError,
    ConnectRefusedError,
    NotConnectedError,
    RealtimeLayerError,
    ToolTimeoutError,
    UserError,
)
from speakerd.realtime.items import (
    AssistantAudio,
    AssistantMessageItem,
    InputAudio,
    InputImage,
    InputText,
    RealtimeItem,
    RealtimeToolCallItem,
    SystemMessageItem,
    UserMessageItem,
)
from speakerd.realtime.model import DEFAULT_URL, bytes_per_ms
from speakerd.realtime.model.audio_format import FORMATS
from speakerd.realtime.transport import url as address
from speakerd.realtime.wire import resend_buffer as resend
from speakerd.realtime.wire.encoding import EventIds, appends, audio_message, encode, user_message
from speakerd.realtime.wire.history_replay import MAX_REPLAY_CHARS, replay_items
from speakerd.realtime.wire.parsing import count, usage_from_wire
from speakerd.realtime.wire.resend_buffer import PendingItem, ResendBuffer, SpokenTurn
from speakerd.realtime.wire.session_settings import SessionSettings, to_paths, to_session
from tests.realtime.client_events import CLIENT_EVENTS
from tests.realtime.validation import validate_client_event

# Names.


def test_all_names_are_listed_and_distinct() -> None:
    constants = {value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)}
    assert {name for name in constants if "." in name or name == "error"} == (
        CLIENT_EVENTS | names.SERVER_EVENTS
    )
    assert not CLIENT_EVENTS & names.SERVER_EVENTS
    assert {
        name for name in names.SERVER_EVENTS if name.startswith("response.output_") and "item" not in name
    } == (set(names.BETA_ALIASES.values()))
    assert not names.BETA_ALIASES.keys() & names.SERVER_EVENTS


def test_beta_names_are_read_as_current_ones() -> None:
    assert names.canonical("response.audio.delta") == names.AUDIO_DELTA
    assert names.canonical("something.else") == "something.else"


# Addresses.


def test_the_hosted_service_is_the_default() -> None:
    assert address.model_url(None, None, None) == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"
    assert address.model_url(None, "gpt x/y", None).endswith("?model=gpt%20x%2Fy")
    assert address.model_url(None, "m", "rtc_1").endswith("?call_id=rtc_1")


def test_a_given_address_is_kept_and_a_call_added() -> None:
    azure = "wss://r.openai.azure.com/openai/v1/realtime?model=d"
    assert address.model_url(azure, "other", None) == azure
    assert address.model_url(azure, None, "c1") == f"{azure}&call_id=c1"
    assert address.model_url("ws://h/p", None, "c1") == "ws://h/p?call_id=c1"
    assert address.model_url("ws://h/p?call_id=c0", None, "c1") == "ws://h/p?call_id=c0"


@pytest.mark.parametrize("url", ["http://host/", "host", "ws://", ""])
def test_what_is_no_websocket_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="ws://"):
        address.model_url(url, None, None)


def test_which_addresses_name_their_model() -> None:
    assert address.names_the_model("wss://h/?model=x")
    assert not address.names_the_model("wss://h/?voice=x")


def test_headers() -> None:
    assert address.handshake_headers("ws://h", {"api-key": "k"}, "other") == {"api-key": "k"}
    assert address.handshake_headers("ws://h", {}, "k") == {}
    assert address.handshake_headers("ws://h", None, "k") == {"Authorization": "Bearer k"}
    assert address.handshake_headers("ws://h", None, None) == {}
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        address.handshake_headers(DEFAULT_URL, None, None)


def test_a_shown_address_hides_where_people_put_keys() -> None:
    assert (
        address.url_without_secrets("wss://me:secret@h.example:1/p?api-key=secret") == "wss://h.example:1/p"
    )


# Errors.


def test_one_root_data_in_attributes_and_advice_in_the_text() -> None:
    refused = ConnectRefusedError("wss://h", "HTTP 401", status=401, code="invalid_api_key")
    assert isinstance(refused, ConnectFailedError | PermissionError)
    assert (refused.fatal, refused.status, refused.code) == (True, 401, "invalid_api_key")
    assert "key" in str(refused)
    failed = ConnectFailedError("wss://h", "no answer")
    assert isinstance(failed, ConnectionError)
    assert not failed.fatal
    assert "network" in str(failed)
    bad = BadFrameError("not JSON", "x" * 1000)
    assert len(bad.frame) == BadFrameError.SHOWN
    assert "not JSON" in str(bad)
    assert "connect()" in str(NotConnectedError())
    late = ToolTimeoutError("clock", 2.5)
    assert isinstance(late, TimeoutError)
    assert "2.5" in str(late)
    assert all(isinstance(error, RealtimeLayerError) for error in (refused, failed, bad, late))


# Client events.


def test_an_append_is_what_a_json_encoder_would_make() -> None:
    [frame] = appends(b"\0\1\2\3", "evt_1")
    assert validate_client_event(frame) == {
        "event_id": "evt_1",
        "type": "input_audio_buffer.append",
        "audio": "AAECAw==",
    }


def test_audio_beyond_one_append_goes_in_several() -> None:
    frames = list(appends(bytes(names.MAX_APPEND_BYTES + 10), "evt_1"))
    assert len(frames) == 2
    assert json.loads(frames[1])["audio"] == "AAAAAAAAAAAAAA=="


def test_ids_are_unique_and_short() -> None:
    ids = EventIds("0123abcd")
    made = [ids.event() for _ in range(100)] + [ids.item() for _ in range(100)]
    assert len(set(made)) == 200
    assert max(map(len, made)) <= 32


def test_what_is_no_json_is_the_callers_mistake() -> None:
    with pytest.raises(UserError, match="JSON"):
        encode({"type": "x", "y": {1, 2}})


def test_a_part_of_a_message_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match="input_audio"):
        user_message({"content": [{"type": "input_audio"}]}, "i1")


def test_the_detail_of_an_image_is_kept_where_given() -> None:
    parts = [
        {"type": "input_image", "image_url": "u", "detail": "low"},
        {"type": "input_image", "image_url": "v"},
    ]
    assert user_message({"content": parts}, "i1")["content"] == parts


# Settings.


def update(settings: SessionSettings, *, audio: bool = False, turn: bool = False) -> dict[str, Any] | None:
    tables = settings.updates(has_audio=audio, in_turn=turn)
    if not tables:
        return None
    (table,) = tables
    session = to_session(table)
    validate_client_event({"type": "session.update", "session": session})
    settings.sent("e", table, 0.0)
    settings.confirmed()
    return session


def test_nothing_wanted_is_nothing_sent() -> None:
    assert update(SessionSettings()) is None


def test_only_what_differs_is_sent() -> None:
    settings = SessionSettings()
    settings.want({"instructions": "a", "voice": "ash", "tools": []})
    assert update(settings) == {
        "type": "realtime",
        "instructions": "a",
        "audio": {"output": {"voice": "ash"}},
        "tools": [],
    }
    settings.want({"instructions": "a", "voice": "ash", "tools": []})
    assert update(settings) is None
    settings.want({"instructions": "b"})
    assert update(settings) == {"type": "realtime", "instructions": "b"}


def test_the_nested_form_holds_over_the_flat_one() -> None:
    assert to_paths({"voice": "a", "audio": {"output": {"voice": "b"}}}) == {
        ("audio", "output", "voice"): "b"
    }


def test_a_locked_voice_is_kept_for_the_next_session() -> None:
    settings = SessionSettings()
    settings.want({"voice": "ash"})
    update(settings)
    settings.want({"voice": "cedar"})
    assert update(settings, audio=True) is None
    settings.connection_lost()
    assert update(settings) == {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}


def test_the_speed_waits_for_the_end_of_the_turn() -> None:
    settings = SessionSettings()
    settings.want({"speed": 1.2})
    assert update(settings, turn=True) is None
    assert update(settings) == {"type": "realtime", "audio": {"output": {"speed": 1.2}}}


def test_tracing_once_on_is_not_changed() -> None:
    settings = SessionSettings()
    settings.want({"tracing": "auto"})
    assert update(settings) == {"type": "realtime", "tracing": "auto"}
    settings.want({"tracing": None})
    assert update(settings) is None


def test_tools_and_handoffs_are_one_list_and_change_apart() -> None:
    def tool(name: str) -> dict[str, Any]:
        return {"type": "function", "name": name, "parameters": {}}

    settings = SessionSettings()
    settings.want({"tools": [tool("a")], "handoffs": [tool("to_b")]})
    assert update(settings) == {"type": "realtime", "tools": [tool("a"), tool("to_b")]}
    settings.want({"tools": []})
    assert update(settings) == {"type": "realtime", "tools": [tool("to_b")]}


def test_the_model_is_named_only_where_the_address_does_not() -> None:
    for send, expected in ((False, None), (True, {"type": "realtime", "model": "m"})):
        settings = SessionSettings(send_model=send)
        settings.want({"model_name": "m"})
        assert update(settings) == expected


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UserError, match="pcm16"):
        SessionSettings().want({"input_audio_format": "mp3"})


def test_bytes_per_millisecond() -> None:
    assert {name: bytes_per_ms(name) for name in FORMATS} == {
        "pcm16": 48.0,
        "audio/pcm": 48.0,
        "pcm": 48.0,
        "g711_ulaw": 8.0,
        "audio/pcmu": 8.0,
        "pcmu": 8.0,
        "g711_alaw": 8.0,
        "audio/pcma": 8.0,
        "pcma": 8.0,
    }
    assert [bytes_per_ms({"type": "audio/pcm", "rate": rate}) for rate in (16_000, 8000.0)] == [32.0, 16.0]
    for odd in (None, 5, "opus", {}, {"type": "audio/pcm", "rate": 0}, {"type": "audio/pcm", "rate": "24k"}):
        assert bytes_per_ms(odd) == 48.0


def test_each_format_has_one_form_on_the_wire_whatever_it_is_called() -> None:
    assert FORMATS["pcm16"] == FORMATS["audio/pcm"] == FORMATS["pcm"] == {"type": "audio/pcm", "rate": 24_000}
    assert FORMATS["g711_ulaw"] == FORMATS["audio/pcmu"] == FORMATS["pcmu"] == {"type": "audio/pcmu"}
    assert FORMATS["g711_alaw"] == FORMATS["audio/pcma"] == FORMATS["pcma"] == {"type": "audio/pcma"}


@pytest.mark.parametrize(
    ("value", "counted"), [(0, 0), (7, 7), (7.9, 7), (-1, None), (10**12, None), ("7", None), (None, None)]
)
def test_a_count_is_a_number_that_can_be_one(value: object, counted: int | None) -> None:
    assert count({"n": value}, "n") == counted


def test_counts_that_a_server_leaves_out_are_none() -> None:
    usage = usage_from_wire({"total_tokens": 3})
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (0, 0, 3)
    assert usage_from_wire({}) is None


def test_what_the_server_does_by_itself() -> None:
    settings = SessionSettings()
    assert (settings.server_detects_turns, settings.server_answers, settings.server_interrupts) == (
        True,
        True,
        True,
    )
    settings.want(
        {"turn_detection": {"type": "server_vad", "create_response": False, "interrupt_response": False}}
    )
    assert (settings.server_detects_turns, settings.server_answers, settings.server_interrupts) == (
        True,
        False,
        False,
    )
    settings.want({"turn_detection": None})
    assert (settings.server_detects_turns, settings.server_answers, settings.server_interrupts) == (
        False,
        False,
        False,
    )


def test_a_raw_update_counts_as_told_and_is_kept() -> None:
    settings = SessionSettings()
    raw = {"type": "realtime", "instructions": "r", "tools": [], "audio": {"input": {"turn_detection": None}}}
    settings.want_session(raw, "e", 0.0)
    assert update(settings) is None
    settings.connection_lost()
    assert update(settings) == raw


# What must not get lost.


def test_audio_is_kept_until_committed_and_then_as_a_turn() -> None:
    kept = ResendBuffer()
    kept.append(b"ab")
    kept.append(b"cd")
    assert kept.uncommitted == b"abcd"
    kept.commit()
    assert not kept.has_uncommitted
    assert kept.entries == (SpokenTurn(b"abcd"),)
    kept.committed("u1")
    assert kept.entries == (SpokenTurn(b"abcd", "u1"),)
    kept.transcribed("u1")
    assert not kept.entries


def test_a_turn_that_the_server_found_is_kept_too() -> None:
    kept = ResendBuffer()
    kept.append(b"ab")
    kept.committed("u1")
    kept.committed("u1")
    assert kept.entries == (SpokenTurn(b"ab", "u1"),)


def test_turns_get_their_items_in_the_order_in_which_they_were_spoken() -> None:
    kept = ResendBuffer()
    for audio in (b"ab", b"cd"):
        kept.append(audio)
        kept.commit()
    kept.append(b"ef")
    kept.committed("u1")
    assert [entry.item_id for entry in kept.entries if isinstance(entry, SpokenTurn)] == ["u1", None]
    assert kept.uncommitted == b"ef"
    kept.committed("u2")
    kept.create({"id": "i1", "type": "message"})
    kept.transcribed("u2")
    assert kept.entries == (SpokenTurn(b"ab", "u1"), PendingItem({"id": "i1", "type": "message"}))


def test_what_a_response_of_a_lost_connection_was_to_answer_is_kept_for_the_next_one() -> None:
    kept = ResendBuffer()
    kept.create({"id": "i1", "type": "message"})
    kept.seal()
    kept.connection_lost()
    kept.answered()
    assert kept.entries == (PendingItem({"id": "i1", "type": "message"}),)


def test_speech_that_is_sent_again_is_one_base64_text() -> None:
    assert audio_message(bytes(range(96)), "u1")["content"] == [
        {"type": "input_audio", "audio": b64encode(bytes(range(96))).decode()}
    ]


def test_a_cleared_buffer_and_an_empty_commit_leave_nothing() -> None:
    kept = ResendBuffer()
    kept.append(b"ab")
    kept.clear()
    kept.commit()
    kept.committed("u1")
    assert kept.entries == ()


def test_silence_before_the_speech_is_let_go() -> None:
    kept = ResendBuffer()
    for _ in range(200):
        kept.append(bytes(960))
    kept.speech_started()
    assert len(kept.uncommitted) <= resend.LEAD_IN_S * 48_000


def test_items_are_kept_until_confirmed_refused_or_answered() -> None:
    kept = ResendBuffer()
    for name in "abc":
        kept.create({"id": name, "type": "message"})
    kept.create({"id": "d", "type": "function_call_output", "call_id": "c1"})
    kept.confirmed({"id": "a"})
    kept.confirmed({"id": "other", "call_id": "c1"})
    kept.refused("b")
    assert kept.entries == (PendingItem({"id": "c", "type": "message"}),)
    kept.seal()
    kept.create({"id": "e", "type": "message"})
    kept.answered()
    assert kept.entries == (PendingItem({"id": "e", "type": "message"}),)


def test_what_is_kept_is_bounded_in_number_and_seconds() -> None:
    kept = ResendBuffer()
    for number in range(resend.MAX_ENTRIES + 5):
        kept.create({"id": str(number)})
    assert len(kept.entries) == resend.MAX_ENTRIES
    for _ in range(100):
        kept.append(bytes(48_000))
    assert len(kept.uncommitted) <= resend.MAX_AUDIO_S * 48_000
    kept.commit()
    for _ in range(5):
        kept.append(bytes(48_000 * 20))
        kept.commit()
    audio = sum(len(entry.audio) for entry in kept.entries if isinstance(entry, SpokenTurn))
    assert audio <= resend.MAX_AUDIO_S * 48_000


# Replay.

TALK: list[RealtimeItem] = [
    SystemMessageItem("s1", [InputText("It rains.")]),
    UserMessageItem("u1", [InputAudio("What is this?"), InputImage("data:x", "low")]),
    RealtimeToolCallItem("t1", "look", '{"a": 1}', output="a cat", call_id="c1"),
    RealtimeToolCallItem("t2", "look", "{broken", call_id="c2"),
    RealtimeToolCallItem("t3", "look"),
    AssistantMessageItem("a1", [AssistantAudio("A cat.", heard_ms=300)]),
    UserMessageItem("u2", [InputAudio(None)]),
]


def test_a_talk_is_told_as_text_under_its_own_ids() -> None:
    items = replay_items(TALK)
    for item in items:
        validate_client_event({"type": "conversation.item.create", "item": item})
    assert [(item["type"], item.get("id")) for item in items] == [
        ("message", "s1"),
        ("message", "u1"),
        ("function_call", "t1"),
        ("function_call_output", None),
        ("function_call", "t2"),
        ("message", "a1"),
    ]
    assert items[1]["content"] == [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "data:x", "detail": "low"},
    ]
    assert items[4]["arguments"] == "{}"
    assert items[5]["content"] == [{"type": "output_text", "text": "A cat."}]


def test_what_is_told_in_another_way_is_left_out() -> None:
    assert [item["id"] for item in replay_items(TALK[:2], {"u1"})] == ["s1"]


def test_of_a_very_long_talk_the_newest_is_told() -> None:
    talk: list[RealtimeItem] = [
        UserMessageItem(f"u{number}", [InputText("x" * 1000)]) for number in range(200)
    ]
    items = replay_items(talk)
    assert len(items) == MAX_REPLAY_CHARS // 1000
    assert items[-1]["id"] == "u199"
