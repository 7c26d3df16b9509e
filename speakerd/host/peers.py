"""Who is at the other end of a Unix socket, and whether they may."""

import grp
import socket
import struct
from dataclasses import dataclass

_UCRED = struct.Struct("3i")
"""struct ucred of unix(7): process, user, group, filled in by the kernel."""

_SO_PEERGROUPS = 59
"""socket(7), Linux 4.13; the module `socket` has no name for it."""
_GID = struct.Struct("I")
_MOST_GROUPS = 256
"""getsockopt() of Python takes at most 1024 bytes."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process as the kernel knows it."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """The process that connected. The kernel says so; the process cannot lie."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return Peer(*_UCRED.unpack(raw))


def may(peer: Peer, own_uid: int, group: int | None, groups: frozenset[int]) -> bool:
    """Root, the daemon's own user, and members of the group may; nobody else.

    Args:
        peer: who asks.
        own_uid: the user that the daemon runs as.
        group: the group that may; None for no group.
        groups: further groups of the peer's user.
    """
    if peer.uid in {0, own_uid}:
        return True
    return group is not None and (peer.gid == group or group in groups)


def groups_of(connection: socket.socket) -> frozenset[int]:
    """The further groups of the process that connected, as the kernel knows them."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS * _GID.size)
    except OSError:  # more groups than fit into Python's buffer: take it for a member of none
        return frozenset()
    return frozenset(number for (number,) in _GID.iter_unpack(raw))


def group_number(name: str) -> int | None:
    """The group's number; None for "" and for a group that does not exist."""
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
