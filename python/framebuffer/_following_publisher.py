"""Publishers that go on with the next server's ring; made by a connection."""

from dataclasses import replace
from typing import Any, Callable

from ._chain import Chain, Link
from ._publisher import Publisher
from ._text import quote
from .errors import Closed, FrameBufferError, ServerGone, again
from .frame import Frame
from .meta import Message, Meta


def explained(chain: Chain, error: Closed, what: str) -> FrameBufferError:
    """The error to tell when a ring has ended: another may come."""
    chain.noticed()
    if chain.error is not None:
        return again(chain.error)
    return ServerGone(f"framebuffer: server is gone: {what}: {error}")


class FollowingPublisher:
    """As Publisher. While there is no server its calls raise ServerGone at once, and the frames that
    they were given are lost, and counted; with the next server it goes on. When that cannot be
    followed, being of another version or of another user, each call says so."""

    def __init__(self, chain: Chain, topic: str) -> None:
        self._chain, self.topic = chain, topic
        self._outlet: tuple[Link, Publisher] | None = None
        self.published = 0
        """How many frames were published, to all servers."""
        self.lost = 0
        """How many frames no server was there for."""
        try:
            self._open(chain.now)
        except Closed:
            if chain.error is not None:
                raise
            chain.noticed()  # it begins with the next server
        with chain.changed:
            chain.followers.add(self)

    def _open(self, link: Link) -> Publisher:
        outlet = self._outlet
        if outlet is None or outlet[0] is not link:
            outlet = link, link.ring.publisher(self.topic)
            self._outlet = outlet
        return outlet[1]

    def publish(self, data: Any, meta: Meta | None = None) -> Message:
        """See Publisher."""
        return self._do(lambda pub: pub.publish(data, meta))

    def publish_frame(self, frame: Frame, meta: Meta | None = None, time_ns: int | None = None) -> Message:
        """See Publisher. A frame in the ring of an earlier server is lost: ServerGone."""
        if frame.key != self._chain.now.ring.key and (self._chain.link_of(frame.key) or self._chain.was(frame.key)):
            self.lost += 1
            raise ServerGone("framebuffer: server is gone: the frame lies in the ring of an earlier server: publish one of the present ring")
        return self._do(lambda pub: pub.publish_frame(frame, meta, time_ns))

    def _do(self, publish: Callable[[Publisher], Message]) -> Message:
        link = self._chain.now
        try:
            message = publish(self._open(link))
        except Closed as e:
            if self._chain.now is not link:
                return self._do(publish)  # the next ring has come meanwhile
            self.lost += 1
            raise explained(self._chain, e, f"nothing can be published to topic {quote(self.topic)} until the next server is there") from e
        self.published += 1
        return replace(message, ring=link.number) if link.number else message

    def end(self) -> None:
        """See Publisher. Without a server no subscriber is told: ServerGone."""
        try:
            self._open(self._chain.now).end()
        except Closed as e:
            raise explained(self._chain, e, f"topic {quote(self.topic)} cannot be ended") from e

    def enter(self, link: Link) -> None:
        """There is another ring, in which the next call opens the topic."""

    def leave(self, link: Link) -> None:
        """The ring is let go of."""
        if self._outlet is not None and self._outlet[0] is link:
            self._outlet = None
