"""Programs end when they have come to their end, while tasks and threads wait for a topic."""

import re
import signal
import subprocess
from typing import Any

import children
import pytest
from conftest import environment

from framebuffer.client import FrameBufferClient

BEGIN = """
import asyncio, os, signal, sys, threading, time
from framebuffer.client import FrameBufferClient
from framebuffer.errors import FrameBufferError

client = FrameBufferClient(sys.argv[1]).start()

def asleep(topic, n=1):
    # Whether n threads sleep at the topic: each has told of itself by then.
    def look():
        t = client.subscribe(topic)
        try:
            return t._topic._halves[t._topic._wake] & 1
        finally:
            t._closed = True  # closing would wake the sleeper
    while not look() or threading.active_count() < n + 2:  # with this one and that of liveness
        time.sleep(0.001)

async def waits(topic="cam", **how):
    async for message in client.subscribe(topic, **how):
        print("got", message.sequence, flush=True)

async def until_asleep(topic="cam", n=1):
    await asyncio.get_running_loop().run_in_executor(None, asleep, topic, n)
"""

# How a program ends; its exit status; the last line that it prints to stderr, "" for nothing at all.
ENDS: dict[str, tuple[str, int, str]] = {
    "asyncio.run with a task left": ("""
async def main():
    asyncio.create_task(waits())
    await until_asleep()
asyncio.run(main())
""", 0, ""),
    "a loop that is neither closed nor rid of its task": ("""
loop = asyncio.new_event_loop()
task = loop.create_task(waits())
loop.run_until_complete(until_asleep())
""", 0, ""),
    "a loop that is closed with its task": ("""
loop = asyncio.new_event_loop()
task = loop.create_task(waits())
loop.run_until_complete(until_asleep())
loop.close()
client.publisher("cam").publish(b"comes too late")
""", 0, ""),
    "an exception beside the task": ("""
async def main():
    asyncio.create_task(waits())
    await until_asleep()
    raise ValueError("its own")
asyncio.run(main())
""", 1, "ValueError: its own"),
    "an exception behind a loop": ("""
loop = asyncio.new_event_loop()
task = loop.create_task(waits())
loop.run_until_complete(until_asleep())
raise ValueError("its own")
""", 1, "ValueError: its own"),
    "sys.exit in a coroutine": ("""
async def main():
    asyncio.create_task(waits())
    await until_asleep()
    sys.exit(3)
asyncio.run(main())
""", 3, ""),
    "SIGINT in asyncio.run": ("""
async def main():
    task = asyncio.create_task(waits())
    await until_asleep()
    os.kill(os.getpid(), signal.SIGINT)
    await task
asyncio.run(main())
""", -signal.SIGINT, "KeyboardInterrupt"),
    "SIGINT in a loop over a subscription": ("""
def interrupt():
    asleep("cam")
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
for message in client.subscribe("cam"):
    pass
""", -signal.SIGINT, "KeyboardInterrupt"),
    "several tasks, groups and loops": ("""
loops = [asyncio.new_event_loop() for _ in range(3)]
tasks = [l.create_task(waits(t, group=g)) for l in loops for t in ("cam", "mic") for g in ("", "workers")]
for l in loops:
    l.run_until_complete(until_asleep("cam"))
    l.run_until_complete(until_asleep("mic"))
""", 0, ""),
    "loops in threads": ("""
for _ in range(3):
    threading.Thread(target=asyncio.run, args=(waits(),), daemon=True).start()
asleep("cam", 6)
""", 0, ""),
    "one subscription in one loop after the other": ("""
sub = client.subscribe("cam")
async def once():
    try:
        await asyncio.wait_for(sub.anext(), 0.05)
    except (TimeoutError, asyncio.TimeoutError):
        print("nothing", flush=True)
for _ in range(3):
    asyncio.run(once())
loop = asyncio.new_event_loop()
task = loop.create_task(sub.anext())
loop.run_until_complete(until_asleep())
""", 0, ""),
    "a daemon thread in a loop over a subscription": ("""
threading.Thread(target=lambda: list(client.subscribe("cam")), daemon=True).start()
threading.Thread(target=lambda: list(client.subscribe("cam", spin=-1)), daemon=True).start()
asleep("cam", 2)
""", 0, ""),
    "a thread whose client's block ends": ("""
def wait(client):
    try:
        for message in client.subscribe("cam"):
            pass
    except FrameBufferError as e:
        print(type(e).__name__, flush=True)
with FrameBufferClient(sys.argv[1]) as mine:
    threading.Thread(target=wait, args=(mine,)).start()
    asleep("cam")
""", 0, ""),
    "a thread whose client's block ends by an exception": ("""
def wait(client):
    try:
        for message in client.subscribe("cam"):
            pass
    except FrameBufferError:
        pass
with FrameBufferClient(sys.argv[1]) as mine:
    threading.Thread(target=wait, args=(mine,)).start()
    asleep("cam")
    raise ValueError("its own")
""", 1, "ValueError: its own"),
    "a process of multiprocessing": ("""
import multiprocessing
def child():
    loop = asyncio.new_event_loop()
    task = loop.create_task(waits())
    loop.run_until_complete(until_asleep())
    sys.exit(5)
p = multiprocessing.get_context("fork").Process(target=child)
p.start()
p.join()
sys.exit(p.exitcode)
""", 5, ""),
}  # fmt: skip


@pytest.fixture
def backend() -> str:
    return "memfd"  # nothing here differs between them


@pytest.mark.parametrize("how", ENDS)
def test_a_program_ends_at_its_end(client: FrameBufferClient, how: str) -> None:
    code, status, last = ENDS[how]
    with children.python(BEGIN + code, client.key, bound=60, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        out, err = child.communicate()
    assert child.returncode == status, f"{out}{err}"
    # asyncio's own words, sometimes, of a task that its loop has left behind, whatever that waits for.
    err = re.sub(r"Task was destroyed but it is pending!\ntask: .*\n", "", err)
    lines: list[Any] = [line for line in err.splitlines() if line]
    assert (lines[-1] if last else err) == last, err
    assert "framebuffer" not in err.replace("framebuffer.client", "") or last == "KeyboardInterrupt", err
    client.publisher("cam").publish(b"goes on")
