"""Keeping what is in memory, the API key above all, out of other hands."""

import ctypes
import logging
import resource

logger = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4
"""prctl(2)."""


def forbid_core_dumps() -> None:
    """No core dump of this process, ever, and no other process of the same user may look into its memory.

    Both means are needed: the limit alone is ignored where the kernel pipes cores into a program such as
    systemd-coredump. Call it once the key is at hand. Never raises.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:  # a system call filter; the unit has set it then
        logger.debug("cannot set the limit of core dumps: %s", error)
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is None or prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning("cannot forbid core dumps: the key might end up in one")
