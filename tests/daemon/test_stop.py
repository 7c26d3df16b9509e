"""The daemon ends within two seconds of being told to, whatever its tools and the network do then."""

from __future__ import annotations

import asyncio

import pytest

from speakerd.realtime import function_tool
from tests.simulation.faults import HonestWire
from tests.simulation.model_server import ModelServer
from tests.simulation.network import Network
from tests.simulation.virtual_loop import network_of_the_loop, simulate
from tests.simulation.watched import now, watched

STOPPED_WITHIN_S = 2.0


@pytest.mark.parametrize("heeds_its_end", [True, False])
@pytest.mark.parametrize("network_lives", [True, False])
@pytest.mark.parametrize("answering", [True, False])
def test_a_stop_takes_two_seconds_at_most(heeds_its_end: bool, network_lives: bool, answering: bool) -> None:
    @function_tool
    async def wait() -> str:
        """Wait."""
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(0.0 if heeds_its_end else 1.8)
            raise
        return "waited"

    async def work() -> None:
        wire = HonestWire()
        async with watched(ModelServer(wire, warm=True), wire, {"connection": "warm"}) as run:
            speaker = run.house.assembly.speaker
            speaker.tools.tools = (wait,)
            speaker.link.disconnect()  # The next session is opened with that tool.
            speaker.link.connect()
            assert await run.wait_for(lambda: speaker.link.connected, 5)
            await run.ask("wait")
            await asyncio.sleep(1)
            if answering:
                await run.ask("tell me")
                assert await run.reach("speaking", 5)
                await asyncio.sleep(0.2)
            for link in network_of_the_loop().open_links:
                link.black_hole = not network_lives
            begun = now()
            speaker.stop()
            await run.house.running
            assert now() - begun <= STOPPED_WITHIN_S
            for link in network_of_the_loop().links:
                link.cut()  # or the server would wait for ever behind the black hole

    simulate(work(), Network(delay_s=0.005))
