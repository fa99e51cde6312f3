"""The seed's own calls, as its page has them."""

import inspect
from random import getrandbits
from sys import byteorder

import pytest

import framebuffer.client
import framebuffer.server
from framebuffer.client import FrameBufferClient, FrameBufferTimeout
from framebuffer.server import FrameBufferServer


def test_names_and_parameters() -> None:
    assert issubclass(framebuffer.client.FrameBufferTimeout, Exception)
    wanted = {
        FrameBufferServer: {"start": [], "stop": [], "get_key": [], "allocate": ["size"]},
        FrameBufferClient: {"start": [], "stop": [], "write": ["offset", "data"], "read": ["offset", "size", "checksum"]},
    }
    for kind, methods in wanted.items():
        required = [p.name for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
        assert required == (["size"] if kind is FrameBufferServer else ["key"])
        for name, parameters in methods.items():
            assert list(inspect.signature(getattr(kind, name)).parameters) == ["self", *parameters]


def test_writer_and_reader() -> None:
    server = FrameBufferServer(50 * 2**20)
    with server:
        size = 2**20
        data = getrandbits(8 * size).to_bytes(size, byteorder)
        key = server.get_key()
        with FrameBufferClient(key) as client:
            offset = server.allocate(size)
            checksum = client.write(offset, data)
            assert type(key) is type(offset) is type(checksum) is str
            with FrameBufferClient(key) as reader:
                assert reader.read(offset, size, checksum) == data
                assert reader.read(int(offset), size, checksum) == data
                assert type(reader.read(offset, size, checksum)) is bytes
                for _ in range(50):
                    server.allocate(size)
                with pytest.raises(FrameBufferTimeout):
                    reader.read(offset, size, checksum)


def test_start_and_stop() -> None:
    server = FrameBufferServer(4096)
    server.start()
    first = server.get_key()
    client = FrameBufferClient(first)
    client.start()
    client.start()  # it is attached already
    offset = server.allocate(5)
    checksum = client.write(offset, b"hello")
    server.stop()
    server.stop()
    assert client.read(offset, 5, checksum) == b"hello", "reads go on after the server's stop"
    client.stop()
    client.stop()
    for call in (server.get_key, lambda: server.allocate(1), lambda: client.read(offset, 5, checksum), lambda: client.write(offset, b"")):
        with pytest.raises(framebuffer.errors.Closed):
            call()
    server.start()  # anew, with another key
    assert server.get_key() != first
    with pytest.raises(framebuffer.errors.StaleKey):
        client.start()
    server.stop()
