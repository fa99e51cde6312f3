"""Finding a server by its name in a directory, where the two share nothing else."""

import ctypes
import os
import pathlib
import subprocess
import sys

import children
import pytest
from conftest import environment, need

from framebuffer import _shared_dir
from framebuffer.client import FrameBufferClient
from framebuffer.connection import connect
from framebuffer.errors import NoServer
from framebuffer.server import FrameBufferServer

READER = """
import sys
import framebuffer
with framebuffer.connect(name=sys.argv[1]) as c:
    f = c.put(b"frame")
    print(f.offset, f.checksum, flush=True)
"""


def unshared() -> None:
    """Another network namespace, as a container has one: no abstract name leads out of it."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def test_connect_by_a_directory(tmp_path: pathlib.Path) -> None:
    need(os.geteuid() == 0, "root")
    with FrameBufferServer(1 << 20, dir=str(tmp_path)) as server, FrameBufferClient(server.get_key()) as client:
        (tmp_path / "front.key").write_text(server.get_key() + "\n")
        how = {**environment(), "FRAMEBUFFER_DIR": str(tmp_path)}
        done = children.run([sys.executable, "-c", READER, "front"], env=how, preexec_fn=unshared, stdout=subprocess.PIPE, check=True)
        offset, checksum = done.stdout.decode().split()
        assert client.read(offset, 5, checksum) == b"frame"


@pytest.mark.parametrize("name", ["none", "directory", "pipe", "long", "../front", ".front", "a/b"])
def test_where_there_is_no_key(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    within = tmp_path / "within"
    within.mkdir()
    monkeypatch.setenv("FRAMEBUFFER_DIR", str(within))
    (within / "directory.key").mkdir()
    os.mkfifo(within / "pipe.key")
    (within / "long.key").write_text("x" * 5000)
    for beside in (tmp_path / "front.key", within / ".front.key"):
        beside.write_text("fb4_x")
    assert _shared_dir.key_of(name) == ""


def test_other_users_may_write_there(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEBUFFER_DIR", str(tmp_path))
    (tmp_path / "front.key").write_text("fb4_x\n")
    assert _shared_dir.key_of("front") == "fb4_x"
    for mode in (0o777, 0o1777, 0o775):
        tmp_path.chmod(mode)
        assert _shared_dir.key_of("front") == ""


def test_no_key_no_server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEBUFFER_DIR", str(tmp_path))
    with pytest.raises(NoServer):
        connect(name="no-such-server")
