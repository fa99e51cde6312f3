"""What a FrameBufferTimeout says of its reason."""

import pickle
import warnings

import pytest
from conftest import lap

from framebuffer import _layout as L, errors
from framebuffer.client import FrameBufferClient, FrameBufferTimeout, Reason


def of(call: "object") -> FrameBufferTimeout:
    with pytest.raises(FrameBufferTimeout) as caught:
        call()  # type: ignore[operator]
    return caught.value


def test_the_reason(client: FrameBufferClient) -> None:
    frame = client.put(bytes(1000))
    altered = of(lambda: client.get(frame._replace(checksum="0" * 16)))
    no_chunk = of(lambda: client.read(frame.offset + 64, 1, frame.checksum))
    assert isinstance(no_chunk, errors.BadOffset)
    for error in (altered, no_chunk):
        assert (error.reason, error.overwritten, error.altered) == (Reason.ALTERED, False, True)
    place = client.reserve(1000)
    lap(client)
    for call in (lambda: client.get(frame), lambda: client.write(frame.offset, b"x"), lambda: place.commit(),
                 lambda: client.publisher("cam").publish_frame(frame)):
        error = of(call)
        assert (error.reason, error.overwritten, error.altered) == (Reason.OVERWRITTEN, True, False)
    assert [str(reason) for reason in Reason] == ["overwritten", "altered"] == [*Reason]


def test_the_reason_goes_along_to_another_process() -> None:
    for error in (errors.overwritten("x"), errors.altered("x"), errors.overwritten_between("x"), errors.NoHeader("x")):
        same = pickle.loads(pickle.dumps(error))
        assert (type(same), str(same), same.reason, same.counted) == (type(error), str(error), error.reason, error.counted)


def test_the_former_name() -> None:
    for error in (errors.overwritten("x"), errors.altered("x")):
        with pytest.warns(DeprecationWarning, match="use .overwritten"):
            assert error.reused is error.overwritten
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert error.overwritten is not error.altered


def test_a_process_that_was_stopped_lost_no_frame(client: FrameBufferClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only timeouts that name a frame are counted."""
    segment = client._attached()
    counters = segment.control.tables.slots.entry(segment.slot.index)
    with monkeypatch.context() as stopped:
        stopped.setattr(segment.ring, "alive", lambda c: False)
        assert of(lambda: client.allocate(1)).overwritten
    assert segment.control.words[(counters + L.SLOT_OVERWRITTEN) // 8] == 0
