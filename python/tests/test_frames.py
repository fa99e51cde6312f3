"""Frames of all kinds: written, read, and lost."""

import array
import json
import os
import pickle
import random

import children
import numpy
import pytest
from conftest import lap, need

from framebuffer import errors
from framebuffer.client import FrameBufferClient, FrameBufferTimeout
from framebuffer.frame import Frame
from framebuffer.server import FrameBufferServer

SIZES = [1, 2, 63, 64, 65, 4096, 65535, 65536, 65537, 131072, 131073, 500_001, (1 << 20) - 64]


@pytest.mark.parametrize("size", SIZES)
def test_every_way_in_and_out(client: FrameBufferClient, server: FrameBufferServer, size: int) -> None:
    data = random.Random(size).randbytes(size)
    offset = server.allocate(size)
    checksum = client.write(offset, data)
    assert client.read(offset, size, checksum) == data
    frame = client.put(data)
    assert frame.checksum == checksum and frame.size == size
    assert client.get(frame) == data
    buffer = bytearray(size + 3)
    assert client.read_into(buffer, frame) == size
    assert buffer == data + b"\0\0\0"
    with client.view(frame) as v:
        assert v.readonly and v == data
    with client.reserve(size) as place:
        place.bytes[:] = data
        frame = place.commit()
    assert frame.checksum == checksum and client.get(frame) == data
    lap(client)
    for call in (client.get, lambda f: client.read_into(buffer, f), lambda f: client.view(f).__enter__(), lambda f: client.hold(f, seconds=1)):
        with pytest.raises(FrameBufferTimeout):
            call(frame)
    with pytest.raises(FrameBufferTimeout):
        client.write(frame.offset, data)


def test_any_buffer_is_data(client: FrameBufferClient) -> None:
    image = numpy.arange(24, dtype=numpy.uint16).reshape(4, 6)
    for data, want in (
        (b"bytes", b"bytes"),
        (bytearray(b"bytearray"), b"bytearray"),
        (memoryview(b"0123456789")[2:8], b"234567"),
        (memoryview(b"0123456789")[::2], b"02468"),
        (array.array("d", [1.5, 2.5]), array.array("d", [1.5, 2.5]).tobytes()),
        (image, image.tobytes()),
        (image[:, ::2], image[:, ::2].tobytes()),
        (image.T, image.T.tobytes()),
    ):
        assert client.get(client.put(data)) == want
    for wrong in ("text", 5, None, ["list"]):
        with pytest.raises(TypeError):
            client.put(wrong)


def test_empty_data_can_be_written_and_not_put(client: FrameBufferClient) -> None:
    offset = client.allocate(10)
    assert client.read(offset, 0, client.write(offset, b"")) == b""
    with pytest.raises(errors.BadSize):
        client.put(b"")


def test_a_shorter_frame_than_its_chunk(client: FrameBufferClient) -> None:
    offset = client.allocate(1000)
    assert client.read(offset, 3, client.write(offset, b"abc")) == b"abc"
    with client.reserve(1000) as place:
        numpy.frombuffer(place.bytes, numpy.uint8)[:5] = [1, 2, 3, 4, 5]
        frame = place.commit(5)
    assert client.get(frame) == b"\1\2\3\4\5"


def test_errors_leave_zeroes_or_what_was_there(client: FrameBufferClient) -> None:
    frame = client.put(b"a" * 200_000)
    wrong = frame._replace(checksum="0" * 16)
    buffer = bytearray(b"z" * 200_001)
    with pytest.raises(FrameBufferTimeout):
        client.read_into(buffer, wrong)
    assert buffer == bytes(200_000) + b"z"
    with pytest.raises(errors.BadSize):
        client.read_into(bytearray(10), frame)
    with pytest.raises((BufferError, TypeError)):
        client.read_into(b"read-only", frame)
    with pytest.raises(BufferError):
        client.read_into(numpy.zeros((600, 600), numpy.uint8).T[::2], frame)


def test_arguments_lose_nothing(client: FrameBufferClient) -> None:
    frame = client.put(b"kept")
    for offset in (-1, 1 << 64, 0, 63, 64, (1 << 64) - 64, "-64", "0x40", "064", " 64", "", "9" * 30):
        with pytest.raises(errors.BadOffset):
            client.read(offset, 1, frame.checksum)
    for size in (-1, 5, 1 << 20, 1 << 70):
        with pytest.raises(errors.BadSize):
            client.read(frame.offset, size, frame.checksum)
    for size in (-1, 0):
        with pytest.raises(errors.BadSize):
            client.allocate(size)
    for size in ((1 << 20) - 63, 1 << 63, 1 << 70):
        with pytest.raises(errors.TooLarge):
            client.allocate(size)
    assert client.get(frame) == b"kept"


def test_frames_as_json(client: FrameBufferClient) -> None:
    frame = client.put(b"travels")
    text = frame.to_json()
    assert json.loads(text) == {"key": client.key, "offset": str(frame.offset), "size": 7, "checksum": frame.checksum}
    assert Frame.from_json(text) == Frame.from_json(text.encode()) == Frame.from_json(f" {text}\n") == frame
    assert str(frame) == text
    assert Frame.from_json(text.replace(frame.checksum, frame.checksum.upper())) == frame
    for bad in ("", "[]", "1", "null", text + "x", text[:-1], text.replace('"size":7', '"size":7.5'), text.replace('"size":7', '"size":true'),
                text.replace("}", ',"more":1}'), text.replace(f'"{frame.offset}"', str(frame.offset)), "[" * 100_000, '{"key":NaN}', b"\xff"):
        with pytest.raises(errors.BadFrame):
            Frame.from_json(bad)


def test_counters(client: FrameBufferClient) -> None:
    from framebuffer import _layout as L

    frame = client.put(bytes(1000))
    client.get(frame)
    with client.view(frame):
        pass
    with pytest.raises(FrameBufferTimeout):
        client.get(frame._replace(checksum="0" * 16))
    lap(client)
    with pytest.raises(FrameBufferTimeout):
        client.get(frame)
    slot = client._attached().slot
    at = slot._control.tables.slots.entry(slot.index)
    words = slot._control.words

    def count(which: int) -> int:
        return int(words[(at + which) // 8])

    assert count(L.SLOT_WRITES) == 1 and count(L.SLOT_WRITTEN_BYTES) == 1000
    assert count(L.SLOT_READS) == 2 and count(L.SLOT_READ_BYTES) == 2000
    assert count(L.SLOT_ALLOCATIONS) == 2 and count(L.SLOT_ALLOCATED_BYTES) == L.footprint(1000) + (1 << 20)
    assert count(L.SLOT_OVERWRITTEN) == 1 and count(L.SLOT_ALTERED) == 1
    assert count(L.SLOT_LAST) == frame.offset
    remote = (L.SLOT_EXTERNAL_READS, L.SLOT_EXTERNAL_BYTES, L.SLOT_EXTERNAL_TIMEOUTS)
    for n, which in enumerate((*remote, L.SLOT_EXTERNAL_REASON)):  # as if a service had read for this client
        words[(at + which) // 8] = n + 1
    client.stop()
    assert count(L.SLOT_CLAIM) == 0
    rest = slot._control.tables.slots.entry(0)
    assert words[(rest + L.SLOT_WRITES) // 8] == 1
    assert [words[(rest + which) // 8] for which in remote] == [1, 2, 3]
    assert [count(which) for which in remote] == [0, 0, 0]
    assert words[(rest + L.SLOT_EXTERNAL_REASON) // 8] == 4
    with FrameBufferClient(client.key) as again:
        assert slot._control.tables.slots.entry(again._attached().slot.index) == at and count(L.SLOT_EXTERNAL_REASON) == 0


def test_reads_of_large_frames_are_timed() -> None:
    from framebuffer import _layout as L

    with FrameBufferServer(4 << 20) as large, FrameBufferClient(large.get_key()) as client:
        slot = client._attached().slot
        at = slot._control.tables.slots.entry(slot.index)
        words = slot._control.words

        def timed() -> tuple[int, int]:
            return int(words[(at + L.SLOT_TIMED_BYTES) // 8]), int(words[(at + L.SLOT_TIMED_NS) // 8])

        small = client.put(bytes((256 << 10) - 1))
        client.get(small)
        with client.view(small):
            pass
        assert timed() == (0, 0)
        frame = client.put(bytes(256 << 10))
        with pytest.raises(FrameBufferTimeout):
            client.get(frame._replace(checksum="0" * 16))
        assert timed() == (0, 0)
        client.get(frame)
        size, ns = timed()
        assert size == 256 << 10 and ns > 0
        with client.view(frame):
            pass
        size, more = timed()
        assert size == 512 << 10 and more > ns
        client.stop()
        assert timed() == (0, 0)
        rest = slot._control.tables.slots.entry(0)
        assert words[(rest + L.SLOT_TIMED_BYTES) // 8] == 512 << 10 and words[(rest + L.SLOT_TIMED_NS) // 8] == more


def test_pickling(client: FrameBufferClient, server: FrameBufferServer) -> None:
    frame = client.put(b"goes along")
    other: FrameBufferClient = pickle.loads(pickle.dumps(client))
    assert other.get(pickle.loads(pickle.dumps(frame))) == b"goes along"
    other.stop()
    idle: FrameBufferClient = pickle.loads(pickle.dumps(FrameBufferClient(client.key, read_only=True)))
    with pytest.raises(errors.Closed):
        idle.get(frame)
    with pytest.raises(TypeError, match="get_key"):
        pickle.dumps(server)


def test_other_users_by_mode(directory: str) -> None:
    need(os.geteuid() == 0, "root")
    for mode, admitted in ((0o600, False), (0o666, True)):
        for backend in ("sysv", "memfd"):
            with FrameBufferServer(1 << 20, backend=backend, dir=directory, mode=mode) as s:

                def visit() -> int:
                    os.setgid(65534)
                    os.setuid(65534)
                    try:
                        with FrameBufferClient(s.get_key()) as c:
                            return 0 if c.get(c.put(b"x")) == b"x" else 4
                    except errors.NoPermission:
                        return 1

                assert children.forked(visit) == (0 if admitted else 1), (backend, oct(mode))
