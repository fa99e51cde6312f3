"""The programs in the documents run as they are written there, and go on after a frame that is lost."""

import os
import re
from pathlib import Path
from typing import Any, Iterator

import pytest
from conftest import ROOT, need
from servers import Here

from framebuffer.client import FrameBufferClient, FrameBufferTimeout, Subscription
from framebuffer.server import FrameBufferServer

DOCUMENTS = ("README.md", "docs/python.md", "python/README.md")
HEIGHT, WIDTH = 1080, 1920


def programs_of(document: str) -> "list[str]":
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


PROGRAMS = [(document, code) for document in DOCUMENTS for code in programs_of(document)]


def module(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        need(False, f"Python's {name}, which scripts/setup installs")


class Camera:
    """Publishes one frame when a program has subscribed. When the program reads it, the ring has been
    allocated all the way round; then come two frames more, and the topic's end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[bytes] = []
        self.late = 0
        read, subscribe = FrameBufferClient.read, FrameBufferClient.subscribe

        def subscribed(client: FrameBufferClient, topic: str, **options: Any) -> Subscription:
            sub = subscribe(client, topic, **options)
            self.publisher = client.publisher(topic)
            self.publisher.publish(b"late")
            return sub

        def reads(client: FrameBufferClient, *where: Any) -> bytes:
            if not self.late:
                client.allocate(client._attached().ring.max_size)
                for data in (b"second", b"third"):
                    self.publisher.publish(data)
                self.publisher.end()
            try:
                self.read.append(read(client, *where))
            except FrameBufferTimeout:
                self.late += 1
                raise
            return self.read[-1]

        monkeypatch.setattr(FrameBufferClient, "subscribe", subscribed)
        monkeypatch.setattr(FrameBufferClient, "read", reads)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[Camera]:
    yield Camera(monkeypatch)


@pytest.mark.parametrize("document,code", PROGRAMS, ids=[f"{document}-{n}" for n, (document, _) in enumerate(PROGRAMS)])
def test_programs_in_documents(camera: Camera, document: str, code: str) -> None:
    numpy = module("numpy")
    if "cv2" in code:
        module("cv2")
    name = f"documents-{os.getpid()}"
    image = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
    with FrameBufferServer(3 * image.nbytes) as server, FrameBufferClient(server.get_key()) as client:
        here = Here(name)
        given = {"client": client, "key": server.get_key(), "image": image, "frame": client.put(image), "height": HEIGHT, "width": WIDTH}
        try:
            # Not the server of the user who runs the tests.
            exec(compile(code.replace("connect()", f"connect({name!r})"), document, "exec"), given)
        finally:
            here.close()
    if "subscribe" in code:
        assert camera.late == 1 and camera.read == [b"second", b"third"]


def test_every_document_has_a_loop() -> None:
    for document in DOCUMENTS:
        assert any("subscribe" in code for code in programs_of(document)), document


def test_documents_install_it_in_the_same_way() -> None:
    """test_install.py runs the line."""
    assert {line for document in DOCUMENTS for line in install_lines(document)} == {INSTALL}
    assert all(install_lines(document) for document in DOCUMENTS)


INSTALL = "python3 -m venv .venv && .venv/bin/pip install ./python"


def install_lines(document: str) -> "list[str]":
    """The commands, each in a line of its own, that install the package with pip."""
    return [line.strip() for line in Path(ROOT / document).read_text().splitlines() if line.startswith("    ") and "pip install" in line]
