"""From one server's ring to the next one's: the rings of a connection, and the thread that follows.
topic/follow of the Go library is the same.
"""

import logging
import threading
import time
import weakref
from typing import Callable, Protocol

from . import _forks
from ._segment import members
from .client import FrameBufferClient
from .errors import BadKey, Closed, FrameBufferError, NoPermission
from .hold import Hold

LOOK = 0.15  # s from one look at the present ring to the next
GRACE = 0.5  # s for which a ring is read after its end: its memory is free within a second
PAUSES = (0.02, 0.2)  # s between searches: the first, and the longest
_REMEMBERED = 16  # keys of rings that were let go of

log = logging.getLogger("framebuffer")


class Follower(Protocol):
    """What goes on in the next ring."""

    def enter(self, link: "Link") -> None:
        """There is another ring. The chain is locked."""

    def leave(self, link: "Link") -> None:
        """The ring is about to be let go of."""


class Link:
    """One ring of a chain."""

    def __init__(self, ring: FrameBufferClient, number: int) -> None:
        self.ring, self.number = ring, number
        self.ended = 0.0  # when its end was found; 0 before
        self.released = False
        self.holds: "weakref.WeakSet[Hold]" = weakref.WeakSet()


class Chain:
    """The ring of a server and, when that has ended, of the next one. Methods may be called from any
    thread. changed is its lock, and told of every change."""

    def __init__(self, attach: Callable[[str], FrameBufferClient], whose: str) -> None:
        """attach attaches to the server that is there now; for the ring of the key that it is given it
        raises an error. whose says of which server."""
        self._attach, self._whose = attach, whose
        self.changed = threading.Condition()
        self.followers: "weakref.WeakSet[Follower]" = weakref.WeakSet()
        self.error: FrameBufferError | None = None  # why no other ring comes
        self.now = Link(attach(""), 0)
        self._past: list[Link] = []
        self._keys: list[str] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._pause = PAUSES[0]
        _forks.register(self)
        self.watch()

    def watch(self) -> None:
        """Has a thread follow. A forked child has none of its parent's."""
        with self.changed:
            if self._thread is None and self.error is None:
                self._thread = threading.Thread(target=_follow, args=(weakref.ref(self), self._wake), name="framebuffer-follow", daemon=True)
                self._thread.start()

    def after_fork(self) -> None:
        """Threads and locks stay with the parent."""
        self.changed, self._wake, self._thread = threading.Condition(), threading.Event(), None

    def noticed(self) -> None:
        """Has the present ring looked at now: some call has found that it ended."""
        self.watch()
        if not self.now.ended:  # else it is looked for another already, at its own pace
            self._wake.set()

    def link_of(self, key: str) -> "Link | None":
        """The ring of that key, if its memory is still there."""
        with self.changed:
            return next((link for link in (self.now, *self._past) if link.ring.key == key), None)

    def was(self, key: str) -> bool:
        """Whether the key is of a ring that was let go of."""
        with self.changed:
            return key in self._keys

    def step(self) -> float:
        """Does what there is to do, and returns for how long there is nothing more."""
        with self.changed:
            link = self.now
            if self.error is not None and not self._past:
                return LOOK
            if not link.ended and (why := link.ring.error) is not None:
                link.ended, self._pause = time.monotonic(), PAUSES[0]
                self._past.append(link)
                log.warning("waiting for %s: %s", self._whose, why)
                self.changed.notify_all()
        self._let_go()
        if not link.ended or self.error is not None:
            return LOOK
        try:
            self._replace(self._attach(link.ring.key))
            log.warning("%s is back", self._whose)
            return LOOK
        except (BadKey, NoPermission) as e:  # looking again will not mend these
            log.error("%s cannot be followed: %s", self._whose, e)
            self._fail(e)
        except (FrameBufferError, OSError) as e:
            log.debug("looking on for %s: %s", self._whose, e)
        pause, self._pause = self._pause, min(2 * self._pause, PAUSES[1])
        return pause

    def _replace(self, ring: FrameBufferClient) -> None:
        with self.changed:
            if self.error is not None:  # closed meanwhile
                ring.stop()
                return
            self.now = Link(ring, self.now.number + 1)
            # At once, and not when they come to it: what is published there is counted for those,
            # too, that are still busy when it ends.
            for follower in list(self.followers):
                follower.enter(self.now)
            self.changed.notify_all()

    def _fail(self, error: FrameBufferError) -> None:
        with self.changed:
            if self.error is None:
                self.error = error
            self.changed.notify_all()

    def _let_go(self) -> None:
        """Lets go of rings that ended a while ago, and are not held."""
        now = time.monotonic()
        for link in [p for p in self._past if now - p.ended >= GRACE and not any(h.stands() for h in members(p.holds))]:
            self._drop(link)
            with self.changed:
                self._past = [p for p in self._past if p is not link]
                self._keys = [*self._keys[1 - _REMEMBERED :], link.ring.key]

    def _drop(self, link: Link) -> None:
        link.released = True
        for follower in members(self.followers):
            follower.leave(link)
        link.ring.stop()

    def close(self) -> None:
        """Lets go of all rings: what waits gets Closed. Closing again does nothing."""
        with self.changed:
            if not isinstance(self.error, Closed):  # whatever it was before
                self.error = Closed("framebuffer: closed: this connection was stopped")
            past, self._past = self._past, []
            self.changed.notify_all()
        for link in {*past, self.now}:
            self._drop(link)
        self._wake.set()


def _follow(ref: "weakref.ref[Chain]", wake: threading.Event) -> None:
    """Follows for as long as there is a chain to follow for."""
    pause = LOOK
    while True:
        wake.wait(pause)
        wake.clear()
        chain = ref()
        if chain is None or isinstance(chain.error, Closed):
            return
        try:
            pause = chain.step()
        except Exception:  # noqa: BLE001 a bug must not end the following silently
            log.exception("following failed")
            pause = PAUSES[1]
        del chain
