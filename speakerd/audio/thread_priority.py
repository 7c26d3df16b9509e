"""Real-time priority for the two threads that feed the sound card, where the system allows it.

With four programs beside it that never rest, on one emulated core, niceness did nothing: kernels group tasks by
session (autogroup) or by service before they look at it. Of 6 s of playback with two blocks of 8 ms in the card,
1 s came through with `nice -10`, 3.5 s with a `CPUWeight=` of 1000, all of it with the sound's threads at real-time
priority.

Only those two: all they do is to move a block, some fifty microseconds. The rest of the process would gain nothing
from it that a weight does not give, and could lock up a board of one core.

So could those two: when a card is unplugged, PortAudio's thread spins until its stream is closed. With a limit
(`LimitRTTIME=` of the unit) the kernel then sends SIGXCPU, and whoever gets that signal calls `calm`. So does the
device before it closes a stream.
"""

import logging
import os
import threading
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

REALTIME_PRIORITY: Final = 5
"""Of 1 to 99: before all ordinary programs, behind the kernel's own threads."""

_hurried: Final[set[int]] = set()
"""Threads that were given priority, by the kernel's number; some may have ended. Changed in single steps."""


def hurry() -> bool:
    """Give the calling thread real-time priority (round robin); what it starts has none. Never raises.

    False where that is not allowed: the service's unit allows it (`LimitRTPRIO=`), root may, a desktop often does
    not. The thread then stays as it is.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REALTIME_PRIORITY))
    except OSError as error:
        log.debug("no real-time priority for a thread of the sound (%s)", error)
        return False
    _hurried.add(threading.get_native_id())
    return True


def calm() -> int:
    """Make all threads that hurry ordinary ones again; how many there were. From any thread; never raises."""
    count = 0
    for thread in tuple(_hurried):
        _hurried.discard(thread)
        # The number of one that has ended may be somebody else's by now.
        if not Path(f"/proc/self/task/{thread}").exists():
            continue
        try:
            # The flag may not be taken back without privileges, and does no harm.
            os.sched_setscheduler(thread, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        except OSError as error:
            log.debug("a thread of the sound keeps its priority (%s)", error)
            continue
        count += 1
    return count
