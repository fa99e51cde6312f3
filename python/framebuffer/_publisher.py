"""The writing side of a topic."""

import time
from functools import partial
from operator import index
from typing import Any

from . import _atomics, _layout as L
from ._buffers import Pinned
from ._entries import Record
from ._segment import Segment
from ._text import clip, quote
from ._topics import Topic
from .errors import BadKey, FrameBufferError, ReadOnly
from .frame import Frame, parse_checksum, plain
from .meta import Message, Meta, check_name


class Publisher:
    """Publishes frames to one topic. A client's publisher method makes it. A topic may have any number
    of publishers in any number of processes. It needs no closing. Methods may be called from any
    thread."""

    def __init__(self, segment: Segment, name: str) -> None:
        _atomics.require("publishing")
        check_name("topic", name)
        segment.check_open()
        if segment.read_only:
            raise ReadOnly("framebuffer: read-only: this client attached with ReadOnly and cannot publish: attach without it")
        self._segment = segment
        try:
            self._topic = Topic(segment.control, segment.ring, name)
        except FrameBufferError as e:
            raise segment.failed(e)
        self._topic.reopen()
        self.topic = name

    def publish(self, data: Any, meta: Meta | None = None) -> Message:
        """Copies data into the ring and publishes it. Raises what the client's put and publish_frame raise.
        A frame that is too large for the ring together with its metadata is refused before it
        overwrites any."""
        s = self._segment
        with Pinned(data) as source:
            if source.size > s.allocator.most_beside(L.RECORD_LONG) and _says(meta):
                raise s.allocator.too_large_beside(source.size, L.RECORD_LONG)
            offset = s.allocate(source.size)
            try:
                checksum = s.ring.write(offset, source)
            except FrameBufferError as e:
                raise s.failed(e)
            s.slot.count_frame(L.SLOT_WRITES, L.SLOT_WRITTEN_BYTES, offset, source.size)
            return self.publish_frame(Frame(s.key, offset, source.size, f"{checksum:016x}"), meta)

    def publish_frame(self, frame: Frame, meta: Meta | None = None, time_ns: int | None = None) -> Message:
        """Publishes a frame that lies in the ring already, without a copy: from a reservation's commit,
        another topic, or another process. time_ns is when the frame was taken, in ns since 1970; by
        default now.

        A frame's metadata lies in a record beside it in the ring; so does the description of a frame
        that is published again, or by another client than its writer. Frames nearly as large as
        the ring leave no room for a record: they can be published once, by their writer, without
        metadata. Otherwise this raises TooLarge, which names the largest size; max_size returns it
        beforehand.

        Also raises BadMeta, Ended after a publisher's end, BadKey for a frame of another ring,
        FrameBufferTimeout when later frames have overwritten it, HoldLimit when holds leave no room
        for the record, BadOffset and BadSize for a descriptor that is not a frame's, and Closed, or
        ServerGone: then subscribers may have received the frame all the same.
        """
        s, frame = self._segment, plain(frame)
        if frame.key != s.key:
            raise BadKey(f"framebuffer: bad key: the frame lies in the ring of {quote(clip(frame.key))}, topic {quote(self.topic)} in that of {quote(s.key)}")
        s.check_open()
        now = time.time_ns() if time_ns is None else index(time_ns)
        content = meta.pack() if meta is not None and _says(meta) else None
        record = Record(frame.offset, frame.size, parse_checksum(frame.checksum), now, content)
        try:
            sequence = self._topic.publish(record, s.slot.mine().index, partial(s.allocate_beside, frame.offset))
        except FrameBufferError as e:
            raise s.failed(e)
        # A subscriber ends when it finds the server's end, and after that no frame. This publisher put
        # its word into the queue before it looks at the server: one of the two sees the other.
        if s.control.closed:
            raise s.control.why_closed()
        return Message(frame, sequence, now, 0, meta or Meta())

    def max_size(self, meta: Meta | None = None) -> int:
        """The size in bytes of the largest frame that its writer can publish once with that metadata while
        no frame is held."""
        s = self._segment
        return s.allocator.most_beside(L.RECORD_LONG) if _says(meta) else s.ring.max_size

    def end(self) -> None:
        """Ends the topic: its subscriptions raise Ended after their last frame, its publishers at their next
        call. A publisher that is made later opens it again. Raises Closed and ServerGone."""
        self._segment.check_open()
        if self._segment.control.closed:  # subscriptions end with that
            raise self._segment.control.why_closed()
        self._topic.end()


def _says(meta: Meta | None) -> bool:
    """Whether there is any metadata: otherwise the frame needs no record."""
    return meta is not None and meta != Meta()
