"""Session events as dialogue facts."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.daemon.session.event_translation import EventTranslator, details_of, session_error
from speakerd.dialogue.events import (
    ApprovalNeeded,
    Connected,
    ConnectionLost,
    NoReplyDue,
    ResponseEnded,
    ResponseStarted,
    ServerSpeechStarted,
    ServerSpeechStopped,
    SessionError,
    ToolEnded,
    ToolStarted,
    TurnCommitted,
)
from speakerd.dialogue.triggers import error_trigger
from speakerd.realtime import RealtimeAgent, function_tool
from speakerd.realtime.agents import ToolFailureText
from speakerd.realtime.errors import (
    BadFrameError,
    NoAnswerError,
    SettingRefusedError,
    SetUpRefusedError,
    UnknownToolError,
)
from speakerd.realtime.run_context import RunContextWrapper
from speakerd.realtime.session.events import (
    RealtimeAgentEndEvent,
    RealtimeAgentStartEvent,
    RealtimeConnection,
    RealtimeError,
    RealtimeEventInfo,
    RealtimeInputAudioCommitted,
    RealtimeNoReplyDue,
    RealtimeSpeechStarted,
    RealtimeSpeechStopped,
    RealtimeToolApprovalRequired,
    RealtimeToolEnd,
    RealtimeToolStart,
    RealtimeUsage,
)
from speakerd.realtime.usage import Usage

INFO = RealtimeEventInfo(RunContextWrapper(None))
AGENT: RealtimeAgent[Any] = RealtimeAgent(name="a")


@function_tool
def noop() -> str:
    """Do nothing."""
    return ""


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (RealtimeAgentStartEvent(AGENT, INFO, "r"), ResponseStarted("r")),
        (
            RealtimeAgentEndEvent(AGENT, INFO, "r", "cancelled"),
            ResponseEnded("r", "cancelled", had_audio=False),
        ),
        (
            RealtimeAgentEndEvent(AGENT, INFO, "r", "in_progress"),
            ResponseEnded("r", "incomplete", had_audio=False),
        ),
        (RealtimeConnection("connected", None, INFO), Connected()),
        (RealtimeConnection("reconnecting", "gone", INFO), ConnectionLost("gone")),
        (RealtimeSpeechStarted(INFO), ServerSpeechStarted()),
        (RealtimeSpeechStopped(INFO), ServerSpeechStopped()),
        (RealtimeInputAudioCommitted(INFO), TurnCommitted()),
        (RealtimeToolStart(AGENT, noop, INFO, call_id="c"), ToolStarted("noop", "c")),
        (RealtimeToolEnd(AGENT, noop, "", INFO, call_id="c"), ToolEnded("noop", "c")),
        (RealtimeNoReplyDue(INFO, "r"), NoReplyDue("r")),
        (RealtimeToolApprovalRequired(AGENT, noop, "c", "{}", INFO), ApprovalNeeded("c", "noop")),
        (RealtimeError({"code": "insufficient_quota", "message": "m"}, INFO), SessionError("account", "m")),
    ],
)
def test_each_event_is_one_fact(event: Any, fact: object) -> None:
    assert EventTranslator().of(event) == (fact,)


def test_the_end_of_a_response_says_how_many_tools_it_called() -> None:
    ended = EventTranslator().of(
        RealtimeAgentEndEvent(AGENT, INFO, "r", "completed", had_audio=True, tool_calls=2)
    )
    assert ended == (ResponseEnded("r", "completed", had_audio=True, tool_calls=2),)


def test_tools_that_run_when_the_session_ends_end_with_it() -> None:
    facts = EventTranslator()
    for call_id in ("c1", "c2"):
        facts.of(RealtimeToolStart(AGENT, noop, INFO, call_id=call_id))
    facts.of(RealtimeToolEnd(AGENT, noop, "", INFO, call_id="c1"))
    assert facts.at_end() == (ToolEnded("noop", "c2", reply_due=False),)
    assert facts.at_end() == ()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadFrameError("not JSON", "{"), "internal"),
        (UnknownToolError("fly", "a"), "tool"),
        (SettingRefusedError("session.audio.output.voice", "no such voice"), "notice"),
        (NoAnswerError("nothing came"), "server"),
        (SetUpRefusedError("session.instructions", "too long"), "account"),
    ],
)
def test_exceptions_of_the_session_are_told_apart_too(error: Exception, kind: str) -> None:
    assert session_error(error).kind == kind


@pytest.mark.parametrize("about", ["transcription", "aside"])
@pytest.mark.parametrize("code", ["insufficient_quota", "server_error", "rate_limit_exceeded"])
def test_what_the_conversation_does_not_need_ends_none(about: Any, code: str) -> None:
    kind = session_error({"code": code, "message": "m"}, about).kind
    assert error_trigger(kind) == "noted"


@pytest.mark.parametrize(
    ("reason", "word"),
    [("max_output_tokens", "max_output_tokens"), (None, ""), ("Tell me, dear", ""), ("x" * 65, "")],
)
def test_a_reason_is_told_if_it_is_one_word(reason: str | None, word: str) -> None:
    (ended,) = EventTranslator().of(RealtimeAgentEndEvent(AGENT, INFO, "r", "incomplete", reason))
    assert isinstance(ended, ResponseEnded)
    assert ended.reason == word


def test_out_of_band_responses_are_nobodys_turn() -> None:
    facts = EventTranslator()
    assert facts.of(RealtimeAgentStartEvent(AGENT, INFO, "r", out_of_band=True)) == ()
    assert facts.of(RealtimeAgentEndEvent(AGENT, INFO, "r", "completed", out_of_band=True)) == ()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "invalid_api_key"}, "account"),
        ({"code": "billing_hard_limit_reached"}, "account"),
        ({"code": "rate_limit_exceeded"}, "rate_limit"),
        ({"code": "input_audio_buffer_commit_empty"}, "empty_turn"),
        ({"type": "server_error"}, "server"),
        ({"type": "server_error", "code": "odd"}, "server"),
        ({"type": "invalid_request_error"}, "request"),
        ({}, "request"),
        (ValueError("ours"), "internal"),
    ],
)
def test_errors_are_told_apart_by_what_they_mean_to_a_person(error: object, kind: str) -> None:
    assert session_error(error).kind == kind


def test_a_setting_that_the_server_refuses_is_told_by_its_name_here() -> None:
    refused = RealtimeError(SettingRefusedError("session.audio.output.voice", "no such voice"), INFO)
    assert details_of(refused) == (
        (
            "setting_refused",
            {
                "setting": "model.voice",
                "parameter": "session.audio.output.voice",
                "message": "no such voice",
                "speaks_on": True,
            },
        ),
    )


def test_details_hold_nothing_that_anyone_said() -> None:
    usage = RealtimeUsage(Usage(requests=1, total_tokens=7), Usage(), INFO)
    ((name, fields),) = details_of(usage)
    assert (name, fields["total_tokens"]) == ("usage", 7)
    assert details_of(RealtimeToolStart(AGENT, noop, INFO, '{"secret": 1}')) == (
        ("tool_start", {"tool": "noop"}),
    )
    assert details_of(RealtimeToolEnd(AGENT, noop, "secret", INFO)) == (("tool_end", {"tool": "noop"}),)
    failure = ToolFailureText("a secret failed")
    assert details_of(RealtimeToolEnd(AGENT, noop, failure, INFO)) == (("tool_failed", {"tool": "noop"}),)
    ((name, fields),) = details_of(RealtimeConnection("reconnecting", "gone", INFO))
    assert (name, fields) == ("connection", {"status": "reconnecting", "reason": "gone"})
    ((name, fields),) = details_of(RealtimeError({"type": "server_error", "message": "m"}, INFO))
    assert fields == {"kind": "server", "message": "m"}
    assert details_of(RealtimeSpeechStarted(INFO)) == ()
