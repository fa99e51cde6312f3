"""Reads and writes chunks that another process may overwrite at any instant. See docs/layout.md,
Protocol; _chunks finds chunks, _allocator allocates them.

Words shared between processes, and their order:

    head      written: every allocator, one atomic add.  read: all processes.
    header    written: the chunk's allocator, plain stores, after its add.
    payload   written: the chunk's writer.  read: its readers.
    holds     see _holds.py
    milestone written: the allocator that passed it.  read: monitors.

An allocator adds to head *before* it, or the writer that gets the offset, stores into the chunk
(`fence` where the CPU needs it). A reader loads the payload *before* it loads head for the last time
(`fence` likewise). So if a reader took in a single byte of a later chunk's owner, its last load
of head sees that owner's add, and the frame counts as overwritten. A writer that was stopped in the
middle of a write while the ring was allocated all the way round stores at most one block before it
looks at head again; the checksum of the frame that lies there by then tells its readers.

Nothing here keeps memory mapped explicitly: a caller of a method refers to the Ring, and so to the
mapping.
"""

import ctypes
from time import monotonic_ns
from typing import Callable

from . import _atomics, _checksum, _libc, _layout as L
from ._buffers import Pinned
from ._chunks import HEAD, Chunks
from ._shm import room
from .errors import BadSize, FrameBufferTimeout, TooLong, altered

WRITE_BLOCK = 64 << 10  # the layout's bound: as much can a writer spoil that was stopped for a lap
READ_BLOCK = 128 << 10  # is hashed while it is still in this CPU's cache
TIMED = 256 << 10  # from this size on reads are timed, see docs/layout.md


class Ring(Chunks):
    """Copies bytes into a ring's chunks and out of them. All methods may be called from any thread."""

    timed: Callable[[int, int], None] = staticmethod(lambda n, ns: None)
    """Called with the bytes of each frame of TIMED bytes or more that was read and verified, and the ns that took."""

    def write(self, offset: int, data: Pinned) -> int:
        """Copies data into the chunk at offset and returns its checksum. Before, between blocks and after,
        it looks whether the chunk was allocated again, and stops at once if so. Raises BadOffset,
        TooLong, Closed and FrameBufferTimeout."""
        if self.control.closed:
            raise self.control.why_closed()
        room, n = self.lookup(offset), data.size
        if n > room:
            raise TooLong(
                f"framebuffer: data longer than the chunk: {n} bytes of data for the chunk at offset {offset}, which was allocated with {room}: allocate as much as is written"
            )
        c, to, source, words, capacity = offset - L.CHUNK_HEADER, self.base + self.payload_at(offset), data.address, self._words, self.capacity
        if n <= WRITE_BLOCK:
            _libc.copy(to, source, n)
            total = _checksum.at(source, n)
        else:
            # Copied first and hashed from the cache: the copy waits for memory at both ends at
            # once, the hash would wait alone.
            stream = _checksum.stream()
            for at in range(0, n, WRITE_BLOCK):
                block = min(WRITE_BLOCK, n - at)
                _libc.copy(to + at, source + at, block)
                stream.update(source + at, block)
                if (words[HEAD] - c) & L.MASK > capacity:
                    raise self.overwritten_while_writing(offset, n)
            total = stream.digest()
        # This load may run before other processes see the last stores. Another process may allocate
        # the chunk between the two: then no reader accepts this frame, since it is overwritten, and
        # the frame that these stores spoil fails its checksum.
        if (words[HEAD] - c) & L.MASK > capacity:
            raise self.overwritten_while_writing(offset, n)
        return int(total)

    def copy(self, offset: int, skip: int, data: Pinned) -> None:
        """Copies data into a chunk that this process allocated, after its first skip bytes. Before each
        block it looks whether the chunk was allocated again; then it raises FrameBufferTimeout.

        Preconditions: the chunk has room for skip and data.
        """
        to, source, n = self.base + self.payload_at(offset) + skip, data.address, data.size
        for at in range(0, n, WRITE_BLOCK):
            if not self.alive(offset - L.CHUNK_HEADER):
                raise self.overwritten_while_writing(offset, n)
            _libc.copy(to + at, source + at, min(WRITE_BLOCK, n - at))

    def finish(self, offset: int, n: int, hashed: bool) -> int:
        """The checksum of the first n bytes that were written in place into the chunk at offset; 0 if not
        hashed. Raises Closed, and FrameBufferTimeout when the chunk was overwritten meanwhile."""
        if self.control.closed:
            raise self.control.why_closed()
        total = self._hash(offset, n) if hashed else 0
        _atomics.fence()
        if not self.alive(offset - L.CHUNK_HEADER):
            raise self.overwritten_while_writing(offset, n)
        return total

    def read(self, n: int, offset: int, checksum: int) -> bytes:
        """A copy of the first n bytes of the chunk at offset, which have that checksum. Raises BadOffset,
        BadSize, NoMemory, and FrameBufferTimeout when the chunk was overwritten before the copy was
        complete, or the checksum does not match."""
        if not 0 <= n <= self.max_size:
            raise BadSize(f"framebuffer: bad size: asked to read {n} bytes; a chunk of this ring has 0 to {self.max_size}")
        self.check(offset, n)  # before it takes memory for a size that any descriptor may claim
        room.check_copy(n)
        # Not zeroed: no other code sees it before it is full, and an error below drops it.
        data: bytes = _libc.new_bytes(None, n)
        self._copy_out(_libc.bytes_address(data), n, offset, checksum)
        return data

    def read_into(self, to: int, n: int, offset: int, checksum: int) -> None:
        """As read, to an address. After an error the bytes there are zeroes or unchanged."""
        self.check(offset, n)
        try:
            self._copy_out(to, n, offset, checksum)
        except BaseException:  # KeyboardInterrupt too
            ctypes.memset(to, 0, n)
            raise

    def _copy_out(self, to: int, n: int, offset: int, checksum: int) -> None:
        c, source = offset - L.CHUNK_HEADER, self.base + self.payload_at(offset)
        began = monotonic_ns() if n >= TIMED else 0
        if n <= READ_BLOCK:
            if n:
                _libc.copy(to, source, n)
            got = _checksum.at(to, n)
        else:
            stream = _checksum.stream()
            for at in range(0, n, READ_BLOCK):
                block = min(READ_BLOCK, n - at)
                _libc.copy(to + at, source + at, block)
                stream.update(to + at, block)
                if not self.alive(c) and not self.holds.held(c):
                    raise self.overwritten(offset)
            got = stream.digest()
        self._verify(offset, n, got, checksum)
        if n >= TIMED:
            self.timed(n, monotonic_ns() - began)

    def _verify(self, offset: int, n: int, got: int, want: int) -> None:
        """Called after everything was read: raises FrameBufferTimeout unless the bytes are the frame's."""
        if not self.is_intact(offset):
            raise self.overwritten(offset)
        if got != want:
            raise altered(
                f"altered: {n} bytes at offset {offset} have checksum {got:016x}, not {want:016x}: the size or checksum "
                "was mangled on its way, the frame was written again, or another process wrote there"
            )

    def _hash(self, offset: int, n: int) -> int:
        return int(_checksum.at(self.base + self.payload_at(offset), n))

    def view(self, offset: int, n: int, checksum: int | None) -> memoryview:
        """The first n bytes of the chunk at offset, in place. Unless checksum is None, they match it now.
        They are the frame's if is_intact is true afterwards. Raises what read raises, but NoMemory."""
        self.check(offset, n)
        if checksum is not None:
            began = monotonic_ns()
            self._verify(offset, n, self._hash(offset, n), checksum)
            if n >= TIMED:
                self.timed(n, monotonic_ns() - began)
        at = self.payload_at(offset)
        return self._read_only_bytes[at : at + n]
