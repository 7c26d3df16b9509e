"""Speech that is lost because the connection was away for too long is told of, in the journal and to `ctl status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from speakerd.daemon.control.control import Control
from tests.daemon.bench import GO_FORWARD, household
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from speakerd.daemon.control.reload import Reloader


@in_virtual_time
async def test_what_did_not_fit_is_told_once_with_its_seconds(caplog: pytest.LogCaptureFixture) -> None:
    nobody = {
        "model": {"url": "ws://127.0.0.1:9"},
        "dialogue": {"connect_timeout_s": 62},
        "audio": {"gate": {"hangover_ms": 1500, "silero": "off"}},
    }
    async with household(settings=nobody) as house:
        house.panel.tap()
        for _ in range(22):  # more than the minute that is kept
            house.device.say(GO_FORWARD, after_s=0.1)
        await house.until(lambda: any(e["event"] == "speech_dropped" for e in house.entries), within_s=70)
        await house.phase("idle")
        told = [r for r in caplog.records if getattr(r, "SPEAKERD_EVENT", "") == "speech_dropped"]
        assert [record.levelname for record in told] == ["WARNING"]
        lost_s = vars(told[0])["SPEAKERD_SECONDS"]
        assert 0.5 < lost_s < 3.0
        status = await Control(house.assembly, cast("Reloader", None)).handle("status", {})
        assert status["sound"]["speech_dropped_s"] == pytest.approx(lost_s, abs=0.01)
