"""The descriptor that travels instead of the bytes."""

import json
import re
from operator import index
from typing import Any, NamedTuple

from ._text import clip, quote
from .errors import BadFrame, BadOffset


class Frame(NamedTuple):
    """Says where a frame lies. With it, a process that can reach the memory gets exactly the bytes that
    were written, or FrameBufferTimeout; the checksum does not protect against a malicious writer. In
    JSON it is one object, the same as Go's:

        {"key":"fb4_sysv_…","offset":"128","size":1048576,"checksum":"2d06800538d394c2"}

    The offset is a string there because it has 64 bits, which JSON readers with floating-point
    numbers would round.
    """

    key: str  # of the ring that it lies in
    offset: int  # as allocate returned it
    size: int  # payload bytes
    checksum: str  # XXH3-64 of exactly those bytes, 16 hex digits

    def to_json(self) -> str:
        """The frame as one line of JSON."""
        key, offset, size, checksum = plain(self)
        parts = {"key": key, "offset": str(offset), "size": size, "checksum": checksum}
        return json.dumps(parts, separators=(",", ":"))

    def __str__(self) -> str:
        return self.to_json()

    @classmethod
    def from_json(cls, text: str | bytes | bytearray) -> "Frame":
        """Reads the JSON of to_json and of Go: all four members and no others, with only white space
        around. It does not check the key, which attaching does. Raises BadFrame."""
        try:
            parts = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as e:
            raise _bad(text, str(e)) from e
        if not isinstance(parts, dict):
            raise _bad(text, "it is no object")
        if unknown := [name for name in parts if name not in cls._fields]:
            raise _bad(text, f"unknown field {quote(str(unknown[0]), 40)}")
        if any(parts.get(name) is None for name in cls._fields):
            raise BadFrame(f"framebuffer: bad frame: {quote(clip(_shown(text)))} lacks one of key, offset, size, checksum")
        if not isinstance(parts["key"], str) or not isinstance(parts["offset"], str) or not isinstance(parts["checksum"], str):
            raise _bad(text, "key, offset and checksum are strings")
        try:
            offset = parse_offset(parts["offset"])
        except BadOffset as e:
            raise BadFrame(f"framebuffer: bad frame: {e}") from e
        size = parts["size"]
        if not isinstance(size, int) or isinstance(size, bool) or size >= 1 << 63 or size < -(1 << 63):
            raise _bad(text, "size is no number of bytes")
        if size < 0:
            raise BadFrame(f"framebuffer: bad frame: size {size} is not a length")
        parse_checksum(parts["checksum"])
        return cls(parts["key"], offset, size, parts["checksum"].lower())


def plain(frame: Frame) -> Frame:
    """The same frame with Python's integers: numpy's overflow, and json does not take them."""
    if type(frame.offset) is int and type(frame.size) is int:
        return frame
    return frame._replace(offset=as_offset(frame.offset), size=index(frame.size))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _shown(text: str | bytes | bytearray) -> str:
    return text if isinstance(text, str) else bytes(text).decode(errors="replace")


def _bad(text: str | bytes | bytearray, why: str) -> BadFrame:
    return BadFrame(
        f"framebuffer: bad frame: {quote(clip(_shown(text)))}: {why} "
        '(a frame is {"key":"…","offset":"digits","size":number,"checksum":"16 hex digits"})'
    )


_DIGITS = re.compile("0|[1-9][0-9]{0,19}")
_HEX = frozenset("0123456789abcdefABCDEF")


def parse_offset(text: str) -> int:
    """Reads an offset of frames and the RPC: decimal digits, no sign, no leading zero. Raises BadOffset."""
    if not _DIGITS.fullmatch(text) or int(text) >= 1 << 64:
        raise BadOffset(f"framebuffer: bad offset: {quote(clip(text))} is not a decimal number below 2^64")
    return int(text)


def parse_checksum(text: str) -> int:
    """Reads a checksum: exactly 16 hex digits, most significant first. Raises BadFrame."""
    if not isinstance(text, str):
        raise TypeError(f"framebuffer: a checksum is a str of 16 hex digits, not {type(text).__name__}")
    if len(text) != 16:
        raise BadFrame(f"framebuffer: bad frame: checksum {quote(clip(text))} has {len(text.encode())} characters, a checksum has 16 hex digits")
    for i, c in enumerate(text):
        if c not in _HEX:
            raise BadFrame(f"framebuffer: bad frame: checksum {quote(clip(text))}: character {i + 1} is no hex digit")
    return int(text, 16)


def as_offset(offset: int | str) -> int:
    """An offset, from an int or a str. Raises BadOffset."""
    if isinstance(offset, str):
        return parse_offset(offset)
    n = index(offset)
    if not 0 <= n < 1 << 64:
        raise BadOffset(f"framebuffer: bad offset: {n} is not a decimal number below 2^64")
    return n
