"""What clients find a server by is cleaned away under it: by systemd-tmpfiles, or by hand."""

import logging
import os
import pathlib
import shutil
import socket
import time
from typing import Callable

import children
import pytest
from conftest import need

from framebuffer import errors
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

PATIENCE = 60


def soon(ok: Callable[[], bool]) -> None:
    """Waits for what the server's thread does in its own time."""
    end = time.monotonic() + PATIENCE
    while not ok():
        assert time.monotonic() < end
        time.sleep(0.01)


def attaches(key: str) -> bool:
    try:
        with FrameBufferClient(key) as c:
            return bool(c.get(c.put(b"x")) == b"x")
    except errors.StaleKey:
        return False


def test_removed_socket_comes_back(directory: str, caplog: pytest.LogCaptureFixture) -> None:
    inside = os.path.join(directory, "sockets")
    with FrameBufferServer(1 << 16, backend="memfd", dir=inside) as server:
        socket = os.path.join(inside, os.listdir(inside)[0])
        for remove in (lambda: os.unlink(socket), lambda: shutil.rmtree(inside)):
            remove()
            soon(lambda: os.path.exists(socket))
            assert attaches(server.get_key())
        assert "there again" in caplog.text
    assert os.listdir(inside) == []
    os.rmdir(inside)


def test_socket_is_removed_while_it_is_bound(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listen, removed = socket.socket.listen, 0

    def late(self: socket.socket, backlog: int) -> None:
        nonlocal removed
        if removed < 2:  # as a server does that starts beside it
            pathlib.Path(self.getsockname()).unlink()
            removed += 1
        listen(self, backlog)

    monkeypatch.setattr(socket.socket, "listen", late)
    with FrameBufferServer(1 << 16, backend="memfd", dir=directory) as server:
        assert removed == 2 and attaches(server.get_key())


def test_another_socket_is_not_replaced(directory: str, caplog: pytest.LogCaptureFixture) -> None:
    with FrameBufferServer(1 << 16, backend="memfd", dir=directory):
        socket = os.path.join(directory, os.listdir(directory)[0])
        pathlib.Path(directory, "other").touch()
        os.rename(os.path.join(directory, "other"), socket)
        soon(lambda: "another file has the name" in caplog.text)
    os.unlink(socket)  # the server left it


def test_removed_files_are_told(directory: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with FrameBufferServer(1 << 16, backend="file", dir=directory) as server, FrameBufferClient(server.get_key()) as before:
        names = os.listdir(directory)
        for name in names:
            os.rename(os.path.join(directory, name), os.path.join(directory, "old-" + name))
        soon(lambda: attaches(server.get_key()))
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
        soon(lambda: "files of this server were removed" in caplog.text)
        assert not attaches(server.get_key())
        assert before.get(before.put(b"goes on")) == b"goes on"


@pytest.mark.parametrize("backend", ["memfd", "file"])
def test_tmpfiles_leaves_servers_alone(backend: str, directory: str, tmp_path: pathlib.Path) -> None:
    need(shutil.which("systemd-tmpfiles") is not None, "systemd-tmpfiles, which scripts/setup installs")
    need(os.geteuid() == 0, "root")
    conf = tmp_path / "clean.conf"
    conf.write_text(f"d {directory} - - - 1us\n")
    inside = os.path.join(directory, "ours")
    with FrameBufferServer(1 << 16, backend=backend, dir=inside) as server:
        there = os.listdir(inside)
        if backend == "memfd":
            assert f" {os.path.join(inside, there[0])}\n" in pathlib.Path("/proc/net/unix").read_text()
        pathlib.Path(directory, "theirs").touch()
        children.run(["systemd-tmpfiles", "--clean", str(conf)], check=True)
        assert os.listdir(directory) == ["ours"] and os.listdir(inside) == there
        assert attaches(server.get_key())
    os.rmdir(inside)
