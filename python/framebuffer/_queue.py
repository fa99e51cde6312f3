"""The queue of a topic: opening and reading it. See _topics for the words and their order."""

import time
from enum import Enum

from . import _atomics, _checksum, _layout as L
from ._control import Control
from ._entries import Record
from ._labels import Labels
from ._ring import Ring
from ._text import quote
from .errors import TopicLimit

_GLANCES = 100  # looks at one word: publishers change it once a lap
_STEPS = 64  # sequence numbers from one look at the clock to the next


class Status(Enum):
    """The status of a sequence number without a frame to read."""

    NOTHING = "not published yet"
    LOST = "published, and overwritten or pushed out of the queue since"


def name_hash(raw: bytes) -> int:
    """The hash of a topic's or group's name: never 0, which means free."""
    return _checksum.of(raw) or 1


class Queue:
    """One process's view of a topic's queue. All methods may be called from any thread."""

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


def after(a: int, b: int) -> bool:
    """Whether sequence number a comes after b."""
    return 0 < (a - b) & L.MASK < 1 << 63
