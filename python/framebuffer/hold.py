"""Keeping a frame where it is while working on it."""

import threading
from types import TracebackType

from ._holds import Entry, check_duration, lost_before_extended
from ._layout import CHUNK_HEADER, SLOT_READ_BYTES, SLOT_READS, footprint
from ._segment import Segment
from . import _atomics, _clock, _forks
from .errors import Closed, FrameBufferError, FrameBufferTimeout, HoldLimit, overwritten
from .frame import Frame
from .view import release


class Hold:
    """Keeps a frame in place for at most the time that was asked for: allocators skip it. A hold ends
    with release, with the end of its with block, with the client's stop, or with its time, also
    if its process has crashed or was stopped. Methods may be called from any thread.

    The end of a with block raises FrameBufferTimeout, whatever else the block raised, if the frame
    was not in place until then.
    """

    def __init__(self, segment: Segment, frame: Frame, checksum: int | None, seconds: float) -> None:
        _atomics.require("holding")
        segment.check_open()
        self.frame = frame
        self._segment = segment
        self._lock = threading.Lock()
        ns = check_duration(seconds)
        try:
            self._entry: Entry | None = _begin(segment, frame.offset, ns)
            try:
                self.view = segment.ring.view(frame.offset, frame.size, checksum)
            except BaseException:
                self._entry.withdraw()
                raise
        except FrameBufferError as e:
            raise segment.failed(e)
        segment.slot.count_frame(SLOT_READS, SLOT_READ_BYTES, frame.offset, frame.size)
        segment.on_close(self)
        _forks.register(self)

    view: memoryview
    """The frame's bytes in place, read-only, until release. What a program made of them is valid if
    check or release raises nothing afterwards. OpenCV before 4.9 draws into them all the same: see
    View, also for how to copy."""

    def check(self) -> None:
        """Raises FrameBufferTimeout if the frame has not been in place until now, and Closed
        after release."""
        with self._lock:
            if not self._intact(self._held()):
                self._segment.check_open()  # shortened memory is Corrupt
                raise self._lost()

    def stands(self) -> bool:
        """Whether the hold keeps the frame: it was not released, and its time has not ended."""
        entry = self._entry
        return entry is not None and entry.stands()

    def extend(self, seconds: float) -> None:
        """Makes the hold end that many seconds from now: more than 0, at most 3600. Raises BadSize for
        other times, with nothing changed, and FrameBufferTimeout when the hold had ended already:
        then the hold is over."""
        ns = check_duration(seconds)
        with self._lock:
            if not self._held().extend(ns):
                raise self._segment.failed(lost_before_extended(self.frame.offset))

    def release(self) -> None:
        """Ends the hold. Raises FrameBufferTimeout if the frame was not in place until now, and Closed
        if the hold was released already."""
        with self._lock:
            entry = self._held()
            intact = self._intact(entry)
            self._entry = None
            entry.withdraw()
        release(self.view)
        if not intact:
            raise self._segment.failed(self._lost())

    def after_fork(self) -> None:
        """Ends this object: the hold stays the parent's, and the child cannot know when it ends."""
        self._lock = threading.Lock()
        self._entry = None

    def segment_closed(self) -> None:
        """Ends the hold with its client."""
        with self._lock:
            entry, self._entry = self._entry, None
            if entry is not None:
                entry.withdraw()

    def _held(self) -> Entry:
        if self._entry is None:
            if self._segment.closed:
                self._segment.check_open()
            raise Closed("framebuffer: closed: the hold was released already: hold the frame anew")
        return self._entry

    def _intact(self, entry: Entry) -> bool:
        _atomics.fence()
        return self._segment.ring.alive(self.frame.offset - CHUNK_HEADER) or entry.stands()

    def _lost(self) -> FrameBufferTimeout:
        return overwritten(
            f"the hold on the chunk at offset {self.frame.offset} has ended and the ring has overwritten the chunk: hold longer, or extend in time"
        )

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.release()
        except Closed:
            pass  # released in the block
        except FrameBufferError as e:
            if error is None or isinstance(error, Exception):
                raise e from error

    def __del__(self) -> None:
        if getattr(self, "_entry", None) is not None:
            self.segment_closed()


def _begin(segment: Segment, offset: int, ns: int) -> Entry:
    """docs/layout.md, Holds, steps 1 to 6."""
    import time

    ring = segment.ring
    c, length = offset - CHUNK_HEADER, footprint(ring.lookup(offset))
    now = _clock.monotonic_ns()
    entry = ring.holds.claim(c, length, now, ns)
    total, limit = ring.holds.total(now), segment.control.hold_limit
    if total > limit:
        entry.withdraw()
        raise HoldLimit(
            f"framebuffer: too much is held: holding {length} bytes more would make {total} of the {limit} that may be held: "
            "release others first, or start the server with a larger HoldLimit or size"
        )
    if not ring.intact(c) or not entry.confirm():
        entry.withdraw()
        raise ring.overwritten(offset)
    return entry
