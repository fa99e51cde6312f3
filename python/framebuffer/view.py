"""Views, to read in place, and reservations, to write in place."""

from operator import index
from types import TracebackType
from typing import Any

from ._buffers import Pinned
from ._layout import SLOT_READ_BYTES, SLOT_READS, SLOT_WRITES, SLOT_WRITTEN_BYTES
from ._segment import Segment
from .errors import BadSize, Closed, FrameBufferError, TooLong
from .frame import Frame


def release(view: memoryview) -> None:
    """Releases a view. If another object was made of it, such as an array of numpy, that keeps the
    memory mapped for as long as it lives."""
    try:
        view.release()
    except BufferError:
        pass


class View:
    """A frame's bytes in place, in a with block. They are verified when the block begins. When it ends,
    the view looks once more: if later frames have overwritten the chunk, the end raises
    FrameBufferTimeout, whatever else the block raised, and the program must throw away what it made
    of the bytes. Writers go on meanwhile, so the block should be quick, or work under a hold. A store
    by a process that does not allocate, because it was stopped while the ring was allocated all the
    way round or because it is malicious, is not noticed here; read verifies the very bytes that it
    returns.

    The memoryview is read-only. Objects made of it without copying, such as numpy.frombuffer(view,
    dtype), keep the memory mapped, and show other bytes after the frame is overwritten. Only read
    them: OpenCV before 4.9 draws into read-only arrays, which spoils the frame for all other readers,
    or, if the client attached with read_only, ends this process by SIGSEGV. To draw, copy:
    client.read_into(array, frame), or numpy.frombuffer(view, dtype).reshape(shape).copy().
    """

    def __init__(self, segment: Segment, offset: int, size: int, checksum: int | None) -> None:
        self._segment, self._offset, self._size, self._checksum = segment, offset, size, checksum
        self._bytes: memoryview | None = None

    def __enter__(self) -> memoryview:
        if self._bytes is not None:
            raise RuntimeError("framebuffer: a view is entered once")
        s = self._segment
        s.check_open()
        try:
            self._bytes = s.ring.view(self._offset, self._size, self._checksum)
        except FrameBufferError as e:
            raise s.failed(e)
        return self._bytes

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        s = self._segment
        intact = s.ring.is_intact(self._offset)  # after everything that the block has read
        if self._bytes is not None:
            release(self._bytes)
        if not intact and (error is None or isinstance(error, Exception)):
            raise s.failed(s.ring.overwritten(self._offset)) from error
        if error is None and not s.closed:
            s.slot.count_frame(SLOT_READS, SLOT_READ_BYTES, self._offset, self._size)


class Reservation:
    """A chunk to write in place, which saves the copy of write. The end of a with block forgets a
    reservation that was not committed; the ring reuses its memory in its turn.

    The ring does not wait: a reservation is lost if it is not committed before the ring was allocated
    all the way round, and commit raises FrameBufferTimeout. Methods are for one thread at a time.
    """

    def __init__(self, segment: Segment, size: int) -> None:
        self._segment, self._size = segment, index(size)
        self.offset = segment.allocate(self._size)
        self._bytes: memoryview | None = segment.ring.writable(self.offset, self._size)

    @property
    def bytes(self) -> memoryview:
        """The whole chunk, in shared memory, to be written in any order until commit. Later stores to
        it, or to arrays made of it, spoil this frame or a later one, whose readers get
        FrameBufferTimeout. Raises Closed after commit and abort."""
        if self._bytes is None:
            raise self._over()
        return self._bytes

    def fill(self, data: Any, at: int = 0) -> int:
        """Copies data, of any dtype and strides, into the chunk from byte `at` on, and returns where it
        ends. (A slice of bytes takes only bytes.) Raises BadBuffer for an object that cannot be
        data, TooLong for more than there is room for, Closed, and FrameBufferTimeout when later
        frames have overwritten the chunk."""
        if self._bytes is None:
            raise self._over()
        at = index(at)
        with Pinned(data) as source:
            if not 0 <= at <= self._size - source.size:
                raise TooLong(
                    f"framebuffer: data longer than the chunk: {source.size} bytes from byte {at} of a reservation of {self._size}: reserve more"
                )
            try:
                self._segment.ring.copy(self.offset, at, source)
            except FrameBufferError as e:
                raise self._segment.failed(e)
            return at + source.size

    def commit(self, size: int | None = None) -> Frame:
        """Hashes the first size bytes, or all, and returns the frame, which other processes can read
        from now on. Raises BadSize, TooLong, Closed, and FrameBufferTimeout when later frames have
        overwritten the chunk."""
        n = self._size if size is None else index(size)
        if self._bytes is None:
            raise self._over()
        if n < 1:
            raise BadSize(f"framebuffer: bad size: asked to commit {n} bytes; a frame has at least 1")
        if n > self._size:
            raise TooLong(f"framebuffer: data longer than the chunk: asked to commit {n} bytes of a reservation of {self._size}: reserve more")
        self.abort()
        s = self._segment
        s.check_open()
        try:
            checksum = s.ring.finish(self.offset, n, True)
        except FrameBufferError as e:
            raise s.failed(e)
        s.slot.count_frame(SLOT_WRITES, SLOT_WRITTEN_BYTES, self.offset, n)
        return Frame(s.key, self.offset, n, f"{checksum:016x}")

    def abort(self) -> None:
        """Gives up the reservation; after commit it does nothing."""
        view, self._bytes = self._bytes, None
        if view is not None:
            release(view)

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.abort()

    def _over(self) -> Closed:
        return Closed("framebuffer: closed: the reservation was committed or aborted already: reserve anew")
