"""Connections: clients of the server of a name on this host, and of the next one."""

from types import TracebackType
from typing import Any, Callable, TypeVar, Union, overload

from . import _rendezvous, _shared_dir
from ._chain import Chain, Link
from ._following_publisher import FollowingPublisher, explained
from ._text import quote
from .client import FrameBufferClient
from .errors import Closed, FrameBufferError, NoServer, ServerGone, StaleKey
from .following import FollowingSubscription
from .frame import Frame
from .hold import Hold
from .view import Reservation, View

T = TypeVar("T")
Offset = Union[int, str]


class Connection:
    """As FrameBufferClient, attached to the server of a name; connect makes it. After that server's end,
    of any kind, the connection releases its ring within a second (or when the last hold of a frame in
    it ends) and goes on with the next server of the name; so do its publishers and subscriptions. The
    logger "framebuffer" says once that it waits, and once that the server is back.

    While there is no server, allocating, writing and publishing raise ServerGone at once. Frames are
    read from the ring that they lie in; of a released ring they are StaleKey. Methods may be called
    from any thread.
    """

    def __init__(self, name: str, options: "dict[str, Any]") -> None:
        _rendezvous.check_name(name)
        self.name, self._options = name, options
        self._chain = Chain(self._attach, f"the server {quote(name)}")

    def _attach(self, present: str) -> FrameBufferClient:
        try:
            key = _rendezvous.find_key(self.name)
        except NoServer:  # in this network namespace
            if not (key := _shared_dir.key_of(self.name)):
                raise
        if key == present:
            raise StaleKey("framebuffer: stale key: there is no other server yet")
        return FrameBufferClient(key, **self._options).start()

    @property
    def key(self) -> str:
        """The key of the present ring, whose server may have ended."""
        return self._chain.now.ring.key

    @property
    def error(self) -> FrameBufferError | None:
        """None while there is a server; ServerGone or Closed while the connection waits for the next one;
        the reason if it cannot go on with that; Closed after stop."""
        return self._chain.error or self._chain.now.ring.error

    def stop(self) -> None:
        """Detaches from all rings. Calls that wait raise Closed."""
        self._chain.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def __reduce__(self) -> Any:
        return Connection, (self.name, self._options)

    # Writing, in the present ring.

    def allocate(self, size: int) -> str:
        """See FrameBufferClient."""
        return self._present(lambda ring: ring.allocate(size))

    def write(self, offset: Offset, data: Any) -> str:
        """See FrameBufferClient."""
        return self._present(lambda ring: ring.write(offset, data))

    def put(self, data: Any) -> Frame:
        """See FrameBufferClient."""
        return self._present(lambda ring: ring.put(data))

    def reserve(self, size: int) -> Reservation:
        """See FrameBufferClient."""
        return self._present(lambda ring: ring.reserve(size))

    # Reading, in the ring of the frame.

    def read(self, offset: Offset, size: int, checksum: str) -> bytes:
        """See FrameBufferClient: of the present ring."""
        return self._present(lambda ring: ring.read(offset, size, checksum))

    def get(self, frame: Frame) -> bytes:
        """See FrameBufferClient."""
        return self._of(frame, lambda link: link.ring.get(frame))

    @overload
    def read_into(self, buffer: Any, where: Frame) -> int: ...

    @overload
    def read_into(self, buffer: Any, where: Offset, size: int, checksum: str) -> int: ...

    def read_into(self, buffer: Any, where: "Frame | Offset", size: int = -1, checksum: str = "") -> int:
        """See FrameBufferClient."""
        frame = self._frame(where, size, checksum)
        return self._of(frame, lambda link: link.ring.read_into(buffer, frame))

    def view(self, where: "Frame | Offset", size: int = -1, checksum: str = "") -> View:
        """See FrameBufferClient, also for what not to do with OpenCV before 4.9."""
        frame = self._frame(where, size, checksum)
        return self._of(frame, lambda link: link.ring.view(frame))

    def hold(self, where: "Frame | Offset", size: int = -1, checksum: str = "", *, seconds: float) -> Hold:
        """See FrameBufferClient. The ring is not released before the hold ends."""
        frame = self._frame(where, size, checksum)

        def hold(link: Link) -> Hold:
            held = link.ring.hold(frame, seconds=seconds)
            link.holds.add(held)
            if link.released:
                raise Closed("framebuffer: closed: the ring was released")
            return held

        return self._of(frame, hold)

    # Topics.

    def publisher(self, topic: str) -> FollowingPublisher:
        """See FrameBufferClient: a publisher that goes on with the next server."""
        return FollowingPublisher(self._chain, topic)

    def subscribe(self, topic: str, *, start: str = "next", group: str = "", spin: float = 0.0) -> FollowingSubscription:
        """See FrameBufferClient: a subscription that goes on with the next server. It reads the old ring to
        its end first, then the next one from its first frame, also if start is another; Message.ring
        counts the rings."""
        return FollowingSubscription(self._chain, topic, start, group, spin)

    # Private.

    def _frame(self, where: "Frame | Offset", size: int, checksum: str) -> Frame:
        return where if isinstance(where, Frame) else self._chain.now.ring._frame_of(where, size, checksum)

    def _present(self, do: Callable[[FrameBufferClient], T]) -> T:
        link = self._chain.now
        try:
            return do(link.ring)
        except Closed as e:
            raise explained(self._chain, e, "this needs the next server") from e

    def _of(self, frame: Frame, do: Callable[[Link], T]) -> T:
        """Calls do with the ring of a frame."""
        link = self._chain.link_of(frame.key)
        if link is None and not self._chain.was(frame.key):
            link = self._chain.now  # which raises BadKey
        try:
            if link is not None:
                return do(link)
        except Closed as e:
            if isinstance(e, ServerGone) or not link or not link.released or self._chain.error is not None:
                raise
        raise StaleKey("framebuffer: stale key: the server of this frame has ended, and its ring was released: read frames sooner, or hold them")


def connect(name: str = _rendezvous.DEFAULT_NAME, *, read_only: bool = False, unverified: bool = False, client_name: str = "", max_frame: int | None = None) -> Connection:
    """Attaches to this user's server of that name on this host, and goes on with the next one of that name
    after its end. The options are FrameBufferClient's; client_name is its name. Raises NoServer,
    FrameBufferError for a name that no server can have, and what FrameBufferClient.start raises."""
    return Connection(name, {"read_only": read_only, "unverified": unverified, "name": client_name, "max_frame": max_frame})
