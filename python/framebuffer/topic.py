"""Subscriptions to topics: named streams of frames inside a segment, from any number of publishers to
any number of subscribers, without RPC, broker or server.

Frames of a topic have sequence numbers from 0 up in the order in which they were published, without
gaps. Every subscription gets them in that order, each once, except those that it lost: publishers do
not wait for subscribers. A message has the frame's descriptor and a little metadata; the frame stays
where it was written.
"""

import threading
import time
from typing import Callable

from . import _atomics, _forks
from ._entries import Record
from ._cursor import Alone, Group
from ._layout import MASK
from ._publisher import Publisher
from ._resume import Resume
from ._segment import Segment
from ._subscription_entry import Entry
from ._text import quote
from ._queue import Status, after
from ._topics import PATIENCE, Topic
from ._waiter import Source, Waiting
from .errors import Closed, Ended, FrameBufferError
from .frame import Frame
from .meta import Message, Meta, check_name

__all__ = ["Publisher", "Subscription", "Message", "Meta"]

FROM = ("next", "newest", "oldest", "first")

# For how many seconds one look for a message goes on past frames that are lost, or that others of a group
# take: a process that stores nonsense can have that go on without end. An event loop waits for the look.
_LOOK, _LOOK_OF_TASKS = 0.5, 0.05


class Subscription(Source):
    """A place in a topic, of its own or shared with a group. A client's subscribe method makes it. Loops
    (for, async for) give the messages until the topic has ended, and raise Closed after a close and
    ServerGone after the server's death. next, anext and loops are for one thread or task at a time;
    close, lost and received for all.

    Close it, or use it in a with block.
    """

    def __init__(self, segment: Segment, name: str, start: str, group: str, spin: float) -> None:
        _atomics.require("subscribing")
        check_name("topic", name)
        if start not in FROM:
            raise ValueError(f"framebuffer: a subscription starts at one of {', '.join(FROM)}, not {start!r}")
        segment.check_open()
        self._segment, self.topic, self._spin = segment, name, spin
        if group:
            check_name("group", group)
        try:
            self._topic = Topic(segment.control, segment.ring, name)
        except FrameBufferError as e:
            raise segment.failed(e)
        # A subscription that begins with the next frame waits past an earlier end of the topic.
        self._past = self._topic.state if start == "next" and self._topic.ended else 0
        try:
            begin = self._topic.beginning
            self._place: Alone | Group = (
                Group(segment.control, self._topic, group, lambda: begin(start)) if group else Alone(begin(start))
            )
        except FrameBufferError as e:
            raise segment.failed(e)
        self.received = 0
        """How many messages it has returned."""
        self.lost = 0
        """How many frames it has lost: overwritten, or pushed out of the topic's queue, before it read
        them."""
        self._pending = 0  # lost since the last message
        self._closed = False
        self._taking = threading.Lock()  # held while a message is taken
        self._resume = Resume(self._topic, self._at)
        self._entry = Entry(segment, self._topic.index, self._at)
        self._waiting = Waiting("framebuffer-topic")
        self._asleep: list[None] = []  # one for each thread that sleeps for it, or is about to
        segment.on_close(self)
        _forks.register(self)

    # Taking messages.

    def next(self, timeout: float | None = None) -> Message:
        """The next message. It waits for at most `timeout` seconds, or without end, and then raises
        TimeoutError. Raises Ended when the topic has ended and every frame in it was returned or lost,
        Closed after the close of the subscription, its client or the server, and ServerGone after
        the server's death. It may be called again after Ended: a publisher may open the topic anew.
        A subscription that begins with the next frame ignores an end from before it began."""
        end = None if timeout is None else time.monotonic() + timeout
        spin_until = time.monotonic() + self._spin if self._spin else 0.0
        self._entry.update(self._at, self.received, self.lost)
        while (message := self._take(_LOOK)) is None:
            at, now = self._at, time.monotonic()
            if end is not None and now >= end:
                raise TimeoutError(f"framebuffer: nothing was published to topic {quote(self.topic)} in time")
            if self._spin < 0 or now < spin_until:
                self._poll(at)
            else:
                self._sleep(lambda: self._ready(at), PATIENCE if end is None else end - now)
        return message

    async def anext(self) -> Message:
        """As next, for tasks: the event loop goes on meanwhile. A thread sleeps in place of the task; the
        first 16 subscriptions of a process have one each, the others share one. To give up, cancel
        the task, or use asyncio.timeout."""
        self._entry.update(self._at, self.received, self.lost)
        while (message := self._take(_LOOK_OF_TASKS)) is None:
            at = self._at
            await self._waiting.wait(self._topic, lambda: self._ready(at), *self._sleeper(at))
        return message

    def _sleep(self, ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
        self._asleep.append(None)  # before the last look: see _wake
        try:
            self._topic.sleep(ready, seconds)
        finally:
            self._asleep.pop()

    def _wake(self) -> None:
        """Ends the waits of this subscription. Either a sleeper sees the reason, which was stored before
        this call, or this call sees the sleeper. It wakes no other subscription that waits through
        the shared thread."""
        self._waiting.wake()
        if self._asleep:
            self._topic.wake_all()
        self._waiting.close()

    def _sleeper(self, at: int) -> "tuple[Callable[[], None], Callable[[], None]]":
        """Two functions: one sleeps until there is a reason to go on, and the other ends that sleep."""
        given_up: list[bool] = []
        topic = self._topic

        def sleep() -> None:
            while not ready():
                self._sleep(ready)

        def ready() -> bool:
            return bool(given_up) or self._ready(at)

        def give_up() -> None:
            given_up.append(True)
            topic.wake_all()

        return sleep, give_up

    def _take(self, seconds: float) -> Message | None:
        """The message that is there, or None if that many seconds found none. Raises the reason if none
        will come."""
        with self._taking:
            return self._take_one(time.monotonic() + seconds)

    def _take_one(self, until: float) -> Message | None:
        while True:
            self._check()
            at = self._at
            found = self._topic.load(at)
            if isinstance(found, Record):
                if self._place.advance(at, (at + 1) & MASK):
                    return self._message(found, at)
            elif found is Status.LOST:
                to = self._resume.after(at, until)
                if to is not None and self._place.advance(at, to):
                    missed = self._topic.missed(at, to)
                    self._pending += missed
                    self.lost += missed
            else:
                self._stopped(at)
                return None
            if time.monotonic() > until:
                return None

    def _message(self, found: Record, sequence: int) -> Message:
        frame = Frame(self._segment.key, found.offset, found.size, f"{found.checksum:016x}")
        message = Message(frame, sequence, found.time_ns, self._pending, found.meta)
        self._pending = 0
        self.received += 1
        self._segment.slot.set_last(found.offset)
        return message

    @property
    def _at(self) -> int:
        """The sequence number that is next."""
        return self._place.cursor

    # Waiting.

    def _poll(self, at: int) -> None:
        published = self._topic.published
        for _ in range(200):  # some ten microseconds
            if published(at):
                return

    def _ready(self, at: int) -> bool:
        """Whether there is a reason to go on: a frame, another member of the group that took it, or an
        end."""
        return self._closed or self._segment.closed or not self._topic.waiting(at) or self._at != at or self._segment.control.closed or self._ended()

    def _ended(self) -> bool:
        state = self._topic.state
        return state % 2 == 1 and state != self._past

    def _stopped(self, at: int) -> None:
        """Raises the reason if no frame will come. A frame before an end is returned first."""
        # Once each: a server that closes or dies between two looks has not ended the topic. The
        # queue comes last: a publisher looks at the server after its word stands there.
        closed, ended = self._segment.control.closed, self._ended()
        if (closed or ended) and self._topic.waiting(at):
            why = self._segment.control.why_closed() if closed else Ended(f"framebuffer: topic has ended: topic {quote(self.topic)}")
            raise self._segment.failed(why)

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
        self._segment.closing.discard(self)
        self._wake()
        self._entry.leave()

    def unread(self) -> int:
        """How many frames were lost since the last message, or published and not returned, of a closed
        subscription whose server has ended. A group's frames are counted by one of its members.

        Preconditions: the memory is mapped.
        """
        with self._taking:
            end, lost = self._topic.next, self._pending
            if isinstance(self._place, Group) and not self._segment.control.closed:
                return lost  # others of the group go on
            for _ in range(1000):  # a peer may store nonsense without end
                at = self._at
                if not after(end, at) or self._place.advance(at, end):
                    return lost + self._topic.missed(at, end)
            return lost

    def segment_closed(self) -> None:
        """Ends the subscription with its client."""
        self._wake()
        self._entry.leave()

    def after_fork(self) -> None:
        """The child goes on from the same place, independently, with a row of its own in the directory of
        subscriptions."""
        self._entry.stale, self._taking = True, threading.Lock()
        self._waiting.after_fork()
        self._asleep = []  # threads stay with the parent

    def __del__(self) -> None:
        if getattr(self, "_entry", None) is not None:
            self._entry.leave()
