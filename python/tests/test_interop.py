"""The Go command on rings of Python servers, and Python on those of Go servers."""

import json
import os
import pathlib
import subprocess
from typing import Iterator

import children
import pytest
from conftest import lap

from framebuffer.client import FrameBufferClient, FrameBufferTimeout
from framebuffer.frame import Frame
from framebuffer.server import FrameBufferServer


@pytest.fixture(params=["go", "python"])
def key(request: pytest.FixtureRequest, backend: str, directory: str, programs: pathlib.Path) -> Iterator[str]:
    """The key of a ring of a megabyte."""
    if request.param == "python":
        with FrameBufferServer(1 << 20, backend=backend, dir=directory) as s:
            yield s.get_key()
        return
    command = [str(programs / "framebuffer"), "serve", "--size", "1MiB", "--name", f"interop-{os.getpid()}", "--backend", backend]
    if backend != "sysv":
        command += ["--dir", directory]
    serve = children.Child(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert serve.stdout is not None
        serve.stdout.readline()
        yield run(programs, "key", "--name", f"interop-{os.getpid()}").decode().strip()
    finally:
        serve.terminate()
        serve.wait()


def run(programs: pathlib.Path, *arguments: str, data: bytes = b"", status: int = 0) -> bytes:
    out = children.run([programs / "framebuffer", *arguments], input=data, capture_output=True)
    assert out.returncode == status, out.stderr.decode()
    return out.stdout


def test_there_and_back(key: str, programs: pathlib.Path) -> None:
    with FrameBufferClient(key) as client:
        for n in (1, 1000, 65537, 500_000):
            data = os.urandom(n)
            frame = Frame.from_json(run(programs, "put", "--key", key, "-", data=data))
            assert client.get(frame) == data
            assert run(programs, "get", "-", data=client.put(data).to_json().encode()) == data
            # What Go allocated Python writes, and the other way round.
            offset = run(programs, "allocate", "--key", key, str(n)).decode().strip()
            frame = Frame(key, int(offset), n, client.write(offset, data))
            assert run(programs, "get", "-", data=frame.to_json().encode()) == data
        lap(client)
        with pytest.raises(FrameBufferTimeout):
            client.get(frame)
        run(programs, "get", "-", data=frame.to_json().encode(), status=3)


def test_holds_of_one_are_respected_by_the_other(key: str, programs: pathlib.Path) -> None:
    with FrameBufferClient(key) as client:
        data = os.urandom(100_000)
        frame = Frame.from_json(run(programs, "put", "--key", key, "-", data=data))
        with client.hold(frame, seconds=60) as hold:
            for _ in range(12):
                run(programs, "put", "--key", key, "-", data=data)
            assert hold.view == data
            assert run(programs, "get", "-", data=frame.to_json().encode()) == data


def test_doctor_finds_python_clients(key: str, programs: pathlib.Path) -> None:
    with FrameBufferClient(key, name="a snake") as client:
        client.put(b"1")
        out = children.run([programs / "framebuffer", "doctor", "--json", key], capture_output=True, text=True).stdout
        lines = [json.dumps(json.loads(line)) for line in out.splitlines()]
        assert any("a snake" in line and str(os.getpid()) in line for line in lines), out
