"""Connections that go on with the next server of their name, in Go or in Python."""

import asyncio
import gc
import json
import logging
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from typing import Any, Callable, Iterator

import children
import pytest
from conftest import environment, need

import framebuffer
from framebuffer import _chain, _segment, errors
from framebuffer.server import FrameBufferServer
from framebuffer.topic import Subscription


class Named:
    """Servers of one name, one after the other: in this process, with a meeting point, or in Go."""

    def __init__(self, programs: pathlib.Path, language: str) -> None:
        self.name = f"python-{os.getpid()}-{time.monotonic_ns()}"
        self.programs, self.language = programs, language
        self.server: Any = None

    def start(self) -> "Named":
        if self.language == "go":
            command = [str(self.programs / "framebuffer"), "serve", "--size", "1MiB", "--name", self.name, "--topic-depth", "8"]
            self.server = children.Child(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            assert self.server.stdout.readline()
        else:
            self.server = Here(self.name)
        return self

    def end(self, how: str = "kill") -> None:
        server, self.server = self.server, None
        if self.language == "go":
            server.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
            server.wait()
            server.stdout.close()
        elif server is not None:
            server.close()


class Here:
    """A server in this process, and its meeting point. It cannot be killed: it is stopped."""

    def __init__(self, name: str, answer: "dict[str, Any] | None" = None) -> None:
        self.server = FrameBufferServer(1 << 20, topic_depth=8).start()
        self.answer = json.dumps({"key": self.server.get_key()} if answer is None else answer).encode()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f"\0framebuffer-{os.geteuid()}-{name}")
        self.socket.listen()
        self.thread = threading.Thread(target=self.tell, daemon=True)
        self.thread.start()

    def tell(self) -> None:
        while True:
            try:
                visitor, _ = self.socket.accept()
            except OSError:
                return
            with visitor:
                visitor.sendall(self.answer)

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(children.BOUND)  # until accept has returned, the kernel keeps the name
        self.server.stop()


@pytest.fixture(params=["go", "python"])
def named(request: pytest.FixtureRequest, programs: pathlib.Path) -> Iterator[Named]:
    n = Named(programs, request.param).start()
    yield n
    if n.server is not None:
        n.end()


def until(ready: Callable[[], Any]) -> None:
    end = time.monotonic() + children.BOUND
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.001)


def take(c: framebuffer.Connection, sub: Any, n: int) -> list[tuple[int, int, int, bytes]]:
    """The next messages: ring, number, lost, and bytes."""
    got = []
    for _ in range(n):
        m = sub.next(timeout=children.BOUND)
        got.append((m.ring, m.sequence, m.lost, c.get(m.frame)))
    return got


@pytest.mark.parametrize("how", [{}, {"start": "newest"}, {"start": "oldest"}, {"group": "workers"}])
@pytest.mark.parametrize("end", ["kill", "term"])
def test_the_next_ring(named: Named, how: dict[str, str], end: str) -> None:
    """The old ring is read to its end, the next one from its first frame, whatever the subscription
    began with; what is published meanwhile is the publisher's loss."""
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam", **how)
        for n in range(3):
            pub.publish(b"old %d" % n)
        assert take(c, sub, 1) == [(0, 0, 0, b"old 0")]
        old = c.key
        named.end(end)
        until(lambda: c.error is not None)
        for _ in range(2):
            with pytest.raises(errors.ServerGone, match="until the next server is there"):
                pub.publish(b"lost")
        for write in (lambda: c.put(b"1"), lambda: c.allocate(1), lambda: c.reserve(1), pub.end):
            with pytest.raises(errors.ServerGone):
                write()
        assert take(c, sub, 2) == [(0, 1, 0, b"old 1"), (0, 2, 0, b"old 2")]
        with pytest.raises(TimeoutError):
            sub.next(timeout=0.05)
        named.start()
        with framebuffer.connect(named.name) as other:  # which is there first
            other.publisher("cam").publish(b"new 0")
            until(lambda: c.error is None)
            assert c.key != old
            assert pub.publish(b"new 1").ring == 1
            assert take(c, sub, 2) == [(1, 0, 0, b"new 0"), (1, 1, 0, b"new 1")]
            assert (pub.published, pub.lost, sub.received, sub.lost) == (4, 2, 5, 0)
            other.publisher("cam").end()
        with pytest.raises(errors.Ended):
            sub.next(timeout=children.BOUND)
        sub.close()


def test_loops_and_tasks(named: Named) -> None:
    got: dict[str, list[tuple[int, int]]] = {"loop": [], "tasks": []}
    with framebuffer.connect(named.name) as c:
        loop, task = c.subscribe("cam"), c.subscribe("cam")

        def iterate() -> None:
            for m in loop:
                got["loop"].append((m.ring, m.sequence))

        async def iterate_too() -> None:
            async for m in task:
                got["tasks"].append((m.ring, m.sequence))

        threads = [threading.Thread(target=iterate), threading.Thread(target=lambda: asyncio.run(iterate_too()))]
        for t in threads:
            t.start()
        pub = c.publisher("cam")
        for ring in range(3):
            for _ in range(2):
                pub.publish(b"x")
            until(lambda: all(len(g) == 2 * ring + 2 for g in got.values()))
            if ring < 2:
                named.end()
                until(lambda: c.error is not None)
                named.start()
                until(lambda: c.error is None)
        pub.end()
        for t in threads:
            t.join(children.BOUND)
        assert got["loop"] == got["tasks"] == [(ring, n) for ring in range(3) for n in range(2)]


@pytest.mark.parametrize("group", ["", "workers"])
def test_busy_subscriptions_are_told_what_was_lost(named: Named, group: str) -> None:
    """The rings are let go of all the same, and their memory with them."""
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam", group=group)
        for _ in range(3):
            pub.publish(b"x")
        first = sub.next()
        for _ in range(2):
            link = c._chain.now
            named.end()
            until(lambda: link.let_go)
            named.start()
            until(lambda: c.error is None)
            for n in range(10):  # two more than the topic remembers
                pub.publish(b"%d" % n)
        with pytest.raises(errors.StaleKey, match="let go of"):
            c.get(first.frame)
        assert take(c, sub, 2) == [(2, 2, 2 + 10 + 2, b"2"), (2, 3, 0, b"3")]
        assert (sub.received, sub.lost) == (3, 14)


def test_a_dead_ring_is_let_go_of(named: Named) -> None:
    """Its memory is free for the next server, within a second; but while a frame is held it stays."""
    assert _chain.LOOK + _chain.GRACE + _chain.LOOK < 1, "its end is found, it is read on, and let go of"
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam")
        frame = pub.publish(b"held").frame
        hold = c.hold(frame, seconds=600)
        link = c._chain.now
        memory = [weakref.ref(link.ring._attached().mapped.ring), weakref.ref(link.ring._attached().mapped.control)]
        named.end()
        until(lambda: link.ended and time.monotonic() > link.ended + 2 * _chain.GRACE)
        assert not link.let_go and hold.view == b"held" and c.get(frame) == b"held"
        hold.check()
        hold.release()
        del hold
        until(lambda: link.let_go and all(m() is None for m in memory))  # without the collector
        assert sub.lost == 0


def test_what_is_logged(named: Named, caplog: pytest.LogCaptureFixture) -> None:
    """Once each."""
    with caplog.at_level(logging.DEBUG, "framebuffer"), framebuffer.connect(named.name) as c:
        named.end()
        until(lambda: sum(r.levelno == logging.DEBUG for r in caplog.records) > 5)  # searches
        named.start()
        until(lambda: c.error is None)
        until(lambda: "is back" in caplog.messages[-1])
    said = [r.getMessage() for r in caplog.records if r.levelno > logging.DEBUG]
    assert len(said) == 2
    assert said[0].startswith(f'waiting for the server "{named.name}": framebuffer: ')
    assert said[1] == f'the server "{named.name}" is back'


@pytest.mark.parametrize("answer,error", [({"key": "fb3_sysv_1.2.3_" + "0" * 32 + "_00000000"}, errors.BadKey), ({"refused": "not you"}, errors.NoPermission)])
def test_a_server_that_cannot_be_followed(answer: dict[str, str], error: type[Exception]) -> None:
    named = Named(pathlib.Path(), "python").start()
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam")
        pub.publish(b"last")
        named.end()
        other = Here(named.name, answer)
        assert [m.sequence for m in (sub.next(),)] == [0]
        with pytest.raises(error):
            sub.next(timeout=children.BOUND)
        with pytest.raises(error):
            pub.publish(b"x")
        assert isinstance(c.error, error)
        other.close()
    assert type(c.error) is errors.Closed, "after stop, whatever was before"
    with pytest.raises(errors.Closed):
        sub.next(timeout=children.BOUND)
    until(lambda: c._chain._thread is None or not c._chain._thread.is_alive())


def test_a_timeout_counts_the_wait_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: what is left of it is for the next ring."""
    named, left = Named(pathlib.Path(), "python").start(), []
    with framebuffer.connect(named.name) as c, c.subscribe("cam") as sub:
        named.end()
        until(lambda: c.error is not None)
        with pytest.raises(TimeoutError):
            sub.next(timeout=0)  # it goes on behind the old ring
        take, pub = Subscription.next, c.publisher("cam")

        def noted(self: Subscription, timeout: "float | None" = None) -> framebuffer.Message:
            left.append(timeout)
            return take(self, timeout)

        monkeypatch.setattr(Subscription, "next", noted)

        def start() -> None:
            named.start()
            until(lambda: c.error is None)
            pub.publish(b"x")

        timer = threading.Timer(1, start)
        timer.start()
        assert sub.next(timeout=children.BOUND).ring == 1
        assert len(left) == 1 and left[0] <= children.BOUND - 1
        timer.join()
    named.end()


def test_a_set_to_which_another_thread_adds() -> None:
    """Followers and holds come and go while a ring is let go of."""
    turns = iter([RuntimeError("Set changed size during iteration"), "ab"])

    class Changing(weakref.WeakSet):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Any]:
            turn = next(turns)
            if isinstance(turn, Exception):
                raise turn
            return iter(turn)

    assert _segment.members(Changing()) == ["a", "b"]


def test_subscriptions_that_are_dropped_leave_no_thread() -> None:
    """Also while there is no server, when the thread that waits for a task is of another kind."""
    named = Named(pathlib.Path(), "python").start()
    with framebuffer.connect(named.name) as c:
        sub = c.subscribe("cam")
        named.end()
        until(lambda: c.error is not None)

        async def wait(of: Any) -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(of.anext(), 0.1)

        def waits() -> bool:
            gc.collect()  # what asyncio ties together
            return any(t.name == "framebuffer-follow-topic" for t in threading.enumerate())

        asyncio.run(wait(sub))
        assert waits()
        del sub
        until(lambda: not waits())


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("what", ["connection", "subscription"])
def test_closing_ends_waiting(named: Named, there: bool, what: str) -> None:
    c = framebuffer.connect(named.name)
    sub, told = c.subscribe("cam"), []
    if not there:
        named.end()
        until(lambda: c.error is not None)

    def wait() -> None:
        try:
            sub.next()
        except errors.FrameBufferError as e:
            told.append(type(e))

    waiter = threading.Thread(target=wait)
    waiter.start()
    (c.stop if what == "connection" else sub.close)()
    waiter.join(children.BOUND)
    assert told == [errors.Closed]
    c.stop()
    assert type(c.error) is errors.Closed
    with pytest.raises(errors.Closed):
        c.put(b"1")


def test_a_forked_child_follows_too(named: Named) -> None:
    """With what it inherited, and a thread of its own."""
    reads, writes = os.pipe()
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam")

        def follow() -> int:
            if named.language == "python":
                named.server.socket.close()  # or its name would stay taken
            os.write(writes, bytes([*[sub.next().ring for _ in range(2)], *[sub.next().ring]]))
            until(lambda: c.error is None)
            pub.publish(b"from the child")
            return 0

        child = children.fork(follow)
        for _ in range(2):
            pub.publish(b"x")
        assert take(c, sub, 2)[-1][:2] == (0, 1)
        named.end()
        until(lambda: c.error is not None)
        named.start()
        until(lambda: c.error is None)
        pub.publish(b"x")
        assert os.read(reads, 3) == bytes([0, 0, 1])
        assert take(c, sub, 2) == [(1, 0, 0, b"x"), (1, 1, 0, b"from the child")]
        assert children.status(child) == 0
    os.close(reads)
    os.close(writes)


def test_no_server() -> None:
    with pytest.raises(errors.NoServer, match=f"framebuffer serve --name nosuch-{os.getpid()}"):
        framebuffer.connect(f"nosuch-{os.getpid()}")
    for name in ("", "a/b", "x" * 65, "a\0"):
        with pytest.raises(errors.FrameBufferError, match="server name"):
            framebuffer.connect(name)


def test_a_name_that_another_user_holds_is_not_believed(programs: pathlib.Path) -> None:
    need(os.geteuid() == 0, "root, to be another user")
    name = f"squat-{os.getpid()}"
    code = f"import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('\\0framebuffer-0-{name}'); os.setuid(5000); s.listen(); print(flush=True); sys.stdin.read()"
    with children.python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as squatter:
        squatter.stdout.readline()
        with pytest.raises(errors.NoPermission, match="taken by a process of uid 5000"):
            framebuffer.connect(name)
        squatter.stdin.close()


def test_a_server_whose_name_another_user_holds_is_found(programs: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(os.geteuid() == 0, "root, to be another user")
    with tempfile.TemporaryDirectory(prefix="fb") as run:  # a short path, as a socket needs
        monkeypatch.setenv("XDG_RUNTIME_DIR", run)
        name = f"squatted-{os.getpid()}"
        code = f"import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('\\0framebuffer-0-{name}'); os.setuid(5000); s.listen(); print(flush=True); sys.stdin.read()"
        with children.python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as squatter:
            squatter.stdout.readline()
            serve = children.Child([programs / "framebuffer", "serve", "--size", "64KiB", "--name", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert serve.stdout is not None and serve.stderr is not None
            assert "of uid 5000" in serve.stderr.readline()
            serve.stdout.readline()
            with framebuffer.connect(name) as c:
                assert c.get(c.put(b"x")) == b"x"
            serve.terminate()
            serve.communicate()
            assert serve.returncode == 0 and os.listdir(os.path.join(run, "framebuffer-meeting")) == []
            squatter.stdin.close()


WAITS = """
import asyncio, framebuffer, sys
async def waits(c):
    async for message in c.subscribe("cam"):
        pass
async def main():
    asyncio.create_task(waits(c))
    await asyncio.sleep(0.05)
c = framebuffer.connect(sys.argv[1])
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
print("over")
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_program_with_a_connection_ends(named: Named, there: bool) -> None:
    code = WAITS if there else WAITS.replace("asyncio.sleep(0.05)", "loop.run_in_executor(None, gone)").replace(
        "async def main", "def gone():\n    print(flush=True); sys.stdin.readline()\n    while c.error is None: pass\n    import time; time.sleep(0.7)\nasync def main"
    )
    with children.python(code, named.name, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        if not there:
            child.stdout.readline()
            named.end()
        out, err = child.communicate("\n")
    assert (child.returncode, out) == (0, "over\n"), err
    assert "Traceback" not in err and ("waiting for the server" in err) == (not there)
