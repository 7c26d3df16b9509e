"""Real-time priority for the two threads that feed the sound card, where the system allows it.

Beside four programs that use all the CPU they get, on one emulated core, niceness had no effect: kernels group
tasks by session (autogroup) or by service before they compare niceness. Of 6 s of playback, with two blocks of 8 ms
in the card, 1 s was played with `nice -10`, 3.5 s with a `CPUWeight=` of 1000, and all of it with real-time
priority for the sound's threads.

Only these two threads get it: all they do is move a block, which takes some fifty microseconds. For the rest of the
process a CPU weight does as well, and real-time priority could lock up a board with one core.

These two could lock it up as well: when a card is unplugged, PortAudio's thread spins until its stream is closed.
With a limit (`LimitRTTIME=` of the unit) the kernel then sends SIGXCPU, whose handler calls `restore_priority`. The
device calls it before it closes a stream, too.
"""

import logging
import os
import threading
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

REALTIME_PRIORITY: Final = 5
"""Of 1 to 99: above all ordinary programs, below the kernel's own threads."""

_raised: Final[set[int]] = set()
"""Kernel ids of the threads that were given priority; some may have ended. Every change is a single atomic step."""


def raise_priority() -> bool:
    """Give the calling thread real-time priority (round robin). Threads that it starts do not inherit it.

    Returns False where that is not allowed, and the thread keeps its priority. The service's unit allows it
    (`LimitRTPRIO=`), root may, a desktop often does not. Never raises.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REALTIME_PRIORITY))
    except OSError as error:
        log.debug("no real-time priority for a thread of the sound (%s)", error)
        return False
    _raised.add(threading.get_native_id())
    return True


def restore_priority() -> int:
    """Give all threads with raised priority the ordinary one again; return how many there were.

    May be called from any thread, and from a signal handler. Never raises.
    """
    count = 0
    for thread in tuple(_raised):
        _raised.discard(thread)
        # The id of a thread that has ended may belong to another process by now.
        if not Path(f"/proc/self/task/{thread}").exists():
            continue
        try:
            # Taking the flag back needs privileges; leaving it does no harm.
            os.sched_setscheduler(thread, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        except OSError as error:
            log.debug("a thread of the sound keeps its priority (%s)", error)
            continue
        count += 1
    return count
