"""Which process is at the other end of a Unix socket, and whether it may use it."""

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
    """A process at the other end of a socket, as the kernel reports it."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """Return the process that connected, as the kernel reports it, which the process cannot falsify."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return Peer(*_UCRED.unpack(raw))


def may(peer: Peer, own_uid: int, group: int | None, groups: frozenset[int]) -> bool:
    """Return whether the peer may use the socket: root, the daemon's own user, and members of the group.

    Args:
        peer: the process that connected.
        own_uid: the user that the daemon runs as.
        group: the group whose members may; None for no group.
        groups: supplementary groups of the peer.
    """
    if peer.uid in {0, own_uid}:
        return True
    return group is not None and (peer.gid == group or group in groups)


def groups_of(connection: socket.socket) -> frozenset[int]:
    """Return the supplementary groups of the process that connected, as the kernel reports them."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS * _GID.size)
    except OSError:  # more groups than fit into Python's buffer: treat it as a member of none
        return frozenset()
    return frozenset(number for (number,) in _GID.iter_unpack(raw))


def group_number(name: str) -> int | None:
    """Return the id of a group; None for "" and for a group that does not exist."""
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
