#!/usr/bin/python3
"""A stream of 1080p frames from one process to another, at most eight ahead: this package beside
what a user would write with the standard library, multiprocessing.shared_memory with nine slots
and a SimpleQueue of their numbers. That verifies nothing, and a reader that dies stops it.

    PYTHONPATH=python /usr/bin/python3 bench/python/stream.py [ROUNDS]

Each turn streams 60 frames in one way; ways take turns in another order in each round. A frame begins
with its number, which the reader compares. A semaphore keeps the writer at most eight frames ahead in
every way. Frames a second, the median of all rounds (lowest to highest tenth), and in the last column
how many times those of the standard library that do the same: copied in and out, or read in place.
"""

import multiprocessing
import random
import statistics
import sys
import time
from collections import defaultdict
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Callable

import numpy

from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

SHAPE = (1080, 1920, 3)
SIZE = 1080 * 1920 * 3
AHEAD, FRAMES, RING = 8, 60, 64 << 20

COPIED, IN_PLACE = "shared_memory, copied in and out", "shared_memory, copied in, read in place"
# What a way does, and the way of the standard library that it is compared with.
WAYS = {
    COPIED: COPIED,
    IN_PLACE: IN_PLACE,
    "publish, read_into": COPIED,
    "publish, read_into, unverified": COPIED,
    "publish, view": IN_PLACE,
    "reserve and fill, view": IN_PLACE,
    "reserve and fill, view, unverified": IN_PLACE,
}


class Rival:
    """Slots of a shared memory that are given out in turn."""

    def __init__(self, name: str) -> None:
        self.memory = SharedMemory(name)
        self.slots = [numpy.ndarray(SHAPE, numpy.uint8, self.memory.buf, i * SIZE) for i in range(AHEAD + 1)]

    def close(self) -> None:
        self.slots = []
        self.memory.close()


def number_of(frame: Any) -> int:
    return int.from_bytes(bytes(frame[:8]), "little")


def sender(way: str, rival: Rival, client: FrameBufferClient, queue: Any) -> Callable[[Any], None]:
    """Return what sends one frame."""
    if WAYS[way] == way:
        turn = [0]

        def send(frame: Any) -> None:
            numpy.copyto(rival.slots[turn[0]], frame)
            queue.put(turn[0])
            turn[0] = (turn[0] + 1) % len(rival.slots)

        return send
    publisher = client.publisher("stream")
    if way.startswith("publish"):
        return publisher.publish

    def fill(frame: Any) -> None:
        with client.reserve(SIZE) as place:
            numpy.copyto(numpy.frombuffer(place.bytes, numpy.uint8).reshape(SHAPE), frame)
            publisher.publish_frame(place.commit())

    return fill


def receive(way: str, rival: Rival, client: FrameBufferClient, queue: Any, subscription: Any, buffer: Any) -> int:
    """Receive one frame and return its number."""
    if WAYS[way] == way:
        slot = rival.slots[queue.get()]
        if way == COPIED:
            numpy.copyto(buffer, slot)
            slot = buffer
        return number_of(slot.reshape(-1))
    frame = subscription.next(timeout=30).frame
    if "read_into" in way:
        client.read_into(buffer, frame)
        return number_of(buffer.reshape(-1))
    with client.view(frame) as seen:
        return number_of(seen)


def reader(key: str, name: str, queue: Any, room: Any, orders: Any) -> None:
    rival, buffer = Rival(name), numpy.zeros(SHAPE, numpy.uint8)
    with FrameBufferClient(key) as verified, FrameBufferClient(key, unverified=True) as unverified:
        while (way := orders.recv()) is not None:
            client = unverified if way.endswith("unverified") else verified
            with client.subscribe("stream") as subscription:
                orders.send("ready")
                for i in range(FRAMES):
                    if (got := receive(way, rival, client, queue, subscription, buffer)) != i:
                        raise SystemExit(f"{way}: frame {i} is {got}")
                    room.release()
                orders.send("done")
    rival.close()


def turn(way: str, rival: Rival, client: FrameBufferClient, queue: Any, room: Any, orders: Any, frame: Any) -> float:
    send = sender(way, rival, client, queue)
    orders.send(way)
    orders.recv()
    start = time.perf_counter()
    for i in range(FRAMES):
        if not room.acquire(timeout=60):
            raise SystemExit(f"{way}: the reader does not go on")
        frame.reshape(-1)[:8] = numpy.frombuffer(i.to_bytes(8, "little"), numpy.uint8)
        send(frame)
    orders.recv()
    return FRAMES / (time.perf_counter() - start)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    context = multiprocessing.get_context("spawn")
    memory = SharedMemory(create=True, size=(AHEAD + 1) * SIZE)
    rates: dict[str, list[float]] = defaultdict(list)
    try:
        with FrameBufferServer(RING) as server, FrameBufferClient(server.get_key()) as client:
            queue, room = context.SimpleQueue(), context.Semaphore(AHEAD)
            orders, theirs = context.Pipe()
            other = context.Process(target=reader, args=(server.get_key(), memory.name, queue, room, theirs), daemon=True)
            other.start()
            theirs.close()
            rival, frame = Rival(memory.name), numpy.full(SHAPE, 7, numpy.uint8)
            for i in range(rounds + 1):
                for way in random.sample(list(WAYS), len(WAYS)):
                    rate = turn(way, rival, client, queue, room, orders, frame)
                    if i:  # the first round fills page tables
                        rates[way].append(rate)
            orders.send(None)
            other.join()
            rival.close()
    finally:
        memory.close()
        memory.unlink()
    print("| frames a second | median (lowest to highest tenth) | : the standard library |\n| --- | ---: | ---: |")
    for way, against in WAYS.items():
        tenths = statistics.quantiles(rates[way], n=10, method="inclusive")
        median, base = statistics.median(rates[way]), statistics.median(rates[against])
        print(f"| {way} | {median:.0f} ({tenths[0]:.0f}–{tenths[-1]:.0f}) | {median / base:.2f} |")


if __name__ == "__main__":
    main()
