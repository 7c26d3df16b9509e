"""Interruptions on the software sound card, at the monitor: how soon it is silent, how true the positions are.

Short versions; `scripts/bench/run audio flush` does two hundred and prints the table.
"""

import time

import numpy as np
import pytest

from speakerd.audio.pcm import WIRE_BLOCK, WIRE_RATE
from speakerd.audio.settings import AudioSettings
from tests.audio.engine_bench import tone, wait_for
from tests.audio.interruptions import (
    SETTLE_S,
    click_db,
    interrupt,
    nonzero_noise,
    percentile,
    speaking,
    wait_until_heard,
)
from tests.rig import SoundCard, about_the_sound, may_be_torn

pytestmark = pytest.mark.rig

LOUD = AudioSettings(input="mic", output="speaker", echo="off", volume=100)
RAMP = WIRE_RATE * 5 // 1000


@may_be_torn
def test_an_interruption_is_silent_within_thirty_milliseconds_and_the_position_is_what_was_recorded(
    rig: SoundCard,
) -> None:
    with about_the_sound():
        done = [one for one in interrupt(rig, 15) if not one.torn]
        assert len(done) >= 8
        # The median, since a busy machine delays single ones; the bench has the goal of 30 ms at p99.
        assert percentile([one.silent_after_s for one in done], 0.5) < 0.030
        for one in done:
            assert 0 <= one.recorded - one.reported <= RAMP + 1
        behind = [-float(one.position_error) for one in done]
        # What was asked while it spoke is not ahead of the ear, and within a block of it.
        assert 0 <= percentile(behind, 0.5) <= WIRE_BLOCK


@may_be_torn
def test_the_cut_does_not_click(rig: SoundCard) -> None:
    with speaking(LOUD) as engine:
        mark = rig.speaker.mark
        engine.play("tone", 0, tone(3.0))
        wait_until_heard(rig, mark)
        time.sleep(0.1)
        engine.flush()
        time.sleep(SETTLE_S)
        heard = rig.speaker.since(mark)
    with about_the_sound():
        last = int(np.flatnonzero(heard)[-1])
        assert click_db(heard, last) < -70
        hard = heard.copy()
        hard[last - RAMP - 40 :] = 0
        assert click_db(hard, last - RAMP - 40) > -50  # the measure does hear a click


@may_be_torn
def test_a_stall_of_the_event_loop_is_not_heard(rig: SoundCard) -> None:
    # Once the asyncio side has handed over the sound, what it does cannot be heard: here it is busy for 300 ms,
    # with the interpreter in its hands, as a slow tool is.
    said = nonzero_noise(WIRE_RATE * 8 // 10, 5)
    wanted = np.frombuffer(said, dtype="<i2")[RAMP : -RAMP - 1]
    with speaking(LOUD) as engine:
        mark = rig.speaker.mark
        engine.play("answer", 0, said)
        engine.finish_item("answer")
        wait_until_heard(rig, mark)
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            pass
        wait_for(lambda: not engine.speaking, 10, "it is said")
        time.sleep(SETTLE_S)
        heard = rig.speaker.since(mark)
    with about_the_sound():
        first = int(np.flatnonzero(heard)[0]) + RAMP
        assert np.array_equal(heard[first : first + len(wanted)], wanted)
