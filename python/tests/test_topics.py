"""Publish and subscribe, between Python and Go too."""

import json
import os
import pathlib
import random
import subprocess

import children
import pytest
from conftest import TESTDATA, lap

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


@pytest.mark.parametrize("first", [0, 1, 7, 8, 9, 886, 31 * 8, 31 * 8 + 3, 1 << 40])
def test_numbers_below_the_first_are_not_lost(first: int) -> None:
    """A copy of another topic that was about to begin with that number, and was killed: the next
    publisher begins there, and no subscriber has lost what was never published."""
    with FrameBufferServer(1 << 20, topic_depth=8) as server, FrameBufferClient(server.get_key()) as c:
        subs = [c.subscribe("cam"), c.subscribe("cam", start="oldest"), c.subscribe("cam", group="g")]
        topic = subs[0]._topic
        if first:
            topic._words[topic._first] = first + 1
        pub = c.publisher("cam")
        assert [pub.publish(bytes([n])).sequence for n in range(3)] == [first, first + 1, first + 2]
        subs += [c.subscribe("cam", start="oldest"), c.subscribe("cam", group="late", start="oldest")]
        for sub in subs:
            message = sub.next()
            assert (message.sequence, message.lost, sub.lost) == (first, 0, 0)
        for n in range(20):  # and what is overrun is
            pub.publish(bytes([n]))
        for sub in subs:
            message = sub.next()
            assert (message.lost, sub.lost) == (message.sequence - first - 1,) * 2
        assert topic._words[topic._first] == first + 1


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


def test_from_the_first_frame_ever_published() -> None:
    """Those that are gone are lost, also to a group."""
    with FrameBufferServer(1 << 20, topic_depth=4) as s, FrameBufferClient(s.get_key()) as c:
        pub = c.publisher("cam")
        for n in range(10):
            pub.publish(bytes([n]))
        with c.subscribe("cam", start="first") as alone, c.subscribe("cam", start="first", group="g") as member:
            for sub in (alone, member):
                message = sub.next()
                assert message.lost == message.sequence == sub.lost >= 6


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


def test_subscribers_are_seen(client: FrameBufferClient, programs: pathlib.Path) -> None:
    with client.subscribe("cam/front") as sub:
        pub = client.publisher("cam/front")
        for _ in range(3):
            pub.publish(b"x")
        sub.next(), sub.next()
        with pytest.raises(TimeoutError):
            sub.next(timeout=0) and sub.next(timeout=0)
        out = json.loads(children.run([programs / "framebuffer", "topics", "--json", "--key", client.key], check=True, capture_output=True).stdout)
        assert (out["name"], out["published"]) == ("cam/front", 3)
        assert [(s["pid"], s["received"]) for s in out["subscribers"]] == [(os.getpid(), 3)]


def test_go_publishes(client: FrameBufferClient, programs: pathlib.Path) -> None:
    data = random.Random(1).randbytes(3 * 6912)
    with client.subscribe("video") as sub:
        pub = children.Child([programs / "framebuffer", "pub", "video", "--key", client.key, "--video", "48x48:rgb24"], stdin=subprocess.PIPE)
        assert pub.stdin is not None
        pub.stdin.write(data)
        pub.stdin.close()
        got: list[Message] = list(sub)
        assert pub.wait() == 0
    assert b"".join(client.get(m.frame) for m in got) == data
    assert {(m.meta.width, m.meta.height, m.meta.format) for m in got} == {(48, 48, "rgb24")}
    with client.subscribe("files") as sub:
        children.run([programs / "framebuffer", "pub", "files", "--key", client.key, "--frame-size", "100", "--keep"], input=data[:1000], check=True)
        assert b"".join(client.get(sub.next().frame) for _ in range(10)) == data[:1000]


def test_go_subscribes(client: FrameBufferClient, programs: pathlib.Path) -> None:
    parts = [random.Random(n).randbytes(n * 977 + 1) for n in range(20)]
    out = children.Child([programs / "framebuffer", "sub", "cam", "--key", client.key], stdout=subprocess.PIPE)
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


