"""Who is at the other end of a Unix socket, and whether they may."""

import grp
import os
import pwd
import socket
import struct
from dataclasses import dataclass

_UCRED = struct.Struct("3i")
"""struct ucred of unix(7): process, user, group, filled in by the kernel."""


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


def groups_of(peer: Peer) -> frozenset[int]:
    """The groups that the user database gives the peer's user."""
    try:
        return frozenset(os.getgrouplist(pwd.getpwuid(peer.uid).pw_name, peer.gid))
    except KeyError:  # a user that exists in no database has no further groups
        return frozenset()


def group_number(name: str) -> int | None:
    """The group's number; None for "" and for a group that does not exist."""
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
