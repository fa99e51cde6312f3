"""XXH3-64, of memory at an address.

Debian's python3-xxhash is linked with libxxhash, which also has functions that choose the best
instructions of the CPU (AVX2, AVX-512) at run time; the Python module does not use them. If the library
is there this module calls them, which takes a third of the time or less; otherwise it uses the Python
module, with the instructions that that was compiled for.
"""

import ctypes
from ctypes import c_char, c_size_t, c_uint64, c_void_p
from typing import Any, Protocol

import xxhash

if not hasattr(xxhash, "xxh3_64"):
    raise ImportError(
        f"framebuffer needs the xxhash module 2.0 or later, which has XXH3; {xxhash.__file__} is "
        f"{xxhash.VERSION}: pip install --upgrade xxhash, or apt install python3-xxhash"
    )


class Stream(Protocol):
    """A checksum that is computed in parts."""

    def update(self, address: int, size: int) -> None:
        """Adds the bytes at an address."""

    def digest(self) -> int:
        """The checksum of all bytes that were added. Called once, last."""


class _ModuleStream:
    def __init__(self) -> None:
        self._hash = xxhash.xxh3_64()

    def update(self, address: int, size: int) -> None:
        self._hash.update((c_char * size).from_address(address))  # type: ignore[arg-type]

    def digest(self) -> int:
        return self._hash.intdigest()


class Module:
    """Checksums by the xxhash module."""

    @staticmethod
    def of(address: int, size: int) -> int:
        return xxhash.xxh3_64_intdigest((c_char * size).from_address(address))  # type: ignore[arg-type]

    @staticmethod
    def stream() -> Stream:
        return _ModuleStream()


class Library:
    """Checksums by libxxhash's dispatching functions. Raises OSError or AttributeError without them."""

    def __init__(self) -> None:
        # With the interpreter's lock held, as in _libc.
        lib = ctypes.PyDLL("libxxhash.so.0")

        def function(name: str, result: Any, *arguments: Any) -> Any:
            f = lib[name]
            f.argtypes, f.restype = list(arguments), result
            return f

        self.of = function("XXH3_64bits_dispatch", c_uint64, c_void_p, c_size_t)
        self.create = function("XXH3_createState", c_void_p)
        self.reset = function("XXH3_64bits_reset", None, c_void_p)
        self.update = function("XXH3_64bits_update_dispatch", None, c_void_p, c_void_p, c_size_t)
        self.digest = function("XXH3_64bits_digest", c_uint64, c_void_p)
        # States that are not in use; append and pop are one step for other threads.
        self.states: list[int] = []

    def stream(self) -> Stream:
        return _LibraryStream(self)


class _LibraryStream:
    __slots__ = ("_lib", "_state")

    def __init__(self, lib: Library) -> None:
        self._lib = lib
        try:
            self._state = lib.states.pop()
        except IndexError:
            self._state = lib.create()
            if not self._state:
                raise MemoryError("framebuffer: no memory for a checksum") from None
        lib.reset(self._state)

    def update(self, address: int, size: int) -> None:
        self._lib.update(self._state, address, size)

    def digest(self) -> int:
        result: int = self._lib.digest(self._state)
        return result

    def __del__(self) -> None:
        if state := getattr(self, "_state", None):
            self._lib.states.append(state)


def _agrees(way: "Module | Library") -> bool:
    """Whether it computes the same as the xxhash module, in one call and in parts."""
    data = bytes(range(251)) * 5
    address = _libc_address(data)
    for size in (0, 1, 16, 128, 129, 240, 241, 1024, len(data)):
        want = xxhash.xxh3_64_intdigest(data[:size])
        s = way.stream()
        s.update(address, size // 3)
        s.update(address + size // 3, size - size // 3)
        if way.of(address, size) != want or s.digest() != want:
            return False
    return True


def _libc_address(data: bytes) -> int:
    from ._libc import bytes_address

    address: int = bytes_address(data)
    return address


def _choose() -> "Module | Library":
    try:
        lib = Library()
        return lib if _agrees(lib) else Module()
    except (OSError, AttributeError):
        return Module()


_way = _choose()
at = _way.of
stream = _way.stream


def of(data: bytes) -> int:
    """The checksum of bytes."""
    return xxhash.xxh3_64_intdigest(data)
