"""From a pin's edge to listening and to silence, on the software sound card (`scripts/bench/run press` measures it)."""

from typing import TYPE_CHECKING

import pytest

from tests.daemon.presses import press

if TYPE_CHECKING:
    from tests.rig import SoundCard


@pytest.mark.rig
async def test_a_press_listens_at_once_and_silences_an_answer_soon(rig: "SoundCard") -> None:
    done = [one async for one in press(rig, 3)]
    # The best of three: a machine busy with other work may delay each, and says nothing about us.
    assert min(one.listening_s for one in done) < 0.02
    assert min(one.silent_s for one in done) < 0.06
