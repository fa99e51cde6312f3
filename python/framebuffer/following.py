"""Subscriptions of a connection, which go on with the next server's ring."""

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
        """Ends the subscription while the ring is mapped, and counts the frames that were not read."""
        sub, self.sub = self.sub, None
        if sub is not None:
            sub.close()
            self.lost = sub.unread()


class FollowingSubscription(Source):
    """As Subscription; a connection's subscribe method makes it. It reads the ring of a server that has
    ended to its end, waits for the next server, and reads its ring from the first frame that was
    published there, in the same group if it has one. Frames that it has not returned within a second
    after a server's end count as lost. It raises the reason if it cannot go on with the next server.

    Read a message's frame with the connection before you ask for the next message, or hold it.
    """

    def __init__(self, chain: Chain, topic: str, start: str, group: str, spin: float) -> None:
        self._chain, self.topic = chain, topic
        self._group, self._spin = group, spin
        self.received = 0
        """How many messages it has returned, of all servers."""
        self.lost = 0
        """How many frames it has lost, of all servers."""
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
        """The next message. It waits for it, and for the next server, for at most `timeout` seconds, or
        without end, and then raises TimeoutError. Raises Ended when the topic has ended and every
        frame in it was returned or lost, Closed after the close of the subscription or the
        connection, and BadKey or NoPermission when it cannot go on with the next server."""
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
        """Whether there is a ring to read, or none will come."""
        return bool(self._stages) or self._closed or self._chain.error is not None

    def _front(self) -> _Stage:
        """The ring to read. Raises the reason if there is none."""
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
        """Goes on after a ring that has ended, or was released."""
        with self._chain.changed:
            if self._closed or stage not in self._stages:
                return
            stage.leave()
            self._stages.remove(stage)
            self._carried += stage.lost
            self.lost += stage.lost
        self._chain.noticed()

    def enter(self, link: Link) -> None:
        """Subscribes in the new ring. The chain is locked."""
        if not self._closed:
            self._stages.append(_Stage(link, lambda: self._begin(link, "first")))

    def leave(self, link: Link) -> None:
        """Ends the subscription in a ring that is released."""
        with self._chain.changed:
            for stage in self._stages:
                if stage.link is link:
                    stage.leave()

    def after_fork(self) -> None:
        """Threads stay with the parent."""
        self._waiting.after_fork()

    def close(self) -> None:
        """Ends the subscription, and a next that is under way; closing again does nothing. Frames that were
        not read do not count as lost: other members of a group read them."""
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
