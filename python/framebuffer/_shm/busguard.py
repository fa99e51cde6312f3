"""Keeps a process alive when another one shortens a file that it has mapped.

The kernel answers a load or store beyond the new end with SIGBUS. Python's own signal handlers do not
help: they take a note and return, and the instruction faults again, without end. So this module
catches the signal below them, by sigaction(2) through ctypes. The handler maps zeroes of the process's
own in place of the file, notes it, and returns, and the instruction that faulted goes on. Zeroes
contain no frame, so the call fails, and raises Corrupt. Until a fault it costs nothing.

The handler is Python code. A handler of signals that come at any time could not be; this signal comes
only from an instruction that accesses shared memory. Such an instruction is in a call to memcpy, to
libatomic, to xxhash, or in a loop of numpy's, with the interpreter's lock or without: ctypes takes the
lock if the thread does not have it. No such call holds a lock of the allocator's or another that the
handler needs. It only runs where the process would end otherwise. Faults elsewhere go to the former
handler.

Limits: a program that sets a handler for SIGBUS after its last attaching (signal.signal,
faulthandler.enable) has that one instead; and threads that the interpreter does not know must not
access shared memory while it ends.
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

# Under the interpreter's lock: no thread unmaps a mapping between the look at it and its replacement.
_mmap = _libc.held.mmap
_mmap.argtypes, _mmap.restype = [c_void_p, ctypes.c_size_t, c_int, c_int, c_int, ctypes.c_long], c_void_p

_PROT = _libc.PROT_READ | _libc.PROT_WRITE
_FLAGS = _libc.MAP_PRIVATE | _libc.MAP_ANONYMOUS | _libc.MAP_NORESERVE | _libc.MAP_FIXED


class Watch:
    """Memory whose faults are caught. When an access finds no file behind any of it, all of it becomes
    zeroes, the first mapping before the second. Pass the control object first: a process that sees
    zeroes in the ring then finds the control object zeroed too."""

    __slots__ = ("_memories", "hit")

    def __init__(self, *memories: Memory) -> None:
        self._memories = [weakref.ref(m) for m in memories]
        self.hit = False
        """Whether the memory was replaced."""
        if AVAILABLE:
            _watches[:] = [w for w in _watches if w.mapped()] + [self]
            _install()

    def mapped(self) -> list[Memory]:
        """The memory that is still mapped. It stays mapped while the list lives."""
        return [m for ref in self._memories if (m := ref()) is not None]

    def replace(self, address: int) -> bool:
        """Maps zeroes in place of the memory if the address lies in it."""
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
            # The instruction faults again, for the former handler.
            _sigaction(signal.SIGBUS, byref(_previous), None)
    finally:
        if collecting:
            gc.enable()


_handler: Any = ctypes.CFUNCTYPE(None, c_int, c_void_p, c_void_p)(_on_fault)
_handler_at = ctypes.cast(_handler, c_void_p).value


def _install() -> None:
    """Installs the handler, and remembers the former one."""
    action = _Sigaction()
    if _sigaction(signal.SIGBUS, None, byref(action)) != 0:
        raise _libc.last_error()
    if action.handler == _handler_at:
        return
    ctypes.memmove(byref(_previous), byref(action), ctypes.sizeof(action))
    action = _Sigaction(handler=_handler_at, flags=_SA_SIGINFO | _SA_NODEFER)
    if _sigaction(signal.SIGBUS, byref(action), None) != 0:
        raise _libc.last_error()
