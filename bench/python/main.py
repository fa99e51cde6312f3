#!/usr/bin/python3
"""The Python package beside the original design rebuilt in Python: a SysV segment, copy in,
64-bit hash, copy out, hash again. One process, rings of 512 MiB, both warmed by a whole lap;
each round writes frames one after the other through a quarter of the ring, then reads them,
so that they come from memory and not from the cache; ways and rounds take turns. Each reads one
frame untimed: else the first read of a large frame is page faults for its new bytes, for which
malloc happens to have no memory left over.

    PYTHONPATH=python /usr/bin/python3 bench/python/main.py [ROUNDS]

Medians of the rounds, in microseconds a frame; in brackets how many times as fast as the
original write or read.
"""

import statistics
import sys
import time
from collections import defaultdict

import sysv_ipc
import xxhash

from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

CAPACITY = 512 << 20
SPAN = CAPACITY // 4
SIZES = {"4 KiB": 4 << 10, "64 KiB": 64 << 10, "256 KiB": 256 << 10, "1 MiB": 1 << 20, "1080p RGB": 6220800, "4K RGB": 24883200}
WRITES = ("write", "allocate and write")
READS = ("read", "read_into", "view")


class Seed:
    """The rival."""

    def __init__(self) -> None:
        self.memory = sysv_ipc.SharedMemory(None, sysv_ipc.IPC_CREX, size=CAPACITY)
        self.memory.remove()
        self.at = 0

    def allocate(self, size: int) -> int:
        if self.at + size > CAPACITY:
            self.at = 0
        at, self.at = self.at, self.at + (size + 63) // 64 * 64
        return at

    def write(self, offset: int, data: bytes) -> str:
        self.memory.write(data, offset)
        return xxhash.xxh3_64_hexdigest(data)

    def read(self, offset: int, size: int, checksum: str) -> bytes:
        data: bytes = self.memory.read(size, offset)
        if xxhash.xxh3_64_hexdigest(data) != checksum:
            raise TimeoutError
        return data


def per_frame(count: int, work) -> float:
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / count / 1000


def round_of_seed(seed: Seed, data: bytes, count: int) -> dict[str, float]:
    size, took = len(data), {}
    offsets = [seed.allocate(size) for _ in range(count)]
    sums: list[str] = []
    took["write"] = per_frame(count, lambda: sums.extend(seed.write(o, data) for o in offsets))

    def read() -> None:
        for o, c in zip(offsets, sums):
            seed.read(o, size, c)

    seed.read(offsets[0], size, sums[0])
    took["read"] = per_frame(count, read)
    return took


def round_of_ours(client: FrameBufferClient, data: bytes, count: int, buffer: bytearray) -> dict[str, float]:
    size, took = len(data), {}
    offsets = [client.allocate(size) for _ in range(count)]
    sums: list[str] = []
    took["write"] = per_frame(count, lambda: sums.extend(client.write(o, data) for o in offsets))

    def read() -> None:
        for o, c in zip(offsets, sums):
            client.read(o, size, c)

    def read_into() -> None:
        for o, c in zip(offsets, sums):
            client.read_into(buffer, o, size, c)

    def view() -> None:
        for o, c in zip(offsets, sums):
            with client.view(o, size, c):
                pass

    client.read(offsets[0], size, sums[0])
    for name, work in (("read", read), ("read_into", read_into), ("view", view)):
        took[name] = per_frame(count, work)
    took["allocate and write"] = per_frame(count, lambda: [client.put(data) for _ in range(count)])
    return took


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    source = bytes((i * 131 + (i >> 8) * 29) & 0xFF for i in range(65536)) * (SIZES["4K RGB"] // 65536 + 1)
    seed = Seed()
    for at in range(0, CAPACITY, 1 << 20):
        seed.memory.write(source[: 1 << 20], at)
    took: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    with FrameBufferServer(CAPACITY) as server, FrameBufferClient(server.get_key()) as client:
        for _ in range(CAPACITY >> 20):
            client.put(source[: 1 << 20])
        for turn in range(rounds + 1):
            for label, size in SIZES.items():
                data, count = source[:size], max(2, min(512, SPAN // size))
                buffer = bytearray(size)
                ways = [("seed", lambda: round_of_seed(seed, data, count)), ("ours", lambda: round_of_ours(client, data, count, buffer))]
                for who, run in ways if turn % 2 else ways[::-1]:
                    for what, us in run().items():
                        if turn:  # the first warms up
                            took[who, what, label].append(us)
    print("| µs a frame | " + " | ".join(SIZES) + " |")
    print("| --- |" + " ---: |" * len(SIZES))

    def row(title: str, who: str, what: str, against: str) -> None:
        cells = []
        for label in SIZES:
            mine, theirs = (statistics.median(took[k]) for k in ((who, what, label), ("seed", against, label)))
            cells.append(f"{mine:.1f}" + ("" if who == "seed" else f" ({theirs / mine:.2f})"))
        print(f"| {title} | " + " | ".join(cells) + " |")

    row("original design: write", "seed", "write", "write")
    for what in WRITES:
        row(what, "ours", what, "write")
    row("original design: read", "seed", "read", "read")
    for what in READS:
        row(what, "ours", what, "read")


if __name__ == "__main__":
    main()
