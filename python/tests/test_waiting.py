"""Who sleeps at a topic, in a thread or a task, and what wakes them."""

import asyncio
import threading
from typing import Any

import pytest

from framebuffer import errors
from framebuffer._control import Control
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer


def asleep(client: FrameBufferClient, topic: str) -> bool:
    """Whether somebody may be asleep at the topic."""
    t = client.subscribe(topic)
    try:
        return bool(t._topic._halves[t._topic._wake] & 1)
    finally:
        t._closed = True  # closing would wake the sleeper


@pytest.mark.parametrize("what", ["publish", "end", "close", "stop", "server"])
def test_sleepers_are_woken(server: FrameBufferServer, client: FrameBufferClient, what: str) -> None:
    with FrameBufferClient(client.key) as mine:
        sub = mine.subscribe("cam")
        told: list[Any] = []

        def wait() -> None:
            try:
                told.append(sub.next())
            except errors.FrameBufferError as e:
                told.append(type(e))

        pub = client.publisher("cam")
        sleeper = threading.Thread(target=wait)
        sleeper.start()
        while not asleep(client, "cam"):
            pass
        if what == "publish":
            pub.publish(b"wake up")
        elif what == "end":
            pub.end()
        else:
            {"close": sub.close, "stop": mine.stop, "server": server.stop}[what]()
        sleeper.join()
        assert told[0].sequence == 0 if what == "publish" else told == [errors.Ended if what == "end" else errors.Closed]


def test_tasks(client: FrameBufferClient) -> None:
    pub = client.publisher("cam")

    async def take(n: int, **how: Any) -> list[int]:
        with client.subscribe("cam", **how) as sub:
            ready.release()
            got = []
            async for message in sub:
                assert client.get(message.frame) == bytes([message.sequence])
                got.append(message.sequence)
                if len(got) == n:
                    break
            return got

    ready = threading.Semaphore(0)

    async def main() -> None:
        takers = [asyncio.create_task(take(20)) for _ in range(3)] + [asyncio.create_task(take(100))]
        for _ in takers:
            while not ready.acquire(blocking=False):
                await asyncio.sleep(0)
        for n in range(20):
            pub.publish(bytes([n]))
            await asyncio.sleep(0)
        for t in takers[:3]:
            assert await t == list(range(20))
        pub.end()
        assert await takers[3] == list(range(20))

    asyncio.run(main())


def test_tasks_give_up(client: FrameBufferClient) -> None:
    async def main() -> None:
        with client.subscribe("cam") as sub:
            with pytest.raises((TimeoutError, asyncio.TimeoutError)):
                await asyncio.wait_for(sub.anext(), 0.02)
            client.publisher("cam").publish(b"kept")
            assert (await asyncio.wait_for(sub.anext(), 30)).sequence == 0

    asyncio.run(main())


def test_a_close_between_two_looks_is_no_end(client: FrameBufferClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with client.subscribe("cam") as sub:
        looks = iter([False])
        monkeypatch.setattr(Control, "closed", property(lambda _: next(looks, True)))
        with pytest.raises(errors.Closed):
            sub.next()
