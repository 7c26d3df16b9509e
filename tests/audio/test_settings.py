import dataclasses

import pytest
from pydantic import TypeAdapter, ValidationError

from speakerd.audio.settings import AudioSettings, WakeWordSettings

AUDIO = TypeAdapter(AudioSettings)


def test_the_defaults_are_within_their_own_limits() -> None:
    for settings in (AudioSettings(), WakeWordSettings()):
        adapter = TypeAdapter(type(settings))
        assert adapter.validate_python(dataclasses.asdict(settings)) == settings


@pytest.mark.parametrize(
    "found",
    [
        {"volume": 101},
        {"echo": "loud"},
        {"input_rate_hz": 8000},
        {"gate": {"hangover_ms": 50}},
        {"gate": {"hangovr_ms": 500}},
        {"sounds": {"wake": "moo"}},
        {"sound": {}},
    ],
)
def test_what_is_outside_the_limits_or_unknown_is_refused(found: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AUDIO.validate_python(found)
