"""Publishers of a connection, which go on with the next server's ring."""

from dataclasses import replace
from typing import Any, Callable

from ._chain import Chain, Link
from ._publisher import Publisher
from ._text import quote
from .errors import Closed, FrameBufferError, ServerGone, again
from .frame import Frame
from .meta import Message, Meta


def explained(chain: Chain, error: Closed, what: str) -> FrameBufferError:
    """The error to raise after a ring's end, while another may come."""
    chain.noticed()
    if chain.error is not None:
        return again(chain.error)
    return ServerGone(f"framebuffer: server is gone: {what}: {error}")


class FollowingPublisher:
    """As Publisher; a connection's publisher method makes it. While there is no server its calls raise
    ServerGone at once, and count their frames in lost; with the next server it goes on. If that is of
    another layout version or another user, each call raises BadKey or NoPermission."""

    def __init__(self, chain: Chain, topic: str) -> None:
        self._chain, self.topic = chain, topic
        self._current: tuple[Link, Publisher] | None = None
        self.published = 0
        """How many frames were published, to all servers."""
        self.lost = 0
        """How many frames were not published because there was no server."""
        try:
            self._open(chain.now)
        except Closed:
            if chain.error is not None:
                raise
            chain.noticed()  # it begins with the next server
        with chain.changed:
            chain.followers.add(self)

    def _open(self, link: Link) -> Publisher:
        current = self._current
        if current is None or current[0] is not link:
            current = link, link.ring.publisher(self.topic)
            self._current = current
        return current[1]

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
        """See Publisher. Raises ServerGone while there is no server, since no subscriber would know."""
        try:
            self._open(self._chain.now).end()
        except Closed as e:
            raise explained(self._chain, e, f"topic {quote(self.topic)} cannot be ended") from e

    def enter(self, link: Link) -> None:
        """The next call opens the topic in the new ring."""

    def leave(self, link: Link) -> None:
        """Drops the publisher of a ring that is released."""
        if self._current is not None and self._current[0] is link:
            self._current = None
