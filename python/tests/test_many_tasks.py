"""Any number of tasks wait without a thread each."""

import asyncio
import ctypes
import errno
import subprocess
from typing import Any

import children
import pytest
from conftest import REFUSE, environment

from framebuffer import _futex, _sharer, _waiter
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

SERVER = """
import sys
from framebuffer.server import FrameBufferServer
with FrameBufferServer(1 << 20, topics=int(sys.argv[1]), topic_depth=4) as server:
    print(server.get_key(), flush=True)
    sys.stdin.read()
"""

# Prints how many threads there are when all wait, how many tasks received their topic's frame, and
# how both halves of them ended.
WAITS = (
    REFUSE
    + """
import asyncio, collections, os, sys
from framebuffer import _sharer, _waiter
from framebuffer.client import FrameBufferClient
key, n, topics, error = sys.argv[1], *map(int, sys.argv[2:])
if error:
    refuse(449, error)
client = FrameBufferClient(key).start()
received = 0

async def wait(i):
    global received
    with client.subscribe(f"topic {i % topics}") as sub:
        try:
            async for message in sub:
                assert message.sequence == 0
                received += 1
        except BaseException as e:
            return type(e).__name__

def waiting():
    return len(_waiter._seats.taken) + sum(len(word.waits) for word in list(_sharer.sharer._words.values()))

async def until(ready):
    while not ready():
        await asyncio.sleep(0.005)

async def main():
    tasks = [asyncio.create_task(wait(i)) for i in range(n)]
    await until(lambda: waiting() == n)
    print(len(os.listdir("/proc/self/task")), flush=True)
    await until(lambda: received == n)
    print(received, flush=True)
    for half in tasks[::2], tasks[1::2]:
        if half[0] is tasks[0]:
            for task in half:
                task.cancel()
        print(*collections.Counter([await task for task in half]).items(), flush=True)
    await until(lambda: _sharer.sharer._thread is None)
    print("over", flush=True)

asyncio.run(main())
"""
)


@pytest.mark.parametrize(
    "topics, refused, end",
    [(1, 0, "Closed"), (100, 0, "ServerGone"), (400, 0, "Closed"), (400, errno.EPERM, "ServerGone"), (1, errno.ENOSYS, "Closed")],
)
def test_many_tasks(topics: int, refused: int, end: str) -> None:
    n = 2000
    pipes = {"stdout": subprocess.PIPE, "text": True, "env": environment()}
    with children.python(SERVER, topics, stdin=subprocess.PIPE, **pipes) as server:
        key = server.stdout.readline().strip()
        with children.python(WAITS, key, n, topics, refused, **pipes) as waits, FrameBufferClient(key) as client:
            threads = int(waits.stdout.readline())
            for i in range(topics):
                client.publisher(f"topic {i}").publish(b"wake up")
            assert waits.stdout.readline() == f"{n}\n"
            assert waits.stdout.readline() == f"('CancelledError', {n // 2})\n"
            if end == "Closed":
                server.stdin.close()
            else:
                server.kill()
            assert waits.stdout.readline() == f"('{end}', {n // 2})\n"
            assert waits.stdout.readline() == "over\n"
            assert waits.wait() == 0
            assert threads < 32


@pytest.mark.parametrize("way", ["kernel", "missing", "too many"])
def test_no_wake_up_is_lost(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the thread never asks by itself: what it misses is missed for ever."""
    sharer = _sharer.Sharer()
    monkeypatch.setattr(_waiter, "sharer", sharer)
    monkeypatch.setattr(_waiter, "SEATS", 0)
    monkeypatch.setattr(_sharer, "PATIENCE", 3600.0)
    if way == "missing":
        monkeypatch.setattr(_futex, "wait_any", lambda *_: False)
    idle = 150 if way == "too many" else 3

    async def main(client: FrameBufferClient) -> None:
        idlers = [asyncio.create_task(client.subscribe(f"idle {i}").anext()) for i in range(idle)]
        while len(sharer._words) < idle:
            await asyncio.sleep(0)
        subs = [client.subscribe("ping"), client.subscribe("pong")]
        pubs = [client.publisher("ping"), client.publisher("pong")]

        async def play(me: int) -> None:
            for n in range(200):
                if me == 0:
                    pubs[0].publish(b"x")
                assert (await subs[1 - me].anext()).sequence == n
                if me == 1:
                    pubs[1].publish(b"x")

        await asyncio.wait_for(asyncio.gather(play(0), play(1)), 60)
        for task in idlers:
            task.cancel()
        await asyncio.gather(*idlers, return_exceptions=True)

    with FrameBufferServer(1 << 20, topics=200, topic_depth=4) as server, FrameBufferClient(server.get_key()) as client:
        asyncio.run(main(client))
    sharer._asked = -3600.0  # the thread finds that none waits, and ends
    thread: Any = sharer._thread
    while thread is not None and thread.is_alive():
        sharer._call.value += 1
        _futex.wake(ctypes.addressof(sharer._call))
        thread.join(0.01)
