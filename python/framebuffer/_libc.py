"""System calls without a function in Python, through ctypes.

Functions of `held` are called with the interpreter's lock held: they neither wait nor take long, and
releasing the lock and getting it back can cost milliseconds while another thread computes. Those of
`free` are called without it.
"""

import ctypes
import errno as _errno
import os
import platform
from ctypes import c_char_p, c_int, c_long, c_size_t, c_uint, c_void_p

if ctypes.sizeof(c_void_p) != 8 or os.name != "posix" or platform.system() != "Linux":
    raise ImportError("framebuffer: only 64-bit Linux is supported")

held = ctypes.PyDLL(None, use_errno=True)
free = ctypes.CDLL(None, use_errno=True)

MACHINE = platform.machine()
PAGE = os.sysconf("SC_PAGE_SIZE")

PROT_NONE, PROT_READ, PROT_WRITE = 0, 1, 2
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 0x01, 0x02, 0x10, 0x20, 0x4000
MADV_HUGEPAGE, MADV_DONTDUMP, MADV_POPULATE_READ, MADV_POPULATE_WRITE = 14, 16, 22, 23

_mmap = free.mmap
_mmap.argtypes, _mmap.restype = [c_void_p, c_size_t, c_int, c_int, c_int, c_long], c_void_p
_munmap = free.munmap
_munmap.argtypes, _munmap.restype = [c_void_p, c_size_t], c_int
_mprotect = free.mprotect
_mprotect.argtypes, _mprotect.restype = [c_void_p, c_size_t, c_int], c_int
_madvise = free.madvise
_madvise.argtypes, _madvise.restype = [c_void_p, c_size_t, c_int], c_int

shmget = free.shmget
shmget.argtypes, shmget.restype = [c_int, c_size_t, c_int], c_int
shmat = free.shmat
shmat.argtypes, shmat.restype = [c_int, c_void_p, c_int], c_void_p
shmctl = free.shmctl
shmctl.argtypes, shmctl.restype = [c_int, c_int, c_void_p], c_int

memfd_create = free.memfd_create
memfd_create.argtypes, memfd_create.restype = [c_char_p, c_uint], c_int

linkat = free.linkat
linkat.argtypes, linkat.restype = [c_int, c_char_p, c_int, c_char_p, c_int], c_int

FAILED = ctypes.c_void_p(-1).value


def last_error() -> OSError:
    """The error of the last call that failed on this thread."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def map_at(at: int, size: int, prot: int, flags: int, fd: int = -1) -> int:
    """mmap from byte 0 of a file, or of nothing; returns the address. Raises OSError."""
    address: int | None = _mmap(at, size, prot, flags, fd, 0)
    if address is None or address == FAILED:
        raise last_error()
    return address


def unmap(at: int, size: int) -> None:
    """munmap. For System V segments that is what shmdt does: the kernel counts mappings."""
    if _munmap(at, size) != 0:
        raise last_error()


def protect(at: int, size: int, prot: int) -> None:
    """mprotect. Raises OSError."""
    if _mprotect(at, size, prot) != 0:
        raise last_error()


def advise(at: int, size: int, advice: int) -> None:
    """madvise. Raises OSError."""
    while _madvise(at, size, advice) != 0:
        e = last_error()
        if e.errno not in (_errno.EINTR, _errno.EAGAIN):
            raise e


copy = held.memmove
copy.argtypes, copy.restype = [c_void_p, c_void_p, c_size_t], None

new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
new_bytes.argtypes, new_bytes.restype = [c_void_p, ctypes.c_ssize_t], ctypes.py_object
bytes_address = ctypes.pythonapi.PyBytes_AsString
bytes_address.argtypes, bytes_address.restype = [ctypes.py_object], c_void_p
