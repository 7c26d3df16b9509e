"""Session events as the facts that the dialogue, the monitor and the journal need. Pure.

Out-of-band responses belong to no turn and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from speakerd.daemon.model_config import setting_of
from speakerd.dialogue import events as facts
from speakerd.realtime.agents import ToolFailureText
from speakerd.realtime.errors import (
    ModelBehaviorError,
    NoAnswerError,
    SessionNotice,
    SettingRefusedError,
    SetUpRefusedError,
)

if TYPE_CHECKING:
    from speakerd.realtime.model import ErrorSubject
    from speakerd.realtime.session import RealtimeSessionEvent

_KIND_OF_CODE: dict[str, facts.ErrorKind] = {
    "invalid_api_key": "account",
    "insufficient_quota": "account",
    "model_not_found": "account",
    "rate_limit_exceeded": "rate_limit",
    "input_audio_buffer_commit_empty": "empty_turn",
    "server_error": "server",
    "invalid_request_error": "request",
}


_WORD = re.compile(r"[a-z0-9_]{1,64}")


def error_kind(code: str) -> facts.ErrorKind:
    """Return what an error code or type of the server means to a person in the room."""
    if code.startswith("billing"):
        return "account"
    return _KIND_OF_CODE.get(code, "request")


def reason_word(reason: str | None) -> str:
    """Return a reason of the server's if it is one word, as the protocol has it: nothing that anyone said."""
    return reason if reason and _WORD.fullmatch(reason) else ""


def session_error(error: Any, about: ErrorSubject = "session") -> facts.SessionError:
    """Return the fact behind an `error` event: the server's own mapping, or an exception of ours."""
    if about == "transcription":
        # Whatever its code says: it is about the model that writes captions, not about the one that answers.
        return facts.SessionError("caption", _message(error))
    if about == "aside":
        return facts.SessionError("request", _message(error))
    fact = _fact(error)
    if about == "request" and fact.kind in ("request", "internal"):
        # Whatever its code says: there will be no answer, and the person who asked need not wait for it.
        return replace(fact, kind="server")
    return fact


def _fact(error: Any) -> facts.SessionError:
    if isinstance(error, Exception):
        return facts.SessionError(_kind_of_exception(error), str(error))
    if isinstance(error, Mapping):
        code = str(error.get("code") or "")
        kind = error_kind(code) if code else error_kind(str(error.get("type") or ""))
        if kind == "request" and error.get("type") == "server_error":
            kind = "server"
        return facts.SessionError(kind, _message(error))
    return facts.SessionError("internal", str(error))


def _kind_of_exception(error: Exception) -> facts.ErrorKind:
    match error:
        case ModelBehaviorError():
            return "tool"
        case SessionNotice():
            return "notice"
        case NoAnswerError():
            return "server"
        case SetUpRefusedError():
            return "account"
        case _:
            return "internal"


def _message(error: Any) -> str:
    if isinstance(error, Mapping):
        return str(error.get("message") or error.get("code") or "unknown error")
    return str(error)


class EventTranslator:
    """Translates one session's events, in order, into events of the dialogue."""

    def __init__(self) -> None:
        self._running: set[str | None] = set()
        self._tools: dict[str, str] = {}

    @property
    def answering(self) -> bool:
        """Whether a response has begun whose end, and with it the usage, has not come."""
        return bool(self._running)

    def at_end(self) -> tuple[facts.Event, ...]:
        """Return what the dialogue must know when the session has ended: its tools have ended with it."""
        ended = [facts.ToolEnded(name, call_id, reply_due=False) for call_id, name in self._tools.items()]
        self._tools.clear()
        return tuple(ended)

    def of(self, event: RealtimeSessionEvent) -> tuple[facts.Event, ...]:
        """Return what the dialogue must know of `event`."""
        if event.type == "agent_start":
            self._running.add(event.response_id)
        elif event.type == "agent_end":
            self._running.discard(event.response_id)
        elif event.type == "tool_start":
            self._tools[event.call_id] = event.tool.name
        elif event.type == "tool_end":
            self._tools.pop(event.call_id, None)
        match event.type:
            case "agent_start" if not event.out_of_band:
                return (facts.ResponseStarted(event.response_id or ""),)
            case "agent_end" if not event.out_of_band:
                status = event.status or "completed"
                if status == "in_progress":
                    status = "incomplete"
                return (
                    facts.ResponseEnded(
                        event.response_id or "",
                        status,
                        event.had_audio,
                        event.tool_calls,
                        had_text=bool(event.output_text),
                        reason=reason_word(event.reason),
                    ),
                )
            case "connection" if event.status == "connected":
                return (facts.Connected(),)
            case "connection" if event.status == "reconnecting":
                return (facts.ConnectionLost(event.reason or "the connection was lost"),)
            case "speech_started":
                return (facts.ServerSpeechStarted(),)
            case "speech_stopped":
                return (facts.ServerSpeechStopped(),)
            case "input_audio_committed":
                return (facts.TurnCommitted(),)
            case "tool_start":
                return (facts.ToolStarted(event.tool.name, event.call_id),)
            case "tool_end":
                return (facts.ToolEnded(event.tool.name, event.call_id),)
            case "no_reply_due":
                return (facts.NoReplyDue(event.response_id or ""),)
            case "tool_approval_required":
                return (facts.ApprovalNeeded(event.call_id, event.tool.name),)
            case "error":
                return (session_error(event.error, event.about),)
        return ()


def _refused_setting(error: SettingRefusedError | SetUpRefusedError) -> dict[str, Any]:
    return {
        "setting": setting_of(error.parameter) or "",
        "parameter": error.parameter,
        "message": error.message,
        "speaks_on": isinstance(error, SettingRefusedError),
    }


def details_of(event: RealtimeSessionEvent) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return what the monitor and the journal show of `event`, as names with details; nothing that anyone said."""
    match event.type:
        case "usage":
            return (("usage", event.usage.to_dict()),)
        case "tool_start":
            return (("tool_start", {"tool": event.tool.name}),)
        case "tool_end":
            failed = isinstance(event.output, ToolFailureText)
            return (("tool_failed" if failed else "tool_end", {"tool": event.tool.name}),)
        case "connection":
            return (("connection", {"status": event.status, "reason": event.reason or ""}),)
        case "error":
            if isinstance(event.error, SettingRefusedError | SetUpRefusedError):
                return (("setting_refused", _refused_setting(event.error)),)
            fact = session_error(event.error, event.about)
            return (("session_error", {"kind": fact.kind, "message": fact.message}),)
    return ()
