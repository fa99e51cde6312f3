"""The numbers of docs/layout.md, and nothing else: where every word of shared memory lies.

testdata/layout.json has the same numbers, written by the Go library's tests; the tests of
both read it.
"""

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

MAGIC = 0x0152454646554246
VERSION = 4

MASK = (1 << 64) - 1  # positions and times are 64-bit words

# The control object's header.
OFF_MAGIC = 0
OFF_VERSION = 8
OFF_HEADER_SIZE = 12
OFF_NONCE = 16
OFF_CAPACITY = 32
OFF_CONTROL_SIZE = 40
OFF_SERVER_PID = 64
OFF_PAGES = 68
OFF_CREATED_WALL = 72
OFF_CREATED_MONOTONIC = 80
OFF_SERVER = 128  # with the state one aligned word of 8 bytes, which one load has
OFF_STATE = 132
OFF_HEAD = 256
OFF_HOLD_UNTIL = 264
OFF_HOLD_GENERATION = 272
OFF_HOLD_HIGH = 280
OFF_SLOTS = 512
OFF_HOLDS = 524
OFF_MILESTONES = 536
OFF_GROUPS = 548
OFF_SUBSCRIPTIONS = 560
OFF_TOPICS = 572
OFF_TOPIC_DEPTH = 584
OFF_HOLD_LIMIT = 592
OFF_START = 600
HEADER_SIZE = 4096

STATE_OPEN = 1
STATE_CLOSED = 2

# Values of a life word, the server's and each slot's, beside 0 and the ids of threads.
LIFE_DIED = 1 << 30  # the kernel sets this bit
LIFE_UNKNOWN = (1 << 30) - 1
LIFE_DISTANCE = 1 << 17  # from the entry of a robust list to its word

# A client slot.
SLOT_CLAIM = 0
SLOT_PID = 8
SLOT_ROLE = 12
SLOT_PID_NAMESPACE = 16
SLOT_PROCESS_START = 24
SLOT_ATTACHED = 32
SLOT_READY = 40
SLOT_NAME = 64
SLOT_ALLOCATIONS = 128  # the first of the counters
SLOT_ALLOCATED_BYTES = 136
SLOT_WRITES = 144
SLOT_WRITTEN_BYTES = 152
SLOT_READS = 160
SLOT_READ_BYTES = 168
SLOT_OVERWRITTEN = 176
SLOT_ALTERED = 184  # the last
SLOT_LAST = 192
SLOT_EXTERNAL_READS = 200  # counters too, of what came over a network
SLOT_EXTERNAL_BYTES = 208
SLOT_EXTERNAL_TIMEOUTS = 216
SLOT_EXTERNAL_REASON = 224
SLOT_TIMED_BYTES = 232  # how long frames of 256 KiB and more took to read
SLOT_TIMED_NS = 240
SLOT_LIFE = 256
NAME_SIZE = 64  # of every name in the control object

ROLE_SERVER = 1
ROLE_CLIENT = 2
ROLE_READ_ONLY = 3

# An entry of the hold table.
HOLD_TERM = 0
HOLD_START = 8
HOLD_LENGTH = 16
HOLD_CONFIRMED = 1
HOLD_TAG = (1 << 10) - 1
HOLD_CLAIMS = 63
MAX_HOLD = 3_600_000_000_000  # ns
HOLD_GRACE = 1_000_000

# A milestone.
MILESTONE_POSITION = 0
MILESTONE_TIME = 8
MILESTONE_TAG = (1 << 10) - 1

# A group's entry.
GROUP_NAME_HASH = 0
GROUP_TOPIC = 8
GROUP_CURSOR = 16
GROUP_NAME = 64

# A subscription's entry.
SUB_CLAIM = 0
SUB_SLOT = 8
SUB_TOPIC = 12
SUB_CURSOR = 16
SUB_RECEIVED = 24
SUB_LOST = 32

# A topic.
TOPIC_NAME_HASH = 0
TOPIC_NAMED = 8
TOPIC_STATE = 12
TOPIC_NAME = 16
TOPIC_FIRST = 80
TOPIC_NEXT = 128
TOPIC_WAKE = 136
TOPIC_BYTES = 144
TOPIC_QUEUE_WORD_0 = 256
QUEUE_TAG = 63
QUEUE_LAP = 31
QUEUE_RECORD = 32
MAX_TOPICS = 1 << 16
DEFAULT_TOPICS = 128
MAX_TOPIC_DEPTH = 1 << 16
DEFAULT_TOPIC_DEPTH = 256

# A record.
RECORD_SUM = 0
RECORD_SEQUENCE = 8
RECORD_OFFSET = 16
RECORD_SIZE = 24
RECORD_CHECKSUM = 32
RECORD_TIME = 40
RECORD_TOPIC = 48
RECORD_DIMENSIONS = 52
RECORD_USER_LENGTH = 53
RECORD_SOURCE = 56
RECORD_SHORT = 64  # size of a record that says nothing about the content
RECORD_WIDTH = 64
RECORD_HEIGHT = 68
RECORD_SHAPE = 72
RECORD_FORMAT = 104
RECORD_CONTENT_TYPE = 120
RECORD_USER = 168
RECORD_ROOM = 232
RECORD_LONG = 256  # size of one that does
RECORD = Struct("@QQQQQqIBB2xII")  # up to RECORD_SHORT
CONTENT = Struct("@II8I16s48s64s24x")

# A chunk header.
ALIGN = 64
CHUNK_HEADER = 64
CHUNK_OFFSET = 0
CHUNK_SIZE = 8
CHUNK_TIME = 16
CHUNK_CLIENT = 24
CHUNK_PID = 28
CHUNK_GUARD = 32
CHUNK_STAMP = 40  # the first word of the label
CHUNK_CHECKSUM = 48
CHUNK_PUBLISHED = 56
CHUNK = Struct("@QQQIIQQQQ")  # all of it
CHUNK_FRONT = Struct("@QQQIIQ")  # up to the guard
LABELLED = Struct("@QQQIIQQQq")  # all of it, with the label
LABEL_REST = Struct("@Qq")  # what comes behind the stamp


@dataclass(frozen=True)
class Table:
    """Where one table lies in the control object."""

    at: int
    count: int
    stride: int

    @property
    def end(self) -> int:
        return self.at + self.count * self.stride

    def entry(self, i: int) -> int:
        """Where entry i begins."""
        return self.at + i * self.stride


class Tables(NamedTuple):
    """All tables, in the order in which they lie and are told in the header."""

    slots: Table
    holds: Table
    milestones: Table
    groups: Table
    subs: Table
    topics: Table


def plan(topics: int, depth: int) -> Tables:
    """Lays out the tables for that many topics with queues of that depth."""
    slots = Table(HEADER_SIZE, 256, 384)
    holds = Table(slots.end, 256, 32)
    milestones = Table(holds.end, 1024, 16)
    groups = Table(milestones.end, 128, 128)
    subs = Table(groups.end, 512, 128)
    return Tables(slots, holds, milestones, groups, subs, Table(subs.end, topics, TOPIC_QUEUE_WORD_0 + 8 * depth))


def footprint(size: int) -> int:
    """How many bytes of the ring a payload of that size takes."""
    return (size + CHUNK_HEADER + ALIGN - 1) & ~(ALIGN - 1)


def milestone_shift(capacity: int) -> int:
    """log2 of the distance from one milestone to the next."""
    return max(6, (capacity // 64).bit_length() - 1)


class Guard:
    """What makes a chunk header unmistakable: SplitMix64's finaliser of offset and size,
    keyed with the segment's nonce."""

    __slots__ = ("_lo", "_hi")

    def __init__(self, nonce: bytes) -> None:
        self._lo, self._hi = (int.from_bytes(part, "little") for part in (nonce[:8], nonce[8:]))

    def __call__(self, offset: int, size: int) -> int:
        z = ((offset ^ self._lo) + (size ^ self._hi) * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31


def stamp(guard: Guard, own: int, checksum: int, published: int, topic: int, sequence: int) -> int:
    """What stands in the label of a chunk with that guard of its own, published in that topic
    (its index plus 1) with that sequence number."""
    return (sequence + guard(own ^ checksum, published & MASK ^ topic)) & MASK
