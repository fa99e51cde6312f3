"""Frames that stay while writers go on."""

import time

import pytest
from conftest import lap

from framebuffer import _clock, _layout as L, errors
from framebuffer._holds import active, new_term
from framebuffer.client import FrameBufferClient, FrameBufferTimeout


def write_around(client: FrameBufferClient, laps: int = 3) -> None:
    for _ in range(laps * 10):
        client.put(bytes(100_000))


def test_a_held_frame_stays_for_everybody(client: FrameBufferClient) -> None:
    data = b"held" * 25_000
    frame = client.put(data)
    other = client.put(data)
    with client.hold(frame, seconds=60) as hold:
        write_around(client)
        assert hold.view == data and client.get(frame) == data
        with client.view(frame) as v:
            assert v == data
        with FrameBufferClient(client.key) as reader:
            assert reader.get(frame) == data
            assert reader.hold(frame, seconds=1).view == data
        hold.check()
    with pytest.raises(FrameBufferTimeout):
        client.get(other)
    write_around(client)
    with pytest.raises(FrameBufferTimeout):
        client.get(frame)


def test_a_hold_runs_out(client: FrameBufferClient) -> None:
    frame = client.put(bytes(1000))
    hold = client.hold(frame, seconds=0.001)
    until = client._attached().control.words[L.OFF_HOLD_UNTIL // 8] + L.HOLD_GRACE
    while time.monotonic_ns() <= until:
        pass
    hold.check()  # nobody has reused it yet
    lap(client)
    for call in (hold.check, lambda: hold.extend(1), hold.release):
        with pytest.raises(FrameBufferTimeout):
            call()
    with pytest.raises(errors.Closed):
        hold.release()
    with pytest.raises(FrameBufferTimeout):
        with client.hold(client.put(bytes(1000)), seconds=0.001):
            until = client._attached().control.words[L.OFF_HOLD_UNTIL // 8] + L.HOLD_GRACE
            while time.monotonic_ns() <= until:
                pass
            lap(client)


def test_extending(client: FrameBufferClient) -> None:
    data = bytes(range(200)) * 5
    frame = client.put(data)
    hold = client.hold(frame, seconds=0.05)
    hold.extend(3600)
    with pytest.raises(errors.BadSize):
        hold.extend(3601)
    end = client._attached().control.words[L.OFF_HOLD_UNTIL // 8]
    assert end > time.monotonic_ns() + 3000 * 1_000_000_000
    write_around(client)
    assert hold.view == data
    hold.release()


def test_stop_ends_holds(client: FrameBufferClient) -> None:
    with FrameBufferClient(client.key) as other:
        frame = other.put(b"x" * 1000)
        hold = other.hold(frame, seconds=3600)
    with pytest.raises(errors.Closed):
        hold.check()
    lap(client)  # a whole ring: nothing is held any more
    with pytest.raises(FrameBufferTimeout):
        client.get(frame)


def test_a_dropped_hold_ends(client: FrameBufferClient) -> None:
    client.hold(client.put(b"x" * 1000), seconds=3600)
    lap(client)


def test_all_entries(client: FrameBufferClient) -> None:
    holds = [client.hold(client.put(b"x"), seconds=60) for _ in range(256)]
    with pytest.raises(errors.HoldLimit, match="all 256 holds are in use"):
        client.hold(client.put(b"x"), seconds=60)
    for hold in holds:
        hold.release()
    client.hold(client.put(b"x"), seconds=60).release()


def test_hold_verifies(client: FrameBufferClient) -> None:
    frame = client.put(b"x" * 100)
    with pytest.raises(FrameBufferTimeout, match="altered"):
        client.hold(frame._replace(checksum="0" * 16), seconds=60)
    lap(client)  # it did not stay behind


def test_a_hold_that_is_younger_than_the_clock() -> None:
    """An allocator that was stopped since its look at the clock respects the longest hold of now."""
    now = _clock.monotonic_ns()
    assert active(new_term(now + L.MAX_HOLD), now - 60 * 10**9, L.HOLD_GRACE)
    assert not active(new_term(now + 2 * L.MAX_HOLD), now, L.HOLD_GRACE)
    assert not active(new_term(now - 2 * L.HOLD_GRACE), now, L.HOLD_GRACE)
