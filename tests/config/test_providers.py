"""A provider is a preset: what the file says holds over it, and it holds over the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from speakerd.config.load import providers_dir, read_text
from speakerd.config.model_settings import ModelSettings, ProviderName
from speakerd.realtime.dialects import DIALECTS

PROVIDERS = get_args(ProviderName)


def test_each_provider_has_a_dialect_and_but_for_the_default_a_preset() -> None:
    assert set(PROVIDERS) == set(DIALECTS)
    assert {path.stem for path in providers_dir().glob("*.toml")} == set(PROVIDERS) - {"openai"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_preset_is_understood_and_warned_of_for_nothing_but_names_to_be_filled_in(provider: str) -> None:
    loaded = read_text(f'[model]\nprovider = "{provider}"\n[wake_word]\nenabled = true\n')
    assert loaded.settings.model.provider == provider
    assert all("stands for the name of your own" in problem.what for problem in loaded.warnings)


def test_the_file_holds_over_the_preset_and_the_preset_over_the_defaults() -> None:
    model = read_text('[model]\nprovider = "xai"\nvoice = "ara"\n').settings.model
    assert (model.voice, model.transcription, model.speed) == (
        "ara",
        "grok-transcribe",
        ModelSettings().speed,
    )


def test_the_default_provider_changes_nothing() -> None:
    assert read_text('[model]\nprovider = "openai"\n').settings.model == ModelSettings()


def test_a_setting_of_a_preset_is_placed_in_its_file() -> None:
    loaded = read_text('[model]\nprovider = "azure"\n', Path("/etc/speakerd/speakerd.toml"))
    assert loaded.place("model.auth") == (providers_dir() / "azure.toml", 8)
    [problem] = [each for each in loaded.warnings if each.key == "model.url"]
    assert problem.file == providers_dir() / "azure.toml"
