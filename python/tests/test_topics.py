"""Publish and subscribe, between Python and Go too."""

import asyncio
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from conftest import TESTDATA, environment, lap

from framebuffer import _layout as L, errors
from framebuffer.client import FrameBufferClient, FrameBufferTimeout, Message, Meta
from framebuffer.server import FrameBufferServer

META = Meta("video/raw", 1920, 1080, "rgb24", (3, 1080, 1920), b"\0user\xff")


def test_labels_have_the_same_bytes() -> None:
    vectors = json.loads((TESTDATA / "labels.json").read_text())
    assert vectors
    for v in vectors:
        guard = L.Guard(bytes.fromhex(v["nonce"]))
        offset, size, published = int(v["offset"]), int(v["size"]), int(v["published"])
        checksum = int(v["checksum"], 16)
        want = bytes.fromhex(v["header"])
        own = guard(offset, size)
        stamp = L.stamp(guard, own, checksum, published, v["topic"], int(v["sequence"]))
        _, _, time_, client, pid = L.CHUNK_FRONT.unpack(want[: L.CHUNK_FRONT.size])[:5]
        assert L.LABELLED.pack(offset, size, time_, client, pid, own, stamp, checksum, published) == want


def test_in_order_with_all_that_is_said(client: FrameBufferClient) -> None:
    with client.subscribe("cam") as sub:
        pub = client.publisher("cam")
        sent = [pub.publish(bytes([n]) * 1000, META if n % 2 else None) for n in range(10)]
        got = [sub.next() for _ in sent]
        assert got == sent
        assert [m.sequence for m in got] == list(range(10))
        for n, m in enumerate(got):
            assert client.get(m.frame) == bytes([n]) * 1000
            assert m.meta == (META if n % 2 else Meta())
        with pytest.raises(TimeoutError):
            sub.next(timeout=0)
        with pytest.raises(TimeoutError):
            sub.next(timeout=0.01)
        assert (sub.received, sub.lost) == (10, 0)


def test_a_frame_is_published_twice(client: FrameBufferClient) -> None:
    """It has one label; the second time takes a record, and so does another client's frame."""
    frame = client.put(b"twice")
    with FrameBufferClient(client.key) as other, client.subscribe("cam") as sub:
        client.publisher("cam").publish_frame(frame, time_ns=5)
        client.publisher("cam").publish_frame(frame, time_ns=-6)
        other.publisher("cam").publish_frame(frame, META)
        assert [(m.frame, m.time_ns, m.meta) for m in (sub.next(), sub.next())] == [(frame, 5, Meta()), (frame, -6, Meta())]
        assert sub.next().meta == META


def test_reserved_frames(client: FrameBufferClient) -> None:
    with client.subscribe("cam") as sub, client.reserve(100) as place:
        place.bytes[:5] = b"hello"
        client.publisher("cam").publish_frame(place.commit(5))  # shorter than its chunk: a record
        with client.view(sub.next().frame) as v:
            assert v == b"hello"


def test_lagging_is_told(client: FrameBufferClient) -> None:
    with client.subscribe("cam") as sub, client.subscribe("cam", group="g") as member:
        pub = client.publisher("cam")
        for n in range(100):
            pub.publish(bytes([n]) * 50_000)
        for s in (sub, member):
            message = s.next()
            assert message.lost == message.sequence == s.lost > 0
            assert client.get(message.frame) == bytes([message.sequence]) * 50_000
            while message.sequence < 99:
                message = s.next()
                assert message.lost == 0
            assert s.received + s.lost == 100


def test_deeper_than_the_queue(server: FrameBufferServer) -> None:
    with FrameBufferServer(1 << 20, topic_depth=4) as s, FrameBufferClient(s.get_key()) as c, c.subscribe("t") as sub:
        pub = c.publisher("t")
        for n in range(200):  # more laps of the queue than its tags count
            pub.publish(bytes([n]))
            if n % 50 == 3:
                assert [sub.next().sequence for _ in range(4)] == [n - 3, n - 2, n - 1, n]
        assert sub.lost == 154 - 16 and sub.next().lost == 196 - 154


def test_where_to_begin(client: FrameBufferClient) -> None:
    pub = client.publisher("cam")
    with client.subscribe("cam", start="oldest") as first:
        for n in range(3):
            pub.publish(bytes([n]))
        assert first.next().sequence == 0
    with client.subscribe("cam", start="oldest") as oldest, client.subscribe("cam", start="newest") as newest, client.subscribe("cam") as following:
        assert (oldest.next().sequence, newest.next().sequence) == (0, 2)
        with pytest.raises(TimeoutError):
            following.next(timeout=0)
        pub.publish(b"x")
        assert following.next().sequence == 3
    with pytest.raises(ValueError):
        client.subscribe("cam", start="middle")


def test_groups_share(client: FrameBufferClient) -> None:
    pub = client.publisher("cam")
    with client.subscribe("cam", group="workers") as a, client.subscribe("cam", group="workers") as b:
        for n in range(10):
            pub.publish(bytes([n]))
        got = [(a if n % 3 else b).next().sequence for n in range(10)]
        assert got == list(range(10))
        with pytest.raises(TimeoutError):
            a.next(timeout=0)


def test_the_end(client: FrameBufferClient) -> None:
    pub = client.publisher("cam")
    with client.subscribe("cam") as sub:
        pub.publish(b"last")
        pub.end()
        assert [m.sequence for m in sub] == [0]
        with pytest.raises(errors.Ended):
            sub.next()
        with pytest.raises(errors.Ended):
            pub.publish(b"too late")
        with client.subscribe("cam") as later:
            with pytest.raises(TimeoutError):
                later.next(timeout=0)
            client.publisher("cam").publish(b"again")
            assert later.next().sequence == sub.next().sequence == 1


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


def test_what_cannot_be(client: FrameBufferClient) -> None:
    for name in ("", "x" * 65, "é" * 33, "a\nb", "\ud800", "\x7f"):
        with pytest.raises(errors.BadName):
            client.publisher(name)
        with pytest.raises(errors.BadName):
            client.subscribe(name)
    with pytest.raises(errors.BadName):
        client.subscribe("cam", group="\0")
    pub = client.publisher("é" * 32)
    for meta in (Meta("x" * 49), Meta(format="x" * 17), Meta("a\0b"), Meta(width=-1), Meta(height=1 << 32), Meta(shape=(1,) * 9), Meta(user=b"x" * 65)):
        with pytest.raises(errors.BadMeta):
            pub.publish(b"x", meta)
    frame = client.put(b"x" * 100)
    with pytest.raises(errors.BadKey):
        pub.publish_frame(frame._replace(key="elsewhere"))
    with pytest.raises(errors.BadSize):
        pub.publish_frame(frame._replace(size=101))
    with pytest.raises(errors.BadOffset):
        pub.publish_frame(frame._replace(offset=1))
    lap(client)
    with pytest.raises(FrameBufferTimeout):
        pub.publish_frame(frame)
    with FrameBufferClient(client.key, read_only=True) as r:
        with pytest.raises(errors.ReadOnly):
            r.publisher("cam")
        with r.subscribe("cam") as sub:
            client.publisher("cam").publish(b"to all")
            assert r.get(sub.next().frame) == b"to all"
    with FrameBufferServer(1 << 20, topics=2) as s, FrameBufferClient(s.get_key()) as c:
        c.publisher("a"), c.publisher("b"), c.publisher("a")
        with pytest.raises(errors.TopicLimit):
            c.publisher("c")


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
                subprocess.Popen([sys.executable, "-c", PUBLISH, client.key, f"{turn}{i}"], env=environment(), stdout=subprocess.PIPE) for i in range(2)
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


def test_subscribers_are_seen(client: FrameBufferClient, programs: pathlib.Path) -> None:
    with client.subscribe("cam/front") as sub:
        pub = client.publisher("cam/front")
        for _ in range(3):
            pub.publish(b"x")
        sub.next(), sub.next()
        with pytest.raises(TimeoutError):
            sub.next(timeout=0) and sub.next(timeout=0)
        out = json.loads(subprocess.run([programs / "framebuffer", "topics", "--json", "--key", client.key], check=True, capture_output=True).stdout)
        assert (out["name"], out["published"]) == ("cam/front", 3)
        assert [(s["pid"], s["received"]) for s in out["subscribers"]] == [(os.getpid(), 3)]


def test_a_forked_subscriber(client: FrameBufferClient) -> None:
    with client.subscribe("cam") as sub:
        pub = client.publisher("cam")
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = 0 if [sub.next().sequence for _ in range(3)] == [0, 1, 2] else 2
            finally:
                os._exit(status)
        for _ in range(3):
            pub.publish(b"to both")
        assert [sub.next().sequence for _ in range(3)] == [0, 1, 2]
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_go_publishes(client: FrameBufferClient, programs: pathlib.Path) -> None:
    data = random.Random(1).randbytes(3 * 6912)
    with client.subscribe("video") as sub:
        pub = subprocess.Popen([programs / "framebuffer", "pub", "video", "--key", client.key, "--video", "48x48:rgb24"], stdin=subprocess.PIPE)
        assert pub.stdin is not None
        pub.stdin.write(data)
        pub.stdin.close()
        got: list[Message] = list(sub)
        assert pub.wait() == 0
    assert b"".join(client.get(m.frame) for m in got) == data
    assert {(m.meta.width, m.meta.height, m.meta.format) for m in got} == {(48, 48, "rgb24")}
    with client.subscribe("files") as sub:
        subprocess.run([programs / "framebuffer", "pub", "files", "--key", client.key, "--frame-size", "100", "--keep"], input=data[:1000], check=True)
        assert b"".join(client.get(sub.next().frame) for _ in range(10)) == data[:1000]


def test_go_subscribes(client: FrameBufferClient, programs: pathlib.Path) -> None:
    parts = [random.Random(n).randbytes(n * 977 + 1) for n in range(20)]
    out = subprocess.Popen([programs / "framebuffer", "sub", "cam", "--key", client.key], stdout=subprocess.PIPE)
    pub = client.publisher("cam")
    subs = client._attached().control
    table = subs.tables.subs
    while not any(subs.halves[(table.entry(i) + L.SUB_TOPIC) // 4] for i in range(table.count)):
        pass  # until it has subscribed
    for n, part in enumerate(parts):
        pub.publish(part, META if n % 2 else None)
    pub.end()
    assert out.stdout is not None
    assert out.stdout.read() == b"".join(parts)
    assert out.wait() == 0
    out.stdout.close()


