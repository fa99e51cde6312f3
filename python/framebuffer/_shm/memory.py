"""Mapped memory, and how long it stays mapped."""

import ctypes
import errno
import functools
import os
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from .. import _libc
from .._layout import LIFE_DISTANCE
from .._text import errno_text
from ..errors import NoMemory
from .syscall_error import not_allowed


# Has core dumps of a process hold the ring.
DUMP_VARIABLE = "FRAMEBUFFER_DUMP_RING"


class Memory:
    """An address range that is given back when this object goes. Views refer to it, so the
    memory stays for as long as anybody, be it numpy, can look at it."""

    __slots__ = ("address", "size", "__weakref__")

    def __init__(self, address: int, size: int, front: int = 0) -> None:
        """Preconditions: front bytes in front of it are given back with it."""
        self.address, self.size = address, size
        # Not __del__: who has taken a weak reference's object can rely on the mapping, since
        # this comes when there is none to be taken any more. Not at the program's end either:
        # views may outlive everything else.
        weakref.finalize(self, self.unmap, address - front, front + size).atexit = False

    def view(self) -> memoryview:
        """All of it."""
        array = _array_type(self.size).from_address(self.address)
        array.owner = self
        return memoryview(array).cast("B")

    unmap = staticmethod(_libc.unmap)


@functools.lru_cache(maxsize=16)
def _array_type(size: int) -> Any:
    # A class of its own, since instances of ctypes's array types take no attributes.
    return type("SharedMemory", (ctypes.c_ubyte * size,), {})


def mirror(size: int, aligned: int, attach: Callable[[int], object]) -> Memory:
    """Has attach put an object of size bytes twice in a row. The address range is reserved
    first, so that nobody takes the second half meanwhile; attach replaces the reservation.
    It begins at a multiple of aligned, if that is not 0.

    Preconditions: size is a multiple of the page size.
    """
    base = _reserve(2 * size + aligned)
    if aligned:
        before = -base % aligned
        if before:
            _libc.unmap(base, before)
        if aligned - before:
            _libc.unmap(base + before + 2 * size, aligned - before)
        base += before
    memory = Memory(base, 2 * size)
    attach(base)
    attach(base + size)
    return memory


def fronted(size: int, page: int, attach: Callable[[int], object]) -> Memory:
    """Has attach put a control object of size bytes behind LIFE_DISTANCE bytes of private memory:
    room for the entries by which the kernel finds this process's life words. The addresses are
    reserved first, as for mirror.

    Preconditions: size is a multiple of page, that of the object's memory.
    """
    base = _reserve(LIFE_DISTANCE + page + size)
    before = -(base + LIFE_DISTANCE) % page
    at = base + before + LIFE_DISTANCE
    memory = Memory(at, size, LIFE_DISTANCE)
    if before:
        _libc.unmap(base, before)
    _libc.unmap(at + size, page - before)
    try:
        _libc.protect(at - LIFE_DISTANCE, LIFE_DISTANCE, _libc.PROT_READ | _libc.PROT_WRITE)
    except OSError as e:
        raise NoMemory(f"framebuffer: not enough memory: no room for {LIFE_DISTANCE} bytes in front of the control object: {errno_text(e)}") from e
    attach(at)
    return memory


def _reserve(size: int) -> int:
    flags = _libc.MAP_PRIVATE | _libc.MAP_ANONYMOUS | _libc.MAP_NORESERVE
    try:
        return _libc.map_at(0, size, _libc.PROT_NONE, flags)
    except OSError as e:
        raise NoMemory(f"framebuffer: not enough memory: reserve {size} bytes of address space: {errno_text(e)}") from e


def populate(address: int, size: int) -> None:
    """Makes every page present and writable, on all CPUs at once: what takes the time is the
    kernel's clearing of each page, which does not wait for the other pages."""
    piece = 32 << 20
    pieces = [(address + at, min(piece, size - at)) for at in range(0, size, piece)]
    if len(pieces) == 1:
        _populate_piece(*pieces[0])
        return
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(pieces), 16)) as workers:
        for _ in workers.map(lambda p: _populate_piece(*p), pieces):
            pass


def _populate_piece(address: int, size: int) -> None:
    try:
        _libc.advise(address, size, _libc.MADV_POPULATE_WRITE)
    except OSError as e:
        # Linux before 5.14, or a filter of system calls. New memory, still private, and zero.
        if e.errno == errno.EINVAL or not_allowed(e):
            ctypes.memset(address, 0, size)
            return
        raise NoMemory(f"framebuffer: not enough memory: the kernel could not provide {size} bytes: ask for less, or make room ({errno_text(e)})") from e


def undumped(*memories: Memory) -> None:
    """Keeps memory out of core dumps, unless the environment asks for it: they would otherwise hold
    the whole ring, twice, with frames that others are not to see. The kernel may refuse."""
    if os.environ.get(DUMP_VARIABLE, "") not in ("", "0"):
        return
    for memory in memories:
        try:
            _libc.advise(memory.address, memory.size, _libc.MADV_DONTDUMP)
        except OSError:
            pass


def advise_huge(memory: Memory) -> None:
    """Asks for transparent huge pages. It is a hint."""
    try:
        _libc.advise(memory.address, memory.size, _libc.MADV_HUGEPAGE)
    except OSError:
        pass
