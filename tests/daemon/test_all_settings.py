"""Every setting there is, on a running daemon."""

from __future__ import annotations

from speakerd.config.schema import settings as catalog
from speakerd.config.settings import Settings
from tests.daemon.bench import household
from tests.simulation.virtual_loop import in_virtual_time

OF_THE_SERVICE = ("log.level", "log.repeat_burst", "log.repeat_window_s", "control.", "model.api_key_file")
"""Read by the process around the speaker."""


@in_virtual_time
async def test_every_setting_has_a_part_that_says_when_it_counts() -> None:
    async with household() as house:
        live = house.assembly.speaker.settings
        for key in catalog(Settings):
            if not key.startswith(OF_THE_SERVICE):
                assert live.when(key) in {"now", "between_turns", "restart", "elsewhere"}
