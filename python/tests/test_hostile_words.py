"""Each word that another process can store, with values at which arithmetic wraps: every call returns,
or raises an error of this package, by its deadline."""

import os
import sys

import children
import pytest
from conftest import LIST, environment, need

from framebuffer.server import FrameBufferServer

# Sets one word after the other, and prints what it does before it does it. An alarm ends a call that
# does not end: no call takes a hundredth of that.
VICTIM = r"""
import asyncio, contextlib, signal, sys
from framebuffer import _layout as L, errors
from framebuffer.client import FrameBufferClient
from framebuffer.meta import Meta

KEY, PART, AGE = sys.argv[1:]
BOUND = 20
META = Meta("video/raw", 2, 3, "gray8", (3, 2), b"x")

def hangs(*_):
    raise SystemExit("it does not end")

signal.signal(signal.SIGALRM, hangs)
client = FrameBufferClient(KEY).start()
control, ring = client._attached().control, client._attached().ring
tables = control.tables

# Everything is in use: topics of both kinds of entries, a group, a subscription, a hold.
pub = client.publisher("x")
keep = [client.subscribe("x"), client.subscribe("x", group="g", start="first")]
frames = [pub.publish(b"a" * 100, META if n % 2 else None).frame for n in range(20)]
hold = client.hold(frames[-1], seconds=3600)
topic = tables.topics.entry(keep[0]._topic.index)
group, sub = keep[1]._place._at * 8 - L.GROUP_CURSOR, keep[0]._entry._at
chunk = ring.payload_at(frames[-2].offset) - L.CHUNK_HEADER
record = ring.payload_at((control.words[topic // 8 + L.TOPIC_QUEUE_WORD_0 // 8 + 19 % control.depth]) & ~L.QUEUE_TAG) - L.CHUNK_HEADER

if AGE == "gone":  # where nothing is found, a search has no other end than its own
    hold.release()
    for _ in range(3):
        client.allocate(client._attached().ring.max_size)

def words(at, n):
    return range(at // 8, (at + n) // 8)

own = tables.slots.entry(client._attached().slot.index)
in_control = {
    "header": [*words(128, 8), *words(256, 32), *words(512, 96)],
    "topic": [*words(topic, 160), *words(topic + L.TOPIC_QUEUE_WORD_0, 8 * control.depth)],
    "group": words(group, L.GROUP_NAME + 16),
    "subscription": words(sub, 40),
    "slot": [*words(tables.slots.entry(0), 48), *words(own, 72), *words(own + L.SLOT_ALLOCATIONS, 136)],
    "holds": [*words(tables.holds.entry(0), 24), *words(tables.holds.entry(1), 24)],
    "milestones": words(tables.milestones.entry(0), 32),
    "ring": [],
}[PART]
in_ring = [*words(chunk, 72), *words(record, L.CHUNK_HEADER + L.RECORD_LONG)] if PART == "ring" else []

def read_all():
    with client.view(frames[-2]):
        pass
    client.get(frames[-1])
    client.read_into(bytearray(100), frames[-3])

def task(sub):
    async def one():
        async with asyncio.timeout(0.001) if sys.version_info >= (3, 11) else contextlib.nullcontext():
            await sub.anext()
    if sys.version_info >= (3, 11):
        asyncio.run(one())

def some(sub):
    with sub:
        for _ in range(3):
            sub.next(timeout=0)
        sub.next(timeout=0.001)

def extended():
    with client.hold(frames[-2], seconds=1) as h:
        h.extend(2)

calls = [
    lambda: FrameBufferClient(KEY).start().stop(),
    read_all,
    lambda: keep[0].next(timeout=0.001),
    lambda: keep[1].next(timeout=0.001),
    *[lambda start=start: some(client.subscribe("x", start=start)) for start in ("next", "newest", "oldest", "first")],
    lambda: some(client.subscribe("x", group="g")),
    lambda: some(client.subscribe("x", group="h", start="first")),
    lambda: pub.publish(b"b" * 100),
    lambda: pub.publish(b"b" * 100, META),
    lambda: pub.publish_frame(frames[-2]),
    lambda: client.publisher("x").end(),
    lambda: client.publisher("y").publish(b"c"),
    lambda: client.allocate(1000),
    lambda: client.put(b"d" * 5000),
    extended,
    hold.check,
    lambda: hold.extend(3600),
    lambda: keep[0].unread(),
    lambda: keep[1].unread(),
]
if PART in ("topic", "group"):
    calls += [lambda: task(client.subscribe("x", start="oldest")), lambda: task(client.subscribe("x", group="g"))]

before = bytes(control.bytes), bytes(ring.bytes[: ring.capacity])
cursor = keep[0]._place.cursor
tried = 0
for of, all in ((control.words, in_control), (ring.bytes.cast("Q"), in_ring)):
    for word in all:
        was = of[word]
        for value in (0, 1, 31, (1 << 31), (1 << 32) - 1, (1 << 63) - 1, 1 << 63, L.MASK, L.MASK - 1, L.MASK - 7, was - 1, was + 1, was ^ 1 << 31, was ^ 1 << 63, was + 2 * ring.capacity):
            for i, call in enumerate(calls):
                control.bytes[:], ring.bytes[: ring.capacity] = before
                keep[0]._place.cursor = cursor
                of[word] = value & L.MASK
                what = f"{PART}: word {word} is {value & L.MASK:#x}, call {i}"
                signal.alarm(BOUND)
                try:
                    call()
                except (errors.FrameBufferError, TimeoutError, asyncio.TimeoutError):
                    pass
                except BaseException as e:
                    raise AssertionError(what) from e
                signal.alarm(0)
                tried += 1
control.bytes[:] = before[0]
assert tried > 100, tried
ring.bytes[: ring.capacity] = before[1]
assert client.get(client.put(b"as before")) == b"as before"
"""


@pytest.mark.parametrize("age", ["there", "gone"])
@pytest.mark.parametrize("part", ["header", "topic", "group", "subscription", "slot", "holds", "milestones", "ring"])
def test_every_word_with_every_value(part: str, age: str) -> None:
    """Each call ends, and no error is of another kind: while the frames of the topic are there, and when
    they are gone."""
    need(part == "group" or not os.environ.get(LIST), "a minute, which make check takes")
    with FrameBufferServer(1 << 16, topics=4, topic_depth=8) as server:
        with children.python(VICTIM, server.get_key(), part, age, env=environment(), stderr=-1, bound=600) as victim:
            _, told = victim.communicate()
    assert victim.returncode == 0, told.decode()[-3000:]
