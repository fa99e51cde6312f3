"""Where a subscription goes on after it lost frames. topic/subscription.go of the Go library does the
same, and docs/layout.md describes it for both."""

from typing import NamedTuple

from ._layout import MASK
from ._queue import Queue, after


class _Search(NamedTuple):
    """A search for the oldest frame that ran out of time."""

    lost: int  # the sequence number of the frame that was lost
    left_out: bool  # a mirror skipped it
    reached: int  # no frame before this sequence number is available


class Resume:
    """Chooses the sequence number with which one subscription goes on after a loss."""

    def __init__(self, topic: Queue, start: int) -> None:
        self._topic = topic
        self._resumed = (start - topic.depth) & MASK  # where it went on after the last loss: long ago
        self._search: _Search | None = None

    def after(self, lost: int, until: float) -> "int | None":
        """The sequence number to read next when the frame of sequence number `lost` is lost: that of
        the oldest frame that is available. If the subscription went on after another loss less than
        a quarter of the queue before, it skips a further quarter where that many frames were
        published: the oldest frame is the next to be overwritten, so a slow subscription would
        lose nearly every frame. A sequence number that a mirror skipped is no such loss.

        None at the time `until` (of time.monotonic): the next call goes on with the search.
        """
        search, self._search = self._search, None
        if search is None or search.lost != lost:
            # Before the search: the word may be of a later lap then.
            search = _Search(lost, self._topic.left_out(lost), (lost + 1) & MASK)
        to, found = self._topic.search(search.reached, until)
        if not found:
            self._search = search._replace(reached=to)
            return None
        if search.left_out:
            return to
        quarter = self._topic.depth // 4
        lead = (to + quarter) & MASK
        if (lost - self._resumed) & MASK < quarter and after(self._topic.next, lead):
            to = lead
        self._resumed = to
        return to
