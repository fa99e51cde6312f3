"""The process at the other end of a Unix socket, as the kernel knows it."""

import socket
import struct
from typing import NamedTuple

_SO_PEERGROUPS = 59
_ALL = (1 << 32) - 1  # how many ids there are


class Peer(NamedTuple):
    """A process as it was when it connected, or when it began to listen. The ids are those that this
    process's namespaces have for it."""

    pid: int
    uid: int
    gid: int


class Overflow(NamedTuple):
    """The ids that the kernel shows in this user namespace in place of all users and groups without an id
    in it: each stands for many. -1 if all have ids, as outside of user namespaces."""

    uid: int
    gid: int


def peer_of(s: socket.socket) -> Peer:
    """The process at the other end. Raises OSError."""
    return Peer(*struct.unpack("iII", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))))


def groups_of(s: socket.socket) -> list[int]:
    """Its supplementary groups, at most 256. Raises OSError."""
    raw = s.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 1024)
    return list(struct.unpack(f"{len(raw) // 4}I", raw))


def overflow() -> Overflow:
    """The overflow ids of this user namespace; the kernel's defaults if /proc does not tell."""
    return Overflow(_one("uid"), _one("gid"))


def _one(kind: str) -> int:
    try:
        with open(f"/proc/self/{kind}_map", encoding="ascii") as f:
            if sum(int(line.split()[2]) for line in f) == _ALL:
                return -1
        with open(f"/proc/sys/kernel/overflow{kind}", encoding="ascii") as f:
            return int(f.read())
    except (OSError, ValueError, IndexError):
        return 65534
