"""The protocol on the shared memory: positions, the allocator, and reading and writing chunks
that another process may reuse at any instant. See docs/layout.md, Protocol.

Words shared between processes, and their order:

    head      written: every allocator, one atomic add.  read: everyone.
    header    written: the chunk's allocator, plain stores, after its add.
    payload   written: the chunk's writer.  read: its readers.
    holds     see _holds.py
    milestone written: the allocator that passed it.  read: people who watch.

An allocator adds to head *before* it, or the writer it tells, stores into the chunk (`fence`
where the CPU needs it). A reader loads the payload *before* it loads head for the last time
(`fence` likewise). So if a reader took in a single byte of a later chunk's owner, its last load
of head sees that owner's add, and says reused. A writer that was stopped in the middle of a
write for a whole lap stores at most one block before it looks at head again, and the checksum
of whoever owns that memory by then tells its readers.

Nothing here keeps memory mapped by hand: whoever runs a method holds the Ring, and with it
the mapping.
"""

import ctypes

from . import _atomics, _checksum, _clock, _libc, _layout as L
from ._buffers import Pinned
from ._control import Control
from ._holds import Holds
from ._presence import Presence
from ._shm.memory import Memory
from .errors import BadOffset, BadSize, Closed, FrameBufferTimeout, HoldLimit, NoHeader, TooLarge, TooLong, altered, reused

_HEAD = L.OFF_HEAD // 8
_HOLD_UNTIL = L.OFF_HOLD_UNTIL // 8

WRITE_BLOCK = 64 << 10  # the layout's bound: what a writer that was lapped can spoil
READ_BLOCK = 128 << 10  # what is hashed while it is still in the cache of this CPU


class Ring:
    """One process's view of a segment's ring. All methods may be called from any thread."""

    def __init__(self, control: Control, memory: Memory, read_only: bool) -> None:
        self.control, self._memory = control, memory
        self.bytes = memory.view()
        self._base = memory.address
        self.capacity = control.capacity
        self.max_size = control.capacity - L.CHUNK_HEADER
        self.holds = Holds(control)
        self._words = control.words
        self._head = control.address + L.OFF_HEAD
        self._guard = L.Guard(control.nonce)
        self._shift = L.milestone_shift(control.capacity)
        self._presence = Presence(memory, read_only)
        self._read_only_bytes = self.bytes.toreadonly()

    # Positions.

    def alive(self, c: int) -> bool:
        """Whether nothing of the chunk at position c has been handed out again. It is exact: the
        chunk's memory ends where position c+capacity begins, and allocation goes through
        positions in order. A hostile head makes it wrong, never unsafe."""
        return bool((self._words[_HEAD] - c) & L.MASK <= self.capacity)

    def intact(self, c: int) -> bool:
        """Whether the chunk at position c is what it was: alive, or held."""
        return self.alive(c) or self.holds.held(c)

    def is_intact(self, offset: int) -> bool:
        """Whether the chunk at offset was what it is at all reads before this call."""
        _atomics.fence()
        return self.intact((offset - L.CHUNK_HEADER) & L.MASK)

    # Allocating.

    def take(self, size: int, client: int, pid: int) -> int:
        """Takes size bytes of the ring, overwriting the oldest, and returns the chunk's offset.
        Another process may be handed the same memory at any time; seal tells.

        Raises BadSize, TooLarge, HoldLimit when holds leave no room for that size, Closed, and
        FrameBufferTimeout when this process was stopped for a lap.
        """
        if not 0 < size <= self.max_size:
            raise self._bad_size(size)
        if self.control.closed:
            raise closed_by_server()
        now = _clock.monotonic_ns()
        n = L.footprint(size)
        # Every add is a multiple of ALIGN, and so is head, unless a hostile process stored
        # nonsense there.
        c = _atomics.add64(self._head, n) & ~(L.ALIGN - 1)
        if (c ^ (c + n)) >> self._shift:
            self.control.pass_milestone((c + n) & L.MASK, now)
        if self._words[_HOLD_UNTIL] > now - L.HOLD_GRACE:
            c = self._step_over(c, n, now)
        _atomics.fence()
        # A process stopped here for a whole lap and resumed would put its header into somebody
        # else's chunk. This look makes the window small; what slips through is caught by that
        # chunk's checksum.
        if not self.alive(c):
            raise reused_allocating(self.capacity, size)
        at = c % self.capacity
        self._presence.ensure(at, n)
        offset = (c + L.CHUNK_HEADER) & L.MASK
        L.CHUNK.pack_into(self.bytes, at, offset, size, now, client, pid, self._guard(offset, size), 0, 0, 0)
        return offset

    def _step_over(self, c: int, n: int, now: int) -> int:
        """A position from which n bytes, added to head, are free of holds: c, if that is, or one
        behind the holds in its way. What is stepped over is lost for this lap."""
        for _ in range(4 * self.control.tables.holds.count):
            target = self.holds.in_the_way(c, n, now)
            if target is None:
                return c
            if not self.holds.fits(n, now):
                break
            c = self._take_behind(target, n)
            if (c ^ (c + n)) >> self._shift:
                self.control.pass_milestone((c + n) & L.MASK, now)
        raise HoldLimit(
            f"framebuffer: too much is held: {self.holds.total(now)} of the ring's {self.capacity} bytes are held, and nowhere between "
            f"them are {n} bytes free: release holds, or start the server with a larger size or a smaller HoldLimit"
        )

    def _take_behind(self, target: int, n: int) -> int:
        """Adds n to head, which it first raises to target, and returns where they begin."""
        while True:
            head = self._words[_HEAD]
            behind = (target - head) & L.MASK
            c = target if 0 < behind < 1 << 63 else head
            if _atomics.cas64(self._head, head, (c + n) & L.MASK):
                return int(c) & ~(L.ALIGN - 1)

    # Finding.

    def peek(self, offset: int) -> int:
        """The size of the intact chunk at offset, or -1; for those who do not want to know why
        not. The header is loaded once and its size is bounded by the ring, so nothing derived
        from it leaves the mapping."""
        if offset < L.CHUNK_HEADER or offset % L.ALIGN or not self.intact(offset - L.CHUNK_HEADER):
            return -1
        at = (offset - L.CHUNK_HEADER) % self.capacity
        own, size, _, _, _, guard = L.CHUNK_FRONT.unpack_from(self.bytes, at)
        if own != offset or size > self.max_size or guard != self._guard(offset, size):
            return -1
        self._presence.ensure(at, L.CHUNK_HEADER + size)
        return int(size)

    def place(self, offset: int) -> int:
        """Where in the mapping the payload of the chunk at offset begins."""
        return (offset - L.CHUNK_HEADER) % self.capacity + L.CHUNK_HEADER

    def find(self, offset: int) -> int:
        """The size of the intact chunk at offset. Raises BadOffset and FrameBufferTimeout."""
        size = self.peek(offset)
        if size < 0:
            raise self._missing(offset)
        return size

    def check(self, offset: int, n: int) -> None:
        """Raises what reading n bytes at offset would, but for bytes that are not those written:
        BadOffset, BadSize, FrameBufferTimeout."""
        size = self.find(offset)
        if not 0 <= n <= size:
            raise BadSize(
                f"framebuffer: bad size: asked to read {n} bytes of the chunk at offset {offset}, which was allocated with {size}: ask for 0 to that many"
            )

    def _missing(self, offset: int) -> Exception:
        """Why there is no intact chunk at offset."""
        c = offset - L.CHUNK_HEADER
        if offset < L.CHUNK_HEADER or offset % L.ALIGN:
            return BadOffset(f"framebuffer: bad offset: {offset}; offsets come from Allocate and are multiples of {L.ALIGN} from {L.CHUNK_HEADER} up")
        head = self._words[_HEAD]
        # Nothing that young was handed out, the future is negative, and so is what was before
        # the start.
        if _signed(head - c) <= L.CHUNK_HEADER or _signed(c - self.control.start) < 0:
            return BadOffset(
                f"framebuffer: bad offset: {offset} was never handed out; the ring has allocated from {self.control.start} to {head}. Was it made with another key?"
            )
        _atomics.fence()  # the header, before this look at head
        if not self.intact(c):
            return self.reused(offset)
        return NoHeader(
            f"framebuffer: timeout: no chunk begins at offset {offset}: a process stopped for a whole lap wrote over it, or it is a "
            "framebuffer: bad offset, since offsets come from Allocate and cannot be computed"
        )

    # Moving bytes.

    def write(self, offset: int, data: Pinned) -> int:
        """Copies data into the chunk at offset and returns its checksum. Before, between blocks
        and after, it looks whether the chunk is still its own, and stops at once when it is
        not. Raises BadOffset, TooLong, Closed and FrameBufferTimeout."""
        if self.control.closed:
            raise closed_by_server()
        room, n = self.find(offset), data.size
        if n > room:
            raise TooLong(
                f"framebuffer: data longer than the chunk: {n} bytes of data for the chunk at offset {offset}, which was allocated with {room}: allocate as much as is written"
            )
        c, to, source, words, capacity = offset - L.CHUNK_HEADER, self._base + self.place(offset), data.address, self._words, self.capacity
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
                if (words[_HEAD] - c) & L.MASK > capacity:
                    raise self._lapped(offset, n)
            total = stream.digest()
        # This load may run before the last stores are visible elsewhere. Then another process
        # may take the chunk between the two; nobody reads our frame then (it is dead), and the
        # frame they spoil fails its checksum.
        if (words[_HEAD] - c) & L.MASK > capacity:
            raise self._lapped(offset, n)
        return int(total)

    def seal(self, offset: int, n: int, hashed: bool) -> int:
        """The checksum of the first n bytes that were written in place into the chunk at offset;
        0 if not hashed. Raises Closed, and FrameBufferTimeout when the chunk was reused before
        it was done."""
        if self.control.closed:
            raise closed_by_server()
        total = self._hash(offset, n) if hashed else 0
        _atomics.fence()
        if not self.alive(offset - L.CHUNK_HEADER):
            raise self._lapped(offset, n)
        return total

    def read(self, n: int, offset: int, checksum: int) -> bytes:
        """The first n bytes of the chunk at offset, which have that checksum. Raises BadOffset,
        BadSize, and FrameBufferTimeout when the chunk was or became reused or holds something
        else."""
        if not 0 <= n <= self.max_size:  # must not allocate gigabytes before the chunk is looked at
            raise BadSize(f"framebuffer: bad size: asked to read {n} bytes; a chunk of this ring has 0 to {self.max_size}")
        self.check(offset, n)
        # Not zeroed, and not seen by anybody before it is full: what is raised below drops it.
        data: bytes = _libc.new_bytes(None, n)
        self._copy_out(_libc.bytes_address(data), n, offset, checksum)
        return data

    def read_into(self, to: int, n: int, offset: int, checksum: int) -> None:
        """As read, to an address. With an error the bytes there are zeroed or untouched."""
        self.check(offset, n)
        try:
            self._copy_out(to, n, offset, checksum)
        except FrameBufferTimeout:
            ctypes.memset(to, 0, n)
            raise

    def _copy_out(self, to: int, n: int, offset: int, checksum: int) -> None:
        c, source = offset - L.CHUNK_HEADER, self._base + self.place(offset)
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
                    raise self.reused(offset)
            got = stream.digest()
        self._judge(offset, n, got, checksum)

    def _judge(self, offset: int, n: int, got: int, want: int) -> None:
        """After everything was read: raises FrameBufferTimeout unless it counts."""
        if not self.is_intact(offset):
            raise self.reused(offset)
        if got != want:
            raise altered(
                f"not what was written: {n} bytes at offset {offset} have checksum {got:016x}, not {want:016x}: the size or checksum "
                "was mangled on its way, the frame was written again, or another process wrote there"
            )

    def _hash(self, offset: int, n: int) -> int:
        return int(_checksum.at(self._base + self.place(offset), n))

    def look(self, offset: int, n: int, checksum: int | None) -> memoryview:
        """The first n bytes of the chunk at offset, in place; unless it is None, they have that
        checksum now. They count if is_intact says so afterwards. Raises what read does."""
        self.check(offset, n)
        if checksum is not None:
            self._judge(offset, n, self._hash(offset, n), checksum)
        at = self.place(offset)
        return self._read_only_bytes[at : at + n]

    # Labels: what a chunk's header says of its publication in a topic.

    def label(self, offset: int, size: int, client: int, checksum: int, time_ns: int, topic: int, sequence: int) -> bool:
        """Puts a label on the chunk at offset if it was allocated by that client with exactly that
        size and has none: a compare-and-swap of its stamp from 0. Reports False, with nothing
        done, otherwise, and if there is no such chunk."""
        if offset < L.CHUNK_HEADER or offset % L.ALIGN or not self.intact(offset - L.CHUNK_HEADER):
            return False
        at = (offset - L.CHUNK_HEADER) % self.capacity
        own, has, _, by, _, guard = L.CHUNK_FRONT.unpack_from(self.bytes, at)
        if own != offset or has != size or by != client or guard != self._guard(offset, size):
            return False
        stamp = L.stamp(self._guard, guard, checksum, time_ns, topic, sequence)
        if stamp == 0 or not _atomics.cas64(self._base + at + L.CHUNK_STAMP, 0, stamp):
            return False
        L.LABEL_REST.pack_into(self.bytes, at + L.CHUNK_CHECKSUM, checksum, time_ns)
        return True

    def relabel(self, offset: int, size: int, checksum: int, time_ns: int, topic: int, sequence: int) -> None:
        """Changes the sequence number.

        Preconditions: label returned True for the chunk, and no queue has told of it.
        """
        stamp = L.stamp(self._guard, self._guard(offset, size), checksum, time_ns, topic, sequence)
        _atomics.store64(self._base + (offset - L.CHUNK_HEADER) % self.capacity + L.CHUNK_STAMP, stamp)

    def labelled(self, offset: int, topic: int, sequence: int) -> "tuple[int, int, int] | None":
        """Size, checksum and time of the intact chunk at offset, if there is one, and its label is
        of that topic and sequence number."""
        if offset < L.CHUNK_HEADER or offset % L.ALIGN:
            return None
        own, size, _, _, _, guard, stamp, checksum, time_ns = L.LABELLED.unpack_from(self.bytes, (offset - L.CHUNK_HEADER) % self.capacity)
        if own != offset or size > self.max_size or guard != self._guard(offset, size):
            return None
        if stamp != L.stamp(self._guard, guard, checksum, time_ns, topic, sequence) or not self.is_intact(offset):
            return None
        return size, checksum, time_ns

    def payload(self, offset: int, n: int) -> memoryview:
        """The first n bytes of a chunk just taken, to be filled in place."""
        at = self.place(offset)
        return self.bytes[at : at + n]

    # What is said when it went wrong.

    def behind(self, offset: int) -> int:
        """How much was allocated since the chunk at offset."""
        return int((self._words[_HEAD] - (offset - L.CHUNK_HEADER)) & L.MASK)

    def reused(self, offset: int) -> FrameBufferTimeout:
        """The error for a chunk that is gone."""
        return reused(
            f"reused: the ring of {self.capacity} bytes has allocated {self.behind(offset)} bytes since the chunk at offset {offset}: "
            "read sooner, or start the server with a larger size"
        )

    def _lapped(self, offset: int, n: int) -> FrameBufferTimeout:
        return reused(
            f"reused while writing {n} bytes at offset {offset}: the ring of {self.capacity} bytes has allocated {self.behind(offset)} bytes since: "
            "write sooner, or start the server with a larger size"
        )

    def _bad_size(self, size: int) -> Exception:
        if size <= 0:
            return BadSize(f"framebuffer: bad size: asked to allocate {size} bytes; a chunk has at least 1")
        return TooLarge(
            f"framebuffer: too large for the ring: asked to allocate {size} bytes; a chunk of this ring has at most {self.max_size} "
            f"(capacity {self.capacity} less a {L.CHUNK_HEADER}-byte header): start the server with a larger size"
        )


def reused_allocating(capacity: int, size: int) -> FrameBufferTimeout:
    """The error of an allocation that slept for a lap. It names no chunk that anybody lost."""
    return FrameBufferTimeout(
        f"framebuffer: timeout: the ring of {capacity} bytes was reused between two instructions of allocating {size}: "
        "it is too small for its traffic, or this process was stopped meanwhile"
    )


def closed_by_server() -> Closed:
    """The error for a segment whose server closed it."""
    return Closed("framebuffer: closed: the server closed this segment: get its new key and attach again")


def _signed(n: int) -> int:
    n &= L.MASK
    return n - (1 << 64) if n >> 63 else n
