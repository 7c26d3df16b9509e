"""Whose turn it is to get a response, and a connection that breaks."""

from __future__ import annotations

from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Close, CutFrame, Drop, Expect, Raw, Refuse
from tests.realtime.wire.case import (
    Audio,
    Case,
    Fails,
    Handshake,
    History,
    Method,
    Plays,
    Saw,
    SawInOrder,
    Say,
    SendRaw,
    Sent,
    SentInOrder,
    Until,
)
from tests.realtime.wire.cases_tools import _agent, get_time_slowly

_CREATE = Expect("response.create")
_ITEM = Expect("conversation.item.create")
_ACTIVE = "conversation_already_has_active_response"
_OUTPUT = Expect("conversation.item.create", lambda e: e["item"]["type"] == "function_call_output")


def _refused(event: Any) -> list[Any]:
    return [s.error(_ACTIVE, event_id=event.get("event_id"))]


def _confirmed(event: Any) -> list[Any]:
    text = event["item"]["content"][0]["text"]
    return s.user_text(event["item"].get("id", "item_u"), text)


_SAY = Expect("conversation.item.create", then=_confirmed)
_BACK = s.spoken_response("resp_2", "item_2", "Here I am again.", 300)


def _breaks(name: str, *steps: Any, then: Any = (_CREATE, *_BACK), **more: Any) -> Case:
    """The connection ends like this before the reply; on the next one the user is answered."""
    return Case(
        name,
        [_SAY, _CREATE, *steps],
        [Say("Hello"), Until("audio", {"item_id": "item_2"}, count=3)],
        more_scripts=[list(then)],
        expect=[
            Plays("item_2", 300),
            Sent("session.update", {"session": {"instructions": "Be there."}}, times=2),
            Sent(
                "conversation.item.create",
                {"item": {"role": "user", "content": [{"text": "Hello"}]}},
                times=2,
            ),
            Saw("connection", {"status": "reconnecting"}),
        ],
        settings={"instructions": "Be there.", "voice": "ash"},
        point=11,
        **more,
    )


CASES = [
    # The sequencer.
    Case(
        "a second message waits for the first reply",
        [
            _CREATE,
            s.response_created(),
            _ITEM,
            *s.spoken_response()[1:],
            _CREATE,
            *s.spoken_response("resp_2", "item_2"),
        ],
        [Say("One"), Until("agent_start"), Say("Two"), Until("agent_end", count=2)],
        expect=[Sent("response.create", times=2), Plays("item_1", 400), Plays("item_2", 400)],
    ),
    Case(
        "a refused request is sent again once, after the running response",
        [
            Expect("response.create", then=lambda e: [s.response_created("resp_vad"), *_refused(e)]),
            *s.spoken_response("resp_vad", "item_1", ms=200)[1:],
            _CREATE,
            *s.spoken_response("resp_2", "item_2", ms=300),
        ],
        [Say("Hello"), Until("agent_end", count=2)],
        expect=[Sent("response.create", times=2), Plays("item_1", 200), Plays("item_2", 300)],
        point=10,
    ),
    Case(
        "a request refused by a server that names no event is sent again once",
        [
            Expect(
                "response.create",
                then=lambda _e: [s.response_created("resp_vad"), s.error(None, "busy", kind=_ACTIVE)],
            ),
            *s.spoken_response("resp_vad", "item_1", ms=200)[1:],
            _CREATE,
            *s.spoken_response("resp_2", "item_2", ms=300),
        ],
        [Say("Hello"), Until("agent_end", count=2)],
        expect=[Sent("response.create", times=2), Plays("item_2", 300)],
        point=10,
    ),
    Case(
        "a tool's reply refused for a response of the server's own is not lost",
        [
            _CREATE,
            *s.call_response("resp_1", "get_time_slowly"),
            _OUTPUT,
            Expect("response.create", then=lambda e: [s.response_created("resp_vad"), *_refused(e)]),
            *s.spoken_response("resp_vad", "item_1", ms=200)[1:],
            _CREATE,
            *s.spoken_response("resp_2", "item_2", ms=300),
        ],
        [Say("Time?"), Until("agent_end", count=3)],
        agent=_agent(get_time_slowly),
        expect=[Sent("response.create", times=3), Plays("item_2", 300)],
        point=10,
    ),
    Case(
        "messages that wait together are answered by one reply",
        [
            _CREATE,
            s.response_created(),
            _ITEM,
            _ITEM,
            *s.spoken_response()[1:],
            _CREATE,
            *s.spoken_response("resp_2", "item_2"),
        ],
        [Say("One"), Until("agent_start"), Say("Two"), Say("Three"), Until("agent_end", count=2)],
        expect=[Sent("response.create", times=2), Sent("conversation.item.create", times=3)],
    ),
    Case(
        "an out-of-band request does not wait",
        [
            _CREATE,
            s.response_created(),
            _CREATE,
            *s.written_response("resp_aside", "item_aside", "aside", out_of_band=True, metadata={"k": "v"}),
            *s.spoken_response()[1:],
        ],
        [
            Say("One"),
            Until("agent_start"),
            SendRaw(
                {
                    "type": "response.create",
                    "other_data": {
                        "response": {
                            "conversation": "none",
                            "metadata": {"k": "v"},
                            "output_modalities": ["text"],
                        }
                    },
                }
            ),
            Until("agent_end", count=2),
        ],
        expect=[Plays("item_1", 400), Sent("response.create", times=2)],
    ),
    Case(
        "another error for a request lets the next one through",
        [
            Expect(
                "response.create", then=lambda e: [s.error("invalid_value", "no", event_id=e.get("event_id"))]
            ),
            _CREATE,
            *s.spoken_response(),
        ],
        [Say("One"), Until("error"), Say("Two"), Until("agent_end")],
        expect=[Saw("error", {"code": "invalid_value"}), Plays("item_1", 400)],
    ),
    Case(
        "a reply does not begin while the user speaks",
        [
            _CREATE,
            s.response_created(),
            _ITEM,
            s.speech_started(),
            s.response_done(status="cancelled", reason="turn_detected"),
            s.speech_stopped(),
            *s.committed(),
            *s.spoken_response("resp_vad", "item_vad", ms=200),
            _CREATE,
            *s.spoken_response("resp_2", "item_2", ms=300),
        ],
        [Say("One"), Until("agent_start"), Say("Two"), Until("audio", {"item_id": "item_2"}, count=3)],
        settings={"turn_detection": {"type": "server_vad", "create_response": False}},
        expect=[Plays("item_2", 300)],
    ),
    # Breaking connections.
    _breaks("the server drops the connection", Drop()),
    _breaks("the session of greatest age ends cleanly", Close(1001, "maximum duration")),
    _breaks("the server closes without a reason", Close(1000)),
    _breaks("an internal error closes it", Close(1011, "internal")),
    _breaks("a service restart closes it", Close(1012)),
    _breaks("a policy closes it", Close(1008, "slow down")),
    _breaks("a frame is cut off in the middle", CutFrame(s.spoken_response()[6])),
    _breaks(
        "the session is told to have expired",
        s.error("session_expired", "60 minutes"),
        Expect("never", within_s=3.0),
    ),
    _breaks("it breaks when the response was created", s.response_created(), Drop()),
    _breaks(
        "it breaks when the item was begun", s.response_created(), *s.spoken_begin("resp_1", "item_1"), Drop()
    ),
    Case(
        "the server is away for a while",
        [_SAY, _CREATE, Drop()],
        [Say("Hello"), Until("audio", {"item_id": "item_2"}, count=3)],
        more_scripts=[[Refuse(503)], [Refuse(500, "starting")], [_CREATE, *_BACK]],
        expect=[Plays("item_2", 300), Saw("connection", {"status": "reconnecting"}, times=3)],
        point=11,
    ),
    Case(
        "what was said is told to the next connection as text",
        [_SAY, _CREATE, *s.spoken_response(text="Good morning."), Drop()],
        [
            Say("Hello"),
            Until("agent_end"),
            Until("connection", {"status": "connected"}, count=2),
            Say("And now?"),
            Until("agent_end", count=2),
        ],
        more_scripts=[
            [
                Expect(
                    "conversation.item.create",
                    lambda e: e["item"]["content"][0]["text"] == "And now?",
                    then=_confirmed,
                ),
                _CREATE,
                *_BACK,
            ]
        ],
        expect=[
            SentInOrder(
                (
                    "response.create",
                    "session.update",
                    {
                        "type": "conversation.item.create",
                        "item": {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
                    },
                    {
                        "type": "conversation.item.create",
                        "item": {
                            "role": "assistant",
                            "content": [{"type": "output_text", "text": "Good morning."}],
                        },
                    },
                    {
                        "type": "conversation.item.create",
                        "item": {"role": "user", "content": [{"text": "And now?"}]},
                    },
                    "response.create",
                )
            ),
            Sent("response.create", times=2),
            History(
                (
                    ("user", "Hello"),
                    ("assistant", "Good morning."),
                    ("user", "And now?"),
                    ("assistant", "Here I am again."),
                )
            ),
        ],
        settings={"instructions": "x"},
        point=11,
    ),
    Case(
        "spoken words are told to the next connection as text",
        [Expect("input_audio_buffer.append"), *s.heard(transcript="Lights on"), *s.spoken_response(), Drop()],
        [
            Audio(100),
            Until("connection", {"status": "connected"}, count=2),
            Say("Thanks"),
            Until("agent_end", count=2),
        ],
        more_scripts=[[_CREATE, *_BACK]],
        expect=[
            Sent(
                "conversation.item.create",
                {"item": {"role": "user", "content": [{"type": "input_text", "text": "Lights on"}]}},
                times=1,
            )
        ],
        point=11,
    ),
    Case(
        "a turn committed and not answered is said again",
        [Expect("input_audio_buffer.commit"), *s.committed(), _CREATE, Drop()],
        [Audio(200, commit=True), Method("respond"), Until("audio", {"item_id": "item_2"}, count=3)],
        more_scripts=[[Expect("input_audio_buffer.commit"), *s.committed("item_again"), _CREATE, *_BACK]],
        settings={"turn_detection": None},
        expect=[
            Sent("input_audio_buffer.append", times=2),
            Sent("input_audio_buffer.commit", times=2),
            Plays("item_2", 300),
        ],
        point=11,
        ours_only=True,
    ),
    Case(
        "a reply that was begun is not spoken again",
        [_SAY, _CREATE, *s.spoken_response()[:8], Drop()],
        [
            Say("Hello"),
            Until("connection", {"status": "connected"}, count=2),
            Say("Go on"),
            Until("audio", {"item_id": "item_2"}, count=3),
        ],
        more_scripts=[[_CREATE, *_BACK]],
        expect=[
            Sent("response.create", times=2),
            Plays("item_2", 300),
            Saw("agent_end", {"status": "incomplete"}, times=1),
        ],
        point=11,
    ),
    Case(
        "a tool that runs while it breaks answers on the next one",
        [_CREATE, *s.call_response("resp_1", "get_time_slowly"), Drop()],
        [Say("Time?"), Until("audio", {"item_id": "item_2"}, count=3)],
        more_scripts=[[_OUTPUT, _CREATE, *_BACK]],
        agent=_agent(get_time_slowly),
        expect=[
            SentInOrder(
                (
                    {
                        "type": "conversation.item.create",
                        "item": {"type": "function_call", "call_id": "call_1"},
                    },
                    {
                        "type": "conversation.item.create",
                        "item": {"type": "function_call_output", "output": "noon in UTC"},
                    },
                    "response.create",
                )
            ),
            Sent("response.create", times=2),
        ],
        point=11,
    ),
    Case(
        "a message sent while it is away arrives",
        [Expect("session.update"), Drop()],
        [
            Until("connection", {"status": "reconnecting"}),
            Say("Are you there?"),
            Audio(40),
            Until("audio", {"item_id": "item_2"}, count=3),
        ],
        more_scripts=[[Expect("input_audio_buffer.append"), _CREATE, *_BACK]],
        settings={"instructions": "x", "turn_detection": None},
        expect=[
            Sent("conversation.item.create", {"item": {"content": [{"text": "Are you there?"}]}}),
            Plays("item_2", 300),
        ],
        point=11,
    ),
    Case(
        "settings changed by the program hold after it breaks",
        [Expect("session.update"), s.session_updated(), Expect("session.update"), Drop()],
        [
            SendRaw(
                {
                    "type": "session.update",
                    "other_data": {"session": {"type": "realtime", "instructions": "Raw."}},
                }
            ),
            Until("connection", {"status": "connected"}, count=2),
        ],
        more_scripts=[[Expect("session.update")]],
        settings={"instructions": "Old."},
        expect=[
            SentInOrder(
                (
                    {"session": {"instructions": "Old."}},
                    {"session": {"instructions": "Raw."}},
                    {"session": {"instructions": "Raw."}},
                )
            )
        ],
        point=11,
    ),
    # The end.
    Case(
        "a bad key at the handshake is told, and not tried again",
        [Refuse(401, "bad key")],
        expect=[Fails("401")],
        point=11,
    ),
    Case(
        "an unknown model at the handshake is told",
        [Refuse(404, "no such model")],
        expect=[Fails("404")],
        point=11,
    ),
    Case(
        "an account without money ends the session with the reason",
        [_CREATE, s.error("insufficient_quota", "no money"), Close(1008)],
        [Say("Hello")],
        expect=[Fails("no money"), Saw("error", {"code": "insufficient_quota"}), Handshake(count=1)],
        to_the_end=False,
        point=11,
    ),
    Case(
        "a refusing close code ends the session with the reason",
        [_CREATE, Close(4000, "beta API is gone")],
        [Say("Hello")],
        expect=[Fails("beta API is gone"), Handshake(count=1)],
        to_the_end=False,
        point=11,
    ),
    Case(
        "events before the end are not lost",
        [_CREATE, *s.spoken_response(), s.error("invalid_api_key", "expired key"), Close(1008)],
        [Say("Hello")],
        expect=[Fails("expired key"), Plays("item_1", 400), SawInOrder(("agent_end", "error"))],
        to_the_end=False,
        point=9,
    ),
    Case(
        "invalid UTF-8 breaks the connection, and it heals",
        [_SAY, _CREATE, Raw(b"\xff\xfe")],
        [Say("Hello"), Until("audio", {"item_id": "item_2"}, count=3)],
        more_scripts=[[_CREATE, *_BACK]],
        expect=[Plays("item_2", 300)],
        point=9,
    ),
]
