"""Hold one thread of another process still, as a driver does that does not return: by ptrace(2)."""

import contextlib
import ctypes
import os
import threading
import time
from pathlib import Path

_PTRACE_SEIZE, _PTRACE_INTERRUPT = 0x4206, 0x4207
_WALL = 0x40000000
_LOOK_S, _OFTEN = 1.0, 50
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def sound_threads(pid: int) -> list[int]:
    """PortAudio's: they wait for the cards in poll(2), and do so about a hundred times a second."""
    before = _waits(pid)
    time.sleep(_LOOK_S)
    after = _waits(pid)
    busy = [thread for thread in after if after[thread] - before.get(thread, 0) > _OFTEN * _LOOK_S]
    polling: set[int] = set()
    for _ in range(100):  # for a moment each of them is in its callback
        polling |= {t for t in busy if "do_sys_poll" in Path(f"/proc/{pid}/task/{t}/stack").read_text()}
        time.sleep(0.003)
    return sorted(polling)


def _waits(pid: int) -> dict[int, int]:
    """How often each thread has waited for something."""
    waits = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        status = (thread / "status").read_text()
        waits[int(thread.name)] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return waits


def hold(thread: int) -> None:
    """Stop it, until its process or we end. Raises OSError."""
    for request in (_PTRACE_SEIZE, _PTRACE_INTERRUPT):
        if _libc.ptrace(request, thread, None, None) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), f"thread {thread}")
    # A traced thread that has ended stays, and its process with it, until its tracer has taken note.
    threading.Thread(target=_take_note, args=(thread,), daemon=True).start()


def _take_note(thread: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.WIFSTOPPED(os.waitpid(thread, _WALL)[1]):
            pass
