"""Several processes: forked, spawned, from a fork server; killed, and what they leave."""

import multiprocessing as mp
import os
import pathlib
import signal
import subprocess
import sys
from typing import Any

import children
import pytest
from conftest import environment, lap

from framebuffer import _layout as L
from framebuffer.client import FrameBufferClient, FrameBufferTimeout
from framebuffer.errors import StaleKey
from framebuffer.frame import Frame
from framebuffer.server import FrameBufferServer

METHODS = ["fork", "spawn", "forkserver"]


def echo(client: "FrameBufferClient | str", pipe: Any) -> None:
    """Reads frames that come through a pipe, and answers with frames of the same bytes."""
    if isinstance(client, str):
        client = FrameBufferClient(client).start()
    while (frame := pipe.recv()) is not None:
        with client.hold(frame, seconds=5) as hold:
            pipe.send(client.put(hold.view))
    pipe.send((os.getpid(), client._attached().slot.index))


@pytest.mark.parametrize("what", ["client", "key"])
@pytest.mark.parametrize("method", METHODS)
def test_multiprocessing(client: FrameBufferClient, method: str, what: str) -> None:
    """Also with a client that was started before: it goes along, by the fork or by pickle."""
    context = mp.get_context(method)
    ours, theirs = context.Pipe()
    child = context.Process(target=echo, args=(client if what == "client" else client.key, theirs))
    child.start()
    for n in (1, 70_000, 500_000):
        data = os.urandom(n)
        ours.send(client.put(data))
        frame = ours.recv()
        assert client.get(frame) == data
    ours.send(None)
    pid, index = ours.recv()
    assert pid == child.pid
    assert index not in (0, client._attached().slot.index), "a child counts in a slot of its own"
    child.join(children.BOUND)
    assert child.exitcode == 0
    assert client.get(client.put(b"after")) == b"after"


def work(arguments: "tuple[FrameBufferClient, Frame]") -> int:
    client, frame = arguments
    return sum(client.get(frame))


@pytest.mark.parametrize("method", METHODS)
def test_pools(client: FrameBufferClient, method: str) -> None:
    frames = [client.put(bytes([n]) * 1000) for n in range(20)]
    with mp.get_context(method).Pool(2) as pool:
        assert pool.map(work, [(client, f) for f in frames]) == [1000 * n for n in range(20)]


def test_a_forked_child_is_no_server(server: FrameBufferServer, client: FrameBufferClient) -> None:
    """What it does to the server object, or to its clients, is its own affair."""
    frame = client.put(b"parent's")
    hold = client.hold(frame, seconds=3600)

    def let_go() -> int:
        assert client.get(frame) == b"parent's"
        client.stop()
        server.stop()
        return 0

    assert children.forked(let_go) == 0
    hold.check()
    assert hold.view == b"parent's"
    with FrameBufferClient(server.get_key()) as other:  # attaching works: it is not closed
        assert other.get(frame) == b"parent's"
    assert client.get(client.put(b"1")) == b"1"
    slot = client._attached().slot
    at = slot._control.tables.slots.entry(slot.index)
    assert slot._control.words[(at + L.SLOT_CLAIM) // 8] == slot.ticket


SERVE = """
import os, sys
from framebuffer.server import FrameBufferServer
s = FrameBufferServer(1 << 20, backend=sys.argv[1], dir=sys.argv[2]).start()
print(s.get_key(), flush=True)
if sys.argv[3] == "exit":
    sys.exit()
if sys.argv[3] == "fork" and os.fork() == 0:
    print(flush=True)
    sys.stdin.read()
    os._exit(0)
sys.stdin.read()
"""


def serve(backend: str, directory: str, how: str) -> children.Child:
    return children.Child(
        [sys.executable, "-c", SERVE, backend, str(directory), how], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def segments() -> set[str]:
    """The ids of the System V segments that there are."""
    with open("/proc/sysvipc/shm") as f:
        return {line.split()[1] for line in list(f)[1:]}


def ids(key: str) -> set[str]:
    return set(key.split("_")[2].split(".")[:2])


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_nothing_is_left(backend: str, directory: str, end: str) -> None:
    with serve(backend, directory, end) as other:
        assert other.stdout is not None
        key = other.stdout.readline().strip()
        if end == "kill":
            client = FrameBufferClient(key).start()
            frame = client.put(b"survives")
            other.kill()
            other.wait()
            assert client.get(frame) == b"survives", "the memory lives with its last user"
            if backend == "sysv":
                assert ids(key) <= segments()
            client.stop()
        other.wait()
    with pytest.raises(FrameBufferTimeout.__base__):
        FrameBufferClient(key).start()
    if backend == "sysv":
        assert not ids(key) & segments()
    else:
        FrameBufferServer(4096, backend=backend, dir=directory).start().stop()  # sweeps what was killed
        assert os.listdir(directory) == []


@pytest.mark.parametrize("backend", ["memfd", "file"])
def test_a_child_of_a_killed_server_keeps_nobody_waiting(backend: str, directory: str) -> None:
    """The listening socket is not the child's, and the lock is not either."""
    with serve(backend, directory, "fork") as other:
        assert other.stdout is not None
        key = other.stdout.readline().strip()
        assert other.stdout.readline() == "\n"
        other.kill()
        other.wait()
        with pytest.raises(StaleKey, match="no server answers|was killed"):
            FrameBufferClient(key).start()
        FrameBufferServer(4096, backend=backend, dir=directory).start().stop()  # sweeps
        assert other.stdin is not None
        other.stdin.close()


FORK = """
import os, sys
from framebuffer.server import FrameBufferServer
with FrameBufferServer(4096, backend=sys.argv[1], dir=sys.argv[2]) as server:
    doing = server._end.peek()[2][1].__self__  # with a thread of its own
    doing._lock.acquire()
    if sys.argv[1] == "file":
        doing._ended._cond.acquire()
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    status = os.waitpid(pid, 0)[1]
    doing._lock.release()
    if sys.argv[1] == "file":
        doing._ended._cond.release()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize("backend", ["memfd", "file"])
def test_a_fork_while_the_servers_thread_holds_its_locks(backend: str, directory: str) -> None:
    out = children.run([sys.executable, "-c", FORK, backend, directory], bound=30, env=environment(), capture_output=True, text=True)
    assert out.returncode == 7, out.stderr
    for name in os.listdir(directory):  # if it was killed
        os.unlink(os.path.join(directory, name))


DIE = """
import os, signal, sys
from framebuffer.client import FrameBufferClient
c = FrameBufferClient(sys.argv[1]).start()
f = c.put(b"x" * 100_000)
h = c.hold(f, seconds=0.2)
c.reserve(1000)
print(f, c._attached().slot.index, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_client_costs_nobody_anything(client: FrameBufferClient) -> None:
    def die() -> tuple[Frame, int]:
        out = children.run([sys.executable, "-c", DIE, client.key], env=environment(), capture_output=True, text=True)
        assert out.returncode == -signal.SIGKILL, out.stderr
        text, _, index = out.stdout.rpartition(" ")
        return Frame.from_json(text), int(index)

    frame, index = die()
    assert client.get(frame) == b"x" * 100_000
    assert die()[1] == index, "its slot is taken over"
    until = client._attached().control.words[L.OFF_HOLD_UNTIL // 8] + L.HOLD_GRACE
    import time

    while time.monotonic_ns() <= until:
        pass
    lap(client)
    with pytest.raises(FrameBufferTimeout):
        client.get(frame)


def test_resource_tracker_knows_nothing(client: FrameBufferClient) -> None:
    """A process that is spawned, attaches and ends destroys nothing and complains of nothing."""
    code = """
import multiprocessing as mp, sys
sys.path[:0] = sys.argv[2:]
import test_processes as t
from framebuffer.client import FrameBufferClient
if __name__ == "__main__":
    with FrameBufferClient(sys.argv[1]) as c:
        f = c.put(b"x" * 9)
        p = mp.get_context("spawn").Process(target=t.work, args=((c, f),))
        p.start(); p.join(60)
        assert p.exitcode == 0 and c.get(f) == b"x" * 9
"""
    out = children.run([sys.executable, "-c", code, client.key, str(pathlib.Path(__file__).parent)], env=environment(), capture_output=True, text=True)
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")
    assert client.get(client.put(b"1")) == b"1"
