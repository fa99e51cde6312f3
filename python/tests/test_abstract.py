"""Attaching to memfd without the server's directory, by the network namespace."""

import os
import pathlib
import subprocess
import sys

import children
import pytest
from conftest import environment, need

from framebuffer import _peers, errors
from framebuffer._key import Key, parse
from framebuffer._shm import abstract
from framebuffer._shm.location import location_of
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

POSE = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("\\0" + sys.argv[1])
s.listen(8)
print("listening", flush=True)
c, _ = s.accept()
c.settimeout(60)
print(len(c.recv(1)), flush=True)
"""


def moved(key: str) -> str:
    """The key as a client sees it that has not mounted the server's directory."""
    k = parse(key)
    path = os.fsdecode(bytes.fromhex(k.location))
    return str(Key(k.backend, location_of("/made/" + os.path.basename(path)), k.nonce))


def test_attach_without_the_directory(tmp_path: pathlib.Path) -> None:
    with FrameBufferServer(1 << 20, backend="memfd", dir=str(tmp_path)) as server:
        key = server.get_key()
        with FrameBufferClient(moved(key)) as writer, FrameBufferClient(key) as reader:
            f = writer.put(b"frame")
            assert reader.read(f.offset, f.size, f.checksum) == b"frame"
    with pytest.raises(errors.StaleKey):
        FrameBufferClient(moved(key)).start()


def test_a_forked_child_keeps_no_abstract_name(tmp_path: pathlib.Path) -> None:
    server = FrameBufferServer(1 << 20, backend="memfd", dir=str(tmp_path)).start()
    key = server.get_key()
    r, w = os.pipe()

    def wait() -> int:
        os.close(w)
        return len(os.read(r, 1))

    child = children.fork(wait)
    server.stop()
    with pytest.raises(errors.StaleKey):
        FrameBufferClient(moved(key)).start()
    os.close(w)
    assert children.status(child) == 0


@pytest.mark.parametrize("server", [1001, 5000, _peers.overflow().uid])
def test_other_users_are_not_believed(server: int) -> None:
    for client in (0, 1000, server):
        try:
            abstract.judge(server, client, _peers.overflow().uid, "/made/x.fb")
            believed = True
        except errors.NoPermission:
            believed = False
        assert believed == (client == server != _peers.overflow().uid)
    abstract.judge(0, 1000, _peers.overflow().uid, "/made/x.fb")


def test_another_user_that_listens_there_is_not_asked() -> None:
    need(os.geteuid() == 0, "root")
    path = f"/made/{os.getpid():016x}.fb"

    def become() -> None:
        os.setgroups([])
        os.setgid(5001)
        os.setuid(5001)

    posing = [sys.executable, "-c", POSE, abstract.name_of(path)[1:]]
    with children.Child(posing, stdout=subprocess.PIPE, text=True, env=environment(), preexec_fn=become) as other:
        assert other.stdout.readline() == "listening\n"
        with pytest.raises(errors.NoPermission, match="process of user 5001"):
            FrameBufferClient(str(Key("memfd", location_of(path), bytes(16)))).start()
        assert other.stdout.readline() == "0\n"
