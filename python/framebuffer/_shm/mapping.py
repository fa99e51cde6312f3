"""Maps files, once or twice in a row."""

import errno
import os
from contextlib import contextmanager
from typing import Iterator

from .. import _libc
from .._text import errno_text
from ..errors import FrameBufferError, NoMemory
from .memory import Memory, fronted, mirror


@contextmanager
def part(name: str) -> Iterator[None]:
    """Adds to errors which of the two files they are about."""
    try:
        yield
    except FrameBufferError as e:
        raise type(e)(f"{name}: {e}") from e


def _map_at(fd: int, at: int, size: int, prot: int, flags: int) -> int:
    try:
        return _libc.map_at(at, size, prot, _libc.MAP_SHARED | flags, fd)
    except OSError as e:
        if e.errno == errno.ENOMEM:
            raise NoMemory(f"framebuffer: not enough memory: no room to map {size} bytes (ulimit -v? huge pages?): {errno_text(e)}") from e
        raise FrameBufferError(f"map {size} bytes: {errno_text(e)}") from e


def map_file(fd: int, size: int) -> Memory:
    """The first size bytes of a file, for reading and writing, mapped as a control object: see fronted."""
    page = os.fstat(fd).st_blksize  # of hugetlbfs that of its pages
    if page % _libc.PAGE or size % page:
        page = _libc.PAGE
    return fronted(size, page, lambda at: _map_at(fd, at, size, _libc.PROT_READ | _libc.PROT_WRITE, _libc.MAP_FIXED))


def mirror_file(fd: int, size: int, read_only: bool, aligned: int) -> Memory:
    """A file's bytes twice in a row, from a multiple of aligned on, if that is not 0."""
    prot = _libc.PROT_READ if read_only else _libc.PROT_READ | _libc.PROT_WRITE
    return mirror(size, aligned, lambda at: _map_at(fd, at, size, prot, _libc.MAP_FIXED))
