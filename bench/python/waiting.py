#!/usr/bin/python3
"""How a task should wait for a topic: in a thread that sleeps on the futex, as
Subscription.anext does, or by looking every millisecond. Another process publishes a frame of
64 bytes every five milliseconds.

    PYTHONPATH=python /usr/bin/python3 bench/python/waiting.py [FRAMES]
"""

import asyncio
import statistics
import subprocess
import sys
import time

from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer
from framebuffer.topic import Subscription

PUBLISH = """
import sys, time
from framebuffer.client import FrameBufferClient
with FrameBufferClient(sys.argv[1]) as c:
    pub = c.publisher("t")
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        time.sleep(0.005)
        frame = c.put(bytes(64))
        pub.publish_frame(frame, time_ns=time.monotonic_ns())
"""


async def thread(sub: Subscription):
    return await sub.anext()


async def poll(sub: Subscription):
    while True:
        try:
            return sub.next(timeout=0)
        except TimeoutError:
            await asyncio.sleep(0.001)




async def measure(client: FrameBufferClient, frames: int, way) -> tuple[float, float, float]:
    with client.subscribe("t") as sub:
        other = subprocess.Popen([sys.executable, "-c", PUBLISH, client.key, str(frames)], stdin=subprocess.PIPE)
        other.stdin.write(b"\n")
        other.stdin.flush()
        late, busy, start = [], time.process_time_ns(), time.monotonic_ns()
        for _ in range(frames):
            message = await way(sub)
            late.append(time.monotonic_ns() - message.time_ns)
        busy, took = time.process_time_ns() - busy, time.monotonic_ns() - start
        other.stdin.close()
        other.wait()
        late.sort()
        return statistics.median(late) / 1000, late[int(len(late) * 0.99)] / 1000, 100 * busy / took


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with FrameBufferServer(64 << 20) as server, FrameBufferClient(server.get_key()) as client:
        for way in (thread, poll):
            median, worst, busy = asyncio.run(measure(client, frames, way))
            print(f"{way.__name__}: median {median:.0f} µs, 99th percentile {worst:.0f} µs, {busy:.1f} % of a processor")


if __name__ == "__main__":
    main()
