"""A process attached to a segment."""

import threading
from operator import index
from types import TracebackType
from typing import Any, Union, overload

from . import _forks
from ._buffers import Pinned
from ._layout import SLOT_READ_BYTES, SLOT_READS, SLOT_WRITES, SLOT_WRITTEN_BYTES
from ._segment import Segment, attach
from ._text import clip, quote
from .errors import BadKey, BadSize, Closed, FrameBufferError, FrameBufferTimeout, ReadOnly, Reason, TooLarge
from .frame import Frame, as_offset, parse_checksum, plain
from .hold import Hold
from .topic import Message, Meta, Publisher, Subscription
from .view import Reservation, View

__all__ = ["FrameBufferClient", "FrameBufferTimeout", "FrameBufferError", "Reason", "Frame", "Hold", "View", "Reservation", "Message", "Meta", "Publisher", "Subscription"]

Offset = Union[int, str]


class FrameBufferClient:
    """Reads and writes the frames of the segment that a key names, from start to stop, or in a with
    block. Methods may be called from any thread. A child process that was forked meanwhile can use
    it too, and one that was spawned, if the client is sent to it: that attaches by itself.

    Offsets are int or str, checksums are str.

    read_only maps the ring without permission to write. max_frame limits the bytes of a frame that
    read and get copy, since descriptors and rings may come from anywhere: they raise TooLarge for
    larger ones. Without it they raise NoMemory for a frame of more than the machine, the control
    group and ulimit leave. With unverified, view and hold give bytes without hashing them first: it
    is still certain that no later frame had overwritten them. name is shown to monitors; by default
    it is the program's.
    """

    def __init__(self, key: str, *, read_only: bool = False, unverified: bool = False, name: str = "", max_frame: int | None = None) -> None:
        self.key, self.max_frame = key, max_frame
        self._read_only, self._unverified, self._name = read_only, unverified, name
        self._segment: Segment | None = None
        self._lock = threading.Lock()
        _forks.register(self)

    # From start to stop.

    def start(self) -> "FrameBufferClient":
        """Attaches; does nothing if it is attached. Raises BadKey for a string that is not a valid key,
        StaleKey when its server has ended or this container cannot reach the memory, NoPermission,
        NoMemory or Corrupt. A key attaches only to the segment that it was made for."""
        with self._lock:
            if self._segment is None:
                self._segment = attach(self.key, self._read_only, self._name)
        return self

    def stop(self) -> None:
        """Detaches; does nothing if it is not attached. Holds of this client end, and so do waits for
        its topics. Other calls that run in other threads end as they would. The memory stays mapped
        for as long as views of it live."""
        with self._lock:
            segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def __enter__(self) -> "FrameBufferClient":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def after_fork(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "read_only": self._read_only,
            "unverified": self._unverified,
            "name": self._name,
            "max_frame": self.max_frame,
            "started": self._segment is not None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        started = state.pop("started")
        self.__init__(**state)  # type: ignore[misc]
        if started:
            self.start()

    @property
    def error(self) -> FrameBufferError | None:
        """Why this client cannot allocate and write any more, or None while it can. Closed before start,
        after stop, and after the server's stop; ServerGone when the server's process has died;
        Corrupt when the memory is damaged. Reads, views and holds go on after the server's end. It
        costs one load and no system call."""
        try:
            s = self._attached()
            s.check_open()
        except FrameBufferError as e:
            return e
        return s.control.why_closed() if s.control.closed else None

    # The calls of the original Python library.

    def write(self, offset: Offset, data: Any) -> str:
        """Copies data, bytes or an array of any dtype and strides, into the chunk at offset, which this
        process or another allocated with at least that many bytes, and returns the checksum: 16 hex
        digits of XXH3-64.

        Raises BadBuffer for an object that cannot be data, BadOffset, TooLong, ReadOnly, Closed, and
        FrameBufferTimeout when later frames have overwritten the chunk before the last byte was in.
        """
        s = self._writable("write")
        with Pinned(data) as source:
            at = as_offset(offset)
            try:
                checksum = s.ring.write(at, source)
            except FrameBufferError as e:
                raise s.failed(e)
            s.slot.count_frame(SLOT_WRITES, SLOT_WRITTEN_BYTES, at, source.size)
        return f"{checksum:016x}"

    def read(self, offset: Offset, size: int, checksum: str) -> bytes:
        """The first size bytes of the chunk at offset, which have that checksum.

        Raises FrameBufferTimeout when later frames have overwritten the chunk or the checksum does not
        match, BadOffset, BadSize for a size that is negative or larger than the chunk, TooLarge for
        one above max_frame, NoMemory for one that this process has no memory for, BadFrame for a
        text that is not a checksum, and Closed. It goes on after the server's end.
        """
        s, at, size = self._attached(), as_offset(offset), index(size)
        if self.max_frame is not None and size > self.max_frame:
            raise TooLarge(
                f"framebuffer: too large: the frame has {size} bytes, and this client takes {self.max_frame}: "
                "raise its max_frame, or read the frame in place (view, hold)"
            )
        try:
            data = s.ring.read(size, at, parse_checksum(checksum))
        except FrameBufferError as e:
            raise s.failed(e)
        s.slot.count_frame(SLOT_READS, SLOT_READ_BYTES, at, size)
        return data

    # Further calls.

    def allocate(self, size: int) -> str:
        """Allocates size bytes and returns the chunk's offset, as the server's allocate does, without
        asking the server. Raises what that raises, ReadOnly, and ServerGone."""
        return str(self._writable("allocate").allocate(size))

    def put(self, data: Any) -> Frame:
        """Allocates, writes, and returns the frame, a descriptor to send to readers. Raises BadSize for
        empty data, and what allocate and write raise."""
        s = self._writable("write")
        with Pinned(data) as source:
            offset = s.allocate(source.size)
            try:
                checksum = s.ring.write(offset, source)
            except FrameBufferError as e:
                raise s.failed(e)
            s.slot.count_frame(SLOT_WRITES, SLOT_WRITTEN_BYTES, offset, source.size)
            return Frame(s.key, offset, source.size, f"{checksum:016x}")

    def get(self, frame: Frame) -> bytes:
        """The bytes of a frame. Raises BadKey when it lies in another ring, and what read raises."""
        frame = self._frame_of(frame)
        return self.read(frame.offset, frame.size, frame.checksum)

    @overload
    def read_into(self, buffer: Any, where: Frame) -> int: ...

    @overload
    def read_into(self, buffer: Any, where: Offset, size: int, checksum: str) -> int: ...

    def read_into(self, buffer: Any, where: "Frame | Offset", size: int = -1, checksum: str = "") -> int:
        """Reads a frame, or the bytes at an offset, into the first bytes of a writable, contiguous object
        with the buffer protocol, and returns how many they are. After an error they are zeroes or
        unchanged, never another frame's. max_frame does not limit it. Raises what read raises,
        BadBuffer for an object that cannot be written to, and BadSize for one that is too short."""
        frame = self._frame_of(where, size, checksum)
        s = self._attached()
        with Pinned(buffer, writable=True) as to:
            if frame.size > to.size:
                raise BadSize(f"framebuffer: bad size: a frame of {frame.size} bytes for a buffer of {to.size}: pass a larger one")
            try:
                s.ring.read_into(to.address, frame.size, frame.offset, parse_checksum(frame.checksum))
            except FrameBufferError as e:
                raise s.failed(e)
        s.slot.count_frame(SLOT_READS, SLOT_READ_BYTES, frame.offset, frame.size)
        return frame.size

    @overload
    def view(self, where: Frame) -> View: ...

    @overload
    def view(self, where: Offset, size: int, checksum: str) -> View: ...

    def view(self, where: "Frame | Offset", size: int = -1, checksum: str = "") -> View:
        """A frame's bytes in place, without a copy: a context manager that gives a read-only memoryview.
        See View. The block's begin raises what read raises, but for the limits of a copy.

        Do not draw into it: OpenCV before 4.9 writes into read-only arrays, and so into the frame,
        which other readers then lose (with read_only the process ends by SIGSEGV). To draw, copy:
        read_into(numpy.empty(shape, numpy.uint8), frame)."""
        frame = self._frame_of(where, size, checksum)
        return View(self._attached(), frame.offset, frame.size, self._want(frame))

    @overload
    def hold(self, where: Frame, *, seconds: float) -> Hold: ...

    @overload
    def hold(self, where: Offset, size: int, checksum: str, *, seconds: float) -> Hold: ...

    def hold(self, where: "Frame | Offset", size: int = -1, checksum: str = "", *, seconds: float) -> Hold:
        """Keeps a frame in place for at most that many seconds, up to 3600: for work on a frame that
        takes longer than the ring needs to be allocated all the way round. See Hold, and view about
        OpenCV before 4.9. Raises what view raises, BadSize for a time out of range, and HoldLimit
        when the server's hold_limit, or 256 holds, would be exceeded."""
        frame = self._frame_of(where, size, checksum)
        return Hold(self._attached(), frame, self._want(frame), seconds)

    def reserve(self, size: int) -> Reservation:
        """Allocates size bytes to write in place. See Reservation. Raises what allocate raises."""
        return Reservation(self._writable("reserve"), size)

    def publisher(self, topic: str) -> Publisher:
        """A publisher of the topic of that name, 1 to 64 bytes of UTF-8, which it makes if there is none.
        It opens again a topic that has ended. Raises BadName, TopicLimit, ReadOnly and Closed."""
        return Publisher(self._attached(), topic)

    def subscribe(self, topic: str, *, start: str = "next", group: str = "", spin: float = 0.0) -> Subscription:
        """A subscription to the topic of that name, which it makes if there is none: subscribers may come
        before publishers. start says where it begins: with the frames published from now on
        ("next"), with the last frame that is available ("newest"), with the first of those
        ("oldest"), or with the first one ever published ("first"), of which the overwritten ones
        count as lost. A group shares the topic's frames: each goes to one of its subscriptions, in
        any process. spin is for how many seconds next polls before it sleeps, which takes a processor
        and saves a wake-up; negative means without end. Raises BadName, TopicLimit and Closed."""
        return Subscription(self._attached(), topic, start, group, spin)

    # Private.

    def _attached(self) -> Segment:
        s = self._segment
        if s is None:
            raise Closed("framebuffer: closed: this client is not attached: call start, or use it in a with block")
        return s

    def _writable(self, what: str) -> Segment:
        s = self._attached()
        if s.read_only:
            raise ReadOnly(f"framebuffer: read-only: this client attached with ReadOnly and cannot {what}: attach without it")
        return s

    def _want(self, frame: Frame) -> int | None:
        checksum = parse_checksum(frame.checksum)
        return None if self._unverified else checksum

    def _frame_of(self, where: "Frame | Offset", size: int = -1, checksum: str = "") -> Frame:
        if not isinstance(where, Frame):
            return Frame(self.key, as_offset(where), index(size), checksum)
        if where.key != self.key:
            raise BadKey(
                f"framebuffer: bad key: the frame lies in the ring of {quote(clip(where.key))}, this client is attached to {quote(self.key)}: attach with the frame's key"
            )
        return plain(where)
