"""The three programs of the original Python library, each in Python and in Go, in every mixture."""

import os
import pathlib
import signal
import subprocess
import sys
from typing import Iterator

import children
import pytest
from conftest import ROOT, environment

EXAMPLES = ROOT / "examples" / "python"


class Program:
    def __init__(self, programs: pathlib.Path, language: str, role: str, name: str) -> None:
        command = [str(programs / role)] if language == "go" else [sys.executable, str(EXAMPLES / f"{role}.py")]
        # A background job of a shell ignores SIGINT, and so would its children.
        self.process = children.Child(
            command, env={**environment(), "FRAMEBUFFER_NAME": name}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def expect(self, text: str) -> None:
        """Reads lines until one has the text."""
        before = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
            before += line
        raise AssertionError(f"it never said {text!r} but:\n{before}")

    def end(self, how: signal.Signals | None = None) -> None:
        if how is not None:
            self.process.send_signal(how)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        assert self.process.wait() == 0, rest
        self.process.stdout.close()


@pytest.fixture
def started() -> Iterator[list[Program]]:
    all_: list[Program] = []
    yield all_
    for p in all_:  # what still runs belongs to a test that failed
        p.process.kill()
        p.process.wait()


@pytest.mark.parametrize("writer", ["go", "python"])
@pytest.mark.parametrize("reader", ["go", "python"])
@pytest.mark.parametrize("server", ["go", "python"])
def test_server_reader_writer(programs: pathlib.Path, started: list[Program], server: str, reader: str, writer: str) -> None:
    name = f"python-examples-{os.getpid()}"

    def start(language: str, role: str) -> Program:
        started.append(Program(programs, language, role, name))
        return started[-1]

    s = start(server, "server")
    s.expect("serving; key fb")
    r = start(reader, "reader")
    r.expect("waiting for frames")
    for _ in range(2):
        w = start(writer, "writer")
        w.expect("the reader says: ok")
        w.end()
        r.expect("read 1048576 bytes, checksum ")
    r.end(signal.SIGINT)
    s.end({("go", "go"): signal.SIGTERM, ("python", "python"): signal.SIGQUIT}.get((reader, writer), signal.SIGHUP))
    late = start("python", "writer")
    late.expect("no server found on this host")
    assert late.process.wait() == 1


# The writer's last lines as the seed's page has them.
PAGE = """
from rpc import RPC_CALL
from framebuffer.client import FrameBufferClient
key = RPC_CALL("framebuffer", "get_key")
size = 2**20
with FrameBufferClient(key) as client:
    offset = RPC_CALL("framebuffer", "allocate", args=(size))
    checksum = client.write(offset, bytes(size))
    print(RPC_CALL("reader", "send_data", args=(offset, size, checksum)))
    print(RPC_CALL("reader", "send_data", args=(offset, size, "0" * 16)))
"""


def test_a_frame_as_three_values(programs: pathlib.Path, started: list[Program]) -> None:
    name = f"python-page-{os.getpid()}"
    for role, said in (("server", "serving; key fb"), ("reader", "waiting for frames")):
        started.append(Program(programs, "python", role, name))
        started[-1].expect(said)
    env = {**environment(), "FRAMEBUFFER_NAME": name}
    env["PYTHONPATH"] += os.pathsep + str(EXAMPLES)
    page = children.run([sys.executable, "-c", PAGE], env=env, stdout=subprocess.PIPE, text=True, check=True)
    assert page.stdout == "ok\ntimeout\n"
    for p in reversed(started):
        p.end(signal.SIGINT)
