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
    """Reads and writes the frames of the segment that a key names, from start to stop, or in a
    with block. Methods may be called from any thread. It can be used in a process that was
    forked meanwhile, and can be sent to one that was spawned, which then attaches by itself.

    Offsets are taken as int or str, checksums as str. With read_only the ring is mapped
    without permission to write. max_frame is how many bytes a frame may have that read and get copy:
    descriptors, and rings, may come from anywhere. For a larger one they raise TooLarge; by default
    NoMemory, for more than the machine, the control group and ulimit leave. With unverified, view and hold hand out bytes without hashing
    them first: what remains is the proof that the ring had not reused the chunk. name is shown
    to people who watch; by default it is that of the program.
    """

    def __init__(self, key: str, *, read_only: bool = False, unverified: bool = False, name: str = "", max_frame: int | None = None) -> None:
        self.key, self.max_frame = key, max_frame
        self._read_only, self._unverified, self._name = read_only, unverified, name
        self._segment: Segment | None = None
        self._lock = threading.Lock()
        _forks.register(self)

    # From start to stop.

    def start(self) -> "FrameBufferClient":
        """Attaches; does nothing if it is attached. Raises BadKey for a string that is no key,
        StaleKey when its server is gone or the memory is out of reach from this container,
        NoPermission, NoMemory or Corrupt. A key never attaches to anything but the segment it
        was made for."""
        with self._lock:
            if self._segment is None:
                self._segment = attach(self.key, self._read_only, self._name)
        return self

    def stop(self) -> None:
        """Lets go of the segment; does nothing if it is not attached. Holds of this client end.
        Calls under way on other threads end as they would. The memory stays mapped for as long
        as views of it live."""
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
        """Why this client cannot allocate and write any more, or None: Closed after stop, before
        start, and after the server's stop, ServerGone when the server's process has died, Corrupt
        when the memory is damaged. It is one load, without a system call. Reads, views and holds go
        on after the server's end, however it came."""
        try:
            s = self._attached()
            s.check_open()
        except FrameBufferError as e:
            return e
        return s.control.why_closed() if s.control.closed else None

    # The seed's calls.

    def write(self, offset: Offset, data: Any) -> str:
        """Copies data, bytes or an array of any dtype and strides, into the chunk at offset, which this
        or any other process allocated with at least that many bytes, and returns its checksum:
        16 hex digits of XXH3-64.

        Raises BadBuffer for what cannot be data, BadOffset, TooLong, ReadOnly, Closed, and
        FrameBufferTimeout when the ring has reused the chunk before the last byte was in.
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
        """Returns the size bytes that were written at offset and have that checksum.

        Raises FrameBufferTimeout when the ring has reused the chunk or the bytes are not those,
        BadOffset, BadSize for a size that is negative or beyond the chunk, TooLarge for one beyond
        max_frame, NoMemory for one that this process has no memory for, BadFrame for what is no
        checksum, and Closed. It works on after the server's stop.
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

    # Beyond the seed.

    def allocate(self, size: int) -> str:
        """Does what the server's allocate does, from here, without asking the server."""
        return str(self._writable("allocate").allocate(size))

    def put(self, data: Any) -> Frame:
        """Allocates, writes, and returns the descriptor to send on. Empty data cannot be put:
        BadSize. Otherwise it raises what allocate and write raise."""
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
        """The bytes of a frame, as read. Raises BadKey when it lies in another ring."""
        frame = self._place(frame)
        return self.read(frame.offset, frame.size, frame.checksum)

    @overload
    def read_into(self, buffer: Any, where: Frame) -> int: ...

    @overload
    def read_into(self, buffer: Any, where: Offset, size: int, checksum: str) -> int: ...

    def read_into(self, buffer: Any, where: "Frame | Offset", size: int = -1, checksum: str = "") -> int:
        """As read, or get, into the first bytes of a writable object with the buffer protocol, which
        lie in a row, and returns how many they are. With an error they are zeroes or what they
        were before, never another frame's. Also raises BadBuffer for what bytes cannot be put
        into, and BadSize for a buffer that is too short."""
        frame = self._place(where, size, checksum)
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
        """A frame's bytes in place, without copying them: a context manager that gives a
        read-only memoryview. See View. Raises what read raises, when its block begins.

        Do not draw into it: OpenCV before 4.9 writes into read-only arrays, and with that into
        the frame, which other readers then lose (with read_only the process ends by SIGSEGV). To
        draw, copy: read_into(numpy.empty(shape, numpy.uint8), frame)."""
        frame = self._place(where, size, checksum)
        return View(self._attached(), frame.offset, frame.size, self._want(frame))

    @overload
    def hold(self, where: Frame, *, seconds: float) -> Hold: ...

    @overload
    def hold(self, where: Offset, size: int, checksum: str, *, seconds: float) -> Hold: ...

    def hold(self, where: "Frame | Offset", size: int = -1, checksum: str = "", *, seconds: float) -> Hold:
        """Makes a frame stay for at most so many seconds, at most an hour: for readers that work
        on a frame for longer than the ring takes to come round. See Hold, and view for what not to
        do with OpenCV before 4.9. Raises what read raises, BadSize for a time out of range, and
        HoldLimit when as much as the server's hold_limit allows, or 256 frames, are held already."""
        frame = self._place(where, size, checksum)
        return Hold(self._attached(), frame, self._want(frame), seconds)

    def reserve(self, size: int) -> Reservation:
        """Allocates size bytes to be filled in place. See Reservation. Raises what allocate
        raises."""
        return Reservation(self._writable("reserve"), size)

    def publisher(self, topic: str) -> Publisher:
        """Opens the topic of that name, 1 to 64 bytes of UTF-8, and makes it if there is none. A
        topic that was ended is open again. Raises BadName, TopicLimit, ReadOnly and Closed."""
        return Publisher(self._attached(), topic)

    def subscribe(self, topic: str, *, start: str = "next", group: str = "", spin: float = 0.0) -> Subscription:
        """Opens the topic of that name, and makes it if there is none: subscribers may come
        first. start is where to begin: with what is published from now on ("next"), with the last
        frame that is still there ("newest"), the first of those ("oldest"), or the first one ever
        published ("first"): what is gone of them counts as lost. A group shares the topic's
        frames: each goes to one of its subscriptions, in any process. spin is for how many
        seconds next polls before it sleeps, which takes a processor and saves a wake-up; negative
        means for ever. Raises BadName, TopicLimit and Closed."""
        return Subscription(self._attached(), topic, start, group, spin)

    # Inside.

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

    def _place(self, where: "Frame | Offset", size: int = -1, checksum: str = "") -> Frame:
        if not isinstance(where, Frame):
            return Frame(self.key, as_offset(where), index(size), checksum)
        if where.key != self.key:
            raise BadKey(
                f"framebuffer: bad key: the frame lies in the ring of {quote(clip(where.key))}, this client is attached to {quote(self.key)}: attach with the frame's key"
            )
        return plain(where)
