"""Many threads on one client."""

import random
import threading
import time

import pytest

from framebuffer import errors
from framebuffer.client import FrameBufferClient, FrameBufferTimeout
from framebuffer.server import FrameBufferServer


def test_threads_share_a_client(client: FrameBufferClient) -> None:
    """While others overwrite the ring a read gives what was written, or a timeout."""
    wrong: list[object] = []
    done = [0, 0]

    def work(number: int) -> None:
        mine = random.Random(number)
        for i in range(400):
            data = bytes([number, i & 0xFF]) * mine.randrange(1, 60_000)
            try:
                frame = client.put(data)
                done[0] += 1
                if client.get(frame) != data:
                    wrong.append((number, i))
                done[1] += 1
            except FrameBufferTimeout:
                pass
            except Exception as e:  # noqa: BLE001
                wrong.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and done[1] > 0


def test_stop_while_others_work(server: FrameBufferServer) -> None:
    client = FrameBufferClient(server.get_key()).start()
    trouble: list[Exception] = []
    begun = threading.Barrier(4)

    def work() -> None:
        begun.wait()
        try:
            while True:
                client.get(client.put(bytes(100_000)))
        except errors.Closed:
            pass
        except FrameBufferTimeout:
            pass
        except Exception as e:  # noqa: BLE001
            trouble.append(e)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    begun.wait()
    client.stop()
    for t in threads:
        t.join()
    assert not trouble


def test_stop_between_a_hold_and_who_is_told_of_the_end(client: FrameBufferClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is opened while another thread stops the client ends with it."""
    frame = client.put(b"held")
    ways = {"hold": lambda c: c.hold(frame, seconds=60), "subscription": lambda c: c.subscribe("cam")}
    for what, begin in ways.items():
        with FrameBufferClient(client.key) as mine:
            segment = mine._attached()
            slip = type(segment).on_close
            monkeypatch.setattr(type(segment), "on_close", lambda s, told: (mine.stop(), slip(s, told)))
            with pytest.raises(errors.Closed):
                begin(mine)
            monkeypatch.undo()
    stats = client._attached().ring.holds.total(time.monotonic_ns())
    assert stats == 0


def test_others_are_added_while_the_end_is_told(client: FrameBufferClient) -> None:
    with FrameBufferClient(client.key) as mine:
        segment = mine._attached()
        subs = [mine.subscribe(f"t{i}") for i in range(3)]
        real = segment.closing

        class Changes:
            tries = 0

            def __iter__(self) -> object:
                self.tries += 1
                if self.tries < 3:
                    raise RuntimeError("Set changed size during iteration")
                return iter(real)

        segment.closing = Changes()  # type: ignore[assignment]
        mine.stop()
        for s in subs:
            with pytest.raises(errors.Closed):
                s.next(timeout=1)
