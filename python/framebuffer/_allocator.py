"""Allocates chunks of a ring: one atomic add, without a lock and without the server. See _ring for the
order of the stores.
"""

from . import _atomics, _clock, _layout as L
from ._chunks import HEAD, Chunks
from ._holds import TRIES
from .errors import BadSize, FrameBufferError, FrameBufferTimeout, HoldLimit, TooLarge, changing, overwritten, overwritten_between

_HOLD_UNTIL = L.OFF_HOLD_UNTIL // 8


class Allocator:
    """Allocates chunks of a ring. All methods may be called from any thread."""

    def __init__(self, chunks: Chunks) -> None:
        control = chunks.control
        self._chunks, self._control, self._words = chunks, control, control.words
        self._head = control.address + L.OFF_HEAD
        self._shift = L.milestone_shift(control.capacity)

    def allocate(self, size: int, client: int, pid: int) -> int:
        """Allocates size bytes of the ring, where they overwrite the oldest, and returns the chunk's
        offset. Other processes may allocate the same memory again at any time, which finish tells.

        Raises BadSize, TooLarge, HoldLimit when holds leave no room for that size, Closed, and
        FrameBufferTimeout when this process was stopped while the ring was allocated all the way
        round.
        """
        chunks = self._chunks
        if not 0 < size <= chunks.max_size:
            raise self._bad_size(size)
        if self._control.closed:
            raise self._control.why_closed()
        now = _clock.monotonic_ns()
        n = L.footprint(size)
        # Every add is a multiple of ALIGN, and so is head, unless a hostile process stored another
        # value.
        c = _atomics.add64(self._head, n) & ~(L.ALIGN - 1)
        if (c ^ (c + n)) >> self._shift:
            self._control.pass_milestone((c + n) & L.MASK, now)
        if self._words[_HOLD_UNTIL] > now - L.HOLD_GRACE:
            c = self._skip_holds(c, n, now)
        _atomics.fence()
        # A process that was stopped here for a whole lap would put its header into another process's
        # chunk. This look makes the window small; the checksum of that chunk catches the rest.
        if not chunks.alive(c):
            raise overwritten_while_allocating(chunks.capacity, size)
        at = c % chunks.capacity
        chunks.presence.ensure(at, n)
        offset = (c + L.CHUNK_HEADER) & L.MASK
        L.CHUNK.pack_into(chunks.bytes, at, offset, size, now, client, pid, chunks.guard(offset, size), 0, 0, 0)
        return offset

    def allocate_beside(self, of: int, size: int, client: int, pid: int) -> int:
        """As allocate, for a chunk that describes the one at offset of: the allocation itself does not
        overwrite that one. Other processes may do so at any time.

        Also raises what Chunks.lookup raises, TooLarge when the two are larger than the ring,
        HoldLimit when holds do not leave room for both, and FrameBufferTimeout when so much was
        allocated since that the new chunk would overwrite that one.
        """
        other, now = self._chunks.lookup(of), _clock.monotonic_ns()
        if not self._spares((of - L.CHUNK_HEADER) & L.MASK, L.footprint(size), now):
            raise self._crowded(of, other, size, now)
        return self.allocate(size, client, pid)

    def _spares(self, c: int, n: int, now: int) -> bool:
        """Whether the chunk at position c stays intact when n bytes more are allocated now. The holds that
        such an allocation skips count too; a hold of the chunk itself keeps it."""
        at, holds = self._words[HEAD], self._chunks.holds
        if holds.may_be(now):
            if holds.held(c):
                return True
            for _ in range(self._control.tables.holds.count):
                end = holds.end_of_overlap(at, n, now)
                if end is None:
                    break
                at = end
        return bool((at + n - c) & L.MASK <= self._chunks.capacity)

    def _crowded(self, of: int, other: int, size: int, now: int) -> FrameBufferError:
        """The reason why size bytes beside the chunk at offset of would overwrite it."""
        capacity = self._chunks.capacity
        if L.footprint(other) + L.footprint(size) > capacity:
            return self.too_large_beside(other, size)
        if self._chunks.holds.may_be(now):
            return HoldLimit(
                f"framebuffer: too much is held: {self._chunks.holds.total(now)} of the ring's {capacity} bytes are held, and beside them is no "
                f"room for the chunk of {other} bytes at offset {of} and {size} bytes that describe it: release holds, or start the server "
                "with a larger size or a smaller HoldLimit"
            )
        return overwritten(
            f"overwritten: the ring of {capacity} bytes has allocated {self._chunks.allocated_since(of)} bytes since the chunk at offset {of}, and the "
            f"{size} bytes that describe it would overwrite it: publish sooner, or start the server with a larger size"
        )

    def most_beside(self, size: int) -> int:
        """The largest payload of a chunk that leaves room for another of size bytes."""
        return int(self._chunks.capacity - L.footprint(size) - L.CHUNK_HEADER)

    def too_large_beside(self, size: int, record: int) -> TooLarge:
        """The error for a chunk that leaves no room for the one that describes it."""
        return TooLarge(
            f"framebuffer: too large: a frame of {size} bytes, and {record} bytes that describe it: of frames that need those "
            f"this ring holds at most {self.most_beside(record)} bytes, of others {self._chunks.max_size} (capacity {self._chunks.capacity}): "
            "publish without metadata, or start the server with a larger size"
        )

    def _skip_holds(self, c: int, n: int, now: int) -> int:
        """A position from which n bytes, added to head, are free of holds: c, if those are, or one after
        the holds that they overlap. The memory between is not used in this lap."""
        holds = self._chunks.holds
        for _ in range(4 * self._control.tables.holds.count):
            target = holds.end_of_overlap(c, n, now)
            if target is None:
                return c
            if not holds.fits(n, now):
                break
            c = self._raise_head(target, n)
            if (c ^ (c + n)) >> self._shift:
                self._control.pass_milestone((c + n) & L.MASK, now)
        raise HoldLimit(
            f"framebuffer: too much is held: {holds.total(now)} of the ring's {self._chunks.capacity} bytes are held, and nowhere between "
            f"them are {n} bytes free: release holds, or start the server with a larger size or a smaller HoldLimit"
        )

    def _raise_head(self, target: int, n: int) -> int:
        """Adds n to head, after it has raised head to target if that is higher, and returns where the n bytes
        begin."""
        for _ in range(TRIES):
            head = self._words[HEAD]
            ahead = (target - head) & L.MASK
            c = target if 0 < ahead < 1 << 63 else head
            if _atomics.cas64(self._head, head, (c + n) & L.MASK):
                return int(c) & ~(L.ALIGN - 1)
        raise changing("head")

    def _bad_size(self, size: int) -> Exception:
        if size <= 0:
            return BadSize(f"framebuffer: bad size: asked to allocate {size} bytes; a chunk has at least 1")
        return TooLarge(
            f"framebuffer: too large: asked to allocate {size} bytes; a chunk of this ring has at most {self._chunks.max_size} "
            f"(capacity {self._chunks.capacity} less a {L.CHUNK_HEADER}-byte header): start the server with a larger size"
        )


def overwritten_while_allocating(capacity: int, size: int) -> FrameBufferTimeout:
    """The timeout of an allocation that was stopped while the ring was allocated all the way round."""
    return overwritten_between(
        f"the ring of {capacity} bytes was overwritten between two instructions of allocating {size}: "
        "it is too small for its traffic, or this process was stopped meanwhile"
    )
