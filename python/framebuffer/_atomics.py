"""Atomic instructions on words of shared memory.

Python has none of its own. Stores and read-modify-writes of shared words go through
libatomic, the C compiler's library, whose functions are single instructions of the CPU
(`lock xadd`, `lock cmpxchg`; LDADD, CAS or a loop of LDXR and STXR), with the sequentially
consistent order that docs/layout.md asks for. Nothing else in Python is atomic: without the library
`require` raises NoAtomics, and only calls that store no shared word work (see `ORDERED`).

Loads use a memoryview of format Q or I over the mapping: `memoryview.__getitem__` copies the
item with a memcpy of constant size 8 or 4 into a variable, which compilers make one load
instruction, and an aligned load of a machine word is one access on every CPU that Linux runs
on with 64 bits. (struct's standard formats, `<Q`, may go byte by byte and are never used on
shared words.) tests/test_atomics.py looks for a torn load. The interpreter runs thousands of
instructions through calls that no compiler sees through between two such loads, so it cannot
reorder them; CPUs can, and `fence` is for those. On x86-64 loads stay in order with loads and
stores with stores, so there it does nothing.
"""

import ctypes
from ctypes import byref, c_bool, c_int, c_uint32, c_uint64, c_void_p
from typing import Any

from . import _libc
from .errors import NoAtomics

_SEQ_CST = 5
_NAME = "libatomic.so.1"


def _load_library() -> Any:
    try:
        lib = ctypes.PyDLL(_NAME)
        lock_free = lib["__atomic_is_lock_free"]
        lock_free.argtypes, lock_free.restype = [ctypes.c_size_t, c_void_p], c_bool
        # A library that used locks would use its own process's.
        return lib if lock_free(8, None) and lock_free(4, None) else None
    except (OSError, AttributeError):
        return None


_lib = _load_library()

# The CPU keeps loads in order by itself, so reading needs no library.
_X86 = _libc.MACHINE in ("x86_64", "AMD64")

AVAILABLE: bool = _lib is not None
ORDERED: bool = _X86 or AVAILABLE


def require(what: str) -> None:
    """Raises NoAtomics where there is no libatomic."""
    if not AVAILABLE:
        raise NoAtomics(
            f"framebuffer: no atomic instructions: {what} needs them, and Python has them through {_NAME}, "
            "which is not here: install libatomic1 (Debian, Ubuntu) or libatomic (Fedora, Alpine)"
        )


def _missing(*_: Any) -> Any:
    require("this")


def _function(name: str, result: Any, *arguments: Any) -> Any:
    if _lib is None:
        return _missing
    f = _lib[name]
    f.argtypes, f.restype = list(arguments), result
    return f


_add64 = _function("__atomic_fetch_add_8", c_uint64, c_void_p, c_uint64, c_int)
_add32 = _function("__atomic_fetch_add_4", c_uint32, c_void_p, c_uint32, c_int)
_store64 = _function("__atomic_store_8", None, c_void_p, c_uint64, c_int)
_store32 = _function("__atomic_store_4", None, c_void_p, c_uint32, c_int)
_swap64 = _function("__atomic_exchange_8", c_uint64, c_void_p, c_uint64, c_int)
_cas64 = _function("__atomic_compare_exchange_8", c_bool, c_void_p, c_void_p, c_uint64, c_int, c_int)
_cas32 = _function("__atomic_compare_exchange_4", c_bool, c_void_p, c_void_p, c_uint32, c_int, c_int)


def add64(address: int, n: int) -> int:
    """Adds n to the word of 64 bits and returns its former value."""
    old: int = _add64(address, n, _SEQ_CST)
    return old


def add32(address: int, n: int) -> int:
    """Adds n to the word of 32 bits and returns its former value."""
    old: int = _add32(address, n, _SEQ_CST)
    return old


def store64(address: int, value: int) -> None:
    """Stores the word of 64 bits."""
    _store64(address, value, _SEQ_CST)


def store32(address: int, value: int) -> None:
    """Stores the word of 32 bits."""
    _store32(address, value, _SEQ_CST)


def swap64(address: int, value: int) -> int:
    """Stores the word of 64 bits and returns its former value."""
    old: int = _swap64(address, value, _SEQ_CST)
    return old


def cas64(address: int, old: int, new: int) -> bool:
    """Stores new in the word of 64 bits if that is old, and returns whether it was."""
    done: bool = _cas64(address, byref(c_uint64(old)), new, _SEQ_CST, _SEQ_CST)
    return done


def cas32(address: int, old: int, new: int) -> bool:
    """As cas64, for a word of 32 bits."""
    done: bool = _cas32(address, byref(c_uint32(old)), new, _SEQ_CST, _SEQ_CST)
    return done


def _no_fence() -> None:
    pass


def _find_fence() -> Any:
    if _X86 or _lib is None:
        return _no_fence
    f = _lib["atomic_thread_fence"]
    f.argtypes, f.restype = [c_int], None
    return lambda: f(_SEQ_CST)


# fence orders what the program did before it before what it does after it: loads before loads
# and stores before stores. (Nowhere here must a store be ordered before a later load without
# an atomic read-modify-write in between.)
fence = _find_fence()


def _check() -> None:
    """Checks at import that the functions do what their names say, with all 64 bits: it takes
    microseconds, and another library of that name would cost frames."""
    word = c_uint64((1 << 63) + 5)
    at = ctypes.addressof(word)
    ok = add64(at, (1 << 63) + 1) == (1 << 63) + 5 and word.value == 6
    ok = ok and not cas64(at, 7, 9) and cas64(at, 6, 1 << 40) and word.value == 1 << 40
    ok = ok and swap64(at, 3) == 1 << 40 and add32(at, 0xFFFFFFFF) == 3 and cas32(at, 2, 4)
    store32(at, 8)
    ok = ok and word.value == 8
    store64(at, 1)
    if not ok or word.value != 1:
        raise ImportError(f"framebuffer: {_NAME} does not do what its functions are named for")


if AVAILABLE:
    _check()
