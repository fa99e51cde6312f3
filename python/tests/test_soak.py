"""Go and Python writers and readers on one small ring, with kill -9: zero wrong bytes.

    make soak-python        a minute of it, with each kind of server

Without FRAMEBUFFER_SOAK, a number of seconds, it goes on until everything that can happen has:
frames of each language read by each, after laps, and every kind of process killed.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Callable, Iterator

import children
import pytest
from conftest import environment

from framebuffer.server import FrameBufferServer

LANGUAGES = ("go", "python")
LASTS = float(os.environ.get("FRAMEBUFFER_SOAK", "0"))  # s, or until all has happened
RING = 3 << 20  # some ten frames: readers are often too late


class Peer:
    """A writer or a reader, a process of its own, which is started again when it was killed.
    The language of a writer is told by its number: Go's are even."""

    def __init__(self, field: "Field", role: str, language: str) -> None:
        self.field, self.role, self.language = field, role, language
        self.lock = threading.Lock()
        self.waiting = 0  # lines that a reader has not answered
        self.process = self.start()
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def start(self) -> children.Child:
        program = [str(self.field.programs / "peer")] if self.language == "go" else [sys.executable, str(pathlib.Path(__file__).with_name("peer.py"))]
        self.field.number += 2
        number = self.field.number + LANGUAGES.index(self.language)
        return children.Child(
            [*program, self.role, self.field.key, str(number)], bound=children.BOUND + LASTS,
            stdin=subprocess.PIPE if self.role == "read" else subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment(),
        )

    def listen(self) -> None:
        """Does with each line what is to be done, in this process's life and the next."""
        while True:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                if line.endswith(b"\n"):  # else it was killed in the middle of it
                    self.field.heard(self, line)
            status = self.process.wait()
            with self.lock:
                if self.field.over:
                    return
                if status != -signal.SIGKILL:
                    self.field.wrong.append(f"a {self.language} process that shall {self.role} ended with {status}")
                    return
                self.field.counts[f"killed {self.role} {self.language}"] += 1
                self.process, self.waiting = self.start(), 0

    def kill(self) -> None:
        with self.lock:
            self.process.kill()

    def tell(self, line: bytes) -> None:
        try:
            assert self.process.stdin is not None
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except OSError:
            pass  # it was killed; the frame is lost


class Field:
    """Two writers and two readers of each language."""

    def __init__(self, key: str, programs: pathlib.Path) -> None:
        self.key, self.programs = key, programs
        self.number, self.over = 0, False
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.readers = [Peer(self, "read", language) for language in LANGUAGES for _ in range(2)]
        self.turns = {id(r): threading.Lock() for r in self.readers}
        self.writers = [Peer(self, "write", language) for language in LANGUAGES for _ in range(2)]

    def heard(self, peer: Peer, line: bytes) -> None:
        if peer.role == "write":
            self.counts["sent"] += 1
            reader = random.choice(self.readers)
            with self.turns[id(reader)]:  # one line at a time
                if reader.waiting < 3:  # or all that it is told of would be long gone
                    reader.waiting += 1
                    reader.tell(line)
            return
        peer.waiting -= 1
        word, _, rest = line.decode().rstrip("\n").partition(" ")
        if word == "ok":
            self.counts[f"{LANGUAGES[int(rest) % 2]} to {peer.language}"] += 1
        elif word == "timeout":
            self.counts[f"{peer.language} too late"] += 1
        else:
            self.wrong.append(f"{peer.language} read: {line.decode()}")

    def end(self) -> None:
        self.over = True
        for peer in [*self.writers, *self.readers]:
            with peer.lock:
                peer.process.kill()
        for peer in [*self.writers, *self.readers]:
            peer.thread.join()
            for pipe in (peer.process.stdin, peer.process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        pass


EVERYTHING = [
    *(f"{a} to {b}" for a in LANGUAGES for b in LANGUAGES),
    *(f"{b} too late" for b in LANGUAGES),
    *(f"killed {role} {a}" for role in ("write", "read") for a in LANGUAGES),
]


def enough(field: Field) -> Callable[[], bool]:
    if LASTS:
        end = time.monotonic() + LASTS
        return lambda: time.monotonic() > end
    return lambda: all(field.counts[what] >= (1 if "killed" in what or "late" in what else 25) for what in EVERYTHING)


def soak(key: str, programs: pathlib.Path) -> Field:
    field = Field(key, programs)
    try:
        done, sent, last = enough(field), 0, time.monotonic()
        while not done() and not field.wrong:
            time.sleep(0.01)
            peers = [*field.writers, *field.readers]
            spared = [p for p in peers if not field.counts[f"killed {p.role} {p.language}"]]
            if LASTS:
                if time.monotonic() - last > 0.5:
                    last = time.monotonic()
                    random.choice(peers).kill()
            elif spared and field.counts["sent"] - sent > 200:
                sent = field.counts["sent"]
                random.choice(spared).kill()
    finally:
        field.end()
    print(dict(sorted(field.counts.items())))
    assert not field.wrong
    assert all(field.counts[what] for what in EVERYTHING), field.counts
    return field


def test_with_a_python_server(programs: pathlib.Path, backend: str, directory: str) -> None:
    with FrameBufferServer(RING, backend=backend, dir=directory) as server:
        soak(server.get_key(), programs)


@pytest.fixture
def go_server(programs: pathlib.Path, backend: str, directory: str) -> Iterator[str]:
    """The key of a server in Go."""
    name = f"soak-{os.getpid()}-{backend}"
    serve = children.Child(
        [programs / "framebuffer", "serve", "--size", "3MiB", "--name", name, "--backend", backend, *(["--dir", directory] if backend != "sysv" else [])],
        bound=children.BOUND + LASTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert serve.stdout is not None
        serve.stdout.readline()  # it says that it serves
        key = children.run([programs / "framebuffer", "key", "--name", name], check=True, capture_output=True, text=True).stdout.strip()
        yield key
    finally:
        serve.terminate()
        serve.wait()


def test_with_a_go_server(programs: pathlib.Path, go_server: str) -> None:
    soak(go_server, programs)
