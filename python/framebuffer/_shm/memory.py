"""Mapped memory, and its lifetime."""

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


# If the environment sets it, core dumps contain the ring.
DUMP_VARIABLE = "FRAMEBUFFER_DUMP_RING"


class Memory:
    """An address range that is unmapped when no object refers to it any more. Views refer to it, and so do
    arrays made of them."""

    __slots__ = ("address", "size", "__weakref__")

    def __init__(self, address: int, size: int, front: int = 0) -> None:
        """front bytes in front of it are unmapped with it."""
        self.address, self.size = address, size
        # Not __del__: a finalizer runs when no weak reference gives the object any more, so a thread that
        # got it from one can rely on the mapping. Not at the program's end: views may live longer.
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
    """Maps an object of size bytes twice in a row, by attach(address). It reserves the address range first,
    so that no other thread takes the second half meanwhile; attach replaces the reservation. The range
    begins at a multiple of aligned, if that is not 0.

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
    """Maps a control object of size bytes, by attach(address), after LIFE_DISTANCE bytes of private memory
    with room for the entries by which the kernel finds this process's life words. It reserves the
    addresses first, as mirror does.

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
    """Allocates every page, writable, on all CPUs at once: most of the time the kernel clears pages, which
    does not wait for other pages."""
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
    """Keeps memory out of core dumps, unless the environment asks for it: they would contain the whole ring,
    twice, with frames that other users must not see. It is no error if the kernel refuses."""
    if os.environ.get(DUMP_VARIABLE, "") not in ("", "0"):
        return
    for memory in memories:
        try:
            _libc.advise(memory.address, memory.size, _libc.MADV_DONTDUMP)
        except OSError:
            pass


def advise_huge(memory: Memory) -> None:
    """Asks the kernel for transparent huge pages, which it may ignore."""
    try:
        _libc.advise(memory.address, memory.size, _libc.MADV_HUGEPAGE)
    except OSError:
        pass
