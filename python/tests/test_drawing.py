"""What libraries do that store through the pointer of a read-only buffer: OpenCV before 4.9 does
not ask whether it may. (Debian 12 has 4.6.)"""

import ctypes
import importlib.util
import signal
import subprocess
from typing import Any

import children
import numpy
import pytest
from conftest import environment, need

from framebuffer.client import FrameBufferClient, FrameBufferTimeout

SHAPE = (60, 80, 3)


def draw(image: Any) -> None:
    ctypes.memset(image.ctypes.data + 5000, 255, 1000)


def draw_with_opencv(image: Any) -> None:
    need(importlib.util.find_spec("cv2") is not None, "OpenCV before 4.9, which scripts/setup installs")
    import cv2

    need(tuple(map(int, cv2.__version__.split(".")[:2])) < (4, 9), "OpenCV before 4.9: this one refuses")
    cv2.rectangle(image, (10, 10), (70, 50), (255, 255, 255))


@pytest.mark.parametrize("way", [draw, draw_with_opencv])
def test_drawing_into_views(client: FrameBufferClient, way: Any) -> None:
    image = numpy.zeros(SHAPE, numpy.uint8)
    frame = client.put(image)
    drawn = numpy.empty(SHAPE, numpy.uint8)  # the documented ways to copy
    assert client.read_into(drawn, frame) == image.nbytes
    way(drawn)
    with client.view(frame) as view:
        way(numpy.frombuffer(view, numpy.uint8).reshape(SHAPE).copy())
    with client.hold(frame, seconds=60) as hold:
        way(numpy.frombuffer(hold.view, numpy.uint8).reshape(SHAPE).copy())
    assert drawn.any() and client.get(frame) == image.tobytes()
    with client.view(frame) as view:
        way(numpy.frombuffer(view, numpy.uint8).reshape(SHAPE))
    with pytest.raises(FrameBufferTimeout, match="altered"):
        client.get(frame)
    with pytest.raises(FrameBufferTimeout, match="altered"), client.view(frame):
        pass


READ_ONLY = """
import numpy, sys, test_drawing
from framebuffer import Frame, FrameBufferClient
frame = Frame.from_json(sys.argv[1])
with FrameBufferClient(frame.key, read_only=True) as client, client.view(frame) as view:
    image = numpy.frombuffer(view, numpy.uint8).reshape(test_drawing.SHAPE)
    print(image.sum(), flush=True)
    test_drawing.draw(image)
"""


def test_read_only_clients_cannot_draw(client: FrameBufferClient) -> None:
    image = numpy.ones(SHAPE, numpy.uint8)
    frame = client.put(image)
    env = environment()
    env["PYTHONPATH"] += ":" + __file__.rpartition("/")[0]
    with children.python(READ_ONLY, frame, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.communicate()[0] == f"{image.size}\n"
    assert child.returncode == -signal.SIGSEGV
    assert client.get(frame) == image.tobytes()


def test_the_docstrings_say_so() -> None:
    for what in (FrameBufferClient.view, FrameBufferClient.hold):
        assert "OpenCV before 4.9" in (what.__doc__ or "")
