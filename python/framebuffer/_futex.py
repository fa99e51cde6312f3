"""Sleeping on a word of shared memory until another process has changed it and wakes the sleepers:
futex(2), not private, so that processes may have mapped the word at different addresses."""

import ctypes
import errno
import struct
import time
from ctypes import c_char_p, c_int, c_long, c_uint32, c_void_p

from . import _libc

_NUMBERS = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "loongarch64": 98, "ppc64le": 221, "s390x": 238}
_NUMBER = _NUMBERS.get(_libc.MACHINE)
_WAIT, _WAKE = 0, 1

_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.argtypes = [c_long, c_void_p, c_int, c_uint32, c_void_p, c_void_p, c_uint32]
_syscall.restype = c_long


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", c_long), ("nanoseconds", c_long)]


def _call(address: int, operation: int, value: int, limit: object) -> int:
    if _NUMBER is None:
        raise NotImplementedError(f"framebuffer: futex(2) has no known number on {_libc.MACHINE}")
    result: int = _syscall(_NUMBER, address, operation, value, limit, None, 0)
    return result


def wait(address: int, old: int, seconds: float) -> None:
    """Sleeps while the word of 32 bits is old, for at most that many seconds. It returns when it is woken,
    when the word differs, when the time is over, and sometimes without a reason: callers look again.
    Other threads go on meanwhile."""
    ns = int(seconds * 1e9)
    limit = _Timespec(ns // 1_000_000_000, ns % 1_000_000_000)
    if _call(address, _WAIT, old, ctypes.byref(limit)) != 0:
        e = _libc.last_error()
        # EFAULT: the memory was shortened; a load finds out (see _shm/busguard.py).
        if e.errno not in (errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT, errno.EFAULT):
            raise e


MOST = 128  # words that wait_any takes (FUTEX_WAITV_MAX)
_WAITV = 449  # on every architecture
_ENTRY = struct.Struct("=QQII")  # struct futex_waitv
_SIZE_32 = 2  # FUTEX2_SIZE_U32

_waitv = ctypes.CDLL(None, use_errno=True)["syscall"]
_waitv.argtypes = [c_long, c_char_p, c_uint32, c_uint32, c_char_p, c_int]
_waitv.restype = c_long


def wait_any(words: "list[tuple[int, int]]", seconds: float) -> bool:
    """Sleeps while each of several words of 32 bits (address, value) has its value, for at most that many
    seconds (futex_waitv(2), from Linux 5.16 on). It returns when wait would, and does not say which word
    changed: callers look at each. False means that the call is missing or refused.

    Preconditions: at most MOST words.
    """
    ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + int(seconds * 1e9)
    all_ = b"".join(_ENTRY.pack(old, address, _SIZE_32, 0) for address, old in words)
    until = struct.pack("=qq", ns // 1_000_000_000, ns % 1_000_000_000)
    if _waitv(_WAITV, all_, len(words), 0, until, time.CLOCK_MONOTONIC) >= 0:
        return True
    return _libc.last_error().errno in (errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT, errno.EFAULT)


def wake(address: int) -> None:
    """Wakes all sleepers on the word."""
    _call(address, _WAKE, 0x7FFFFFFF, None)
