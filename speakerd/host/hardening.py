"""Protects the memory of the process, which holds the API key."""

import ctypes
import logging
import resource

logger = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4
"""prctl(2)."""


def forbid_core_dumps() -> None:
    """Forbid core dumps of this process, and access to its memory by other processes of the same user.

    Limit and flag are both needed: the limit is ignored where the kernel pipes cores into a program such as
    systemd-coredump. To be called as soon as the key has been read. Never raises.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:  # a system call filter; the unit sets the limit then
        logger.debug("cannot set the limit of core dumps: %s", error)
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is None or prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning("cannot forbid core dumps: the key might end up in one")
