"""Who is let in, for what, by every backend; Go servers judge Python clients the same."""

import os
import pathlib
import socket
import subprocess
import threading
from typing import Any, Callable

import children
import pytest
from conftest import need

from framebuffer import errors
from framebuffer._shm import conn_set
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

GROUP, IN_GROUP, READERS = 4001, 4002, 4003
PEOPLE = {
    "stranger": (5000, [5000]),
    "listed": (5001, [5000]),
    "reader": (5002, [5000]),
    "member": (5003, [5000, IN_GROUP]),
    "reading member": (5004, [READERS, 5000]),
    "both": (5005, [READERS, IN_GROUP]),
    "listed reader, a member": (5002, [5000, IN_GROUP]),
}
LISTS: dict[str, Any] = {"allow_uids": [5001], "read_uids": [5002], "allow_gids": [IN_GROUP], "read_gids": [READERS]}
FLAGS = ["--allow-uid", "5001", "--read-uid", "5002", "--allow-gid", str(IN_GROUP), "--read-gid", str(READERS)]
BY_LIST = {
    "stranger": "nothing", "listed": "write", "reader": "read", "member": "write", "reading member": "read",
    "both": "write", "listed reader, a member": "read",
}  # fmt: skip


@pytest.fixture(autouse=True)
def root() -> None:
    need(os.geteuid() == 0, "root")


def as_user(uid: int, gids: list[int], do: Callable[[], int]) -> int:
    """What do returns in a process of that user's, whose groups are these, the first first."""

    def become() -> int:
        os.setgroups(gids[1:])
        os.setgid(gids[0])
        os.setuid(uid)
        return do()

    return children.forked(become)


def visit(key: str, who: str) -> str:
    """What a user gets: "write", "read" or "nothing"."""

    def attach(read_only: bool) -> str:
        try:
            with FrameBufferClient(key, read_only=read_only) as client:
                if not read_only:
                    assert client.get(client.put(b"x")) == b"x"
            return "in"
        except errors.NoPermission as e:
            return str(e)

    def both() -> int:
        to_write, to_read = attach(False), attach(True)
        if to_write == to_read == "in":
            return 6
        if to_read == "in":
            assert "may only read from" in to_write and "asked to write" in to_write and "ReadOnly" in to_write, to_write
            return 4
        assert to_write != "in", "may write and not read"
        return 0

    return {6: "write", 4: "read", 0: "nothing"}[as_user(*PEOPLE[who], both)]


@pytest.mark.parametrize("backend", ["memfd", "file"])
def test_lists(backend: str, directory: str) -> None:
    with FrameBufferServer(1 << 20, backend=backend, dir=directory, mode=0o600, **LISTS) as s:
        assert {who: visit(s.get_key(), who) for who in PEOPLE} == BY_LIST
    with FrameBufferServer(1 << 20, backend=backend, dir=directory, mode=0o604, **LISTS) as s:
        assert visit(s.get_key(), "stranger") == "read", "all others have what the mode's last digit says"
        assert visit(s.get_key(), "reading member") == "read"


def test_modes(backend: str, directory: str) -> None:
    for mode, want in ((0o600, "nothing"), (0o644, "read"), (0o666, "write"), (0o602, "nothing"), (0o660, "nothing")):
        with FrameBufferServer(1 << 20, backend=backend, dir=directory, mode=mode) as s:
            got = visit_sysv(s.get_key()) if backend == "sysv" else visit(s.get_key(), "stranger")
            assert got == want, oct(mode)


def visit_sysv(key: str) -> str:
    """The kernel says no more than no."""

    def both() -> int:
        got = 0
        for read_only, gives in ((True, 4), (False, 6)):
            try:
                FrameBufferClient(key, read_only=read_only).start().stop()
                got = gives
            except errors.NoPermission:
                pass
        return got

    return {6: "write", 4: "read", 0: "nothing"}[as_user(*PEOPLE["stranger"], both)]


def test_what_cannot_be_listed(directory: str) -> None:
    with pytest.raises(errors.FrameBufferError, match="no lists of users"):
        FrameBufferServer(1 << 20, backend="sysv", allow_uids=[5000]).start()
    for lists, says in (({"allow_uids": [1], "read_uids": [1]}, "list it once"), ({"read_gids": [-1]}, "cannot be let in"), ({"allow_uids": [1 << 32]}, "cannot be let in")):
        for backend in ("memfd", "file"):
            with pytest.raises(errors.FrameBufferError, match=says):
                FrameBufferServer(1 << 20, backend=backend, dir=directory, **lists).start()


@pytest.mark.parametrize("backend", ["memfd", "file"])
def test_lists_of_a_go_server(backend: str, directory: str, programs: pathlib.Path) -> None:
    serve = children.Child(
        [programs / "framebuffer", "serve", "--size", "1MiB", "--name", f"access-{os.getpid()}", "--backend", backend, "--dir", directory, *FLAGS],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert serve.stdout is not None
        serve.stdout.readline()
        key = children.run([programs / "framebuffer", "key", "--name", f"access-{os.getpid()}"], check=True, capture_output=True, text=True).stdout.strip()
        assert {who: visit(key, who) for who in PEOPLE} == BY_LIST
    finally:
        serve.terminate()
        serve.wait()


def test_go_clients_of_a_python_server(directory: str, programs: pathlib.Path) -> None:
    for backend in ("memfd", "file"):
        with FrameBufferServer(1 << 20, backend=backend, dir=directory, **LISTS) as s, FrameBufferClient(s.get_key()) as c:
            frame = c.put(b"seen").to_json()
            for who, want in BY_LIST.items():
                uid, gids = PEOPLE[who]
                how: dict[str, Any] = {"user": uid, "group": gids[0], "extra_groups": gids[1:], "capture_output": True}
                put = children.run([programs / "framebuffer", "put", "--key", s.get_key(), "-"], input=b"put", **how)
                get = children.run([programs / "framebuffer", "get", "-"], input=frame.encode(), **how)
                assert (put.returncode == 0, get.stdout == b"seen") == (want == "write", want != "nothing"), (who, put.stderr, get.stderr)


def test_who_keeps_silent_keeps_nobody_waiting(directory: str) -> None:
    """At a memfd's door; and with more of them than are waited for, the oldest are shown out."""
    with FrameBufferServer(1 << 20, backend="memfd", dir=directory) as s:
        path = os.path.join(directory, os.listdir(directory)[0])
        silent = []
        for _ in range(conn_set.MOST + 5):
            silent.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            silent[-1].connect(path)
        with FrameBufferClient(s.get_key()) as c:
            assert c.get(c.put(b"x")) == b"x"
        assert silent[0].recv(1) == b""
        silent[-1].send(b"z")  # no word that it knows
        silent[-2].close()
        with FrameBufferClient(s.get_key(), read_only=True):
            pass
        assert threading.active_count() >= 2
    assert silent[-3].recv(1) == b"", "stop shows everybody out"
    for visitor in silent:
        visitor.close()
