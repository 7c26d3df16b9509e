"""Whatever a client sends, in whatever order: the session lives, and its events stay valid and in order."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.offline.talk import Talk, base64_of, silence
from tests.offline.test_turns import recording
from tests.realtime.client_events import CLIENT_EVENTS

SPEECH = recording("goforward.wav")[: 48 * 2200]
IDS = st.sampled_from(["mine", "other", "nobody", "root", "item_t000004", "resp_t000010", ""])
TOOLS = [{"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
messages = st.builds(
    lambda text, item_id: {
        "type": "message",
        "role": "user",
        "id": item_id,
        "content": [{"type": "input_text", "text": text}],
    },
    st.sampled_from(["what time is it", "help", "", "set a timer for five minutes", "zzz"]),
    IDS,
)
sessions = st.fixed_dictionaries(
    {"type": st.just("realtime")},
    optional={
        "tools": st.sampled_from([[], TOOLS]),
        "output_modalities": st.sampled_from([["audio"], ["text"]]),
        "audio": st.sampled_from(
            [
                {"input": {"turn_detection": None}},
                {"input": {"turn_detection": {"type": "server_vad"}}},
                {"input": {"turn_detection": {"type": "semantic_vad", "interrupt_response": False}}},
                {"output": {"voice": "marin"}},
                {"output": {"speed": 1.5}},
            ]
        ),
        "max_output_tokens": st.sampled_from([1, 50, "inf"]),
        "nonsense": json_values,
    },
)
responses = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none"]),
        "metadata": json_values,
        "output_modalities": st.sampled_from([["audio"], ["text"]]),
        "input": st.lists(
            messages | st.builds(lambda i: {"type": "item_reference", "id": i}, IDS), max_size=2
        ),
    },
)


def event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


steps = st.one_of(
    event("session.update", session=sessions),
    event("input_audio_buffer.append", audio=st.sampled_from([base64_of(silence(n)) for n in (0, 30, 700)] + [base64_of(SPEECH)])),
    event("input_audio_buffer.commit"),
    event("input_audio_buffer.clear"),
    event("conversation.item.create", item=messages),
    event("conversation.item.retrieve", item_id=IDS),
    event("conversation.item.truncate", item_id=IDS, content_index=st.integers(0, 1), audio_end_ms=st.integers(0, 500)),
    event("conversation.item.delete", item_id=IDS),
    event("response.create", response=responses),
    event("response.create"),
    event("response.cancel"),
    event("response.cancel", response_id=IDS),
    st.sampled_from(["hear", "speak", "speak on", "fail to speak", "wait", "fail to hear"]),
    json_values,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(script=st.lists(steps, max_size=25))
def test_no_order_of_events_breaks_a_session(script: list[Any]) -> None:
    talk = Talk("go forward ten meters", "what time is it")
    talk.hears_at_once = talk.speaks_at_once = False
    for step in script:
        perform(talk, step)
    while talk.waiting_utterances:
        talk.hear()
    talk.speaks_at_once = True
    while talk.waiting_speech:
        talk.speak()
    talk.settle()
    check_order(talk.events)


def perform(talk: Talk, step: Any) -> None:
    """A client's event, or something that happens in the house."""
    if step == "hear" and talk.waiting_utterances:
        talk.hear()
    elif step == "fail to hear" and talk.waiting_utterances:
        talk.perform(talk.protocol.recognition_failed(talk.waiting_utterances.pop(0), "broken", talk.now))
    elif step in ("speak", "speak on") and talk.waiting_speech:
        talk.speak(end=step == "speak")
    elif step == "fail to speak" and talk.waiting_speech:
        talk.speak(error="broken")
    elif step == "wait":
        talk.wait(0.3)
    else:
        talk.send_raw(json.dumps(step))


def check_order(events: list[dict[str, Any]]) -> None:
    """Every response begins once and ends once; nothing of it comes after its end; one writes at a time."""
    running: set[str] = set()
    over: set[str] = set()
    for event in events:
        kind = event["type"]
        response_id = event.get("response_id") or event.get("response", {}).get("id")
        if kind == "response.created":
            assert response_id not in running | over
            running.add(response_id)
        elif kind == "response.done":
            running.remove(response_id)
            over.add(response_id)
        elif response_id is not None:
            assert response_id in running, f"{kind} of a response that does not run"
    assert not running, "every response ends"
    ids = [event["event_id"] for event in events]
    assert len(set(ids)) == len(ids)


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200) | json_values.map(json.dumps))
def test_no_frame_breaks_a_session(data: bytes | str) -> None:
    talk = Talk()
    talk.send_raw(data)
    assert talk.ask("thanks")[-1]["type"] == "response.done"


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(sorted(CLIENT_EVENTS)), fields=st.dictionaries(
    st.sampled_from(["session", "audio", "item", "item_id", "previous_item_id", "response", "content_index", "audio_end_ms"]),
    json_values, max_size=4))  # fmt: skip
def test_no_values_of_a_known_event_break_a_session(kind: str, fields: dict[str, Any]) -> None:
    talk = Talk()
    talk.send_raw(json.dumps({"type": kind, **fields}))
    talk.settle()
    assert talk.send("input_audio_buffer.clear")
