"""Populates page tables part by part, when a part is first used.

The server allocates every page of the memory, but each process has page tables of its own, and a fault
for every 4 KiB would make the first lap many times slower than the second.
"""

from . import _forks, _libc
from ._shm.memory import Memory

_SHIFT = 21  # 512 pages at a time, a fraction of a millisecond


class Presence:
    """The parts of a mapping that this process has populated. It is a hint: the kernel faults in the rest."""

    __slots__ = ("_at", "_size", "_advice", "_done", "__weakref__")

    def __init__(self, memory: Memory, read_only: bool) -> None:
        self._at, self._size = memory.address, memory.size
        self._advice = _libc.MADV_POPULATE_READ if read_only else _libc.MADV_POPULATE_WRITE
        self.after_fork()
        _forks.register(self)

    def after_fork(self) -> None:
        """Page tables of shared memory are not inherited."""
        self._done = bytearray((self._size + (1 << _SHIFT) - 1) >> _SHIFT)

    def ensure(self, at: int, n: int) -> None:
        """Populates the n bytes from byte `at` on, as far as they are not."""
        first, end = at >> _SHIFT, ((at + n - 1) >> _SHIFT) + 1
        while (first := self._done.find(0, first, end)) >= 0:
            begin = first << _SHIFT
            try:
                _libc.advise(self._at + begin, min(1 << _SHIFT, self._size - begin), self._advice)
            except OSError:
                pass
            self._done[first] = 1
