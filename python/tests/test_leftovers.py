"""What a killed server leaves behind, and who takes it away."""

import glob
import os
import pathlib
import signal
import subprocess
import sys

import children
import pytest
from conftest import environment

from framebuffer import errors
from framebuffer._shm import name_watcher
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

MIB = 1 << 20


def test_leftovers_are_swept_and_nothing_else(directory: str, tmp_path: pathlib.Path) -> None:
    code = """
import os, signal, sys
from framebuffer.server import FrameBufferServer

MIB = 1 << 20
s = FrameBufferServer(1 << 20, backend="file", dir=sys.argv[1]).start()
os.kill(os.getpid(), signal.SIGKILL)
"""
    children.run([sys.executable, "-c", code, directory], env=environment())
    left = os.listdir(directory)
    assert len(left) == 2
    others = ["framebuffer-0123.ring", "framebuffer-x.control", "framebuffer-" + "0" * 32, "notes.control"]
    for name in others:
        pathlib.Path(directory, name).touch()
    os.mkfifo(f"{directory}/framebuffer-{'1' * 32}.ring")  # must not keep anybody waiting
    other = tmp_path / "another's"
    other.touch()
    os.symlink(other, f"{directory}/framebuffer-{'2' * 32}.ring")
    with FrameBufferServer(MIB, backend="file", dir=directory) as first, FrameBufferServer(MIB, backend="file", dir=directory) as second:
        there = set(os.listdir(directory))
        assert not there & set(left) and there >= set(others)
        for server in (first, second):
            with FrameBufferClient(server.get_key()) as c:
                assert c.get(c.put(b"lives")) == b"lives"
    assert other.exists()
    for path in glob.glob(f"{directory}/*"):
        os.unlink(path)


def test_go_sweeps_what_python_left_and_the_other_way_round(directory: str, programs: pathlib.Path) -> None:
    code = 'import sys; from framebuffer.server import FrameBufferServer; s = FrameBufferServer(1 << 20, backend="file", dir=sys.argv[1]).start(); print(flush=True); input()'
    python = [sys.executable, "-c", code, directory]
    go = [str(programs / "framebuffer"), "serve", "--size", "1MiB", "--name", f"sweep-{os.getpid()}", "--backend", "file", "--dir", directory]
    for first, then in ((python, go), (go, python)):
        names = []
        for command in (first, then):
            with children.Child(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
                assert p.stdout is not None
                p.stdout.readline()
                names.append(set(os.listdir(directory)))
                p.kill()
        assert all(len(n) == 2 for n in names) and not names[0] & names[1]
    FrameBufferServer(1, backend="file", dir=directory).start().stop()


def test_a_killed_servers_key_is_stale(directory: str) -> None:
    """Also while its files are still there, and others are attached."""
    code = 'import sys; from framebuffer.server import FrameBufferServer; s = FrameBufferServer(1 << 20, backend="file", dir=sys.argv[1]).start(); print(s.get_key(), flush=True); input()'
    with children.Child([sys.executable, "-c", code, directory], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        assert p.stdout is not None
        key = p.stdout.readline().strip()
        client = FrameBufferClient(key).start()
        frame = client.put(b"survives")
        p.kill()
    with pytest.raises(errors.StaleKey, match="was killed: get the key"):
        FrameBufferClient(key).start()
    FrameBufferServer(1, backend="file", dir=directory).start().stop()
    assert client.get(frame) == b"survives"
    client.stop()


def test_a_name_that_is_cleaned_away_at_a_servers_end(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its look and its unlink."""
    monkeypatch.setattr(name_watcher, "state_of", lambda path, should: name_watcher.OURS)
    name_watcher.remove(os.path.join(directory, "gone"), os.stat(directory))
