"""Subscriptions that go on with the next server's ring; made by a connection."""

import time
from dataclasses import replace
from typing import Callable

from . import _forks
from ._chain import Chain, Link
from ._text import quote
from ._waiter import Source, Waiting
from .errors import Closed, FrameBufferError, StaleKey, again
from .meta import Message
from .topic import Subscription


class _Stage:
    """A subscription in one ring."""

    def __init__(self, link: Link, begin: Callable[[], Subscription]) -> None:
        self.link, self.lost = link, 0
        self.error: FrameBufferError | None = None
        self.sub: Subscription | None = None
        try:
            self.sub = begin()
        except FrameBufferError as e:
            self.error = e

    def leave(self) -> None:
        """Ends the subscription, while the ring is there, and counts what was not read."""
        sub, self.sub = self.sub, None
        if sub is not None:
            sub.close()
            self.lost = sub.unread()


class FollowingSubscription(Source):
    """As Subscription. The ring of a server that has ended is read to its end, and the next one's from
    the first frame that was published there, in a group of the same name if it is one. What is
    missing counts as lost: for a program that is busy, that is what it has not taken a second
    after the server's end. It waits for the next server, and raises why that cannot be followed.

    Frames are read with the connection before the next message is asked for, or held.
    """

    def __init__(self, chain: Chain, topic: str, start: str, group: str, spin: float) -> None:
        self._chain, self.topic = chain, topic
        self._group, self._spin = group, spin
        self.received = 0
        """How many messages it has given, of all servers."""
        self.lost = 0
        """How many frames were gone before they came to it, of all servers."""
        self._carried = 0  # lost between the last message and the present ring
        self._closed = False
        self._waiting = Waiting("framebuffer-follow-topic")
        self._stages: list[_Stage] = []  # in the order of their rings; the first is being read
        with chain.changed:
            if chain.error is not None:
                raise again(chain.error)
            link = chain.now
            first = _Stage(link, lambda: self._begin(link, start))
            if first.error is None:
                self._stages.append(first)
            elif not isinstance(first.error, Closed):  # else it begins with the next server
                raise first.error
            chain.followers.add(self)
        _forks.register(self)
        chain.watch()

    def _begin(self, link: Link, start: str) -> Subscription:
        return link.ring.subscribe(self.topic, start=start, group=self._group, spin=self._spin)

    def next(self, timeout: float | None = None) -> Message:
        """The next message, waiting for it, and for the next server, for at most so many seconds.
        Raises TimeoutError after those, Ended when the topic was ended and everything in it has been
        seen, Closed after the close of the subscription or the connection, and why the next
        server cannot be followed."""
        end = None if timeout is None else time.monotonic() + timeout

        def left() -> float | None:
            return None if end is None else max(end - time.monotonic(), 0)

        while True:
            with self._chain.changed:
                if not self._chain.changed.wait_for(self._is_ready, left()):
                    raise TimeoutError(f"framebuffer: nothing was published to topic {quote(self.topic)} in time: there is no server")
            stage = self._front()
            if (sub := stage.sub) is not None:
                try:
                    return self._message(stage, sub.next(left()))
                except Closed:
                    pass
            self._pass(stage)

    async def anext(self) -> Message:
        """As next, for tasks: see Subscription."""
        while True:
            if not self._is_ready():
                await self._waiting.wait(None, self._is_ready, *self._sleeper())
            stage = self._front()
            if (sub := stage.sub) is not None:
                try:
                    return self._message(stage, await sub.anext())
                except Closed:
                    pass
            self._pass(stage)

    def _sleeper(self) -> "tuple[Callable[[], None], Callable[[], None]]":
        given_up: list[bool] = []
        changed = self._chain.changed

        def sleep() -> None:
            with changed:
                changed.wait_for(lambda: bool(given_up) or self._is_ready())

        def give_up() -> None:
            given_up.append(True)
            with changed:
                changed.notify_all()

        return sleep, give_up

    def _is_ready(self) -> bool:
        """Whether there is a ring to read, or none to come."""
        return bool(self._stages) or self._closed or self._chain.error is not None

    def _front(self) -> _Stage:
        """The ring to read. Raises why there is none."""
        with self._chain.changed:
            if self._closed:
                raise Closed(f"framebuffer: closed: the subscription to topic {quote(self.topic)}")
            if not self._stages or isinstance(self._chain.error, Closed):
                raise again(self._chain.error or StaleKey("framebuffer: stale key: there is no server"))
            if (error := self._stages[0].error) is not None and not isinstance(error, Closed):
                raise again(error)
            return self._stages[0]

    def _message(self, stage: _Stage, message: Message) -> Message:
        self.received += 1
        self.lost += message.lost
        if stage.link.number or self._carried:
            message = replace(message, ring=stage.link.number, lost=message.lost + self._carried)
            self._carried = 0
        return message

    def _pass(self, stage: _Stage) -> None:
        """Goes on behind a ring that has ended, or was let go of."""
        with self._chain.changed:
            if self._closed or stage not in self._stages:
                return
            stage.leave()
            self._stages.remove(stage)
            self._carried += stage.lost
            self.lost += stage.lost
        self._chain.noticed()

    def enter(self, link: Link) -> None:
        """There is another ring. The chain is locked."""
        if not self._closed:
            self._stages.append(_Stage(link, lambda: self._begin(link, "first")))

    def leave(self, link: Link) -> None:
        """The ring is let go of."""
        with self._chain.changed:
            for stage in self._stages:
                if stage.link is link:
                    stage.leave()

    def after_fork(self) -> None:
        """Threads stay with the parent."""
        self._waiting.after_fork()

    def close(self) -> None:
        """Ends the subscription, and a next that is under way; closing again does nothing. What was not
        read is not lost: in a group others read it."""
        with self._chain.changed:
            if self._closed:
                return
            self._closed = True
            self._chain.followers.discard(self)
            stages, self._stages = self._stages, []
            self._chain.changed.notify_all()
        for stage in stages:
            if stage.sub is not None:
                stage.sub.close()
        self._waiting.wake()
        self._waiting.close()
