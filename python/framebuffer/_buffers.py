"""The bytes of objects with the buffer protocol.

The protocol does not tell whether an object's bytes mean the same in another process: numpy gives those
of an array of objects, which are addresses of this process, and refuses those of dates. So this module
checks first what the bytes are, and every refusal is a BadBuffer that names the remedy.
"""

import ctypes
import re
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_ssize_t, c_void_p, py_object
from types import TracebackType
from typing import Any

from ._text import clip, quote
from .errors import BadBuffer


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

# Names of fields, and complex numbers, whose code begins with that of ctypes's pointers to text.
_NO_CODES = re.compile(":[^:]*:|Z[efdg]")
_POINTERS = re.compile("[O&XzZ]")  # Python's objects, and what else ctypes has of the kind


class Pinned:
    """An object's bytes, which do not move until the with block ends.

    Bytes that are not contiguous are copied at the first use of address, in the order of numpy's
    tobytes. A writable buffer must be contiguous. Raises BadBuffer for an object that cannot be data,
    or be written to.
    """

    __slots__ = ("_buffer", "_scattered", "_address", "size")

    def __init__(self, data: Any, writable: bool = False) -> None:
        self._buffer = _PyBuffer()
        self._scattered: Any = None
        self._address: int | None = None
        in_a_row, self.size = _look(data, writable)
        if in_a_row:
            self._pin(data, writable)
        else:
            self._scattered = data

    @property
    def address(self) -> int:
        """The address of the first byte; 0 if there is none."""
        if self._address is None:
            row = _gather(self._scattered)
            if len(row) != self.size:  # which was allocated, or checked
                raise _refused(self._scattered, False, "was changed by another thread meanwhile", "pass a copy of it")
            self._pin(row, False)
        return self._address or 0

    def _pin(self, data: Any, writable: bool) -> None:
        try:
            _get(data, byref(self._buffer), _WRITABLE if writable else _SIMPLE)
        except (BufferError, TypeError, ValueError) as e:
            raise _refused(data, writable, f"does not give its bytes: {clip(str(e))}", "pass a copy: bytes(data), or data.tobytes()") from e
        self._address, self.size = self._buffer.buf or 0, self._buffer.len

    def __enter__(self) -> "Pinned":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _release(byref(self._buffer))


def _look(data: Any, writable: bool) -> tuple[bool, int]:
    """Whether the bytes are contiguous, and how many they are. Raises BadBuffer."""
    kind = type(data)
    if kind is bytearray or kind is bytes and not writable:
        return True, len(data)
    if isinstance(data, str):
        raise _refused(data, writable, "is text", 'encode it: text.encode("utf-8")')
    if _is_numpy(data):
        return _look_at_array(data, writable)
    try:
        view = memoryview(data)
    except TypeError as e:
        remedy = "numpy.asarray(data) makes an array of most images and tensors; bytes(data) of most others"
        raise _refused(data, writable, "has no buffer of bytes", remedy) from e
    except (BufferError, ValueError) as e:  # closed or released
        raise _refused(data, writable, f"does not give its bytes: {clip(str(e))}", "pass one that is open, or a copy of its bytes") from e
    with view:
        if _POINTERS.search(_NO_CODES.sub("", view.format or "")):
            raise _pointers(data, writable, f"format {quote(view.format, 40)}")
        _check_target(data, writable, view.readonly, view.c_contiguous)
        return view.c_contiguous, view.nbytes


def _is_numpy(data: Any) -> bool:
    numpy = sys.modules.get("numpy")  # a program with an array has it
    return numpy is not None and isinstance(data, (numpy.ndarray, numpy.generic))


def _look_at_array(data: Any, writable: bool) -> tuple[bool, int]:
    """As _look, for numpy's arrays: memoryview refuses some, since the buffer protocol has no code for dates."""
    if data.dtype.hasobject:
        raise _pointers(data, writable, f"dtype {clip(str(data.dtype))}")
    if not writable and getattr(data, "mask", None) is not None and _masked(data):
        raise _refused(data, writable, "has masked elements, which bytes cannot tell", "pass data.filled(value), or data.data")
    scalar = isinstance(data, sys.modules["numpy"].generic)  # has no address
    _check_target(data, writable, scalar or not data.flags.writeable, data.flags.c_contiguous)
    return bool(data.flags.c_contiguous) and not scalar, int(data.nbytes)


def _masked(data: Any) -> bool:
    ma = sys.modules.get("numpy.ma")
    return ma is not None and isinstance(data, ma.MaskedArray) and bool(ma.is_masked(data))


def _gather(data: Any) -> bytes:
    """A contiguous copy of the bytes."""
    if _is_numpy(data):
        numpy = sys.modules["numpy"]
        kind = numpy.ndarray if isinstance(data, numpy.ndarray) else numpy.generic
        copied: bytes = kind.tobytes(data)  # not a subclass's own tobytes
        return copied
    return memoryview(data).tobytes()


def _check_target(data: Any, writable: bool, read_only: bool, in_a_row: bool) -> None:
    """Raises BadBuffer if the object is to be written to and cannot be."""
    if writable and read_only:
        raise _refused(data, writable, "is read-only", "pass a bytearray, or an array that may be written to: numpy.empty(shape, dtype)")
    if writable and not in_a_row:
        raise _refused(data, writable, "does not lie in a row in memory", "read into an array in C order, numpy.empty(shape, dtype), and copy from there")


def _pointers(data: Any, writable: bool, what: str) -> BadBuffer:
    return _refused(
        data, writable, f"consists of pointers ({what}), which mean nothing in another process",
        "convert it to numbers, data.astype(numpy.float32), or serialise it, such as with pickle.dumps(data)",
    )  # fmt: skip


def _refused(data: Any, writable: bool, why: str, remedy: str) -> BadBuffer:
    kind = type(data)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    front = "bytes cannot be put there" if writable else "it cannot be the data of a frame"
    return BadBuffer(f"framebuffer: bad buffer: {front}: the {clip(name)} {why}: {remedy}")
