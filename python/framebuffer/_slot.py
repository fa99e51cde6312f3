"""This process's slot in the control object: its name, its counters and its life word.

Slots are for monitors: no data path depends on them, so it is no error that none is free (slot 0
then counts for all clients without one). Liveness is never guessed. A slot that a crashed process
left is claimed again when the kernel has marked its life word, which an owner takes first and gives
back last: only the owner of the life word writes the other words.
"""

import os
import secrets
import sys

from . import _atomics, _clock, _forks, _liveness, _procinfo, _layout as L
from ._control import Control
from ._liveness import Life
from .errors import FrameBufferTimeout


class Slot:
    """Claims a free slot, or one whose process is known to be dead; without one, shares slot 0. A forked child
    claims its own. Without atomic instructions it counts nothing."""

    def __init__(self, control: Control, role: int, name: str, may_fault: bool) -> None:
        self._control, self._role, self._name, self._may_fault = control, role, name, may_fault
        self._life: Life | None = None
        self._rest = control.address + control.tables.slots.entry(0)
        self._claim()
        _forks.register(self)

    def after_fork(self) -> None:
        """The parent keeps its slot; the child gets one when it first counts something."""
        self._stale = True

    def _claim(self) -> None:
        self._stale = False
        self.index, self.pid, self.ticket, self._life = 0, os.getpid(), 0, None
        self._counters = self._rest
        if not _atomics.AVAILABLE:
            return
        c, table = self._control, self._control.tables.slots
        ticket, pidns = secrets.randbits(64) or 1, _procinfo.namespace("pid")
        for i in range(1, table.count):
            at = table.entry(i)
            old = c.halves[(at + L.SLOT_LIFE) // 4]
            if old == L.LIFE_UNKNOWN:
                old = self._free_dead(at, pidns)
            if old and not old & L.LIFE_DIED:
                continue
            life = _liveness.hold(c.memory, at + L.SLOT_LIFE, old, self._may_fault)
            if life is None:
                continue  # another process was faster
            self._life = life
            _atomics.store64(c.address + at + L.SLOT_CLAIM, ticket)
            self.index, self.ticket = i, ticket
            self._last = (at + L.SLOT_LAST) // 8
            self._counters = c.address + at
            c.words[(at + L.SLOT_LAST) // 8] = 0
            self._move_counts()
            self._describe(at, pidns)
            return

    def _describe(self, at: int, pidns: int) -> None:
        """Stores this process's description. Ready comes last: a process that sees it equal to the claim
        sees the words before it."""
        try:
            started = _procinfo.start_time(self.pid)
        except (OSError, ValueError, IndexError):
            started, pidns = 0, 0  # no process can tell whether this one lives: the slot stays its own
        a = self._control.address + at
        _atomics.store32(a + L.SLOT_PID, self.pid)
        _atomics.store32(a + L.SLOT_ROLE, self._role)
        _atomics.store64(a + L.SLOT_PID_NAMESPACE, pidns)
        _atomics.store64(a + L.SLOT_PROCESS_START, started)
        _atomics.store64(a + L.SLOT_ATTACHED, _clock.monotonic_ns())
        self._control.put_text(at + L.SLOT_NAME, self._name)
        _atomics.store64(a + L.SLOT_READY, self.ticket)

    def _free_dead(self, at: int, pidns: int) -> int:
        """Marks the life word of a slot whose process's death the kernel does not report, if the process is
        dead all the same, and returns the life word. Of several processes that find it dead, the one
        that removes the claim marks it."""
        c = self._control
        claim = c.words[(at + L.SLOT_CLAIM) // 8]
        if claim == 0 or not self._abandoned(at, claim, pidns) or not _atomics.cas64(c.address + at + L.SLOT_CLAIM, claim, 0):
            return L.LIFE_UNKNOWN
        _atomics.cas32(c.address + at + L.SLOT_LIFE, L.LIFE_UNKNOWN, L.LIFE_DIED)
        return L.LIFE_DIED

    def _abandoned(self, at: int, claim: int, pidns: int) -> bool:
        """Whether /proc says that the slot's process has ended. False if that is not known, as in another
        PID namespace or with hidepid."""
        c = self._control
        if c.words[(at + L.SLOT_READY) // 8] != claim or pidns == 0 or c.words[(at + L.SLOT_PID_NAMESPACE) // 8] != pidns:
            return False
        pid, started = c.halves[(at + L.SLOT_PID) // 4], c.words[(at + L.SLOT_PROCESS_START) // 8]
        if not 0 < pid < 1 << 31:
            return False
        try:
            return not _clock.same_start(_procinfo.start_time(pid), started)  # another process has the pid by now
        except FileNotFoundError:
            return bool(c.words[(at + L.SLOT_CLAIM) // 8] == claim)
        except (OSError, ValueError, IndexError):
            return False

    def _move_counts(self) -> None:
        """Moves the counts to slot 0. Each is in exactly one place, except between the two
        instructions."""
        counters = range(L.SLOT_ALLOCATIONS, L.SLOT_ALTERED + 1, 8)
        for at in (*counters, L.SLOT_EXTERNAL_READS, L.SLOT_EXTERNAL_BYTES, L.SLOT_EXTERNAL_TIMEOUTS, L.SLOT_TIMED_BYTES, L.SLOT_TIMED_NS):
            if n := _atomics.swap64(self._counters + at, 0):
                _atomics.add64(self._rest + at, n)
        own = (self._counters - self._control.address + L.SLOT_EXTERNAL_REASON) // 4
        if why := self._control.halves[own]:
            _atomics.store32(self._counters + L.SLOT_EXTERNAL_REASON, 0)
            _atomics.store32(self._rest + L.SLOT_EXTERNAL_REASON, why)

    def mine(self) -> "Slot":
        """This slot, claimed for this process."""
        if self._stale:
            self._claim()
        return self

    def count(self, operations: int, bytes_: int, n: int) -> None:
        """Adds one to an operation's counter and n to its bytes."""
        if self._stale:
            self._claim()
        if _atomics.AVAILABLE:
            _atomics.add64(self._counters + operations, 1)
            _atomics.add64(self._counters + bytes_, n)

    def count_frame(self, operations: int, bytes_: int, offset: int, n: int) -> None:
        """Counts an operation on the frame at offset."""
        self.count(operations, bytes_, n)
        self.set_last(offset)

    def count_timed(self, n: int, ns: int) -> None:
        """Counts that reading a frame of n bytes took so long. Writers on this host choose by it
        whether they store through the cache."""
        if _atomics.AVAILABLE:
            counters = self.mine()._counters
            _atomics.add64(counters + L.SLOT_TIMED_BYTES, n)
            _atomics.add64(counters + L.SLOT_TIMED_NS, max(0, ns))

    def set_last(self, offset: int) -> None:
        """Stores the offset of the frame that this process wrote, read or received last, for monitors. Only
        this process stores it, so a plain store in one piece is enough."""
        if self.index:
            self._control.words[self._last] = offset

    def count_timeout(self, error: FrameBufferTimeout) -> None:
        """Counts a timeout by its reason."""
        if error.counted and _atomics.AVAILABLE:
            counter = L.SLOT_OVERWRITTEN if error.overwritten else L.SLOT_ALTERED
            _atomics.add64(self.mine()._counters + counter, 1)

    def release(self) -> None:
        """Frees the slot, and adds its counts to slot 0."""
        if self._stale or self.index == 0:
            return
        at = self._control.tables.slots.entry(self.index)
        if self._control.words[(at + L.SLOT_CLAIM) // 8] == self.ticket:
            self._move_counts()
            _atomics.cas64(self._control.address + at + L.SLOT_CLAIM, self.ticket, 0)
        life, self._life = self._life, None
        if life is not None:
            life.release()  # last: only the word's owner writes the slot
        self._counters, self.index = self._rest, 0


def program() -> str:
    """The program's name, for clients without a name."""
    return os.path.basename(sys.argv[0] or sys.executable or "python") or "python"
