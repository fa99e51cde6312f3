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
    """A frame that stays for at most the time that was asked for, while writers go on around
    it: they step over it. It ends with release, with the end of its with block, with the
    client's stop, or with its time: a holder that crashed or sleeps costs nobody more. Its
    methods may be called from any thread.

    In a with block the end raises FrameBufferTimeout, whatever else the block raised, if the
    frame was not in place until then.
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
    """The frame's bytes in place, read-only: for use until release. What was made of them
    counts if check or release says so afterwards. See View for OpenCV before 4.9, which draws
    into them all the same, and for how to copy."""

    def check(self) -> None:
        """Raises FrameBufferTimeout if the frame has not been in place until now, and Closed
        after release."""
        with self._lock:
            if not self._intact(self._held()):
                self._segment.check_open()  # what was shortened is another matter
                raise self._lost()

    def stands(self) -> bool:
        """Whether the hold keeps the frame: it was not released, and its time is not over."""
        entry = self._entry
        return entry is not None and entry.stands()

    def extend(self, seconds: float) -> None:
        """Makes the hold end so many seconds from now, at most an hour. Raises BadSize, with
        nothing changed, and FrameBufferTimeout when the hold had ended, which is then gone."""
        ns = check_duration(seconds)
        with self._lock:
            if not self._held().extend(ns):
                raise self._segment.failed(lost_before_extended(self.frame.offset))

    def release(self) -> None:
        """Ends the hold. Raises FrameBufferTimeout if the frame was not in place until now, and
        Closed when it was released already."""
        with self._lock:
            entry = self._held()
            intact = self._intact(entry)
            self._entry = None
            entry.withdraw()
        release(self.view)
        if not intact:
            raise self._segment.failed(self._lost())

    def after_fork(self) -> None:
        """The hold is the parent's: it may end any time without the child's knowing."""
        self._lock = threading.Lock()
        self._entry = None

    def segment_closed(self) -> None:
        """The client has let go."""
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
