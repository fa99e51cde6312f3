"""The chunks of a ring: which positions are not allocated again yet, and what lies at an offset. The
headers in shared memory are hostile: each is loaded once, and checked against the ring before use.
"""

from . import _atomics, _layout as L
from ._control import Control
from ._holds import Holds
from ._presence import Presence
from ._shm.memory import Memory
from .errors import BadOffset, BadSize, FrameBufferTimeout, NoHeader, overwritten

HEAD = L.OFF_HEAD // 8


class Chunks:
    """One process's view of the chunks in a segment's ring. All methods may be called from any
    thread."""

    def __init__(self, control: Control, memory: Memory, read_only: bool) -> None:
        self.control, self._memory = control, memory
        self.bytes = memory.view()
        self.base = memory.address
        self.capacity = control.capacity
        self.max_size = control.capacity - L.CHUNK_HEADER
        self.holds = Holds(control)
        self._words = control.words
        self.guard = L.Guard(control.nonce)
        self.presence = Presence(memory, read_only)
        self._read_only_bytes = self.bytes.toreadonly()

    # Positions.

    def alive(self, c: int) -> bool:
        """Whether no byte of the chunk at position c was allocated again. It is exact: the chunk's memory
        begins where position c+capacity does, and allocation goes through positions in order. A
        hostile head makes it wrong, never unsafe."""
        return bool((self._words[HEAD] - c) & L.MASK <= self.capacity)

    def intact(self, c: int) -> bool:
        """Whether the chunk at position c is not overwritten: alive, or held."""
        return self.alive(c) or self.holds.held(c)

    def is_intact(self, offset: int) -> bool:
        """Whether the chunk at offset was intact during all reads before this call."""
        _atomics.fence()
        return self.intact((offset - L.CHUNK_HEADER) & L.MASK)

    # Lookup.

    def intact_size(self, offset: int) -> int:
        """The size of the intact chunk at offset, or -1 if there is none. The header is loaded once, and
        its size is at most the ring's, so no access derived from it leaves the mapping."""
        if offset < L.CHUNK_HEADER or offset % L.ALIGN or not self.intact(offset - L.CHUNK_HEADER):
            return -1
        at = (offset - L.CHUNK_HEADER) % self.capacity
        own, size, _, _, _, guard = L.CHUNK_FRONT.unpack_from(self.bytes, at)
        if own != offset or size > self.max_size or guard != self.guard(offset, size):
            return -1
        self.presence.ensure(at, L.CHUNK_HEADER + size)
        return int(size)

    def payload_at(self, offset: int) -> int:
        """Where in the mapping the payload of the chunk at offset begins."""
        return (offset - L.CHUNK_HEADER) % self.capacity + L.CHUNK_HEADER

    def lookup(self, offset: int) -> int:
        """The size of the intact chunk at offset. Raises BadOffset or FrameBufferTimeout if there is none."""
        size = self.intact_size(offset)
        if size < 0:
            raise self._missing(offset)
        return size

    def check(self, offset: int, n: int) -> None:
        """Raises BadOffset, BadSize or FrameBufferTimeout if n bytes at offset cannot be read. It does not
        check the bytes."""
        size = self.lookup(offset)
        if not 0 <= n <= size:
            raise BadSize(
                f"framebuffer: bad size: asked to read {n} bytes of the chunk at offset {offset}, which was allocated with {size}: ask for 0 to that many"
            )

    def _missing(self, offset: int) -> Exception:
        """The reason why there is no intact chunk at offset."""
        c = offset - L.CHUNK_HEADER
        if offset < L.CHUNK_HEADER or offset % L.ALIGN:
            return BadOffset(f"framebuffer: bad offset: {offset}; offsets come from Allocate and are multiples of {L.ALIGN} from {L.CHUNK_HEADER} up")
        head = self._words[HEAD]
        # No chunk begins so close to head; differences to positions after head, or before the start,
        # are negative.
        if _signed(head - c) <= L.CHUNK_HEADER or _signed(c - self.control.start) < 0:
            return BadOffset(
                f"framebuffer: bad offset: {offset} was never handed out; the ring has allocated from {self.control.start} to {head}. Was it made with another key?"
            )
        _atomics.fence()  # the header, before this look at head
        if not self.intact(c):
            return self.overwritten(offset)
        return NoHeader(
            f"framebuffer: timeout: no chunk begins at offset {offset}: a process stopped for a whole lap wrote over it, or it is a "
            "framebuffer: bad offset, since offsets come from Allocate and cannot be computed"
        )

    def writable(self, offset: int, n: int) -> memoryview:
        """The first n bytes of a chunk that this process just allocated, to write in place."""
        at = self.payload_at(offset)
        return self.bytes[at : at + n]

    # Errors.

    def allocated_since(self, offset: int) -> int:
        """How many bytes were allocated since the chunk at offset began."""
        return int((self._words[HEAD] - (offset - L.CHUNK_HEADER)) & L.MASK)

    def overwritten(self, offset: int) -> FrameBufferTimeout:
        """The error for a chunk that later frames have overwritten."""
        return overwritten(
            f"overwritten: the ring of {self.capacity} bytes has allocated {self.allocated_since(offset)} bytes since the chunk at offset {offset}: "
            "read sooner, or start the server with a larger size"
        )

    def overwritten_while_writing(self, offset: int, n: int) -> FrameBufferTimeout:
        """The error for a chunk that was overwritten during a write."""
        return overwritten(
            f"overwritten while writing {n} bytes at offset {offset}: the ring of {self.capacity} bytes has allocated {self.allocated_since(offset)} bytes since: "
            "write sooner, or start the server with a larger size"
        )


def _signed(n: int) -> int:
    n &= L.MASK
    return n - (1 << 64) if n >> 63 else n
