"""Refuses segments with holes. A server allocates every page of its segment before any client can attach.
A segment with holes costs the process that made it nothing, for any size, and the kernel charges each page
that a client touches there to the client's container. So clients do not attach to one.
"""

import os

from ..errors import Corrupt

_BLOCK = 512  # what stat counts blocks in, on every file system
_SHMID, _RSS, _SWAP = 1, 14, 15  # columns of the kernel's list


def check_holes(fd: int, size: int) -> None:
    """Raises Corrupt for a file that has less memory than bytes."""
    have = os.fstat(fd).st_blocks * _BLOCK
    if have < size:
        raise _holes(size, have)


def check_sysv_holes(id_: int, size: int) -> None:
    """As check_holes, for a System V segment. It does nothing if the kernel's list of them cannot be read, as
    without /proc."""
    have = 0
    for _ in range(3):  # a page on its way to the swap space may be in neither count
        try:
            with open("/proc/sysvipc/shm", encoding="ascii") as f:
                rows = [line.split() for line in f]
        except OSError:
            return
        own = next((row for row in rows if len(row) > _SWAP and row[_SHMID] == str(id_)), None)
        if own is None or not (own[_RSS] + own[_SWAP]).isdecimal():
            return
        have = int(own[_RSS]) + int(own[_SWAP])
        if have >= size:
            return
    raise _holes(size, have)


def _holes(size: int, have: int) -> Corrupt:
    return Corrupt(
        f"framebuffer: segment is damaged: it has {size} bytes, and memory for {have} of them: no server made it so, or another process "
        "gave memory back; what is missing would be taken from this process: restart the server, and see which processes may write"
    )
