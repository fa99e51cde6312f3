"""Keeps a process alive when somebody else shortens a file that it has mapped.

The kernel answers a touch beyond the new end with SIGBUS. Python's own signal handlers are of no
use against that: they take a note and return, and the instruction faults again, for ever. So the
signal is caught below them, by sigaction(2) through ctypes: the handler puts zeroes of the
process's own where the file was mapped, notes it, and returns, and the instruction that faulted
goes on. In zeroes no frame is found, so that whoever was at work fails, and is told that the
segment is damaged. It costs nothing until it happens.

The handler is Python, which is not done in handlers of signals that come at any time: this one
comes when an instruction touches shared memory, and nowhere else. What such an instruction stands
in is a call to memcpy, to libatomic, to xxhash, or a loop of numpy's, under the interpreter's lock
or not, as a callback would: ctypes takes the lock if the thread does not have it. No such call
holds a lock of the allocator's or another that the handler needs. It only ever runs where the
process would end otherwise. Faults elsewhere go to the handler that was there before.

What it cannot do: programs that set a handler for SIGBUS after the last attaching (signal.signal,
faulthandler.enable) have theirs and not this one; and threads that the interpreter does not know of
must not touch shared memory while it ends.
"""

import ctypes
import gc
import signal
import weakref
from ctypes import POINTER, byref, c_int, c_ubyte, c_uint64, c_void_p
from typing import Any

from .. import _libc
from .memory import Memory

# Where struct sigaction of the C library and siginfo_t are laid out as below.
AVAILABLE = _libc.MACHINE in ("x86_64", "aarch64")

_SA_SIGINFO, _SA_NODEFER = 4, 0x40000000
_SI_ADDR = 16


class _Sigaction(ctypes.Structure):
    _fields_ = [("handler", c_void_p), ("mask", c_ubyte * 128), ("flags", c_int), ("restorer", c_void_p)]


_sigaction = _libc.held.sigaction
_sigaction.argtypes, _sigaction.restype = [c_int, POINTER(_Sigaction), POINTER(_Sigaction)], c_int

# Under the interpreter's lock: between looking at a mapping and replacing it nobody unmaps it.
_mmap = _libc.held.mmap
_mmap.argtypes, _mmap.restype = [c_void_p, ctypes.c_size_t, c_int, c_int, c_int, ctypes.c_long], c_void_p

_PROT = _libc.PROT_READ | _libc.PROT_WRITE
_FLAGS = _libc.MAP_PRIVATE | _libc.MAP_ANONYMOUS | _libc.MAP_NORESERVE | _libc.MAP_FIXED


class Watch:
    """Memory whose faults are caught: when a touch of any of it finds no file behind it, all of
    it becomes zeroes, the first before the second. Whoever sees a zero that is not the second's
    finds no frame in the first either, so that is the control object."""

    __slots__ = ("_memories", "hit")

    def __init__(self, *memories: Memory) -> None:
        self._memories = [weakref.ref(m) for m in memories]
        self.hit = False
        """Whether the memory was replaced."""
        if AVAILABLE:
            _watches[:] = [w for w in _watches if w.mapped()] + [self]
            _install()

    def mapped(self) -> list[Memory]:
        """What of it still is. It stays so while the list is kept."""
        return [m for ref in self._memories if (m := ref()) is not None]

    def replace(self, address: int) -> bool:
        """Puts zeroes in the place of the memory if the address is of it."""
        memories = self.mapped()
        if not any(m.address <= address < m.address + m.size for m in memories):
            return False
        self.hit = True
        return all(_mmap(m.address, m.size, _PROT, _FLAGS, -1, 0) == m.address for m in memories)


_watches: list[Watch] = []
_previous = _Sigaction()


def _on_fault(number: int, info: int, context: int) -> None:
    collecting = gc.isenabled()
    gc.disable()  # nothing else is to run here
    try:
        address: int = c_uint64.from_address(info + _SI_ADDR).value
        if not any(watch.replace(address) for watch in _watches):
            # The instruction faults again, and then it is the former handler's.
            _sigaction(signal.SIGBUS, byref(_previous), None)
    finally:
        if collecting:
            gc.enable()


_handler: Any = ctypes.CFUNCTYPE(None, c_int, c_void_p, c_void_p)(_on_fault)
_handler_at = ctypes.cast(_handler, c_void_p).value


def _install() -> None:
    """Puts the handler in front of the one that is there."""
    action = _Sigaction()
    if _sigaction(signal.SIGBUS, None, byref(action)) != 0:
        raise _libc.last_error()
    if action.handler == _handler_at:
        return
    ctypes.memmove(byref(_previous), byref(action), ctypes.sizeof(action))
    action = _Sigaction(handler=_handler_at, flags=_SA_SIGINFO | _SA_NODEFER)
    if _sigaction(signal.SIGBUS, byref(action), None) != 0:
        raise _libc.last_error()
