"""The kernel tells of the death of servers and clients, whatever ended them."""

import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import threading
from typing import Any, Callable, Iterator

import children
import pytest
from conftest import environment

from framebuffer import _futex, _layout as L, errors
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

SERVE = """
import os, sys
from framebuffer.server import FrameBufferServer
s = FrameBufferServer(1 << 20, backend=sys.argv[1], dir=sys.argv[2]).start()
print(s.get_key(), flush=True)
how = sys.stdin.readline().strip()
if how == "stop":
    s.stop()
if how == "end":
    sys.exit()
if how == "raise":
    raise ValueError("its own")
if how == "exec":
    os.execvp("true", ["true"])
if how == "segfault":
    import ctypes
    ctypes.string_at(0)
os._exit(3)
"""
NAMESPACE = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork", "--mount-proc", "--kill-child"]


class Server:
    """A server in a process of its own, in Python or in Go."""

    def __init__(self, language: str, backend: str, directory: str, programs: pathlib.Path, apart: bool = False) -> None:
        python = [sys.executable, "-c", SERVE, backend, directory]
        go = [str(programs / "framebuffer"), "serve", "--size", "1MiB", "--name", f"live-{os.getpid()}", "--backend", backend]
        go += ["--key-file", f"{directory}/key"] + (["--dir", directory] if backend != "sysv" else [])
        self.directory = directory
        command = (NAMESPACE if apart else []) + (python if language == "python" else go)
        self.process = children.Child(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.line()
        self.key = line.strip() if language == "python" else pathlib.Path(directory, "key").read_text().strip()

    def line(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline())

    def say(self, how: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(how + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(params=["python", "go"])
def other(request: pytest.FixtureRequest, backend: str, directory: str, programs: pathlib.Path) -> Iterator[Server]:
    s = Server(request.param, backend, directory, programs)
    yield s
    clean(s, directory)


def clean(s: Server, directory: str) -> None:
    s.kill()
    for pipe in (s.process.stdin, s.process.stdout):
        assert pipe is not None
        pipe.close()
    for name in os.listdir(directory):  # what was killed left
        os.unlink(os.path.join(directory, name))


def gone(client: FrameBufferClient) -> None:
    """Waits until the kernel has told, which may be after a kill has returned."""
    while client.error is None:
        pass
    assert type(client.error) is errors.ServerGone and isinstance(client.error, errors.Closed)


def test_a_killed_server_is_gone(other: Server) -> None:
    with FrameBufferClient(other.key) as client:
        pub, sub, frame = client.publisher("cam"), client.subscribe("cam"), client.put(b"kept")
        group = client.subscribe("cam", group="workers")
        place = client.reserve(10)
        hold = client.hold(frame, seconds=60)
        assert client.error is None
        sent = [pub.publish(bytes([n])) for n in range(3)]
        other.kill()
        gone(client)
        for s in (sub, group):
            assert [s.next(timeout=0).sequence for _ in sent] == [0, 1, 2], "what was published comes first"
            with pytest.raises(errors.ServerGone, match="its process died"):
                s.next()
            with pytest.raises(errors.ServerGone):
                next(iter(s))
            with pytest.raises(errors.ServerGone):
                asyncio.run(s.anext())
        for write in (
            lambda: client.allocate(1), lambda: client.put(b"1"), lambda: client.write(frame.offset, b"1"), lambda: client.reserve(1), place.commit,
            lambda: pub.publish(b"1"), lambda: pub.publish_frame(frame), lambda: client.publisher("other").publish(b"1"),
        ):  # fmt: skip
            with pytest.raises(errors.ServerGone):
                write()
        assert client.get(frame) == b"kept"
        with client.view(frame) as view:
            assert view == b"kept"
        hold.check()
        hold.extend(60)
        with client.hold(sent[0].frame, seconds=1) as second:
            assert second.view == b"\0"
        hold.release()
        with pytest.raises(errors.StaleKey):
            FrameBufferClient(other.key).start()
    assert type(client.error) is errors.Closed


def test_a_dead_ring_takes_no_clients_even_if_it_can_be_reached(other: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the socket or the lock cannot tell, the life word does."""
    from framebuffer import _segment

    with FrameBufferClient(other.key) as client:
        segment = client._attached()
        other.kill()
        gone(client)
        with pytest.raises(errors.StaleKey, match="its server has died: start it again"):
            _segment._open_control(segment.mapped, segment.control.nonce)


@pytest.mark.parametrize("how", ["thread", "loop", "task", "tasks", "spin"])
def test_sleepers_learn_of_it(other: Server, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within half a second: no sleep lasts longer, and each ends with a look at the server."""
    told: list[Any] = []
    slept, wait_for = [0.0], _futex.wait

    def noted(address: int, value: int, seconds: float) -> None:
        slept.append(seconds)
        wait_for(address, value, seconds)

    monkeypatch.setattr(_futex, "wait", noted)
    with FrameBufferClient(other.key) as client:
        before = client.subscribe("cam")
        waits: dict[str, Callable[[], Any]] = {
            "thread": lambda: before.next(timeout=100),
            "loop": lambda: list(before),
            "spin": lambda: client.subscribe("cam", spin=-1).next(),
            "task": lambda: asyncio.run(asyncio.wait_for(before.anext(), 100)),
            "tasks": lambda: asyncio.run(loop()),
        }

        async def loop() -> None:
            async for message in before:
                told.append(message.sequence)

        def wait() -> None:
            try:
                waits[how]()
            except errors.FrameBufferError as e:
                told.append(type(e))

        sleeper = threading.Thread(target=wait)
        sleeper.start()
        while how != "spin" and not before._topic._halves[before._topic._wake] & 1:
            pass
        other.kill()
        sleeper.join(children.BOUND)
        assert told == [errors.ServerGone]
        assert max(slept) <= 0.25


@pytest.mark.parametrize("how", ["exec", "exit", "segfault"])
def test_every_end_of_a_process_is_one(backend: str, directory: str, programs: pathlib.Path, how: str) -> None:
    s = Server("python", backend, directory, programs)
    with FrameBufferClient(s.key) as client:
        s.say(how)
        gone(client)
    clean(s, directory)


@pytest.mark.parametrize("how", ["stop", "end", "raise"])
def test_a_server_that_stops_is_not_dead(backend: str, directory: str, programs: pathlib.Path, how: str) -> None:
    """Nor is one whose program comes to its end without a stop."""
    s = Server("python", backend, directory, programs)
    with FrameBufferClient(s.key) as client:
        s.say(how)
        s.process.wait()
        assert type(client.error) is errors.Closed
        assert client._attached().control.halves[L.OFF_SERVER // 4] == 0
        with pytest.raises(errors.Closed, match="the server closed this segment"):
            client.allocate(1)
    clean(s, directory)


def test_a_stopped_server_is_alive(other: Server) -> None:
    with FrameBufferClient(other.key) as client, client.subscribe("cam") as sub:
        os.kill(other.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, other.process.pid, os.WSTOPPED | os.WNOWAIT)
        with pytest.raises(TimeoutError):
            sub.next(timeout=0.5)  # two looks
        assert client.error is None
        client.put(b"works")


@pytest.mark.parametrize("language", ["python", "go"])
def test_a_server_in_another_pid_namespace(backend: str, directory: str, programs: pathlib.Path, language: str) -> None:
    s = Server(language, backend, directory, programs, apart=True)
    with FrameBufferClient(s.key) as client:
        assert client._attached().control.halves[L.OFF_SERVER // 4] not in (0, L.LIFE_UNKNOWN)
        s.kill()  # unshare, which takes the namespace with it
        gone(client)
    clean(s, directory)


CLIENT = """
import os, sys, time
from framebuffer import _liveness
from framebuffer.client import FrameBufferClient
if sys.argv[1] == "unknown":
    _liveness._NUMBER = None
clients = [FrameBufferClient(key, name="to be killed").start() for key in sys.argv[3:] for _ in range(int(sys.argv[2]))]
sub = clients[0].subscribe("cam")
print(*(c._attached().slot.index for c in clients), flush=True)
time.sleep(1e6)
"""


def attached(*arguments: object, apart: bool = False) -> "tuple[children.Child, list[int]]":
    command = [*(NAMESPACE if apart else []), sys.executable, "-c", CLIENT, *map(str, arguments)]
    child = children.Child(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, [int(i) for i in child.stdout.readline().split()]


def life(client: FrameBufferClient, index: int) -> int:
    control = client._attached().control
    return int(control.halves[(control.tables.slots.entry(index) + L.SLOT_LIFE) // 4])


@pytest.mark.parametrize("apart", [False, True])
def test_dead_clients_are_gone(client: FrameBufferClient, programs: pathlib.Path, apart: bool) -> None:
    """In any PID namespace: for the figures of Go's programs, and for the next client."""
    with client.subscribe("cam"):
        child, (index,) = attached("known", 1, client.key, apart=apart)
        alive = life(client, index)
        assert 0 < alive < L.LIFE_UNKNOWN and (apart or alive != child.pid)
        assert "to be killed" in topics(programs, client.key)
        child.kill()
        child.communicate()
        while not life(client, index) & L.LIFE_DIED:
            pass
        assert "to be killed" not in topics(programs, client.key)
        with FrameBufferClient(client.key) as next_:
            assert next_._attached().slot.index == index
            assert life(client, index) not in (0, alive | L.LIFE_DIED) and not life(client, index) & L.LIFE_DIED
        assert life(client, index) == 0


def topics(programs: pathlib.Path, key: str) -> str:
    return str(children.run([programs / "framebuffer", "topics", "--json", "--key", key], check=True, capture_output=True, text=True).stdout)


def test_more_attachments_than_one_list_has(client: FrameBufferClient, backend: str, directory: str) -> None:
    servers = [FrameBufferServer(4096, backend=backend, dir=directory).start() for _ in range(5)]
    watchers = [FrameBufferClient(s.get_key()).start() for s in servers]
    child, indices = attached("known", 230, *[s.get_key() for s in servers])
    each = [(watchers[n // 230], index) for n, index in enumerate(indices)]
    assert len(each) == 1150 and all(0 < life(w, i) < L.LIFE_UNKNOWN for w, i in each)
    assert len({life(w, i) for w, i in each}) == 2, "two threads"
    child.kill()
    child.communicate()
    for watcher, index in each:
        while not life(watcher, index) & L.LIFE_DIED:
            pass
    for closable in [*watchers, *servers]:
        closable.stop()


def test_liveness_that_is_not_known(client: FrameBufferClient, directory: str, programs: pathlib.Path) -> None:
    """Where set_robust_list is refused a process is never taken for dead by its word; its slot is
    taken over if /proc says that it is gone."""
    child, (index,) = attached("unknown", 1, client.key)
    assert life(client, index) == L.LIFE_UNKNOWN
    child.kill()
    child.communicate()
    assert life(client, index) == L.LIFE_UNKNOWN
    with FrameBufferClient(client.key) as next_:
        assert next_._attached().slot.index == index and life(client, index) < L.LIFE_UNKNOWN


def test_children_own_no_word_of_their_parents(server: FrameBufferServer, client: FrameBufferClient) -> None:
    """They may end, or stop what they inherited; and their own words die with them alone."""
    mine = client._attached().slot.index
    reads, writes = os.pipe()

    def child() -> int:
        client.put(b"1")
        os.write(writes, bytes([client._attached().slot.index]))
        os.kill(os.getpid(), signal.SIGKILL)
        return 1

    def stops() -> int:
        client.put(b"1")
        index = client._attached().slot.index
        mapped = client._attached().control
        client.stop()
        server.stop()
        return int(mapped.halves[(mapped.tables.slots.entry(index) + L.SLOT_LIFE) // 4] != 0)

    word, own = client._attached().control.halves[L.OFF_SERVER // 4], life(client, mine)
    assert children.forked(child) == -signal.SIGKILL
    index = os.read(reads, 1)[0]
    assert index != mine
    while not life(client, index) & L.LIFE_DIED:
        pass
    assert children.forked(stops) == 0
    assert client._attached().control.halves[L.OFF_SERVER // 4] == word and life(client, mine) == own
    assert client.error is None and client.get(client.put(b"1")) == b"1"
    os.close(reads)
    os.close(writes)


def test_words_are_given_back(backend: str, directory: str) -> None:
    from framebuffer import _liveness

    def linked() -> int:
        return sum(t.count for t in _liveness._threads._started)

    before = linked()
    with FrameBufferServer(1 << 20, backend=backend, dir=directory) as server:
        with FrameBufferClient(server.get_key()) as a, FrameBufferClient(server.get_key()):
            control = a._attached().control
            assert linked() == before + 4  # the server has a slot, too
        assert linked() == before + 2
    assert linked() == before
    assert control.halves[L.OFF_SERVER // 4] == 0 and control.halves[L.OFF_STATE // 4] == L.STATE_CLOSED
    slots = control.tables.slots
    assert not any(control.halves[(slots.entry(i) + L.SLOT_LIFE) // 4] for i in range(slots.count))
