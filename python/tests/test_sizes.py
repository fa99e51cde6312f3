"""Frames that are nearly as large as the ring arrive, or the publisher is told."""

import re
from typing import Callable

import pytest
from framebuffer.client import FrameBufferClient, FrameBufferTimeout, Frame, Message, Meta
from framebuffer.errors import HoldLimit, TooLarge
from framebuffer.server import FrameBufferServer

RING = 1 << 20
LABEL, LONG, SHORT = 64, 64 + 320, 64 + 128  # what of the ring is not the frame's own bytes
GRAY = Meta(format="gray")


def _reserved(client: FrameBufferClient, size: int) -> Frame:
    return client.reserve(size).commit(size)


def _again(client: FrameBufferClient, frame: Frame) -> Message:
    client.publisher("first").publish_frame(frame)
    return client.publisher("cam").publish_frame(frame)


def _by_another(client: FrameBufferClient, frame: Frame) -> Message:
    with FrameBufferClient(client.key) as other:
        return other.publisher("cam").publish_frame(frame)


@pytest.mark.parametrize(
    ("beside", "publish"),
    [
        (LABEL, lambda c, f: c.publisher("cam").publish_frame(f)),
        (LABEL, lambda c, f: c.publisher("cam").publish_frame(f, Meta())),
        (LONG, lambda c, f: c.publisher("cam").publish_frame(f, GRAY)),
        (SHORT, _again),
        (SHORT, _by_another),
    ],
    ids=["without metadata", "with empty metadata", "with metadata", "again", "by another client"],
)
def test_frames_as_large_as_the_ring(beside: int, publish: Callable[[FrameBufferClient, Frame], Message]) -> None:
    with FrameBufferServer(RING) as server, FrameBufferClient(server.get_key()) as client, client.subscribe("cam") as sub:
        most = RING - beside
        for size in sorted({*range(RING - 1024, RING - 63, 64), *range(most - 2, min(most + 3, RING - 63))}):
            frame = _reserved(client, size)
            if size > most:
                with pytest.raises(TooLarge, match=f"at most {most} bytes"):
                    publish(client, frame)
                continue
            message = publish(client, frame)
            got = sub.next(timeout=0)
            assert got == message
            assert len(client.get(got.frame)) == size


def test_what_is_too_large_overwrites_nothing() -> None:
    with FrameBufferServer(RING) as server, FrameBufferClient(server.get_key()) as client, client.subscribe("cam") as sub:
        pub = client.publisher("cam")
        assert (pub.max_size(), pub.max_size(Meta()), pub.max_size(GRAY)) == (RING - LABEL, RING - LABEL, RING - LONG)
        kept = pub.publish(b"kept")
        with pytest.raises(TooLarge, match=f"at most {RING - LONG} bytes"):
            pub.publish(bytes(RING - LONG + 1), GRAY)
        assert client.get(kept.frame) == b"kept"
        sub.next(timeout=0)
        for meta in None, GRAY:
            sent = pub.publish(bytes(pub.max_size(meta)), meta)
            assert sub.next(timeout=0) == sent
            client.get(sent.frame)


def test_beside_a_hold() -> None:
    with FrameBufferServer(RING) as server, FrameBufferClient(server.get_key()) as client, client.subscribe("cam") as sub:
        pub, kept = client.publisher("cam"), client.put(bytes((64 << 10) - 64))
        free = RING - (64 << 10)
        with client.hold(kept, seconds=60) as held:
            for size in range(free - 1024, free - 63, 64):
                frame = client.put(bytes(size))
                if size > free - LONG:
                    with pytest.raises(HoldLimit, match=re.escape("that describe it")):
                        pub.publish_frame(frame, GRAY)
                    continue
                sent = pub.publish_frame(frame, GRAY)
                assert sub.next(timeout=0) == sent
                client.get(sent.frame)
            held.check()


def test_at_the_end_of_a_frames_life() -> None:
    with FrameBufferServer(RING) as server, FrameBufferClient(server.get_key()) as client, client.subscribe("cam") as sub:
        pub = client.publisher("cam")
        for left in range(0, 1025, 64):
            frame = client.put(b"old")
            client.allocate(RING - 128 - 64 - left)
            if left < 320:
                with pytest.raises(FrameBufferTimeout, match="would overwrite it"):
                    pub.publish_frame(frame, GRAY)
            else:
                sent = pub.publish_frame(frame, GRAY)
                assert sub.next(timeout=0) == sent
                assert client.get(frame) == b"old"
