"""The rings of a connection, one server's after the other's, and the thread that finds the next. The Go
library has the same in topic/follow.
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
PAUSES = (0.02, 0.2)  # s between searches for a server: the first, and the longest
_REMEMBERED = 16  # keys of released rings

log = logging.getLogger("framebuffer")


class Follower(Protocol):
    """A publisher or subscription that goes on in the next ring."""

    def enter(self, link: "Link") -> None:
        """Called with a new ring, while the chain is locked."""

    def leave(self, link: "Link") -> None:
        """Called before a ring is released."""


class Link:
    """One ring of a chain."""

    def __init__(self, ring: FrameBufferClient, number: int) -> None:
        self.ring, self.number = ring, number
        self.ended = 0.0  # when the chain found its end; 0 before
        self.released = False
        self.holds: "weakref.WeakSet[Hold]" = weakref.WeakSet()


class Chain:
    """The ring of a server and, after its end, that of the next one. Methods may be called from any
    thread. `changed` is its lock, and is notified of every change."""

    def __init__(self, attach: Callable[[str], FrameBufferClient], whose: str) -> None:
        """attach attaches to the server that runs now, and raises an error if that has the key that it is
        given. whose names the server in the log."""
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
        """Starts the thread that finds the next server, unless it runs. A forked child has not its parent's."""
        with self.changed:
            if self._thread is None and self.error is None:
                self._thread = threading.Thread(target=_follow, args=(weakref.ref(self), self._wake), name="framebuffer-follow", daemon=True)
                self._thread.start()

    def after_fork(self) -> None:
        """Threads and locks stay with the parent."""
        self.changed, self._wake, self._thread = threading.Condition(), threading.Event(), None

    def noticed(self) -> None:
        """Has the thread look at the present ring now, since a call has found its end."""
        self.watch()
        if not self.now.ended:  # else the thread looks for another already
            self._wake.set()

    def link_of(self, key: str) -> "Link | None":
        """The ring of that key, unless it was released."""
        with self.changed:
            return next((link for link in (self.now, *self._past) if link.ring.key == key), None)

    def was(self, key: str) -> bool:
        """Whether the key is that of a released ring."""
        with self.changed:
            return key in self._keys

    def step(self) -> float:
        """One round of the thread: finds the present ring's end, releases old rings, and attaches to the
        next. Returns for how many seconds it may sleep."""
        with self.changed:
            link = self.now
            if self.error is not None and not self._past:
                return LOOK
            if not link.ended and (why := link.ring.error) is not None:
                link.ended, self._pause = time.monotonic(), PAUSES[0]
                self._past.append(link)
                log.warning("waiting for %s: %s", self._whose, why)
                self.changed.notify_all()
        self._release_old()
        if not link.ended or self.error is not None:
            return LOOK
        try:
            self._replace(self._attach(link.ring.key))
            log.warning("%s is back", self._whose)
            return LOOK
        except (BadKey, NoPermission) as e:  # the same server would refuse again
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

    def _release_old(self) -> None:
        """Releases rings whose servers ended GRACE seconds ago and of which no frame is held."""
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
        """Releases all rings: calls that wait raise Closed. Closing again does nothing."""
        with self.changed:
            if not isinstance(self.error, Closed):  # whatever it was before
                self.error = Closed("framebuffer: closed: this connection was stopped")
            past, self._past = self._past, []
            self.changed.notify_all()
        for link in {*past, self.now}:
            self._drop(link)
        self._wake.set()


def _follow(ref: "weakref.ref[Chain]", wake: threading.Event) -> None:
    """The thread's work, until the chain is closed or no object refers to it."""
    pause = LOOK
    while True:
        wake.wait(pause)
        wake.clear()
        chain = ref()
        if chain is None or isinstance(chain.error, Closed):
            return
        try:
            pause = chain.step()
        except Exception:  # noqa: BLE001 a bug must not end the thread silently
            log.exception("following failed")
            pause = PAUSES[1]
        del chain
