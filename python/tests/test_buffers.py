"""What may be data: every buffer whose bytes mean something elsewhere, and nothing else."""

import array
import ctypes
import mmap
import pathlib
from typing import Any, Callable, Iterator

import numpy
import pytest

from framebuffer import errors
from framebuffer.client import FrameBufferClient, Frame, Meta
from framebuffer.server import FrameBufferServer

DTYPES = [
    "b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", "c8", "c16", "G", ">i4", ">f8", ">c8", "<u2", "S5", "U3", ">U2",
    "V7", "M8[ns]", "M8[D]", "m8[s]", ">M8[us]", [("a", "i4"), ("b", "f8")], [("t", "M8[s]"), ("v", "f4", (2, 3))], numpy.dtype([("a", "u1"), ("b", "f8")], align=True),
]  # fmt: skip
SHAPES: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda a: a,
    "every other column": lambda a: a[:, ::2],
    "every other row": lambda a: a[::2],
    "backwards": lambda a: a[::-1, ::-1],
    "transposed": lambda a: a.T,
    "Fortran": lambda a: numpy.asfortranarray(a),
    "broadcast": lambda a: numpy.broadcast_to(a[:1, :, None], (2, 6, 3)),
    "of no dimension": lambda a: a[1:2, 1].reshape(()),
    "an element": lambda a: a[1, 2],
    "empty": lambda a: a[:0],
    "empty, and strided": lambda a: a[:, 3:3:2],
    "read-only": lambda a: read_only(a),
    "sliced": lambda a: a[1:3, 1:4],
    "a window": lambda a: numpy.lib.stride_tricks.sliding_window_view(a, (2, 2)),
    "a subclass": lambda a: a.view(Subclass)[:, ::3],
}


class Subclass(numpy.ndarray):
    """Whose own idea of its bytes does not count."""

    def tobytes(self, *_: Any) -> bytes:  # type: ignore[override]
        return b"something else"


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


def ways(client: FrameBufferClient, data: Any, n: int) -> Iterator[bytes]:
    """What every way in makes of data with n bytes."""
    offset = client.allocate(max(n, 1))
    yield client.read(offset, n, client.write(offset, data))
    with client.reserve(n + 3) as place:
        if n:
            assert place.fill(data) == n
        assert place.fill(data, at=3) == n + 3
        yield client.get(place.commit())[3:]
    if n:
        yield client.get(client.put(data))
        yield client.get(client.publisher("cam").publish(data).frame)
    else:
        for put in (client.put, client.publisher("cam").publish):
            with pytest.raises(errors.BadSize):
                put(data)


def refused(client: FrameBufferClient, data: Any, says: str) -> None:
    """By every way in, with words of our own."""
    with client.reserve(1000) as place:
        for way in (client.put, client.publisher("cam").publish, place.fill, lambda d: client.write(client.allocate(1000), d)):
            with pytest.raises(errors.BadBuffer, match=says) as e:
                way(data)
            assert isinstance(e.value, TypeError) and not isinstance(e.value, ValueError)
            assert str(e.value).startswith("framebuffer: bad buffer: it cannot be the data of a frame: the ")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_arrays(client: FrameBufferClient, dtype: Any, shape: str) -> None:
    raw = numpy.random.default_rng(1).integers(0, 128, 4 * 6 * numpy.dtype(dtype).itemsize, numpy.uint8)
    a = numpy.frombuffer(raw, dtype).reshape(4, 6)
    data = SHAPES[shape](a)
    if isinstance(data, str):  # an element of an array of text is a str
        refused(client, data, "encode")
        return
    want = numpy.ndarray.tobytes(data) if isinstance(data, numpy.ndarray) else data.tobytes()
    for got in ways(client, data, len(want)):
        assert got == want


@pytest.fixture
def backend() -> str:
    return "memfd"  # nothing here differs between them


def test_arrays_of_pointers_are_refused(client: FrameBufferClient) -> None:
    class Fields(ctypes.Structure):
        _fields_ = [("n", ctypes.c_int), ("Oh", ctypes.py_object)]

    objects = numpy.array([[1, "two"], [None, {}]], object)
    for data in (
        objects, objects.T, objects[:, ::2], objects[:0], objects[0, :1].reshape(()), objects.view(Subclass),
        numpy.zeros(2, [("n", "i4"), ("o", "O")]), numpy.zeros(2, [("n", "i4"), ("o", "O")])[1], memoryview(objects),
        (ctypes.py_object * 2)(1, 2), (ctypes.c_char_p * 2)(), (ctypes.c_wchar_p * 2)(), (ctypes.POINTER(ctypes.c_int) * 2)(), Fields(), (Fields * 2)(),
    ):  # fmt: skip
        refused(client, data, "pointers .*astype")
        with pytest.raises(errors.BadBuffer, match="pointers"):
            client.read_into(data, client.put(bytes(4)))
    assert objects[0, 1] == "two"


def test_masked_arrays_are_refused_if_they_mask(client: FrameBufferClient) -> None:
    refused(client, numpy.ma.array([1, 2, 3], mask=[0, 1, 0]), "masked.*filled")
    refused(client, numpy.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]).T, "masked.*filled")
    whole = numpy.ma.array([1, 2, 3], numpy.uint8)
    assert client.get(client.put(whole)) == b"\1\2\3"


def test_a_field_is_not_taken_for_a_pointer(client: FrameBufferClient) -> None:
    for a in (numpy.ones(3, [("O", "u1"), ("z", "f4"), ("X&Z", "c8")]), numpy.ones(4, "c16")):
        assert client.get(client.put(memoryview(a))) == a.tobytes()


def test_other_buffers(client: FrameBufferClient, tmp_path: pathlib.Path) -> None:
    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int16), ("y", ctypes.c_double)]

    raw = bytes(range(48))
    (tmp_path / "file").write_bytes(raw)
    file = open(tmp_path / "file", "r+b")
    cube = memoryview(raw).cast("B", (4, 3, 4))
    accepted: list[tuple[Any, bytes]] = [
        (raw, raw), (bytearray(raw), raw), (memoryview(raw)[::-3], raw[::-3]), (memoryview(bytearray(raw))[7:9], raw[7:9]), (cube, raw), (cube[1:3], raw[12:36]),
        (cube[::2], raw[:12] + raw[24:36]),
        (mmap.mmap(file.fileno(), 48), raw), (mmap.mmap(file.fileno(), 48, prot=mmap.PROT_READ), raw), ((ctypes.c_uint8 * 48)(*raw), raw),
        ((ctypes.c_uint16 * 3 * 2)(), bytes(12)), (Point(1, 2), bytes(Point(1, 2))), ((Point * 2)(), bytes(32)), (ctypes.c_int(7), bytes(ctypes.c_int(7))),
    ]  # fmt: skip
    accepted += [(memoryview(raw).cast(code), raw) for code in "cbB?hHiIlLqQnNfdP"]
    accepted += [(memoryview(raw).cast(code)[::2], memoryview(raw).cast(code)[::2].tobytes()) for code in "cbB?hHiIlLqQnNfdP"]
    accepted += [(array.array(code, [1, 2, 3]), array.array(code, [1, 2, 3]).tobytes()) for code in "bBhHiIlLqQfd"]
    accepted += [(array.array("u", "text"), array.array("u", "text").tobytes())]
    for data, want in accepted:
        for got in ways(client, data, len(want)):
            assert got == want
    file.close()


def test_what_has_no_bytes_is_refused(client: FrameBufferClient, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_bytes(bytes(9))
    with open(tmp_path / "file", "r+b") as file:
        closed = mmap.mmap(file.fileno(), 9)
    closed.close()
    released = memoryview(b"x")
    released.release()

    class Tensor:
        """As torch's, which have no buffer."""

    for data, says in (
        ("text", "str is text: encode it"), (5, "int has no buffer"), (None, "NoneType has no"), (["list"], "list has no"), (Tensor(), "Tensor has no.*numpy.asarray"),
        (numpy.str_("text"), "encode"), (closed, "mmap closed"), (released, "released"),
    ):  # fmt: skip
        refused(client, data, says)


def test_where_bytes_can_be_put(client: FrameBufferClient) -> None:
    raw = bytes(range(96))
    frame = client.put(raw)
    for dtype in ("u1", "f2", "M8[ns]", "c8", ">i4", "U2", "V3", [("t", "M8[s]"), ("v", "f4")]):
        to = numpy.zeros(96 // numpy.dtype(dtype).itemsize, dtype)
        assert client.read_into(to, frame) == 96 and to.tobytes() == raw
        for wrong, says in ((to[::2], "in a row"), (to[::-1], "in a row"), (to.reshape(2, -1).T, "in a row"), (read_only(to), "read-only"), (to[0], "read-only|cannot")):
            if isinstance(wrong, str):
                continue
            with pytest.raises(errors.BadBuffer, match=says) as e:
                client.read_into(wrong, frame)
            assert str(e.value).startswith("framebuffer: bad buffer: bytes cannot be put there: the ")
        assert to.tobytes() == raw
    for good in (bytearray(96), array.array("d", bytes(96)), (ctypes.c_int * 24)(), mmap.mmap(-1, 96), memoryview(bytearray(100))[2:98]):
        assert client.read_into(good, frame) == 96 and bytes(good) == raw
    for bad in (bytes(96), memoryview(bytes(96)), memoryview(bytearray(192))[::2], "text", 7, None, numpy.broadcast_to(numpy.uint8(0), 96)):
        with pytest.raises(errors.BadBuffer):
            client.read_into(bad, frame)


def test_more_than_there_is_room_for_is_not_copied(client: FrameBufferClient) -> None:
    """What does not lie in a row is copied when it is known that it fits."""
    vast = numpy.broadcast_to(numpy.uint8(0), (1 << 20, 1 << 20))
    for put in (client.put, client.publisher("cam").publish):
        with pytest.raises(errors.TooLarge, match=str(1 << 40)):
            put(vast)
    with pytest.raises(errors.TooLong):
        client.write(client.allocate(10), vast)
    with client.reserve(10) as place:
        for data, at in ((vast, 0), (b"12345678901", 0), (b"1", 10), (b"1", -1)):
            with pytest.raises(errors.TooLong):
                place.fill(data, at)
        place.abort()
        with pytest.raises(errors.Closed):
            place.fill(b"1")


def test_integers_of_numpy_are_integers(client: FrameBufferClient) -> None:
    for kind in (numpy.int64, numpy.uint64, numpy.uint16):
        offset = client.allocate(kind(3))
        checksum = client.write(offset, b"abc")
        assert client.read(int(offset) if kind is numpy.uint16 else kind(offset), kind(3), checksum) == b"abc"
        assert client.read_into(to := bytearray(3), int(offset), kind(3), checksum) == 3 and to == b"abc"
        with client.reserve(kind(4)) as place:
            place.fill(b"1234")
            assert client.get(place.commit(kind(2))) == b"12"
    for wrong in (3.0, "3", None):
        with pytest.raises(TypeError):
            client.allocate(wrong)


def test_frames_of_integers_of_numpy(client: FrameBufferClient) -> None:
    """As they come out of arrays, in which programs keep them; and sizes of numpy's elsewhere."""
    plain = client.put(b"abc")
    frame = Frame(plain.key, numpy.uint64(plain.offset), numpy.int32(plain.size), plain.checksum)  # type: ignore[arg-type]
    assert frame.to_json() == plain.to_json() and client.get(frame) == b"abc"
    to = bytearray(3)
    assert client.read_into(to, frame) == 3 and to == b"abc"
    with client.view(frame) as view, client.hold(frame, seconds=numpy.float32(9)) as hold:
        assert view == hold.view == b"abc"
    pub = client.publisher("cam")
    for meta in (None, Meta(format="gray")):
        message = pub.publish_frame(frame, meta, time_ns=numpy.int64(5))
        assert message.frame.to_json() == plain.to_json() and message.time_ns == 5
    with client.reserve(8) as place:
        assert place.fill(b"ef", place.fill(b"abcd", numpy.int64(0))) == 6
        assert place.fill(b"d", numpy.uint8(3)) == 4
        assert Frame.from_json(place.commit(numpy.int64(6)).to_json()).size == 6  # type: ignore[arg-type]
    sizes = {"topics": numpy.int64(4), "topic_depth": numpy.int64(9), "hold_limit": numpy.uint16(4096)}
    with FrameBufferServer(numpy.uint32(1 << 20), **sizes) as server:  # type: ignore[arg-type]
        with FrameBufferClient(server.get_key()) as other:
            assert other.get(other.put(bytes(1 << 19))) == bytes(1 << 19)
