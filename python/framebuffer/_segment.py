"""One process's attachment to a segment: the mapping, the ring in it, and this process's slot."""

import weakref
from functools import partial
from operator import index
from typing import Callable, Protocol, TypeVar

from . import _atomics, _shm
from ._allocator import Allocator
from ._control import Control, open_existing
from ._key import Key
from ._layout import SLOT_ALLOCATED_BYTES, SLOT_ALLOCATIONS, ROLE_CLIENT, ROLE_READ_ONLY, footprint
from ._ring import Ring
from ._shm.segment import Mapped
from ._slot import Slot
from .errors import BadKey, Closed, Corrupt, FrameBufferError, FrameBufferTimeout, NoAtomics, ServerGone, StaleKey
from ._text import quote


T = TypeVar("T")


class Closable(Protocol):
    """An object that ends with its segment."""

    def segment_closed(self) -> None:
        """Called once, while the memory is mapped."""


class Segment:
    """One attachment. Calls, views and holds refer to it, so the memory stays mapped until the last of them
    ends, also if the client is stopped meanwhile."""

    def __init__(self, key: Key, mapped: Mapped, control: Control, role: int, name: str) -> None:
        self.key = str(key)
        self.backend = key.backend
        self.control = control
        self.read_only = role == ROLE_READ_ONLY
        self.ring = Ring(control, mapped.ring, self.read_only)
        self.allocator = Allocator(self.ring)
        self.slot = Slot(control, role, name, mapped.watch is not None)
        self.ring.timed = self.slot.count_timed
        self.closed = False
        self.mapped = mapped
        self.closing: "weakref.WeakSet[Closable]" = weakref.WeakSet()  # with this segment
        self._release = weakref.finalize(self, self.slot.release)

    def check_open(self) -> None:
        """Raises Closed after close, and Corrupt when the memory was shortened."""
        if self.closed:
            raise Closed("framebuffer: closed: client or server is closed")
        if self.mapped.damaged:
            raise damaged()

    def close(self) -> None:
        """Ends this attachment; the memory is unmapped after its last use."""
        if self.closed:
            return
        self.closed = True
        for what in members(self.closing):
            what.segment_closed()
        self._release()

    def on_close(self, what: Closable) -> None:
        """Calls what.segment_closed() when the segment is closed. If it is closed already, calls that now and
        raises Closed. close sets `closed` before it looks at the set, so one of the two calls sees the
        other."""
        self.closing.add(what)
        if self.closed:
            what.segment_closed()
            self.check_open()

    def allocate(self, size: int) -> int:
        """Allocates size bytes of the ring and counts that."""
        return self._allocate(index(size), self.allocator.allocate)  # numpy's integers overflow

    def allocate_beside(self, of: int, size: int) -> int:
        """As allocate, for a chunk that describes the one at offset of and must not overwrite it."""
        return self._allocate(size, partial(self.allocator.allocate_beside, of))

    def _allocate(self, size: int, take: Callable[[int, int, int], int]) -> int:
        self.check_open()
        _atomics.require("allocating")
        slot = self.slot.mine()
        try:
            offset = take(size, slot.index, slot.pid)
        except FrameBufferError as e:
            raise self.failed(e)
        if self.mapped.damaged:  # meanwhile
            raise damaged()
        slot.count(SLOT_ALLOCATIONS, SLOT_ALLOCATED_BYTES, footprint(size))
        return offset

    def failed(self, error: FrameBufferError) -> FrameBufferError:
        """Counts a timeout by its reason, and returns the error to raise: Corrupt if the memory was
        shortened. Shortened memory reads as zeroes, in which every call fails for one reason or
        another: so only calls that fail, or wait, check for it."""
        if self.mapped.damaged:
            return damaged()
        if isinstance(error, FrameBufferTimeout):
            self.slot.count_timeout(error)
        return error


def members(of: "weakref.WeakSet[T]") -> "list[T]":
    """The members of a set to which other threads may add."""
    while True:
        try:
            return list(of)
        except RuntimeError:  # one was added meanwhile
            pass


def damaged() -> Corrupt:
    """The error for memory that was truncated."""
    return Corrupt(
        "framebuffer: segment is damaged: the backing file was truncated or its file system is full: "
        "restart the server and attach again; check the file's permissions"
    )


def attach(text: str, read_only: bool, name: str) -> Segment:
    """Maps the segment that a key names, and no other. Raises BadKey, StaleKey, NoPermission, NoMemory, Corrupt
    and NoAtomics."""
    from ._key import parse
    from ._slot import program

    if not _atomics.ORDERED:
        raise NoAtomics(
            "framebuffer: no atomic instructions: on this CPU even reading needs one, and Python has them through libatomic.so.1, "
            "which is not here: install libatomic1 (Debian, Ubuntu) or libatomic (Fedora, Alpine)"
        )
    key = parse(text)
    try:
        backend = _shm.by_name(key.backend)
    except FrameBufferError as e:
        raise BadKey(f"framebuffer: bad key: {quote(text)}: {e}") from e
    try:
        mapped = backend.attach(key.location, read_only)
        control = _open_control(mapped, key.nonce)
    except FrameBufferError as e:
        raise type(e)(f"attach with key {quote(text)}: {e}") from e
    return Segment(key, mapped, control, ROLE_READ_ONLY if read_only else ROLE_CLIENT, name or program())


def _stale(why: FrameBufferError) -> FrameBufferError:
    """The error for the key of a segment whose server has ended."""
    if isinstance(why, Corrupt):
        return Corrupt(str(why).replace("the segment's state", "its state").replace("wrote over it", "wrote over the control object"))
    if isinstance(why, ServerGone):
        return StaleKey("framebuffer: stale key: its server has died: start it again, and get the key of the one that runs now")
    return StaleKey("framebuffer: stale key: its server has closed the segment: get the key of the one that runs now")


def _open_control(mapped: Mapped, nonce: bytes) -> Control:
    """The control object of a new mapping, checked against the key's nonce."""
    try:
        control = open_existing(mapped.control, nonce, mapped.ring.size // 2)
        if control.closed:
            raise _stale(control.why_closed())
    except FrameBufferError:
        if not mapped.damaged:
            raise
    if mapped.damaged:
        raise damaged()
    return control
