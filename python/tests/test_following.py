"""Connections that go on with the next server of their name, in Go or in Python."""

import asyncio
import logging
import os
import pathlib
import threading
import time
import weakref
from typing import Any, Iterator

import children
import pytest
from servers import Here, Named, take, until

import framebuffer
from framebuffer import _chain, _segment, errors
from framebuffer.topic import Subscription


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
    """The rings are released all the same, and their memory with them."""
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam", group=group)
        for _ in range(3):
            pub.publish(b"x")
        first = sub.next()
        for _ in range(2):
            link = c._chain.now
            named.end()
            until(lambda: link.released)
            named.start()
            until(lambda: c.error is None)
            for n in range(10):  # two more than the topic remembers
                pub.publish(b"%d" % n)
        with pytest.raises(errors.StaleKey, match="was released"):
            c.get(first.frame)
        assert take(c, sub, 2) == [(2, 2, 2 + 10 + 2, b"2"), (2, 3, 0, b"3")]
        assert (sub.received, sub.lost) == (3, 14)


def test_a_dead_ring_is_released(named: Named) -> None:
    """Its memory is free for the next server, within a second; but while a frame is held it stays."""
    assert _chain.LOOK + _chain.GRACE + _chain.LOOK < 1, "its end is found, it is read on, and released"
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam")
        frame = pub.publish(b"held").frame
        hold = c.hold(frame, seconds=600)
        link = c._chain.now
        memory = [weakref.ref(link.ring._attached().mapped.ring), weakref.ref(link.ring._attached().mapped.control)]
        named.end()
        until(lambda: link.ended and time.monotonic() > link.ended + 2 * _chain.GRACE)
        assert not link.released and hold.view == b"held" and c.get(frame) == b"held"
        hold.check()
        hold.release()
        del hold
        until(lambda: link.released and all(m() is None for m in memory))  # without the collector
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
    """Followers and holds come and go while a ring is released."""
    turns = iter([RuntimeError("Set changed size during iteration"), "ab"])

    class Changing(weakref.WeakSet):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Any]:
            turn = next(turns)
            if isinstance(turn, Exception):
                raise turn
            return iter(turn)

    assert _segment.members(Changing()) == ["a", "b"]


def test_a_forked_child_follows_too(named: Named) -> None:
    """With what it inherited, and a thread of its own."""
    reads, writes = os.pipe()
    with framebuffer.connect(named.name) as c:
        pub, sub = c.publisher("cam"), c.subscribe("cam")

        def follow() -> int:
            if named.language == "python":
                named.server.socket.close()  # or its name would stay taken
            os.write(writes, b"c")
            os.write(writes, bytes([*[sub.next().ring for _ in range(2)], *[sub.next().ring]]))
            until(lambda: c.error is None)
            pub.publish(b"from the child")
            return 0

        child = children.fork(follow)
        os.close(writes)  # a child that fails ends the reads below
        assert os.read(reads, 1) == b"c", "the child has closed what it inherited of the server"
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
