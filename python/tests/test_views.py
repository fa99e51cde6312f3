"""Frames in place, and the memory that they lie in."""

import gc
import os
import random

import numpy
import pytest
from conftest import lap

from framebuffer import errors
from framebuffer.client import FrameBufferClient, FrameBufferTimeout
from framebuffer.server import FrameBufferServer


def test_view_without_copying(client: FrameBufferClient) -> None:
    image = numpy.random.default_rng(1).integers(0, 256, (60, 80, 3), numpy.uint8)
    with client.view(client.put(image)) as v:
        seen = numpy.frombuffer(v, numpy.uint8).reshape(60, 80, 3)
        assert not seen.flags.owndata and not seen.flags.writeable
        assert (seen == image).all()


def test_view_is_overwritten(client: FrameBufferClient) -> None:
    frame = client.put(bytes(1000))
    with pytest.raises(FrameBufferTimeout):
        with client.view(frame):
            lap(client)
    with pytest.raises(FrameBufferTimeout) as caught:  # what was made of the bytes does not count
        with client.view(frame := client.put(bytes(1000))):
            lap(client)
            raise ValueError("made of other bytes")
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(KeyboardInterrupt):
        with client.view(client.put(bytes(1000))):
            lap(client)
            raise KeyboardInterrupt
    with pytest.raises(ValueError, match="its own"):
        with client.view(client.put(bytes(1000))):
            raise ValueError("its own")


def test_view_verifies_before(client: FrameBufferClient) -> None:
    frame = client.put(bytes(1000))
    client.write(frame.offset, b"1" * 1000)
    with pytest.raises(FrameBufferTimeout, match="altered"):
        with client.view(frame):
            raise AssertionError("entered")
    with FrameBufferClient(client.key, unverified=True) as trusting:
        with trusting.view(frame) as v:
            assert v == b"1" * 1000


def test_memory_stays_while_views_live(server: FrameBufferServer) -> None:
    with FrameBufferClient(server.get_key()) as c:
        frame = c.put(b"x" * 5000)
        with c.view(frame) as v:
            seen = numpy.frombuffer(v, numpy.uint8)
    del c, v
    gc.collect()
    assert mappings() >= 4, "the client's mapping is there, beside the server's"
    assert (seen == ord("x")).all()
    before = mappings()
    del seen
    gc.collect()
    assert mappings() < before


def mappings() -> int:
    """How many mappings of shared segments this process has."""
    with open("/proc/self/maps") as f:
        return sum("SYSV" in line or "memfd:framebuffer" in line or "/framebuffer-" in line for line in f)


def test_nothing_stays_mapped(backend: str, directory: str) -> None:
    before = mappings(), len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with FrameBufferServer(1 << 20, backend=backend, dir=directory) as s, FrameBufferClient(s.get_key()) as c:
            assert c.get(c.put(b"1")) == b"1"
            c.hold(c.put(b"2"), seconds=9)
        dropped = FrameBufferServer(1 << 20, backend=backend, dir=directory).start()
        FrameBufferClient(dropped.get_key()).start()
        del s, c, dropped
    gc.collect()
    assert (mappings(), len(os.listdir("/proc/self/fd"))) == before
    assert os.listdir(directory) == []


def test_read_only_memory(client: FrameBufferClient) -> None:
    frame = client.put(b"safe")
    with FrameBufferClient(client.key, read_only=True) as r:
        assert r.get(frame) == b"safe"
        assert r.put.__self__ is r
        for call in (lambda: r.put(b"1"), lambda: r.write(frame.offset, b"1"), lambda: r.allocate(1), lambda: r.reserve(1)):
            with pytest.raises(errors.ReadOnly):
                call()
        protection = memory_protection(r)
    assert protection == "r--s"


def memory_protection(client: FrameBufferClient) -> str:
    """What the kernel lets this client do with the ring."""
    at = client._attached().ring.base
    with open("/proc/self/maps") as f:
        for line in f:
            begin, end = (int(x, 16) for x in line.split()[0].split("-"))
            if begin <= at < end:
                return line.split()[1]
    raise AssertionError("not mapped")


def test_the_ring_is_there_twice(client: FrameBufferClient) -> None:
    ring = client._attached().ring
    for _ in range(7):  # somewhere a chunk runs over the end
        data = os.urandom(300_000)
        frame = client.put(data)
        assert client.get(frame) == data
        assert bytes(ring.bytes[:4096]) == bytes(ring.bytes[ring.capacity : ring.capacity + 4096])
