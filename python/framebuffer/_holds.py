"""The table of holds. A hold keeps a chunk in place: allocators skip it until its end.

    term, start, length   written: the holder.     read: allocators, readers.
    until, gen, high      written: every holder.   read: allocators, holders.

A holder publishes its entry and raises until *before* it looks whether its chunk is still
alive; an allocator adds to head *before* it looks at until and the entries. So of a holder and
an allocator that want the same memory at the same time, at least one sees the other. All of
these are sequentially consistent read-modify-writes.

Three rules make an end by the clock safe. A process that finds a hold ended has read the clock
before the words; one that relies on a hold reads the clock after them. Allocators take a hold for
ended only HOLD_GRACE after its end; holders and readers do at its end. And a term that is being
changed is not confirmed until its holder has looked at the clock once more. docs/models/hold.pml
is this.
"""

import os
import random

from . import _atomics, _clock, _layout as L
from ._control import Control
from ._text import duration
from .errors import BadSize, Corrupt, FrameBufferTimeout, HoldLimit, changing, overwritten

# Failures of a compare-and-swap after which it is an error: only a process that stores nonsense without
# end makes it fail so often.
TRIES = 1 << 20

_UNTIL, _GEN, _HIGH = L.OFF_HOLD_UNTIL // 8, L.OFF_HOLD_GENERATION // 8, L.OFF_HOLD_HIGH // 4


def new_term(end: int) -> int:
    """The word of a hold that ends at that time, not confirmed. Two of one entry that end in the same
    microsecond are equal by a chance of 1 in 512."""
    return (end + L.HOLD_TAG) & ~L.HOLD_TAG & L.MASK | random.getrandbits(10) & ~L.HOLD_CONFIRMED


def end_of(term: int) -> int:
    """The time at which a hold of that term ends."""
    return term & ~L.HOLD_TAG


def active(term: int, now: int, late: int) -> bool:
    """Whether a hold of that term counts at the time now for a process that respects it until late ns after
    its end. A term longer than holders can make is nonsense; that is judged by a clock read after the
    term, since the longest one may have been made after now."""
    if term == 0 or end_of(term) - now <= -late:
        return False
    most = L.MAX_HOLD + L.HOLD_GRACE
    return end_of(term) - now <= most or end_of(term) - _clock.monotonic_ns() <= most


def _counted(value: int, before: int) -> int:
    """A multiple of 64 with the count of the word that it replaces, plus 1."""
    return value | (before + 1) & L.HOLD_CLAIMS


class Holds:
    """This process's view of the table. All methods may be called from any thread."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._words, self._halves = control.words, control.halves
        table = control.tables.holds
        self._first, self._stride, self._count = table.at // 8, table.stride // 8, table.count
        self._capacity = control.capacity

    def may_be(self, now: int) -> bool:
        """Whether there may be a hold, from one word next to head.

        Preconditions: now was read before.
        """
        return bool(self._words[_UNTIL] > now - L.HOLD_GRACE)

    def _entries(self) -> range:
        """The entries that were ever used, as indices of words."""
        used = min(self._halves[_HIGH], self._count)
        return range(self._first, self._first + used * self._stride, self._stride)

    def _load(self, at: int, now: int, late: int) -> tuple[int, int, int] | None:
        """Start, length and term of an entry, if they are valid and active says that it counts."""
        words = self._words
        term = words[at]
        if not active(term, now, late):
            return None
        start, length = words[at + 1] & ~L.HOLD_CLAIMS, words[at + 2] & ~L.HOLD_CLAIMS
        return (start, length, term) if 0 < length <= self._capacity else None

    def end_of_overlap(self, c: int, n: int, now: int) -> int | None:
        """The position after all holds that [c, c+n) overlaps; None if it overlaps none.

        Preconditions: c was added to head before.
        """
        for _ in range(64):
            generation, far = self._words[_GEN], 0
            for at in self._entries():
                if entry := self._load(at, now, L.HOLD_GRACE):
                    far = max(far, self._overlap(c, n, *entry[:2]))
            if far:
                return (c + far) & L.MASK
            if self._words[_GEN] == generation:
                return None
        return (c + n) & L.MASK  # holds change faster than this loop looks: try elsewhere

    def _overlap(self, c: int, n: int, start: int, length: int) -> int:
        """How far after c the held part ends that [c, c+n) overlaps, or 0 if it does not. Both are taken
        modulo the capacity, as memory is."""
        ahead = (start - c % self._capacity) % self._capacity
        if ahead < n:
            return ahead + length
        return max(length - (self._capacity - ahead), 0)

    def held(self, c: int) -> bool:
        """Whether a confirmed hold keeps the chunk at position c."""
        now = _clock.monotonic_ns()
        if not self.may_be(now):
            return False
        for _ in range(100):
            changing = False
            for at in self._entries():
                entry = self._load(at, now, 0)
                if entry is None or entry[0] != c:
                    continue
                if entry[2] & L.HOLD_CONFIRMED and self._words[at] == entry[2]:
                    return True
                changing = True  # or being made, and confirmed soon
            if not changing:
                return False
            os.sched_yield()
        return False

    def _standing(self, now: int) -> list[tuple[int, int]]:
        """The held parts of memory (start and length) in order, each chunk once."""
        longest: dict[int, int] = {}
        for at in self._entries():
            if entry := self._load(at, now, L.HOLD_GRACE):
                start = entry[0] % self._capacity
                longest[start] = max(longest.get(start, 0), entry[1])
        return sorted(longest.items())

    def fits(self, n: int, now: int) -> bool:
        """Whether the ring has n contiguous bytes free of holds."""
        standing = self._standing(now)
        reach = 0  # end of the held parts so far
        for start, length in standing:
            if reach and start - reach >= n:
                return True
            reach = max(reach, start + length)
        # The gap from the last to the first runs over the end.
        return not standing or standing[0][0] + self._capacity - reach >= n

    def total(self, now: int) -> int:
        """How many bytes are held by all published holds, confirmed or not."""
        return sum(length for _, length in self._standing(now))

    def claim(self, start: int, length: int, now: int, ns: int) -> "Entry":
        """Claims an entry and publishes it, not yet confirmed. Raises HoldLimit.

        A process that is stopped here until its own term has ended must not overwrite the words of the
        entry's next owner. So it changes them by compare-and-swap from their values before the claim,
        which count the claims in the bits that positions and lengths leave free.

        Preconditions: now was read before.
        """
        term, base = new_term(now + ns), self._control.address
        for i in range(self._count):
            at = self._first + i * self._stride
            before_start, before_length, old = self._words[at + 1], self._words[at + 2], self._words[at]
            if active(old, now, L.HOLD_GRACE) or not _atomics.cas64(base + 8 * at, old, term):
                continue
            entry = Entry(self, at, term, _counted(start, before_start), _counted(length, before_length))
            if not _atomics.cas64(base + 8 * (at + 1), before_start, entry.start) or not _atomics.cas64(
                base + 8 * (at + 2), before_length, entry.length
            ):
                entry.withdraw()
                continue
            try:
                self._raise_high(i + 1)
                self.raise_until(end_of(term))
            except Corrupt:
                entry.withdraw()
                raise
            _atomics.add64(base + L.OFF_HOLD_GENERATION, 1)
            return entry
        raise HoldLimit(f"framebuffer: too much is held: all {self._count} holds are in use: release others first")

    def _raise_high(self, value: int) -> None:
        for _ in range(TRIES):
            old = self._halves[_HIGH]
            if old >= value or _atomics.cas32(self._control.address + L.OFF_HOLD_HIGH, old, value):
                return
        raise changing("what bounds the holds")

    def raise_until(self, value: int) -> None:
        """Raises the word until to at least value."""
        for _ in range(TRIES):
            old = self._words[_UNTIL]
            if old >= value or _atomics.cas64(self._control.address + L.OFF_HOLD_UNTIL, old, value):
                return
        raise changing("what bounds the holds")


class Entry:
    """A claimed entry of the table."""

    __slots__ = ("_holds", "_at", "term", "start", "length")

    def __init__(self, holds: Holds, at: int, term: int, start: int, length: int) -> None:
        self._holds, self._at = holds, at
        self.term, self.start, self.length = term, start, length

    def _swap(self, new: int) -> bool:
        """Changes the term, if this hold still owns the entry."""
        if not _atomics.cas64(self._holds._control.address + 8 * self._at, self.term, new):
            return False
        self.term = new
        return True

    def withdraw(self) -> None:
        """Ends the hold."""
        self._swap(0)

    def confirm(self) -> bool:
        """Lets other processes rely on the hold; False if it had ended already, and another hold has the
        entry."""
        return self._swap(self.term | L.HOLD_CONFIRMED)

    def _same(self) -> bool:
        words, at = self._holds._words, self._at
        return bool(words[at + 1] == self.start and words[at + 2] == self.length)

    def stands(self) -> bool:
        """Whether the hold has lasted until now."""
        return bool(self._holds._words[self._at] == self.term) and self._same() and _clock.monotonic_ns() < end_of(self.term)

    def extend(self, ns: int) -> bool:
        """Makes the hold end ns from now; False if it had ended already: then it is over."""
        old = self.term
        if not self._swap(new_term(_clock.monotonic_ns() + ns)):
            return False
        try:
            self._holds.raise_until(end_of(self.term))
        except Corrupt:
            self.withdraw()
            return False
        # If the old end had come before the exchange, an allocator may have passed.
        if _clock.monotonic_ns() >= end_of(old) or not self._same() or not self.confirm():
            self.withdraw()
            return False
        return True


def check_duration(seconds: float) -> int:
    """A hold's duration in ns. Raises BadSize."""
    ns = int(seconds * 1e9)
    if 0 < ns <= L.MAX_HOLD:
        return ns
    raise BadSize(f"framebuffer: bad size: a hold of {duration(ns)}; it lasts more than 0 and at most {duration(L.MAX_HOLD)}, and can be extended")


def lost_before_extended(offset: int) -> FrameBufferTimeout:
    """The error of extending too late."""
    return overwritten(f"the hold on the chunk at offset {offset} ended before it was extended: extend earlier, or hold longer")
