"""Strict validation of wire events against the protocol's published types (`openai.types.realtime`).

`validate_client_event` and `validate_server_event` raise `AssertionError` naming the path and the reason when an
event is of an unknown type, lacks a field, has one of the wrong type, or carries a key that is not published at
any depth. Any test of any room may use them.

The published models let extra keys pass (they have to, as clients of a server that grows), so the parsed tree is
walked and whatever landed among the extras is refused.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytest.importorskip(
    "openai.types.realtime", reason="the published protocol types (test extra) are not installed"
)

from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel, ValidationError


def validate_client_event(event: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    """Check what a client sends; gives the parsed event back."""
    data = _parse(event)
    return _validate(data, _without_references(data), _models("client"), "client")


def validate_server_event(event: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    """Check what a server sends; gives the parsed event back."""
    data = _parse(event)
    return _validate(data, data, _models("server"), "server")


def _parse(event: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    data = json.loads(event) if isinstance(event, str | bytes) else dict(event)
    assert isinstance(data, dict), f"an event is a JSON object, not {data!r}"
    return data


def _validate(
    original: dict[str, Any], data: dict[str, Any], models: Mapping[str, type[BaseModel]], side: str
) -> dict[str, Any]:
    kind = str(original.get("type"))
    assert kind in models, f"not a {side} event of the published protocol: {kind!r}"
    try:
        parsed = models[kind].model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise AssertionError(f"{side} event {kind} is not valid: {error}\n{original}") from error
    extras = list(_extras(parsed, kind))
    assert not extras, f"{side} event carries keys that are not published: {', '.join(extras)}\n{original}"
    return original


def _without_references(data: dict[str, Any]) -> dict[str, Any]:
    """`item_reference` is allowed among a response's input, but published as a parameter type only."""
    response = data.get("response")
    if data.get("type") != "response.create" or not isinstance(response, dict):
        return data
    items = response.get("input")
    if not isinstance(items, list):
        return data
    for item in items:
        if item.get("type") == "item_reference":
            assert set(item) == {"type", "id"}, f"an item_reference has type and id only: {item}"
    kept = [item for item in items if item.get("type") != "item_reference"]
    return {**data, "response": {**response, "input": kept}}


@cache
def _models(side: str) -> dict[str, type[BaseModel]]:
    union = RealtimeClientEvent if side == "client" else RealtimeServerEvent
    members = get_args(get_args(union)[0])
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in members}


def _extras(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for key in value.model_extra or {}:
            yield f"{path}.{key}"
        for name in value.model_fields_set & type(value).model_fields.keys():
            yield from _extras(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _extras(entry, f"{path}[{index}]")
