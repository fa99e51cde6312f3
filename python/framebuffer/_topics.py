"""A topic on the shared memory: publishing and reading its queue. See docs/layout.md, Topics.

Words shared between processes, and their order:

    queue   written: publishers, one compare-and-swap.   read: all processes.
    next    written: all, compare-and-swap up by 1.      read: publishers, new subscriptions.
    wake    written: all processes.                      read: publishers, sleepers.
    label   written: its publisher, before its offset stands in the queue; never after.
    record  the same.

A word of the queue is an offset, which no two entries ever share, with the lap in the bits that
offsets leave free. So a publisher's compare-and-swap succeeds only on the very word that it saw, and
there is no state between "not published" and "published": a publisher that is killed at any
instruction leaves nothing to wait for or to clean up.

A sleeper sets bit 0 of wake *before* it looks at the queue for the last time; a publisher looks
at wake *after* its word stands in the queue. Both are sequentially consistent
read-modify-writes. docs/models/topic.pml is this.
"""

import time
from enum import Enum
from typing import Callable

from . import _atomics, _checksum, _futex, _layout as L
from ._control import Control
from ._entries import Label, Record, RecordChunk
from ._holds import TRIES
from ._labels import Labels
from ._ring import Ring
from ._text import quote
from .errors import Corrupt, Ended, TopicLimit, overwritten_between

PATIENCE = 0.2  # s of one sleep: so late is a frame whose publisher is killed before it wakes sleepers

_GLANCES = 100  # looks at one word: publishers change it once a lap
_STEPS = 64  # sequence numbers from one look at the clock to the next


class Status(Enum):
    """The status of a sequence number without a frame to read."""

    NOTHING = "not published yet"
    LOST = "published, and overwritten or pushed out of the queue since"


def name_hash(raw: bytes) -> int:
    """The hash of a topic's or group's name: never 0, which means free."""
    return _checksum.of(raw) or 1


def wake_all(control: Control) -> None:
    """Wakes the sleepers of all topics."""
    table = control.tables.topics
    for i in range(table.count):
        at = table.entry(i)
        if control.words[(at + L.TOPIC_NAME_HASH) // 8]:
            _wake_word(control.address + at + L.TOPIC_WAKE)


def _wake_word(address: int) -> None:
    _atomics.add32(address, 2)
    _futex.wake(address)


class Topic:
    """One process's view of a topic. All methods may be called from any thread."""

    def __init__(self, control: Control, ring: Ring, name: str) -> None:
        """Opens the topic of that name, which it makes if there is none: it claims an entry by a
        compare-and-swap of the name's hash. A process that finds the hash and no name yet stores the
        name itself, so a process may die at any point. Raises TopicLimit."""
        self.name = name
        self._control, self._ring, self._labels = control, ring, Labels(ring)
        self._words, self._halves = control.words, control.halves
        table, h = control.tables.topics, name_hash(name.encode())
        for i in range(table.count):
            self.index = (h + i) % table.count
            at = table.entry(self.index)
            if not _atomics.cas64(control.address + at + L.TOPIC_NAME_HASH, 0, h) and self._words[(at + L.TOPIC_NAME_HASH) // 8] != h:
                continue
            if self._halves[(at + L.TOPIC_NAMED) // 4] == 0:
                control.put_text(at + L.TOPIC_NAME, name)
                _atomics.store32(control.address + at + L.TOPIC_NAMED, 1)
            stands = control.text(at + L.TOPIC_NAME)
            if stands != name:
                raise TopicLimit(
                    f"framebuffer: no room for another topic or group: topic {quote(name)} has the same hash as {quote(stands)}: choose another name"
                )
            break
        else:
            raise TopicLimit(
                f"framebuffer: no room for another topic or group: no room for topic {quote(name)} beside the {table.count} there are: "
                "start the server with a larger Topics"
            )
        self._address = control.address + at
        self._next, self._first = (at + L.TOPIC_NEXT) // 8, (at + L.TOPIC_FIRST) // 8
        self._state, self._wake = (at + L.TOPIC_STATE) // 4, (at + L.TOPIC_WAKE) // 4
        self.wake_address = self._address + L.TOPIC_WAKE
        self._queue = (at + L.TOPIC_QUEUE_WORD_0) // 8
        self.depth = control.depth
        self._shift = control.depth.bit_length() - 1

    def _place(self, sequence: int) -> int:
        """The index of a sequence number's word."""
        return self._queue + (sequence & (self.depth - 1))

    def _lap(self, sequence: int) -> int:
        return ((sequence >> self._shift) + 1) & L.QUEUE_LAP

    @property
    def next(self) -> int:
        """The sequence number that the next frame gets."""
        return int(self._words[self._next])

    def missed(self, at: int, to: int) -> int:
        """How many frames of the sequence numbers from at to to-1 are lost: those below the topic's first
        were never published. Sequence numbers are modulo 2^64, here as in Go."""
        if first := self._words[self._first]:
            at = max(at, first - 1)
        lost = (to - at) & L.MASK
        return lost if lost < 1 << 63 else 0

    # Publishing.

    def _begin(self) -> None:
        """Settles the topic's first sequence number: 0, unless another process has claimed another one. Then
        this carries out that claim: see docs/layout.md, Begin."""
        words, address = self._words, self._control.address
        if not words[self._first]:
            _atomics.cas64(address + 8 * self._first, 0, 1)
        first = (words[self._first] - 1) & L.MASK
        for s in range(first - min(first, self.depth), first):
            _atomics.cas64(address + 8 * self._place(s), 0, self._lap(s))
        _atomics.cas64(address + 8 * self._next, 0, first)

    def publish(self, record: Record, slot: int, allocate: Callable[[int], int]) -> int:
        """Publishes a frame, and returns its sequence number. If it needs a record, allocate(size)
        allocates a chunk for that beside the frame. It is lock-free. Raises Ended, FrameBufferTimeout
        when the frame or the record was overwritten meanwhile, and what Ring.check and allocate
        raise."""
        if self.ended:
            raise Ended(f"framebuffer: topic has ended: topic {quote(self.name)}: nothing is published any more until a publisher opens it anew")
        entry = self._make_entry(record, slot, allocate)
        words, address = self._words, self._control.address
        for _ in range(TRIES):
            s = words[self._next]
            if s == 0:
                self._begin()
                s = words[self._next]
            place = self._place(s)
            old = words[place]
            if words[self._next] != s:  # or old could be of any lap
                continue
            if old & L.QUEUE_LAP == self._lap(s):
                _atomics.cas64(address + 8 * self._next, s, (s + 1) & L.MASK)
                continue
            entry.set_sequence(s)
            if not self._ring.is_intact(entry.offset) or not self._ring.is_intact(record.offset):
                raise overwritten_between(
                    f"the ring was overwritten between two instructions of publishing to topic {quote(self.name)}: "
                    "it is too small for its traffic, or this process was stopped meanwhile"
                )
            if _atomics.cas64(address + 8 * place, old, entry.word | self._lap(s)):
                _atomics.cas64(address + 8 * self._next, s, (s + 1) & L.MASK)
                self._wake_sleepers()
                _atomics.add64(self._address + L.TOPIC_BYTES, record.size)
                return int(s)
        raise Corrupt(
            f"framebuffer: segment is damaged: the queue of topic {quote(self.name)} changes without end; some process writes over it: restart the server"
        )

    def _make_entry(self, record: Record, slot: int, allocate: Callable[[int], int]) -> "Label | RecordChunk":
        """A label in the frame's own header, or a record in a chunk of its own: for a frame with metadata,
        for one published by another client than its writer, and for one that has a label already."""
        if record.content is None:
            label = Label(self._labels, record, self.index + 1)
            if label.put(slot, self.next):
                return label
        self._ring.check(record.offset, record.size)
        return RecordChunk(self._ring, record, self.index + 1, slot, allocate)

    def _wake_sleepers(self) -> None:
        """Wakes all sleepers of the topic. Without any it is one load."""
        for _ in range(TRIES):
            wake = self._halves[self._wake]
            if not wake & 1:
                return
            if _atomics.cas32(self._address + L.TOPIC_WAKE, wake, (wake + 2) & ~1 & 0xFFFFFFFF):
                _futex.wake(self._address + L.TOPIC_WAKE)
                return

    # Subscribing.

    def load(self, sequence: int) -> "Record | Status":
        """The frame of a sequence number, or why there is none."""
        place, lap = self._place(sequence), self._lap(sequence)
        for _ in range(_GLANCES):
            word = self._words[place]
            if word & L.QUEUE_LAP == lap:
                return self._read(word, sequence) or Status.LOST
            if not after(self._words[self._next], sequence):
                return Status.NOTHING
            if self._words[place] == word:  # else it was published just now
                break
        return Status.LOST

    def _read(self, word: int, sequence: int) -> "Record | None":
        """A copy of the label or record that the word points to, if it is that of the sequence number and
        its frame is intact. The bytes are hostile."""
        offset, ring = word & ~L.QUEUE_TAG, self._ring
        if not word & L.QUEUE_RECORD:
            label = self._labels.label(offset, self.index + 1, sequence)
            return None if label is None else Record(offset, *label, None)
        size = ring.intact_size(offset)
        if size not in (L.RECORD_SHORT, L.RECORD_LONG):
            return None
        at = ring.payload_at(offset)
        raw = bytes(ring.bytes[at : at + size])
        total, s, of, frame_size, checksum, time_ns, topic, dimensions, user_length, _, _ = L.RECORD.unpack_from(raw)
        if total != _checksum.of(raw[L.RECORD_SEQUENCE :]) or s != sequence or topic != self.index + 1:
            return None
        if not ring.is_intact(offset) or of < L.CHUNK_HEADER or frame_size > ring.max_size or not ring.is_intact(of):
            return None
        content = (dimensions, user_length, raw[L.RECORD_SHORT :]) if size == L.RECORD_LONG else None
        return Record(of, frame_size, checksum, time_ns, content)

    def published(self, sequence: int) -> bool:
        """Whether the sequence number's word stands in the queue: one load."""
        return bool(self._words[self._place(sequence)] & L.QUEUE_LAP == self._lap(sequence))

    def waiting(self, sequence: int) -> bool:
        """Whether the sequence number has not been published."""
        return not self.published(sequence) and not after(self._words[self._next], sequence)

    def oldest(self, start: int) -> int:
        """The first sequence number from start on whose frame is available, or that of the next
        frame."""
        return self.search(start)[0]

    def search(self, start: int, until: float | None = None) -> "tuple[int, bool]":
        """As oldest, and True. At the time `until` (of time.monotonic) it returns how far it has
        searched, and False: no frame before that is available."""
        end = self.next
        if not after(end, start):
            return start, True
        steps = min((end - start) & L.MASK, self.depth)
        for back in range(steps, 0, -1):
            s = (end - back) & L.MASK
            word = self._words[self._place(s)]
            lap = self._lap(s)
            if word & L.QUEUE_LAP == lap and word != lap and self._ring.is_intact(word & ~L.QUEUE_TAG):
                return s, True
            if until is not None and back % _STEPS == 0 and time.monotonic() > until:
                return (s + 1) & L.MASK, False
        return end, True

    def left_out(self, sequence: int) -> bool:
        """Whether a mirror has skipped the sequence number, and its word still says so: there is no
        chunk at offset 0."""
        return bool(self._words[self._place(sequence)] == self._lap(sequence))

    def beginning(self, start: str) -> int:
        """The first sequence number of a subscription with that start."""
        if start == "first":  # ever published: overwritten frames count as lost
            return 0
        if start == "next":
            return self.next
        return self.newest() if start == "newest" else self.oldest(0)

    def newest(self) -> int:
        """The sequence number of the last frame that is available, or that of the next frame."""
        end = self.next
        for i in range(1, min(end, self.depth) + 1):
            if isinstance(self.load(end - i), Record):
                return end - i
        return end

    def sleep(self, ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Sleeps until a frame is published or wake_all is called, for at most that many seconds. It calls
        ready once more after it has announced the sleeper, and does not sleep if that is true."""
        wake = self.announce_sleeper()
        if wake is not None and not ready():
            _futex.wait(self.wake_address, wake, min(seconds, PATIENCE))

    @property
    def wake_word(self) -> int:
        """Bit 0 says that there may be sleepers; the rest counts wake-ups."""
        return int(self._halves[self._wake])

    def announce_sleeper(self) -> "int | None":
        """Sets bit 0 of the wake word and returns the word with it, or None if another process changed it
        meanwhile: look again."""
        wake = self.wake_word
        if not wake & 1 and not _atomics.cas32(self.wake_address, wake, wake | 1):
            return None
        return wake | 1

    def wake_all(self) -> None:
        """Wakes all sleepers of the topic. A process that is about to sleep does not."""
        _wake_word(self._address + L.TOPIC_WAKE)

    # Ends.

    @property
    def state(self) -> int:
        """Odd when the topic has ended; differs after every end and reopening."""
        return int(self._halves[self._state])

    @property
    def ended(self) -> bool:
        """Whether a publisher has ended it."""
        return self.state % 2 == 1

    def end(self) -> None:
        """Ends the topic, and wakes its sleepers."""
        self._turn(False)
        self.wake_all()

    def reopen(self) -> None:
        """Opens the topic again after an end; an open topic stays open."""
        self._turn(True)

    def _turn(self, ended: bool) -> None:
        """Adds 1 to the state if that changes whether the topic has ended. If the compare-and-swap fails,
        another process has just done the same."""
        state = self.state
        if (state % 2 == 1) == ended:
            _atomics.cas32(self._address + L.TOPIC_STATE, state, (state + 1) & 0xFFFFFFFF)


def after(a: int, b: int) -> bool:
    """Whether sequence number a comes after b."""
    return 0 < (a - b) & L.MASK < 1 << 63
