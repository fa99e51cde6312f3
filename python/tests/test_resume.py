"""Where subscriptions go on after losses: in Go and in Python at the same frames."""

import pathlib
import random
import subprocess

import children
import pytest

from framebuffer import _queue
from framebuffer._topics import Topic
from framebuffer.client import FrameBufferClient, Subscription
from framebuffer.server import FrameBufferServer

DEPTH = 16


def take(sub: Subscription, n: int) -> "list[tuple[int, int]]":
    """The sequence numbers of n messages, or of as many as there are, and what was lost before each."""
    got = []
    for _ in range(n):
        try:
            message = sub.next(timeout=0)
        except TimeoutError:
            break
        got.append((message.sequence, message.lost))
    return got


def skip(sub: Subscription, n: int) -> None:
    """Skips sequence numbers as a mirror does."""
    topic = sub._topic
    for _ in range(n):
        s = topic.next
        topic._words[topic._place(s)] = topic._lap(s)
        topic._words[topic._next] = s + 1


@pytest.mark.parametrize("group", ["", "g"])
def test_a_slow_subscription_skips_a_quarter(group: str) -> None:
    with FrameBufferServer(1 << 20, topic_depth=DEPTH) as server, FrameBufferClient(server.get_key()) as client:
        sub, pub = client.subscribe("cam", group=group), client.publisher("cam")

        def publish(n: int) -> None:
            for _ in range(n):
                pub.publish(b"x")

        publish(100)
        assert take(sub, 1) == [(84, 84)]  # the oldest: it has lost nothing for long
        publish(10)
        assert take(sub, 1) == [(98, 13)]  # 94 is the oldest
        publish(5)
        assert take(sub, 5) == [(99 + n, 0) for n in range(5)]
        publish(20)
        assert take(sub, 1) == [(119, 15)]  # five frames after the last loss: the oldest again
        publish(DEPTH)
        skip(sub, 1)
        assert take(sub, 1) == [(140, 20)]  # and after one a quarter later, at 136
        publish(3)
        assert take(sub, 11) == [(n, 0) for n in range(141, 151)] + [(152, 1)]  # 151 was skipped: no lead


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.parametrize("depth", [2, 4, DEPTH, 64])
def test_go_and_python_go_on_at_the_same_frames(programs: pathlib.Path, monkeypatch: pytest.MonkeyPatch, depth: int, hurried: bool) -> None:
    """Bursts of frames, and of numbers that a mirror skips, and now and then a reader that takes some.
    Hurried, the search for the oldest frame runs out of time at every step."""
    if hurried:
        search = Topic.search
        monkeypatch.setattr(_queue, "_STEPS", 1)
        monkeypatch.setattr(Topic, "search", lambda topic, start, until=None: search(topic, start, until and -1.0))
    rng = random.Random(depth)
    with FrameBufferServer(1 << 20, topic_depth=depth) as server, FrameBufferClient(server.get_key()) as client:
        peer = children.Child([programs / "peer", "subscribe", client.key, "cam"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert peer.stdin is not None and peer.stdout is not None
        assert peer.stdout.readline() == "ready\n"
        subs = [client.subscribe("cam"), client.subscribe("cam", group="python")]
        pub, lost = client.publisher("cam"), 0
        for _ in range(300):
            for _ in range(rng.choice([0, 1, depth // 4, depth, 2 * depth])):
                if rng.random() < 0.1:
                    skip(subs[0], rng.choice([1, depth // 4, depth]))
                pub.publish(bytes(rng.choice([1, 1, 1, 30_000])))
            n = rng.choice([1, 1, 2, depth // 4, depth])
            print(n, file=peer.stdin, flush=True)
            for sub in subs:
                got = take(sub, n)
                lost += sum(one[1] > 0 for one in got)
                assert " ".join(f"{s}-{lost}" for s, lost in got) == peer.stdout.readline().strip()
        assert lost > 50
        peer.stdin.close()
        assert peer.wait() == 0
        peer.stdout.close()
