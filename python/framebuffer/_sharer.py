"""One thread that sleeps on topics for any number of tasks.

Words shared between processes, and their order: as a single sleeper's (see _topics). The thread sets
bit 0 of a topic's wake word *before* it asks, for the last time, each task that waits for the topic
whether it is ready. A wake-up changes the word, and the thread compares all words after each sleep,
also after one that ended for another reason: it misses no wake-up. To other processes it is one more
sleeper.

Tasks leave without a lock, since the garbage collector may end one at any point of any thread: they are
marked, and dropped when the thread asks them next.
"""

import asyncio
import ctypes
import threading
import time
from typing import Callable, Protocol

from . import _forks, _futex
from ._topics import PATIENCE

_SOONEST, _LATEST = 0.001, 0.008  # s between two looks at words that the kernel does not watch
_SHARE = 10  # looks take at most the tenth part of the time


class Wake(Protocol):
    """A topic's wake word."""

    wake_address: int

    @property
    def wake_word(self) -> int:
        """The word."""

    def announce_sleeper(self) -> "int | None":
        """Sets bit 0, and returns the word with it, or None if it was changed meanwhile."""


class Wait:
    """The wait of one task."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready, self._over = ready, False
        self._loop = asyncio.get_running_loop()
        self.done: "asyncio.Future[None]" = self._loop.create_future()

    def end(self) -> None:
        """Lets the task go on, from any thread; ending again does nothing."""
        self._tell(None)

    def ask(self) -> bool:
        """Lets the task go on if it is ready, and returns whether it does not wait any more."""
        error: BaseException | None = None
        if not self._over:
            try:
                if not self._ready():
                    return False
            except BaseException as e:  # noqa: BLE001 the task raises it
                error = e
            self._tell(error)
        return True

    def _tell(self, error: BaseException | None) -> None:
        if self._over:
            return
        self._over = True
        try:
            self._loop.call_soon_threadsafe(tell, self.done, error)
        except RuntimeError:
            pass  # the loop was closed, and its tasks with it

    def leave(self) -> None:
        """Drops the wait: the task has ended."""
        self._over = True


def tell(done: "asyncio.Future[None]", error: BaseException | None) -> None:
    """Lets a task go on, in its event loop."""
    if done.done():
        return  # cancelled meanwhile
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


class _Word:
    """A wake word and the tasks that wait on it; or the tasks that wait on none."""

    def __init__(self, wake: "Wake | None") -> None:
        self.wake, self.value = wake, 0
        self.waits: list[Wait] = []

    def changed(self) -> bool:
        return self.wake is not None and (self.value & 1 == 0 or self.wake.wake_word != self.value)

    def ask(self) -> bool:
        """Lets the ready tasks go on, and returns whether others wait."""
        if self.changed():
            self._sift()
            if self.waits and self.wake is not None:  # else the next publisher would make a needless system call
                self.value = self.wake.announce_sleeper() or 0
        self._sift()
        return bool(self.waits)

    def _sift(self) -> None:
        self.waits = [wait for wait in self.waits if not wait.ask()]


class Sharer:
    """The thread, which runs while tasks wait. It is a daemon: see Waiter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words: dict[int, _Word] = {}  # by address; the first _futex.MOST are watched by the kernel
        self._thread: threading.Thread | None = None
        self._call = ctypes.c_uint32()  # the thread's own word
        self._asleep = False  # or about to sleep
        self._watches = True  # the kernel can
        self._next = self._pause = self._asked = 0.0

    def after_fork(self) -> None:
        """Threads and waits stay with the parent."""
        self.__init__()  # type: ignore[misc]

    async def wait(self, wake: "Wake | None", wait: Wait) -> None:
        """Waits until the task is ready. The thread asks when the word changes, and every PATIENCE seconds."""
        try:
            self._join(wake, wait)
            await wait.done
        finally:
            wait.leave()

    def _join(self, wake: "Wake | None", wait: Wait) -> None:
        address = 0 if wake is None else wake.wake_address
        with self._lock:
            word = self._words.get(address)
            if new := word is None:
                word = self._words[address] = _Word(wake)
            word.waits.append(wait)
            # Bit 0 is set before it is asked, here or before.
            if word.changed():
                word.ask()
            elif wait.ask():
                word.waits.pop()
            if self._thread is None:
                self._asked = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="framebuffer-sharer", daemon=True)
                self._thread.start()
            elif new and self._asleep:
                self._asleep = False
                self._call.value += 1
                _futex.wake(ctypes.addressof(self._call))

    def _run(self) -> None:
        while True:
            with self._lock:
                now = time.monotonic()
                self._look(now)
                if not self._words:
                    self._thread = None
                    return
                watched = [(ctypes.addressof(self._call), self._call.value)]
                words = self._watched()
                watched += [(address, word.value) for address, word in words if address]
                limit = self._asked + PATIENCE - now
                if len(self._words) > len(words):
                    limit = min(limit, self._next - now)
                self._asleep = True
            # From here on a wake-up changes a word that is compared with what it was, by the
            # kernel or by the next look.
            limit = max(limit, 0.0)
            if len(watched) == 1:
                _futex.wait(*watched[0], limit)
            elif not _futex.wait_any(watched, limit):
                self._watches = False

    def _watched(self) -> "list[tuple[int, _Word]]":
        """The words that the kernel watches."""
        most = _futex.MOST - 1 if self._watches else 0
        return [one for one, _ in zip(self._words.items(), range(most))]

    def _look(self, now: float) -> None:
        self._asleep = False
        if now - self._asked >= PATIENCE:
            self._forget([address for address, word in self._words.items() if not word.ask()])
            # A process with very many tasks asks them more rarely.
            over = time.monotonic()
            self._asked = min(max(over + _SHARE * (over - now) - PATIENCE, now), now + PATIENCE)
            return
        watched = self._watched()
        self._forget([address for address, word in watched if word.changed() and not word.ask()])
        if len(self._words) > len(watched) and now >= self._next:
            self._glance(now, len(watched))

    def _glance(self, now: float, watched: int) -> None:
        """Looks at the words that the kernel does not watch. Those that have changed move to the front, where
        the kernel watches them: so it watches the busy topics."""
        changed = [address for address, word in list(self._words.items())[watched:] if word.changed()]
        self._forget([address for address in changed if not self._words[address].ask()])
        if watched and (busy := {address: self._words[address] for address in changed if address in self._words}):
            self._words = {**busy, **{a: w for a, w in self._words.items() if a not in busy}}
        self._pause = _SOONEST if changed else min(max(2 * self._pause, _SOONEST), _LATEST)
        over = time.monotonic()
        self._next = over + max(self._pause, _SHARE * (over - now))

    def _forget(self, addresses: list[int]) -> None:
        for address in addresses:
            del self._words[address]


# One for all segments: threads are the process's.
sharer = Sharer()
_forks.register(sharer)
