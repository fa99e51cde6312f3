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

from typing import Callable

from . import _atomics, _futex, _layout as L
from ._control import Control
from ._entries import Label, Record, RecordChunk
from ._holds import TRIES
from ._queue import Queue
from ._text import quote
from .errors import Corrupt, Ended, overwritten_between

PATIENCE = 0.2  # s of one sleep: so late is a frame whose publisher is killed before it wakes sleepers


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


class Topic(Queue):
    """One process's view of a topic. All methods may be called from any thread."""

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

    # Sleeping.

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
