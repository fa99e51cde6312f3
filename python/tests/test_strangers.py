"""Other users at a memfd's door: those without an id here, those that flood it, and those that pose
as the server."""

import ctypes
import io
import logging
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
from typing import Any, Iterator

import children
import pytest
from conftest import environment, need
from test_access import as_user

from framebuffer import _peers, errors
from framebuffer._key import Key
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

UNKNOWN = 65534
NEW_USER = 0x10000000  # CLONE_NEWUSER

# A server that says its key, or its error, and lives until its input ends.
SERVE = """
import os, resource, sys
from framebuffer.server import FrameBufferServer
directory, mode, how = sys.argv[1], int(sys.argv[2], 8), sys.argv[3:]
try:
    server = FrameBufferServer(1 << 20, backend="memfd", dir=directory, mode=mode, allow_uids=[int(u) for u in how if u != "full"]).start()
except Exception as e:
    print(e, flush=True)
    sys.exit()
if "full" in how:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            os.dup(0)
    except OSError:
        pass
print(server.get_key(), flush=True)
sys.stdin.read()
server.stop()
"""

# Connects to a socket as often as it can, and keeps what it gets.
FLOOD = """
import socket, sys
print("flooding", flush=True)
kept = []
while True:
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    kept.append(s)
    try:
        s.connect(sys.argv[1])
    except OSError:
        kept.append(None)
    if kept[-1] is None or len(kept) > 100:
        for s in kept:
            if s is not None:
                s.close()
        kept.clear()
"""


@pytest.fixture(autouse=True)
def root() -> None:
    need(os.geteuid() == 0, "root")


@pytest.fixture
def peers() -> Iterator[list[Any]]:
    """Processes that end with the test."""
    all_: list[Any] = []
    yield all_
    for p in all_:
        p.kill()
        p.wait()


def as_id(uid: int, gid: int, host: int) -> Any:
    """Makes a process that user and group in a user namespace in which no other user is."""

    def become() -> None:
        r, w = os.pipe()
        parent = os.getpid()

        def write_maps() -> int:  # from outside
            os.close(w)
            os.read(r, 1)
            for kind, id_ in (("uid", uid), ("gid", gid)):
                pathlib.Path(f"/proc/{parent}/{kind}_map").write_text(f"{id_} {host} 1\n")
            return 0

        child = children.fork(write_maps)
        os.close(r)
        if ctypes.CDLL(None, use_errno=True).unshare(NEW_USER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        os.close(w)
        assert children.status(child) == 0
        os.setgid(gid)
        os.setuid(uid)

    return become


def run(peers: list[Any], code: str, *args: str, **how: Any) -> str:
    """Starts a program, and returns its first line."""
    p = children.Child([sys.executable, "-c", code, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), **how)
    peers.append(p)
    return str(p.stdout.readline()).strip()


def gets(key: str, uid: int) -> str:
    """What a user gets."""

    def visit() -> int:
        got = 0
        for read_only, right in ((True, 4), (False, 6)):
            try:
                FrameBufferClient(key, read_only=read_only).start().stop()
                got = right
            except errors.NoPermission:
                pass
        return got

    return {6: "write", 4: "read", 0: "nothing"}[as_user(uid, [uid], visit)]


@pytest.mark.parametrize(
    ("uid", "gid", "mode", "want"),
    [(UNKNOWN, 1, "0600", "nothing"), (UNKNOWN, 1, "0604", "read"), (1, UNKNOWN, "0660", "nothing"), (UNKNOWN, UNKNOWN, "0660", "nothing")],
)
def test_a_server_with_the_id_of_unknown_users(directory: str, peers: list[Any], uid: int, gid: int, mode: str, want: str) -> None:
    os.chown(directory, 5000, 5000)
    key = run(peers, SERVE, directory, mode, preexec_fn=as_id(uid, gid, 5000))
    assert gets(key, 5001) == want
    peers[0].communicate("")


def test_outside_of_user_namespaces_it_is_a_user(directory: str, peers: list[Any]) -> None:
    os.chown(directory, UNKNOWN, UNKNOWN)
    key = run(peers, SERVE, directory, "0600", user=UNKNOWN)
    assert gets(key, UNKNOWN) == "write"
    peers[0].communicate("")


def test_unknown_users_cannot_be_listed(directory: str, peers: list[Any]) -> None:
    os.chown(directory, 5000, 5000)
    assert "user id 65534 cannot be let in" in run(peers, SERVE, directory, "0600", str(UNKNOWN), preexec_fn=as_id(1, 1, 5000))


def test_which_ids_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"/proc/self/uid_map": "0 1 1\n1 0 1\n2 2 4294967293\n", "/proc/self/gid_map": "0 100000 65536\n", "/proc/sys/kernel/overflowgid": "7\n"}

    def opened(name: str, **_: str) -> io.StringIO:
        if name not in files:
            raise FileNotFoundError(name)
        return io.StringIO(files[name])

    monkeypatch.setattr("builtins.open", opened)
    assert _peers.overflow() == (-1, 7)
    files["/proc/self/uid_map"] = ""
    del files["/proc/self/gid_map"]
    assert _peers.overflow() == (UNKNOWN, UNKNOWN)


def test_attach_without_descriptors_left(directory: str, peers: list[Any]) -> None:
    key = run(peers, SERVE, directory, "0600", "full")
    for _ in range(20):
        with FrameBufferClient(key):
            pass
    peers[0].communicate("")


@pytest.mark.parametrize("uid", [5001, 5002])
def test_a_flooded_door(directory: str, peers: list[Any], uid: int) -> None:
    """By a user that is refused, and by one that may attach."""
    key = run(peers, SERVE, directory, "0600", "5002")
    path = os.path.join(directory, os.listdir(directory)[0])
    for _ in range(2):
        assert run(peers, FLOOD, path, user=uid, group=uid) == "flooding"
    for _ in range(20):
        with FrameBufferClient(key):
            pass
    for flood in peers[1:]:
        flood.kill()
        flood.wait()
    peers[0].communicate("")


def test_attach_is_tried_again(directory: str) -> None:
    """When the server closes before it has answered."""
    with FrameBufferServer(1 << 20, backend="memfd", dir=directory) as server:
        path = os.path.join(directory, os.listdir(directory)[0])
        behind = os.path.join(directory, "behind")
        os.rename(path, behind)
        front = socket.socket(socket.AF_UNIX)
        front.bind(path)
        front.listen()

        def close_some() -> None:
            for i in range(3):
                peer, _ = front.accept()
                if i == 2:
                    os.rename(behind, path)
                peer.close()
            front.close()

        closing = threading.Thread(target=close_some)
        closing.start()
        with FrameBufferClient(server.get_key()):
            pass
        closing.join()


@pytest.mark.parametrize(("owner", "mode", "name"), [(5000, 0o755, ""), (0, 0o777, ""), (5001, 0o755, "framebuffer-0")])
def test_another_users_server_is_not_believed(directory: str, peers: list[Any], owner: int, mode: int, name: str) -> None:
    """And it is not even asked."""
    top = directory
    if name:
        directory = os.path.join(directory, name)
        os.mkdir(directory)
    os.chown(directory, owner, owner)
    os.chmod(directory, 0o777)
    path = os.path.join(directory, "0123456789abcdef.fb")
    pose = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666); s.listen(); "
        "print('listening', flush=True); print(len(s.accept()[0].recv(1)), flush=True)"
    )
    assert run(peers, pose, path, user=5001, group=5001) == "listening"
    os.chmod(directory, mode)
    with pytest.raises(errors.NoPermission, match=f"is a process of user 5001, and the directory (belongs to user {owner}|is named after this user)"):
        FrameBufferClient(str(Key("memfd", path.encode().hex(), bytes(16)))).start()
    assert peers[0].stdout.readline() == "0\n"
    peers[0].wait()
    os.unlink(path)
    if directory != top:
        os.rmdir(directory)


def test_unauthenticated_servers(directory: str, caplog: pytest.LogCaptureFixture, peers: list[Any]) -> None:
    caplog.set_level(logging.WARNING, "framebuffer")
    attach = (
        "import logging, sys; logging.basicConfig(stream=sys.stdout, format='%(message)s'); from framebuffer.client import FrameBufferClient\n"
        "with FrameBufferClient(sys.argv[1]): print('in', flush=True)"
    )
    with FrameBufferServer(1 << 20, backend="memfd", dir=directory, mode=0o666) as server:
        with FrameBufferClient(server.get_key()):
            assert caplog.text == ""
        assert run(peers, attach, server.get_key(), user=5001, group=5001) == "in"
        said = run(peers, attach, server.get_key(), preexec_fn=as_id(1, 1, 5001))
        assert re.match("the server is not authenticated: .* has no id in this user namespace", said)
    os.chmod(directory, 0o1777)
    key = run(peers, SERVE, directory, "0666", user=5000)
    said = run(peers, attach, key, user=5001)
    assert re.match("the server is not authenticated: .*every user may have a socket in that directory", said)
    peers[2].communicate("")
