"""The errors of testdata/errors.json, which the Go library's tests make happen too."""

import json
import os
from typing import Any, Callable

import pytest
from conftest import TESTDATA

from framebuffer import _layout as L, _libc, errors as E
from framebuffer._key import Key
from framebuffer._text import harmless
from framebuffer.client import FrameBufferClient, Meta
from framebuffer.frame import Frame, parse_checksum
from framebuffer.server import FrameBufferServer

GOLDEN = json.loads((TESTDATA / "errors.json").read_text())["errors"]
KINDS: dict[str, type[Exception]] = {
    "": E.FrameBufferError,
    "bad size": E.BadSize,
    "too large": E.TooLarge,
    "bad offset": E.BadOffset,
    "timeout": E.FrameBufferTimeout,
    "too long": E.TooLong,
    "closed": E.Closed,
    "read-only": E.ReadOnly,
    "bad key": E.BadKey,
    "stale key": E.StaleKey,
    "bad frame": E.BadFrame,
    "hold limit": E.HoldLimit,
    "no memory": E.NoMemory,
    "topic limit": E.TopicLimit,
    "ended": E.Ended,
    "bad name": E.BadName,
    "bad meta": E.BadMeta,
    "damaged": E.Corrupt,
}
MIB = 1 << 20
CAPACITY = {"capacity": MIB, "most": MIB - 64}
made: set[str] = set()


def says(name: str, call: Callable[[], object], /, **values: Any) -> None:
    kind, text = GOLDEN[name]
    with pytest.raises(KINDS[kind]) as caught:
        call()
    assert str(caught.value) == text.format(**{**CAPACITY, **values}), name
    made.add(name)


def head(client: FrameBufferClient) -> int:
    return int(client._attached().control.words[L.OFF_HEAD // 8])


def test_of_frames() -> None:
    server = FrameBufferServer(MIB, backend="sysv").start()
    client = FrameBufferClient(server.get_key()).start()
    start = head(client)
    says("allocate nothing", lambda: client.allocate(0))
    says("allocate too much", lambda: client.allocate(MIB), size=MIB)
    offset = int(client.allocate(100))
    checksum = client.write(offset, bytes(100))
    says("odd offset", lambda: client.read(offset + 1, 1, "0" * 16), offset=offset + 1)
    says("offset of the future", lambda: client.read(offset + (1 << 30), 1, "0" * 16), offset=offset + (1 << 30), start=start, head=head(client))
    says("offset inside a chunk", lambda: client.read(offset + 64, 1, "0" * 16), offset=offset + 64)
    says("write too much", lambda: client.write(offset, bytes(101)), offset=offset)
    says("read too much", lambda: client.read(offset, 101, checksum), offset=offset)
    says("read more than a ring", lambda: client.read(offset, MIB, checksum), size=MIB)
    says("other checksum", lambda: client.read(offset, 100, "0123456789abcdef"), size=100, offset=offset, checksum=checksum)
    says("frame of another ring", lambda: client.get(Frame("elsewhere", offset, 100, checksum)), key=client.key)

    place = client.reserve(100)
    says("commit nothing", lambda: place.commit(0))
    says("commit too much", lambda: place.commit(101))
    client.allocate(MIB - 64)

    def behind(at: int) -> int:
        return head(client) - (at - 64)

    says("read too late", lambda: client.read(offset, 100, checksum), behind=behind(offset), offset=offset)
    says("write too late", lambda: client.write(offset, bytes(100)), behind=behind(offset), offset=offset)
    says("commit too late", lambda: place.commit(100), size=100, behind=behind(place.offset), offset=place.offset)
    says("commit again", lambda: place.commit(100))

    with FrameBufferClient(server.get_key(), read_only=True) as r:
        says("write read-only", lambda: r.write(offset, b""))
        says("allocate read-only", lambda: r.allocate(1))
        says("reserve read-only", lambda: r.reserve(1))

    server.stop()
    says("write after the server's end", lambda: client.write(offset, b""))
    says("allocate after the server's end", lambda: client.allocate(1))
    says("key of a closed server", FrameBufferClient(client.key).start, key=client.key)
    client.stop()


def test_of_frames_as_text() -> None:
    says("frame lacks something", lambda: Frame.from_json('{"key":"k","offset":"64","size":1}'))
    says("frame with an odd offset", lambda: Frame.from_json('{"key":"k","offset":"064","size":1,"checksum":"0123456789abcdef"}'))
    says("frame of negative size", lambda: Frame.from_json('{"key":"k","offset":"64","size":-1,"checksum":"0123456789abcdef"}'))
    says("short checksum", lambda: parse_checksum("abc"))
    says("odd checksum", lambda: parse_checksum("012345678x9abcde"))


def test_of_holds() -> None:
    with FrameBufferServer(MIB, backend="sysv") as server, FrameBufferClient(server.get_key()) as client:
        frame = client.put(bytes(300_000))
        says("hold for nothing", lambda: client.hold(frame, seconds=0))
        says("hold for too long", lambda: client.hold(frame, seconds=3601.5))
        hold = client.hold(frame, seconds=60)
        other = client.put(bytes(300_000))
        length = L.footprint(300_000)
        says("hold too much", lambda: client.hold(other, seconds=60), length=length, sum=2 * length, limit=MIB // 2)
        says("no room between holds", lambda: client.allocate(900_000), held=length, length=L.footprint(900_000))
        hold.release()
        says("hold released", hold.release)


def test_of_keys(tmp_path: Any) -> None:
    front = f"fb{L.VERSION}_sysv_1"
    long = front.ljust(600, "0")
    for name, text in (
        ("empty key", ""),
        ("no key", "/dev/shm/x\n"),
        ("key of another version", "fb1_x"),
        ("key cut short", front),
        ("key mistyped", front + ".2.3_00_12345678"),
        ("long key", long),
    ):
        says(name, FrameBufferClient(text).start, version=L.VERSION, clipped=long[:200])
    with FrameBufferServer(MIB, backend="sysv") as server:
        key = server.get_key()
    says("key of a server that is gone", FrameBufferClient(key).start, key=key, id=key.split("_")[2].split(".")[1])
    with FrameBufferServer(MIB, backend="memfd", dir=str(tmp_path)) as server:
        key = server.get_key()
    path = bytes.fromhex(key.split("_")[2]).decode()
    says("key of a memfd server that is gone", FrameBufferClient(key).start, key=key, path=path)


def test_of_servers() -> None:
    most = (1 << 63) - 1
    says("server of nothing", lambda: FrameBufferServer(0), page=_libc.PAGE)
    says("server too large", lambda: FrameBufferServer(most), size=most)
    says("server with odd hold limit", lambda: FrameBufferServer(MIB, hold_limit=-1))
    says("server with too many topics", lambda: FrameBufferServer(MIB, topics=65537))
    says("server with too deep topics", lambda: FrameBufferServer(MIB, topic_depth=65537))
    says("unknown backend", lambda: FrameBufferServer(MIB, backend="posix"))
    says("sysv with a list of users", FrameBufferServer(MIB, backend="sysv", allow_uids=[7]).start, size=MIB)


def test_of_files(directory: str) -> None:
    says("user listed twice", FrameBufferServer(MIB, backend="file", dir=directory, allow_uids=[7], read_uids=[7]).start, size=MIB)
    says("files on a disk", FrameBufferServer(MIB, backend="file", dir="/proc/x").start, size=MIB, path="/proc/x", kind="type 0x9fa0")
    with FrameBufferServer(MIB, backend="file", dir=directory) as server, FrameBufferClient(server.get_key()) as client:
        key = server.get_key()
        frame = client.put(bytes(1000))
        base = bytes.fromhex(key.split("_")[2]).decode()
        os.truncate(base + ".ring", 0)
        says("read from a shortened file", lambda: client.get(frame))
        says("attach to a shortened file", FrameBufferClient(key).start, key=key, path=base + ".ring")
    says("key of a file server that is gone", FrameBufferClient(key).start, key=key, path=base + ".control")
    none = str(Key("file", b"/made/x".hex(), bytes(16)))
    says("key of no file", FrameBufferClient(none).start, key=none)


def test_of_topics() -> None:
    with FrameBufferServer(MIB, topics=1) as server, FrameBufferClient(server.get_key()) as client:
        says("topic: no name", lambda: client.subscribe(""))
        says("topic: long name", lambda: client.publisher("x" * 65), name="x" * 65)
        says("topic: group with a control character", lambda: client.subscribe("cam", group="a\nb"))
        with FrameBufferClient(client.key, read_only=True) as r:
            says("topic: publish read-only", lambda: r.publisher("cam"))
        pub, sub = client.publisher("cam"), client.subscribe("cam")
        frame = client.put(bytes(100))
        says("topic: frame of another ring", lambda: pub.publish_frame(Frame("elsewhere", frame.offset, 100, frame.checksum)), key=client.key)
        for name, meta in (
            ("topic: long content type", Meta("x" * 49)),
            ("topic: format that is no text", Meta(format="a\0b")),
            ("topic: too many dimensions", Meta(shape=(1,) * 9)),
            ("topic: too much user data", Meta(user=bytes(65))),
            ("topic: negative width", Meta(width=-1)),
        ):
            says(name, lambda: pub.publish_frame(frame, meta), long="x" * 49)
        client.allocate(MIB - 64)
        behind = head(client) - (frame.offset - 64)
        says("topic: publish too late", lambda: pub.publish_frame(frame), behind=behind, offset=frame.offset)
        says("topic: no room for another topic", lambda: client.publisher("more"))
        groups = [client.subscribe("cam", group=f"g{n}") for n in range(128)]
        says("topic: no room for another group", lambda: client.subscribe("cam", group="more"))
        pub.end()
        says("topic: publish after the end", lambda: pub.publish(b"x"))
        says("topic: everything has been seen", sub.next)
        sub.close()
        says("topic: subscription closed", sub.next)
        last = client.subscribe("cam")
        server.stop()
        says("topic: wait after the server's end", last.next)
        for group in groups:
            group.close()


def test_all_of_them_happened(request: pytest.FixtureRequest) -> None:
    ran = {item.name for item in request.session.items if item.path == request.path}
    all_ran = {name for name in globals() if name.startswith("test_")} <= ran
    assert set(GOLDEN) == made if all_ran else made <= set(GOLDEN)


def test_text_of_others_is_harmless() -> None:
    """What a server answers acts on no terminal."""
    evil = "a\x1b[31m\u202eb\u200b\n\x9b\ud800é日"
    assert harmless(evil) == "a\\x1b[31m\\u202eb\\u200b\\n\\x9b\\ud800é日"
