"""What server and client have in common: a mapping, the ring in it, and the slot this process
counts in."""

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
    """What must know that its segment was closed."""

    def segment_closed(self) -> None:
        """Called once, while the memory is there."""


class Segment:
    """One attachment. Whoever uses it holds a reference, so the memory stays mapped until the
    last call, view and hold is over, whatever closes meanwhile."""

    def __init__(self, key: Key, mapped: Mapped, control: Control, role: int, name: str) -> None:
        self.key = str(key)
        self.backend = key.backend
        self.control = control
        self.read_only = role == ROLE_READ_ONLY
        self.ring = Ring(control, mapped.ring, self.read_only)
        self.allocator = Allocator(self.ring)
        self.slot = Slot(control, role, name, mapped.watch is not None)
        self.closed = False
        self.mapped = mapped
        self.closing: "weakref.WeakSet[Closable]" = weakref.WeakSet()  # at close
        self._release = weakref.finalize(self, self.slot.release)

    def check_open(self) -> None:
        """Raises Closed after close, and Corrupt when somebody has shortened the memory."""
        if self.closed:
            raise Closed("framebuffer: closed: this side was closed already")
        if self.mapped.damaged:
            raise damaged()

    def close(self) -> None:
        """Ends this attachment; the memory goes with its last user."""
        if self.closed:
            return
        self.closed = True
        for what in members(self.closing):
            what.segment_closed()
        self._release()

    def on_close(self, what: Closable) -> None:
        """Has it know when the segment is closed, which may be now: then it is told, and Closed is
        raised. Whoever closes says so before he looks whom to tell, so one of the two sees the
        other."""
        self.closing.add(what)
        if self.closed:
            what.segment_closed()
            self.check_open()

    def allocate(self, size: int) -> int:
        """Takes size bytes of the ring and counts that."""
        return self._allocate(index(size), self.allocator.allocate)  # numpy's integers count otherwise than Python's

    def allocate_beside(self, of: int, size: int) -> int:
        """As allocate, for what describes the chunk at offset of and must not overwrite it."""
        return self._allocate(size, partial(self.allocator.allocate_beside, of))

    def _allocate(self, size: int, take: Callable[[int, int, int], int]) -> int:
        self.check_open()
        _atomics.require("allocating")
        slot = self.slot.mine()
        try:
            offset = take(size, slot.index, slot.pid)
        except FrameBufferError as e:
            raise self.failed(e)
        if self.mapped.damaged:  # in the midst of it
            raise damaged()
        slot.count(SLOT_ALLOCATIONS, SLOT_ALLOCATED_BYTES, footprint(size))
        return offset

    def failed(self, error: FrameBufferError) -> FrameBufferError:
        """Counts a timeout by its reason, and returns the error to tell. What looks at memory that
        was shortened finds zeroes, and fails for some reason or other: so only those who fail
        have to ask, and those who wait."""
        if self.mapped.damaged:
            return damaged()
        if isinstance(error, FrameBufferTimeout):
            self.slot.count_timeout(error)
        return error


def members(of: "weakref.WeakSet[T]") -> "list[T]":
    """Those of a set to which other threads add."""
    while True:
        try:
            return list(of)
        except RuntimeError:  # one was added meanwhile
            pass


def damaged() -> Corrupt:
    """The error for memory that was shortened."""
    return Corrupt(
        "framebuffer: segment is damaged: somebody shortened the file that its memory is, or filled up its file system: "
        "restart the server, attach again, and see who may write to the file"
    )


def attach(text: str, read_only: bool, name: str) -> Segment:
    """Maps the segment that a key names. Raises BadKey, StaleKey, NoPermission, NoMemory or
    Corrupt: a key never attaches to anything but the segment it was made for."""
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
    """The error of a key whose segment takes no clients any more."""
    if isinstance(why, Corrupt):
        return Corrupt(str(why).replace("the segment's state", "its state").replace("wrote over it", "wrote over the control object"))
    if isinstance(why, ServerGone):
        return StaleKey("framebuffer: stale key: its server has died: start it again, and get the key of the one that runs now")
    return StaleKey("framebuffer: stale key: its server has closed the segment: get the key of the one that runs now")


def _open_control(mapped: Mapped, nonce: bytes) -> Control:
    """Verifies a fresh mapping against the key it came from."""
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
