"""Publish and subscribe inside a segment's shared memory: named streams of frames from many
publishers to many subscribers, with no RPC, no broker and no server on the way.

Frames of a topic are numbered from 0 up in the order in which they were published, without
gaps. Every subscription sees them in that order, each once, but for those it lost: nobody waits
for a subscriber. What travels is the frame's descriptor with a little metadata; the frame stays
where it was written.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, AsyncIterator, Iterator

from . import _atomics, _forks, _layout as L
from ._ring import closed_by_server
from ._segment import Segment
from ._text import clip, quote
from ._topics import PATIENCE, Group, Record, Sight, Topic
from .errors import BadKey, Closed, Ended, FrameBufferError, ReadOnly
from .frame import Frame, parse_checksum
from .meta import Message, Meta, check_name
from .view import pinned

__all__ = ["Publisher", "Subscription", "Message", "Meta"]

FROM = ("next", "newest", "oldest")


class Publisher:
    """Puts frames into one topic; made by a client's publisher method. There may be any number of
    publishers of a topic in any number of processes. It needs no closing. Its methods may be
    called from any thread."""

    def __init__(self, segment: Segment, name: str) -> None:
        _atomics.require("publishing")
        check_name("topic", name)
        segment.check_open()
        if segment.read_only:
            raise ReadOnly("framebuffer: read-only: this client attached with ReadOnly and cannot publish: attach without it")
        self._segment = segment
        self._topic = Topic(segment.control, segment.ring, name)
        self._topic.reopen()
        self.topic = name

    def publish(self, data: Any, meta: Meta | None = None) -> Message:
        """Copies data into the ring and publishes it. Raises what the client's put and
        publish_frame raise."""
        s = self._segment
        with pinned(data) as source:
            offset = s.allocate(source.size)
            try:
                checksum = s.ring.write(offset, source)
            except FrameBufferError as e:
                raise s.failed(e)
            s.slot.did(L.SLOT_WRITES, L.SLOT_WRITTEN_BYTES, offset, source.size)
            return self.publish_frame(Frame(s.key, offset, source.size, f"{checksum:016x}"), meta)

    def publish_frame(self, frame: Frame, meta: Meta | None = None, time_ns: int | None = None) -> Message:
        """Publishes a frame that lies in the ring already: what a reservation's commit returned,
        or what came from another topic or over any RPC. Nothing is copied. time_ns is when the
        frame was taken, in ns since 1970; by default now.

        Raises BadMeta, Ended after somebody's end, BadKey for a frame of another ring,
        FrameBufferTimeout when the ring has reused it, BadOffset and BadSize for what is no
        frame, and Closed.
        """
        s = self._segment
        if frame.key != s.key:
            raise BadKey(f"framebuffer: bad key: the frame lies in the ring of {quote(clip(frame.key))}, topic {quote(self.topic)} in that of {quote(s.key)}")
        s.check_open()
        now = time.time_ns() if time_ns is None else time_ns
        content = None if meta is None else meta.pack()
        record = Record(frame.offset, frame.size, parse_checksum(frame.checksum), now, content)
        try:
            sequence = self._topic.publish(record, s.slot.mine().index, s.allocate)
        except FrameBufferError as e:
            raise s.failed(e)
        return Message(frame, sequence, now, 0, meta or Meta())

    def end(self) -> None:
        """Says that nothing more comes, to all subscribers and publishers of the topic: those end
        when they have seen everything, these get Ended. A later publisher opens it again."""
        self._segment.check_open()
        self._topic.end()


class Subscription:
    """A reader's place in a topic; made by a client's subscribe method. Iterating, or iterating
    asynchronously, gives the messages until the topic has ended; after a close it raises Closed.
    next, and iterating, are for one thread or task at a time; close, lost and received for all.

    Close it, or use it in a with block.
    """

    def __init__(self, segment: Segment, name: str, start: str, group: str, spin: float) -> None:
        _atomics.require("subscribing")
        check_name("topic", name)
        if start not in FROM:
            raise ValueError(f"framebuffer: a subscription starts at one of {', '.join(FROM)}, not {start!r}")
        segment.check_open()
        self._segment, self.topic, self._spin = segment, name, spin
        self._topic = Topic(segment.control, segment.ring, name)
        # An end from before is waited past by those who begin with what comes next.
        self._past = self._topic.state if start == "next" and self._topic.ended else 0
        self._group: Group | None = None
        self._cursor = 0

        def begin() -> int:
            if start == "next":
                return self._topic.next
            return self._topic.newest() if start == "newest" else self._topic.oldest(0)

        if group:
            check_name("group", group)
            self._group = Group(segment.control, self._topic, group, begin)
        else:
            self._cursor = begin()
        self.received = 0
        """How many messages it has given."""
        self.lost = 0
        """How many frames were gone before they came to it."""
        self._pending = 0  # lost since the last message
        self._closed = False
        self._entry = _Entry(segment, self._topic.index, self._at)
        self._executor: ThreadPoolExecutor | None = None
        segment.told.add(self)
        _forks.tell(self)

    # Taking messages.

    def next(self, timeout: float | None = None) -> Message:
        """The next message, waiting for it for at most so many seconds. Raises TimeoutError after
        those, Ended when the topic was ended and everything in it has been seen, and Closed after
        the close of the subscription, its client, or the server. After Ended it may be called
        again: the topic may be opened anew. An end from before a subscription that begins with
        the next frame is not its end."""
        end = None if timeout is None else time.monotonic() + timeout
        spin_until = time.monotonic() + self._spin if self._spin else 0.0
        self._entry.update(self)
        while (message := self._take()) is None:
            at, now = self._at, time.monotonic()
            if end is not None and now >= end:
                raise TimeoutError(f"framebuffer: nothing was published to topic {quote(self.topic)} in time")
            if self._spin < 0 or now < spin_until:
                self._poll(at)
            else:
                self._topic.sleep(lambda: self._ready(at), PATIENCE if end is None else end - now)
        return message

    def __iter__(self) -> Iterator[Message]:
        while True:
            try:
                message = self.next()
            except Ended:
                return
            yield message

    async def anext(self) -> Message:
        """As next, for tasks: others of the event loop go on meanwhile. The wait is a sleep of a
        thread of its own, which is woken at once; give up by cancelling, or asyncio.timeout."""
        self._entry.update(self)
        while (message := self._take()) is None:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="framebuffer-topic")
            at = self._at
            given_up: list[bool] = []
            ready = lambda: bool(given_up) or self._ready(at)  # noqa: E731
            try:
                await asyncio.get_running_loop().run_in_executor(self._executor, self._sleep_until, ready)
            except asyncio.CancelledError:
                given_up.append(True)
                self._topic.kick()
                raise
        return message

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            try:
                message = await self.anext()
            except Ended:
                return
            yield message

    def _take(self) -> Message | None:
        """The message that is there, if one is; otherwise why nothing comes is raised."""
        while True:
            self._check()
            at = self._at
            found = self._topic.look(at)
            if isinstance(found, Record):
                if self._advance(at, at + 1):
                    return self._message(found, at)
            elif found is Sight.GONE:
                to = self._topic.oldest(at + 1)
                if self._advance(at, to):
                    self._pending += to - at
                    self.lost += to - at
            else:
                self._stopped(at)
                return None

    def _message(self, found: Record, sequence: int) -> Message:
        frame = Frame(self._segment.key, found.offset, found.size, f"{found.checksum:016x}")
        message = Message(frame, sequence, found.time_ns, self._pending, found.meta)
        self._pending = 0
        self.received += 1
        self._segment.slot.saw(found.offset)
        return message

    @property
    def _at(self) -> int:
        """The sequence number that is next."""
        return self._group.cursor if self._group is not None else self._cursor

    def _advance(self, old: int, new: int) -> bool:
        """Moves on and reports whether it did: in a group somebody else may be faster."""
        if self._group is not None:
            return self._group.advance(old, new)
        self._cursor = new
        return True

    # Waiting.

    def _poll(self, at: int) -> None:
        published = self._topic.published
        for _ in range(200):  # some ten microseconds
            if published(at):
                return

    def _sleep_until(self, ready: Any) -> None:
        while not ready():
            self._topic.sleep(ready)

    def _ready(self, at: int) -> bool:
        """Whether there is a reason to go on: a frame, somebody else in the group who took it, or
        an end."""
        return self._closed or self._segment.closed or not self._topic.waiting(at) or self._at != at or self._over()

    def _over(self) -> bool:
        state = self._topic.state
        return self._segment.control.closed or (state % 2 == 1 and state != self._past)

    def _stopped(self, at: int) -> None:
        """Raises why nothing more comes, if that is so. Of an end that follows a last frame, the
        frame is seen first."""
        server_closed, over = self._segment.control.closed, self._over()
        if over and self._topic.waiting(at):
            if server_closed:
                raise self._segment.failed(closed_by_server())
            raise Ended(f"framebuffer: topic has ended: topic {quote(self.topic)}")

    def _check(self) -> None:
        if self._closed:
            raise Closed(f"framebuffer: closed: the subscription to topic {quote(self.topic)}")
        self._segment.check_open()

    # The end.

    def close(self) -> None:
        """Ends the subscription, and a next that is under way; closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._segment.told.discard(self)
        self._topic.kick()
        self._entry.leave()
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def segment_closed(self) -> None:
        """The client has let go."""
        self._topic.kick()
        self._entry.leave()
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def after_fork(self) -> None:
        """The child goes on from the same place, on its own, and is shown as such."""
        self._entry.stale = True
        self._executor = None

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_entry", None) is not None:
            self._entry.leave()


class _Entry:
    """Where people who watch see a subscription. Nothing else depends on it, so there may be
    none: for clients without a slot, and when the table is full."""

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
        """Whether the client of an entry is still attached."""
        control = self._segment.control
        slot, slots = control.halves[(at + L.SUB_SLOT) // 4], control.tables.slots
        return 0 < slot < slots.count and control.words[(slots.entry(slot) + L.SLOT_CLAIM) // 8] == claim

    def update(self, s: Subscription) -> None:
        """Shows what has become of the last message: figures, stored in one piece."""
        if self.stale:
            self._enter(s._at)
        if self._at >= 0:
            words = self._segment.control.words
            words[(self._at + L.SUB_CURSOR) // 8] = s._at
            words[(self._at + L.SUB_RECEIVED) // 8] = s.received
            words[(self._at + L.SUB_LOST) // 8] = s.lost

    def leave(self) -> None:
        """Gives the entry back."""
        at, self._at = self._at, -1
        if at >= 0 and not self.stale:
            address = self._segment.control.address + at
            _atomics.store32(address + L.SUB_TOPIC, 0)
            _atomics.cas64(address + L.SUB_CLAIM, self._claim, 0)


