"""Servers of one name, one after the other, and what tests ask of connections to them."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
from typing import Any, Callable

import children

import framebuffer
from framebuffer.server import FrameBufferServer


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
