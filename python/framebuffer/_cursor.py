"""Cursors: the sequence number that a subscription, or a group of them, reads next."""

from typing import Callable

from . import _atomics, _layout as L
from ._control import Control
from ._text import quote
from ._queue import name_hash
from ._topics import Topic
from .errors import TopicLimit


class Alone:
    """The cursor of one subscription."""

    def __init__(self, start: int) -> None:
        self.cursor = start
        """The sequence number to read next."""

    def advance(self, old: int, new: int) -> bool:
        """Moves the cursor. Always True: no other subscription moves it."""
        self.cursor = new
        return True


class Group:
    """A cursor that several subscriptions share: each frame goes to one of them."""

    def __init__(self, control: Control, topic: Topic, name: str, start: Callable[[], int]) -> None:
        """Opens the topic's group of that name, which it makes if there is none: that begins at the sequence
        number that start returns. Raises TopicLimit."""
        table, h = control.tables.groups, name_hash(f"{topic.name}\0{name}".encode())
        for i in range(table.count):
            at = table.entry((h + i) % table.count)
            address = control.address + at
            if not _atomics.cas64(address + L.GROUP_NAME_HASH, 0, h) and control.words[(at + L.GROUP_NAME_HASH) // 8] != h:
                continue
            # All members store the same values: the first one may have died before it did.
            _atomics.store32(address + L.GROUP_TOPIC, topic.index + 1)
            control.put_text(at + L.GROUP_NAME, name)
            _atomics.cas64(address + L.GROUP_CURSOR, 0, (start() + 1) & L.MASK)
            break
        else:
            raise TopicLimit(
                f"framebuffer: no room for another topic or group: no room for group {quote(name)} of topic {quote(topic.name)} beside the "
                f"{table.count} groups there are, which is all that a segment can have: use fewer, or a segment of its own"
            )
        self._words, self._at, self._address = control.words, (at + L.GROUP_CURSOR) // 8, address + L.GROUP_CURSOR

    @property
    def cursor(self) -> int:
        """The sequence number to read next."""
        return (self._words[self._at] - 1) & L.MASK

    def advance(self, old: int, new: int) -> bool:
        """Moves the cursor from old to new; False if another member has moved it."""
        return _atomics.cas64(self._address, (old + 1) & L.MASK, (new + 1) & L.MASK)
