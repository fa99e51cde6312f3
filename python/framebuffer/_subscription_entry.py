"""The rows of subscriptions in the shared directory."""

from . import _atomics, _layout as L
from ._segment import Segment


class Entry:
    """A subscription's row in the shared directory, for monitors and for mirrors that begin on demand. It is
    optional: clients without a slot have none, nor has any subscription while the table is full."""

    def __init__(self, segment: Segment, topic: int, at: int) -> None:
        self._segment, self._topic = segment, topic
        self.stale = False
        self._enter(at)

    def _enter(self, cursor: int) -> None:
        self.stale, self._at = False, -1
        control, slot = self._segment.control, self._segment.slot.mine()
        if slot.index == 0:
            return
        table = control.tables.subs
        for i in range(table.count):
            at = table.entry(i)
            old = control.words[(at + L.SUB_CLAIM) // 8]
            if (old and self._stands(at, old)) or not _atomics.cas64(control.address + at + L.SUB_CLAIM, old, slot.ticket):
                continue
            self._at = at
            self._claim = slot.ticket
            address = control.address + at
            _atomics.store32(address + L.SUB_SLOT, slot.index)
            _atomics.store64(address + L.SUB_CURSOR, cursor)
            _atomics.store64(address + L.SUB_RECEIVED, 0)
            _atomics.store64(address + L.SUB_LOST, 0)
            _atomics.store32(address + L.SUB_TOPIC, self._topic + 1)
            return

    def _stands(self, at: int, claim: int) -> bool:
        """Whether the client of an entry is still attached, and not dead."""
        control = self._segment.control
        slot, slots = control.halves[(at + L.SUB_SLOT) // 4], control.tables.slots
        if not 0 < slot < slots.count:
            return False
        own = slots.entry(slot)
        return control.words[(own + L.SLOT_CLAIM) // 8] == claim and not control.halves[(own + L.SLOT_LIFE) // 4] & L.LIFE_DIED

    def update(self, cursor: int, received: int, lost: int) -> None:
        """Stores the subscription's figures, each in one piece."""
        if self.stale:
            self._enter(cursor)
        if self._at >= 0:
            words = self._segment.control.words
            for place, figure in ((L.SUB_CURSOR, cursor), (L.SUB_RECEIVED, received), (L.SUB_LOST, lost)):
                words[(self._at + place) // 8] = figure & L.MASK

    def leave(self) -> None:
        """Frees the row."""
        at, self._at = self._at, -1
        if at >= 0 and not self.stale:
            address = self._segment.control.address + at
            _atomics.store32(address + L.SUB_TOPIC, 0)
            _atomics.cas64(address + L.SUB_CLAIM, self._claim, 0)
