"""A thread of its own each time: what is asked for here must not stay with the suite's threads."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from speakerd.audio.thread_priority import REALTIME_PRIORITY, raise_priority, restore_priority
from tests.limits import limit

ASK = """
import os, threading
from speakerd.audio.thread_priority import raise_priority
seen = []
def look():
    seen.append((raise_priority(), os.sched_getscheduler(0)))
    child = threading.Thread(target=lambda: seen.append(os.sched_getscheduler(0)))
    child.start()
    child.join()
thread = threading.Thread(target=look)
thread.start()
thread.join()
print(seen, os.sched_getscheduler(0))
"""

SPIN = """
import asyncio, os, signal, threading
from speakerd.audio.thread_priority import restore_priority, raise_priority
over = False
def policy(thread):
    return os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK
def spin():
    raise_priority()
    while not over:
        pass
async def main():
    global over
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGXCPU, told.set)
    thread = threading.Thread(target=spin)
    thread.start()
    await told.wait()
    before = policy(thread.native_id)
    assert restore_priority() == 1 and restore_priority() == 0
    print(before, "then", policy(thread.native_id))
    over = True
    thread.join()
asyncio.run(main())
"""


def in_a_thread(call: Callable[[], object]) -> object:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def allowed() -> bool:
    def ask() -> bool:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            return False
        return True

    return bool(in_a_thread(ask))


def without_the_right(*words: str) -> list[str]:
    """The command as somebody runs it whom nothing allows real-time priority."""
    bounded = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"] if os.geteuid() == 0 else []
    return [*bounded, "prlimit", "--rtprio=0", *words]


def test_only_the_thread_that_asks_gets_it() -> None:
    if not allowed():
        pytest.skip("this machine gives nobody real-time priority")
    before = os.sched_getscheduler(0)

    def ask() -> tuple[bool, int, int]:
        return raise_priority(), os.sched_getscheduler(0), os.sched_getparam(0).sched_priority

    assert in_a_thread(ask) == (True, os.SCHED_RR | os.SCHED_RESET_ON_FORK, REALTIME_PRIORITY)
    assert os.sched_getscheduler(0) == before


def test_threads_and_programs_that_it_starts_are_ordinary() -> None:
    if not allowed():
        pytest.skip("this machine gives nobody real-time priority")
    said = subprocess.run([sys.executable, "-c", ASK], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == f"[(True, {os.SCHED_RR | os.SCHED_RESET_ON_FORK}), 0] 0"


def test_where_it_is_not_allowed_all_stays_as_it_is() -> None:
    command = without_the_right(sys.executable, "-c", ASK)
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "[(False, 0), 0] 0"


def test_a_thread_that_never_pauses_loses_it_when_the_kernel_says_so() -> None:
    if not allowed():
        pytest.skip("this machine gives nobody real-time priority")
    limits = ["prlimit", "--rttime=100000:20000000"]
    command = [*limits, sys.executable, "-c", SPIN]
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=limit(50))
    assert said.returncode == 0, said
    assert said.stdout.strip() == f"{os.SCHED_RR} then {os.SCHED_OTHER}"


def test_there_is_nobody_to_calm_where_nobody_hurries() -> None:
    done = threading.Thread(target=raise_priority)
    done.start()
    done.join()
    assert restore_priority() == 0
