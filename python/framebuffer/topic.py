"""Publish and subscribe inside a segment's shared memory: named streams of frames from many
publishers to many subscribers, with no RPC, no broker and no server on the way.

Frames of a topic are numbered from 0 up in the order in which they were published, without
gaps. Every subscription sees them in that order, each once, but for those it lost: nobody waits
for a subscriber. What travels is the frame's descriptor with a little metadata; the frame stays
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
from ._topics import PATIENCE, Status, Topic, after
from ._waiter import Source, Waiting
from .errors import Closed, Ended, FrameBufferError
from .frame import Frame
from .meta import Message, Meta, check_name

__all__ = ["Publisher", "Subscription", "Message", "Meta"]

FROM = ("next", "newest", "oldest", "first")

# How long frames may be lost, or taken by others of a group, in one look for a message: a process
# that stores nonsense can have it go on without end. Tasks of an event loop wait for such a look.
_LOOK, _LOOK_OF_TASKS = 0.5, 0.05


class Subscription(Source):
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
        if group:
            check_name("group", group)
        try:
            self._topic = Topic(segment.control, segment.ring, name)
        except FrameBufferError as e:
            raise segment.failed(e)
        # An end from before is waited past by those who begin with what comes next.
        self._past = self._topic.state if start == "next" and self._topic.ended else 0
        try:
            begin = self._topic.beginning
            self._place: Alone | Group = (
                Group(segment.control, self._topic, group, lambda: begin(start)) if group else Alone(begin(start))
            )
        except FrameBufferError as e:
            raise segment.failed(e)
        self.received = 0
        """How many messages it has given."""
        self.lost = 0
        """How many frames were gone before they came to it."""
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
        """The next message, waiting for it for at most so many seconds. Raises TimeoutError after
        those, Ended when the topic was ended and everything in it has been seen, and Closed after
        the close of the subscription, its client, or the server. After Ended it may be called
        again: the topic may be opened anew. An end from before a subscription that begins with
        the next frame is not its end."""
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
        """As next, for tasks: others of the event loop go on meanwhile. The wait is a sleep of a
        thread, of its own for the first of a process, which is woken at once; give up by
        cancelling, or asyncio.timeout."""
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
        """Ends what waits here. Either a sleeper sees why this was called, or this sees the sleeper;
        what shares the topic with others does not wake those."""
        self._waiting.wake()
        if self._asleep:
            self._topic.wake_all()
        self._waiting.close()

    def _sleeper(self, at: int) -> "tuple[Callable[[], None], Callable[[], None]]":
        """What sleeps until there is a reason to go on, and what has it give up."""
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
        """The message that is there, if one is found in that time; otherwise why nothing comes is
        raised."""
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
        """Whether there is a reason to go on: a frame, somebody else in the group who took it, or
        an end."""
        return self._closed or self._segment.closed or not self._topic.waiting(at) or self._at != at or self._segment.control.closed or self._ended()

    def _ended(self) -> bool:
        state = self._topic.state
        return state % 2 == 1 and state != self._past

    def _stopped(self, at: int) -> None:
        """Raises why nothing more comes, if that is so. Of an end that follows a last frame, the
        frame is seen first."""
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
        """How many frames were lost since the last message, or published and not taken, when the
        subscription is closed and the server has ended. Of a group's each is counted once.

        Preconditions: the memory is there.
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
        """The client has let go."""
        self._wake()
        self._entry.leave()

    def after_fork(self) -> None:
        """The child goes on from the same place, on its own, and is shown as such."""
        self._entry.stale, self._taking = True, threading.Lock()
        self._waiting.after_fork()
        self._asleep = []  # threads stay with the parent

    def __del__(self) -> None:
        if getattr(self, "_entry", None) is not None:
            self._entry.leave()
