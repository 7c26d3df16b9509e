"""The settings of [model] in the session layer's words."""

from collections.abc import Iterator
from typing import Any

import pytest

from speakerd.config.model_settings import ModelSettings
from speakerd.config.settings import Settings
from speakerd.config.show import values
from speakerd.daemon.model_config import (
    address,
    connection,
    handshake_headers,
    session_settings,
    setting_of,
)
from speakerd.daemon.session.playback_tracker import PlaybackTracker


def test_the_model_is_named_in_the_address_unless_it_is_there_already() -> None:
    assert address(ModelSettings(url="wss://a/v1/realtime", model="m x")) == "wss://a/v1/realtime?model=m+x"
    assert address(ModelSettings(url="wss://a/r?model=y", model="m")) == "wss://a/r?model=y"
    assert address(ModelSettings(url="wss://a/r?v=1", model="m")) == "wss://a/r?v=1&model=m"
    assert address(ModelSettings(url="ws://home/r", model="")) == "ws://home/r"


@pytest.mark.parametrize(
    ("auth", "headers"),
    [("bearer", {"Authorization": "Bearer k"}), ("api-key", {"api-key": "k"}), ("none", {})],
)
def test_the_key_goes_where_the_server_wants_it(auth: str, headers: dict[str, str]) -> None:
    assert handshake_headers(ModelSettings(auth=auth), "k") == headers  # type: ignore[arg-type]  # a literal by parameter


def test_further_headers_and_the_safety_identifier_go_along() -> None:
    settings = ModelSettings(headers={"X-A": "1"}, safety_identifier="home-7", auth="none")
    assert handshake_headers(settings, None) == {"X-A": "1", "OpenAI-Safety-Identifier": "home-7"}


def test_the_embedded_server_is_told_no_key() -> None:
    config = connection(
        ModelSettings(),
        PlaybackTracker(lambda _item, _part: None, list),
        lambda: "secret",
        url="ws://127.0.0.1:1/v1/realtime",
    )
    assert config["headers"] == {}
    assert config["url"] == "ws://127.0.0.1:1/v1/realtime"


def test_who_owns_the_turn() -> None:
    def owner(**settings: object) -> object:
        return session_settings(ModelSettings(**settings))["audio"]["input"]["turn_detection"]  # type: ignore[arg-type]  # any of its fields

    assert owner() is None
    server = owner(turn_detection="server_vad", server_vad_silence_ms=900)
    assert isinstance(server, dict)
    assert (server["type"], server["silence_duration_ms"]) == ("server_vad", 900)
    semantic = owner(turn_detection="semantic_vad", semantic_eagerness="low")
    assert isinstance(semantic, dict)
    assert (semantic["type"], semantic["eagerness"]) == ("semantic_vad", "low")


def test_what_is_left_to_the_model_is_not_sent() -> None:
    plain = session_settings(ModelSettings(transcription="", noise_reduction="off"))
    assert "transcription" not in plain["audio"]["input"]
    assert "noise_reduction" not in plain["audio"]["input"]
    assert "max_output_tokens" not in plain
    full = session_settings(ModelSettings(language="de", max_output_tokens=100))
    assert full["audio"]["input"]["transcription"] == {"model": "gpt-transcribe", "language": "de"}
    assert full["audio"]["input"]["noise_reduction"] == {"type": "far_field"}
    assert full["max_output_tokens"] == 100


def parameters(tree: Any, path: str) -> Iterator[str]:
    """The names of all values in it, as a server would call them."""
    if not isinstance(tree, dict):
        yield path
        return
    for key, value in tree.items():
        yield from parameters(value, f"{path}.{key}")


@pytest.mark.parametrize("turn_detection", ["local", "server_vad", "semantic_vad"])
def test_whatever_a_session_begins_with_comes_from_a_setting(turn_detection: Any) -> None:
    settings = ModelSettings(turn_detection=turn_detection, language="en", max_output_tokens=100)
    known = {*values(Settings()), "tools"}
    fixed = {"session.output_modalities", "session.audio.input.format", "session.audio.output.format"}
    names = set(parameters({**session_settings(settings), "instructions": "", "tools": []}, "session"))
    names = {name.replace("model_name", "model") for name in names} - fixed
    assert len(names) > 8
    for name in names:
        assert setting_of(name) in known, name


@pytest.mark.parametrize(
    ("parameter", "setting"),
    [
        ("session.audio.output.voice", "model.voice"),
        ("session.voice", "model.voice"),
        ("session.tools[3].parameters", "tools"),
        ("session.audio.input.transcription.model", "model.transcription"),
        ("session.audio.input.turn_detection.type", "model.turn_detection"),
        ("session.audio.input.format", None),
        ("response.instructions", None),
        ("", None),
    ],
)
def test_a_parameter_that_a_server_names_is_told_as_the_setting_it_comes_from(
    parameter: str, setting: str | None
) -> None:
    assert setting_of(parameter) == setting


def test_the_key_is_asked_for_at_each_handshake() -> None:
    keys = iter(["first", "second"])
    config = connection(
        ModelSettings(safety_identifier="home-7"),
        PlaybackTracker(lambda _item, _part: None, list),
        lambda: next(keys),
    )
    headers = config["headers"]
    assert headers is not None
    assert headers["Authorization"] == "Bearer first"
    assert headers["Authorization"] == "Bearer second"
    config = connection(
        ModelSettings(safety_identifier="home-7"),
        PlaybackTracker(lambda _item, _part: None, list),
        lambda: "k",
    )
    assert dict(config["headers"] or ()) == {
        "OpenAI-Safety-Identifier": "home-7",
        "Authorization": "Bearer k",
    }
