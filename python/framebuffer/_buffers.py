"""Where the bytes of an object with the buffer protocol are."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_ssize_t, c_void_p, py_object
from types import TracebackType
from typing import Any


class _PyBuffer(ctypes.Structure):
    """Py_buffer, part of Python's stable interface."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_char_p),
        ("shape", POINTER(c_ssize_t)),
        ("strides", POINTER(c_ssize_t)),
        ("suboffsets", POINTER(c_ssize_t)),
        ("internal", c_void_p),
    ]


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes, _get.restype = [py_object, POINTER(_PyBuffer), c_int], c_int
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes, _release.restype = [POINTER(_PyBuffer)], None

_SIMPLE, _WRITABLE = 0, 1


class Pinned:
    """An object's bytes, which stay where they are until the with block ends.

    Bytes that do not lie in a row are copied first, in the order in which indexing would go
    through them; where they are to be written, that is BufferError.
    """

    __slots__ = ("_buffer", "address", "size")

    def __init__(self, data: Any, writable: bool = False) -> None:
        self._buffer = _PyBuffer()
        try:
            _get(data, byref(self._buffer), _WRITABLE if writable else _SIMPLE)
        except (BufferError, ValueError) as e:  # numpy's is a ValueError
            if writable:
                raise BufferError(f"framebuffer: bytes cannot be put there: {e}") from e
            _get(memoryview(data).tobytes(), byref(self._buffer), _SIMPLE)
        self.address: int = self._buffer.buf or 0
        self.size: int = self._buffer.len

    def __enter__(self) -> "Pinned":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _release(byref(self._buffer))
