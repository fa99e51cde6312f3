"""The control object: writing a new one, checking another process's, and its words."""

from dataclasses import dataclass

from . import _atomics, _layout as L
from ._shm.memory import Memory
from .errors import Closed, Corrupt, FrameBufferError, ServerGone, StaleKey


_RUNNING = L.MASK & ~(0xFFFFFFFF ^ L.LIFE_DIED)  # state, and the bit of the life word that counts


@dataclass
class Identity:
    """The words that a server writes once, into a new control object."""

    nonce: bytes
    capacity: int
    server_pid: int
    pages: int
    created_wall: int
    created_mono: int
    start: int
    hold_limit: int
    topics: int
    topic_depth: int


class Control:
    """One process's access to a control object. Addresses are for _atomics; words and halves
    are for loads: `control.words[at // 8]`."""

    __slots__ = ("memory", "address", "bytes", "words", "halves", "capacity", "hold_limit", "start", "nonce", "tables", "depth")

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.address = memory.address
        self.bytes = memory.view()
        self.words = self.bytes.cast("Q")
        self.halves = self.bytes.cast("I")
        self.capacity = self.hold_limit = self.start = self.depth = 0
        self.nonce = b""
        self.tables = L.plan(0, 0)

    @property
    def closed(self) -> bool:
        """Whether the server has closed the segment, or is dead: state and life word in one load."""
        return bool(self.words[L.OFF_SERVER // 8] & _RUNNING != L.STATE_OPEN << 32)

    def why_closed(self) -> FrameBufferError:
        """The error for that: Closed, ServerGone, or Corrupt for a state that is neither."""
        status = self.words[L.OFF_SERVER // 8]
        if status >> 32 == L.STATE_OPEN and status & L.LIFE_DIED:
            return ServerGone(
                "framebuffer: server is gone: its process died without closing this segment: start it again, get its new key and attach again"
            )
        if status >> 32 not in (L.STATE_OPEN, L.STATE_CLOSED):
            return Corrupt(
                f"framebuffer: segment is damaged: the segment's state is {status >> 32}, neither open nor closed; "
                "some process wrote over it: restart the server"
            )
        return Closed("framebuffer: closed: the server closed this segment: get its new key and attach again")

    def pass_milestone(self, head: int, now: int) -> None:
        """Stores a position after a milestone, and the time at which head came to it. Each word is stored in
        one piece and names its milestone by itself, so nothing orders them."""
        number = head >> L.milestone_shift(self.capacity)
        table = self.tables.milestones
        lap, i = divmod(number, table.count)
        at = table.entry(i) // 8
        self.words[at + L.MILESTONE_TIME // 8] = now & ~L.MILESTONE_TAG | lap & L.MILESTONE_TAG
        self.words[at + L.MILESTONE_POSITION // 8] = head

    def text(self, at: int) -> str:
        """The zero-padded name there. Bytes that are not UTF-8 are replaced."""
        return bytes(self.bytes[at : at + L.NAME_SIZE]).partition(b"\0")[0].decode(errors="replace")

    def put_text(self, at: int, text: str) -> None:
        """Stores a name, cut between two characters to what fits, and padded with zeroes."""
        raw = text.encode(errors="replace")[: L.NAME_SIZE].decode(errors="ignore").encode()
        self.bytes[at : at + L.NAME_SIZE] = raw.ljust(L.NAME_SIZE, b"\0")


def size(topics: int, depth: int) -> int:
    """The size in bytes of a control object with that many topics of that depth."""
    return L.plan(topics, depth).topics.end


def format_new(memory: Memory, of: Identity) -> Control:
    """Writes a new control object and opens it. State and magic come last: a process that attaches before
    sees no segment rather than half of one.

    Preconditions: memory is zero and large enough, and no other process has the key yet.
    """
    c = Control(memory)
    tables = L.plan(of.topics, of.topic_depth)
    c.halves[L.OFF_VERSION // 4] = L.VERSION
    c.halves[L.OFF_HEADER_SIZE // 4] = L.HEADER_SIZE
    c.bytes[L.OFF_NONCE : L.OFF_NONCE + 16] = of.nonce
    for at, value in (
        (L.OFF_CAPACITY, of.capacity),
        (L.OFF_CONTROL_SIZE, memory.size),
        (L.OFF_CREATED_WALL, of.created_wall),
        (L.OFF_CREATED_MONOTONIC, of.created_mono),
        (L.OFF_TOPIC_DEPTH, of.topic_depth),
        (L.OFF_HOLD_LIMIT, of.hold_limit),
        (L.OFF_START, of.start),
        (L.OFF_HEAD, of.start),
    ):
        c.words[at // 8] = value
    for i, table in enumerate(tables):
        for j, value in enumerate((table.at, table.count, table.stride)):
            c.halves[L.OFF_SLOTS // 4 + 3 * i + j] = value
    c.halves[L.OFF_SERVER_PID // 4] = of.server_pid
    c.halves[L.OFF_PAGES // 4] = of.pages
    c.capacity, c.hold_limit, c.start = of.capacity, of.hold_limit, of.start
    c.nonce, c.tables, c.depth = of.nonce, tables, of.topic_depth
    c.pass_milestone(of.start, of.created_mono)
    _atomics.store32(c.address + L.OFF_STATE, L.STATE_OPEN)
    _atomics.store64(c.address + L.OFF_MAGIC, L.MAGIC)
    return c


def open_existing(memory: Memory, nonce: bytes, ring_size: int) -> Control:
    """Checks another process's control object against the key's nonce and against the size that the kernel
    gives for the ring. The bytes are hostile: each word is loaded once, and the checked values are kept
    privately, so that a later change in shared memory cannot undo the check.

    Raises StaleKey when the memory is not the segment that the key was made for, and Corrupt when it
    is and its header is not valid.
    """
    if memory.size < L.HEADER_SIZE:
        raise StaleKey(f"framebuffer: stale key: the memory it names has {memory.size} bytes, a control object has more")
    c = Control(memory)
    magic = c.words[L.OFF_MAGIC // 8]
    if magic != L.MAGIC:
        raise StaleKey(f"framebuffer: stale key: the memory it names now belongs to another program (magic {magic:#018x})")
    if bytes(c.bytes[L.OFF_NONCE : L.OFF_NONCE + 16]) != nonce:
        raise StaleKey("framebuffer: stale key: the memory it names now belongs to another server")
    topics = c.halves[L.OFF_SLOTS // 4 + 3 * (len(c.tables) - 1) + 1]
    depth = min(c.words[L.OFF_TOPIC_DEPTH // 8], L.MAX_TOPIC_DEPTH)
    tables = L.plan(topics, depth)
    checks = [
        ("version", c.halves[L.OFF_VERSION // 4], L.VERSION),
        ("header size", c.halves[L.OFF_HEADER_SIZE // 4], L.HEADER_SIZE),
        ("control size", c.words[L.OFF_CONTROL_SIZE // 8], memory.size),
        ("capacity", c.words[L.OFF_CAPACITY // 8], ring_size),
        ("topic depth", c.words[L.OFF_TOPIC_DEPTH // 8], depth),
    ]
    for i, table in enumerate(tables):
        at = L.OFF_SLOTS // 4 + 3 * i
        checks.append(("the place of a table", c.halves[at], table.at))
        checks.append(("the length of a table", c.halves[at + 1], table.count))
        checks.append(("the stride of a table", c.halves[at + 2], table.stride))
    for name, got, want in checks:
        if got != want:
            raise _corrupt(name, got, want)
    if not 1 <= topics <= L.MAX_TOPICS or depth < 1 or depth & (depth - 1):
        raise _corrupt("the number of topics", topics, L.MAX_TOPICS)
    if tables.topics.end > memory.size:
        raise _corrupt("mapped control size", memory.size, tables.topics.end)
    c.capacity, c.nonce, c.tables, c.depth = ring_size, nonce, tables, depth
    c.hold_limit, c.start = c.words[L.OFF_HOLD_LIMIT // 8], c.words[L.OFF_START // 8]
    return c


def _corrupt(name: str, got: int, want: int) -> Corrupt:
    return Corrupt(
        f"framebuffer: segment is damaged: {name} is {got}, expected {want}; some process wrote over the control object, "
        "or another version made it: restart the server"
    )
