"""Loops over the messages of subscriptions, and waiting in tasks: a thread that sleeps at a topic so
that an event loop need not."""

import asyncio
import threading
from queue import SimpleQueue
from types import TracebackType
from typing import Awaitable, Callable, Iterator, TypeVar

from .errors import Ended
from .meta import Message

Self = TypeVar("Self", bound="Source")

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]", Callable[[], None]]


class Waiter:
    """One thread, which sleeps for one task after the other, of any event loop.

    It is a daemon, and none of an executor's: the interpreter waits for those at its end, and a
    program that ends while a task waits for a topic has nothing that would wake them.
    """

    def __init__(self, name: str) -> None:
        self._jobs: "SimpleQueue[_Job | None]" = SimpleQueue()
        # It knows the queue alone, so that what waits can be let go of.
        threading.Thread(target=_work, args=(self._jobs,), name=name, daemon=True).start()

    async def wait(self, sleep: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Has the thread call sleep, and waits until it returns. If the task ends before, however
        it does, give_up is called, after which sleep shall return."""
        loop = asyncio.get_running_loop()
        done: "asyncio.Future[None]" = loop.create_future()
        self._jobs.put((loop, done, sleep))
        try:
            await done
        except BaseException:  # cancelled, or thrown away with its loop
            give_up()
            raise

    def close(self) -> None:
        """Ends the thread when what it sleeps for is over."""
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
        except BaseException as e:  # noqa: BLE001 it is the task's
            error = e
        try:
            loop.call_soon_threadsafe(_tell, done, error)
        except RuntimeError:
            pass  # the loop was closed, and with it all that its tasks wait for
        del job, loop, done, sleep, error  # or they live until the next one


def _tell(done: "asyncio.Future[None]", error: BaseException | None) -> None:
    if done.done():
        return  # cancelled meanwhile
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


class Source:
    """What gives messages: in loops, of tasks too, and to be closed by a with block."""

    def next(self, timeout: float | None = None) -> Message:
        """The next message. Raises Ended behind the last one."""
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
    """The messages of a subscription until the topic has ended. It is an asynchronous iterator, and not
    a generator, of whose end event loops want to be told."""

    def __init__(self, take: Callable[[], Awaitable[Message]]) -> None:
        self._take = take

    def __aiter__(self) -> "Messages":
        return self

    async def __anext__(self) -> Message:
        try:
            return await self._take()
        except Ended:
            raise StopAsyncIteration from None
