"""Tables of handlers and of settings are dicts, so no type checker sees a missing entry: these tests do."""

from __future__ import annotations

from typing import get_args, is_typeddict

from speakerd.realtime.dialects import TRANSCRIPT_SO_FAR
from speakerd.realtime.event_names import SERVER_EVENTS
from speakerd.realtime.model import (
    RealtimeModelConfig,
    RealtimeModelEvent,
    RealtimeModelSendEvent,
    RealtimeRunConfig,
    RealtimeSessionModelSettings,
)
from speakerd.realtime.session import config_checks
from speakerd.realtime.session.model_event_handlers import ModelEventHandlers
from speakerd.realtime.wire import receive, send
from speakerd.realtime.wire.session_settings import ALIASES, PLAIN

REPORTED_RAW_ONLY = {"raw_server_event", "other"}


def test_every_request_to_a_model_has_a_handler() -> None:
    assert set(send.HANDLERS) == set(get_args(RealtimeModelSendEvent))


def test_every_model_event_has_a_handler_in_the_session_or_is_only_reported_raw() -> None:
    types = {event.__dataclass_fields__["type"].default for event in get_args(RealtimeModelEvent)}
    assert set(ModelEventHandlers._HANDLERS) == types - REPORTED_RAW_ONLY


def test_handlers_of_server_events_are_for_published_ones() -> None:
    assert set(receive.HANDLERS) <= SERVER_EVENTS | {TRANSCRIPT_SO_FAR}


def test_the_settings_of_a_model_session_are_those_that_are_sent() -> None:
    settings = set(RealtimeSessionModelSettings.__annotations__)
    assert settings == {*PLAIN, *ALIASES, "audio", "tools", "handoffs", "extra"}


def test_each_setting_is_checked_here_or_by_what_uses_it() -> None:
    kinds = [RealtimeRunConfig, RealtimeModelConfig, RealtimeSessionModelSettings]
    for kind in kinds:
        for key, hint in config_checks._hints(kind).items():
            assert config_checks._kind(hint).words, key
            kinds += [hint] if is_typeddict(hint) else []
    assert len(set(kinds)) == 8
