"""Real-time priority for the two threads that feed the sound card, where the system allows it.

With four programs beside it that never rest, on one emulated core, niceness did nothing: kernels group tasks by
session (autogroup) or by service before they look at it. Of 6 s of playback with two blocks of 8 ms in the card,
1 s came through with `nice -10`, 3.5 s with a `CPUWeight=` of 1000, all of it with the sound's threads at real-time
priority.

Only those two: all they do is to move a block, some fifty microseconds. The rest of the process would gain nothing
from it that a weight does not give, and could lock up a board of one core.
"""

import logging
import os
from typing import Final

log = logging.getLogger(__name__)

REALTIME_PRIORITY: Final = 5
"""Of 1 to 99: before all ordinary programs, behind the kernel's own threads."""


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
    return True
