"""Loops over the messages of subscriptions, and waits of tasks: a thread sleeps on a topic in place of the
event loop. The first SEATS subscriptions of a process have a thread each, the others share one."""

import asyncio
import threading
from queue import SimpleQueue
from types import TracebackType
from typing import Awaitable, Callable, Iterator, TypeVar

from . import _forks
from ._sharer import Wait, Wake, sharer, tell
from .errors import Ended
from .meta import Message

Self = TypeVar("Self", bound="Source")

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]", Callable[[], None]]


SEATS = 16  # of a process


class _Seats:
    """The waiters that have a thread. Each change is one step of the interpreter, without a lock, since the
    garbage collector closes waiters at any point of any thread. So there may be one too many for a
    moment."""

    def __init__(self) -> None:
        self.taken: "set[int]" = set()  # by id

    def after_fork(self) -> None:
        """Threads stay with the parent."""
        self.__init__()  # type: ignore[misc]


_seats = _Seats()
_forks.register(_seats)


class Waiting:
    """The waits of one subscription in tasks. If there is a seat at its first wait, it keeps a thread to its
    end; otherwise it waits through the shared thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiter: Waiter | None = None
        self._wait: Wait | None = None  # the present one, in the shared thread

    async def wait(self, wake: "Wake | None", ready: Callable[[], bool], sleep: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Waits until ready() is true: by sleep() in a thread of its own, or on the wake word in the shared
        thread. If the task ends first, it calls give_up(), after which sleep() must return."""
        if self._waiter is None and len(_seats.taken) < SEATS:
            self._waiter = Waiter(self._name)
        if self._waiter is not None:
            return await self._waiter.wait(sleep, give_up)
        self._wait = wait = Wait(ready)
        await sharer.wait(wake, wait)

    def wake(self) -> None:
        """Ends a wait in the shared thread, not one in a thread of its own."""
        if (wait := self._wait) is not None:
            wait.end()

    def close(self) -> None:
        """Ends the thread after its present sleep."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.close()

    def after_fork(self) -> None:
        """Threads stay with the parent."""
        self._waiter = self._wait = None


class Waiter:
    """One thread, which sleeps for one task after the other, of any event loop.

    It is a daemon and not in an executor: the interpreter waits for executors' threads at its end,
    and if a program ends while a task waits for a topic, nothing would wake them.
    """

    def __init__(self, name: str) -> None:
        self._jobs: "SimpleQueue[_Job | None]" = SimpleQueue()
        _seats.taken.add(id(self))
        # The thread refers only to the queue, so that the collector can free the subscription.
        threading.Thread(target=_work, args=(self._jobs,), name=name, daemon=True).start()

    async def wait(self, sleep: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Has the thread call sleep(), and waits until that returns. If the task ends first, it calls
        give_up(), after which sleep() must return."""
        loop = asyncio.get_running_loop()
        done: "asyncio.Future[None]" = loop.create_future()
        self._jobs.put((loop, done, sleep))
        try:
            await done
        except BaseException:  # cancelled, or thrown away with its loop
            give_up()
            raise

    def close(self) -> None:
        """Ends the thread after its present sleep."""
        _seats.taken.discard(id(self))
        self._jobs.put(None)

    def __del__(self) -> None:
        if hasattr(self, "_jobs"):
            self.close()


def _work(jobs: "SimpleQueue[_Job | None]") -> None:
    while (job := jobs.get()) is not None:
        loop, done, sleep = job
        error: BaseException | None = None
        try:
            sleep()
        except BaseException as e:  # noqa: BLE001 the task raises it
            error = e
        try:
            loop.call_soon_threadsafe(tell, done, error)
        except RuntimeError:
            pass  # the loop was closed, and its tasks with it
        del job, loop, done, sleep, error  # or they live until the next job


class Source:
    """The base of subscriptions: loops (for, async for), and a with block that closes."""

    def next(self, timeout: float | None = None) -> Message:
        """The next message. Raises Ended after the last one."""
        raise NotImplementedError

    async def anext(self) -> Message:
        """As next, for tasks."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends it."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Message]:
        while True:
            try:
                message = self.next()
            except Ended:
                return
            yield message

    def __aiter__(self) -> "Messages":
        return Messages(self.anext)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Messages:
    """The messages of a subscription until the topic has ended. It is an iterator and not an asynchronous
    generator, which event loops would have to close."""

    def __init__(self, take: Callable[[], Awaitable[Message]]) -> None:
        self._take = take

    def __aiter__(self) -> "Messages":
        return self

    async def __anext__(self) -> Message:
        try:
            return await self._take()
        except Ended:
            raise StopAsyncIteration from None
