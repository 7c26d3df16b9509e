"""A speaker that starts muted: what muted it is told, and only a mute by hand is kept for the next start."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from speakerd.dialogue.requests import MUTE, UNMUTE
from tests.daemon.bench import household
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from pathlib import Path

START_MUTED = {"dialogue": {"start_muted": True}}


@in_virtual_time
async def test_muted_by_the_settings_it_is_open_again_once_they_say_otherwise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with household(settings=START_MUTED, state=tmp_path) as house:
        assert house.assembly.speaker.dialogue.flags.muted
    assert "it starts muted: dialogue.start_muted" in caplog.text
    async with household(state=tmp_path) as house:
        assert not house.assembly.speaker.dialogue.flags.muted


@pytest.mark.parametrize("steps", [(MUTE,), (UNMUTE, MUTE)])
@in_virtual_time
async def test_muted_by_hand_as_well_it_stays_muted(
    steps: tuple[object, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with household(settings=START_MUTED, state=tmp_path) as house:
        for step in steps:
            house.assembly.speaker.handle(step)  # type: ignore[arg-type]  # a plain request is an event
    async with household(state=tmp_path) as house:
        assert house.assembly.speaker.dialogue.flags.muted
    assert "it starts muted: muted by hand when it ran last" in caplog.text
