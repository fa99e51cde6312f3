"""Topics under peers that write nonsense, are killed, or fork."""

import os
import random
import signal
import subprocess
import sys

import children
from conftest import environment

from framebuffer import _layout as L, errors
from framebuffer.client import FrameBufferClient, FrameBufferTimeout, Meta

META = Meta("video/raw", 1920, 1080, "rgb24", (3, 1080, 1920), b"\0user\xff")


def test_a_hostile_peer_writes_over_topics(client: FrameBufferClient) -> None:
    """Lost frames and errors, no wrong bytes, no hang."""
    dice = random.Random(7)
    c = client._attached().control
    table = c.tables.topics
    pub = client.publisher("cam")
    for _ in range(300):
        try:
            with client.subscribe("cam", start="oldest") as sub:
                for n in range(3):
                    try:
                        pub.publish(bytes([n]) * dice.choice([10, 3000]), META if n else None)
                    except errors.FrameBufferError:
                        pass
                at = table.entry(sub._topic.index) + L.TOPIC_NEXT + 8 * dice.randrange(2 + c.depth)
                if dice.random() < 0.5:
                    c.words[at // 8] = dice.choice([0, L.MASK, dice.getrandbits(64), c.words[at // 8] ^ 1 << dice.randrange(64)])
                else:
                    ring = client._attached().ring
                    spot = dice.randrange(ring.capacity // 64) * 64
                    ring.bytes[spot : spot + 64] = dice.randbytes(64)
                for _ in range(3):
                    try:
                        message = sub.next(timeout=0)
                        data = client.get(message.frame)
                        assert len(set(data)) == 1
                    except (errors.FrameBufferError, TimeoutError):
                        pass
        except errors.FrameBufferError:
            pass


PUBLISH = """
import sys
from framebuffer.client import FrameBufferClient, FrameBufferTimeout
with FrameBufferClient(sys.argv[1]) as c:
    pub, n = c.publisher("load"), 0
    while True:
        data = sys.argv[2].encode() + b":%d:" % n
        try:
            pub.publish(data * 100)
        except FrameBufferTimeout:
            continue
        n += 1
        if n == 1:
            print(flush=True)
"""


def test_every_frame_of_publishers_that_are_killed(client: FrameBufferClient) -> None:
    """Each has one number, is received or counted, in order; nobody waits for the dead."""
    with client.subscribe("load") as sub:
        for turn in range(4):
            both = [
                children.Child([sys.executable, "-c", PUBLISH, client.key, f"{turn}{i}"], env=environment(), stdout=subprocess.PIPE) for i in range(2)
            ]
            for p in both:
                assert p.stdout is not None and p.stdout.readline() == b"\n"
            last: dict[bytes, int] = {}
            expected = None
            for _ in range(300):
                m = sub.next()
                assert expected is None or m.sequence == expected + m.lost
                expected = m.sequence + 1
                try:
                    data = client.get(m.frame)
                except FrameBufferTimeout:
                    continue
                who, number, _ = data.split(b":", 2)
                assert data == b":".join([who, number, b""]) * 100
                assert last.get(who, -1) < int(number)
                last[who] = int(number)
            for p in both:
                p.send_signal(signal.SIGKILL)
                p.wait()
                assert p.stdout is not None
                p.stdout.close()
            try:
                while True:
                    sub.next(timeout=0)
            except TimeoutError:
                pass
        client.publisher("load").publish(b"the next")
        assert client.get(sub.next(timeout=30).frame) == b"the next"


def test_a_forked_subscriber(client: FrameBufferClient) -> None:
    with client.subscribe("cam") as sub:
        pub = client.publisher("cam")
        child = children.fork(lambda: 0 if [sub.next().sequence for _ in range(3)] == [0, 1, 2] else 2)
        for _ in range(3):
            pub.publish(b"to both")
        assert [sub.next().sequence for _ in range(3)] == [0, 1, 2]
        assert children.status(child) == 0
