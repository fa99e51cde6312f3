"""The backend "file": memory that others can shorten or fill up."""

import glob
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from typing import Iterator

import children
import pytest
from conftest import ROOT, environment, need

from framebuffer import errors
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

MIB = 1 << 20


@pytest.fixture
def mounted(tmp_path: pathlib.Path) -> Iterator[str]:
    """A tmpfs of 8 MiB."""
    need(os.geteuid() == 0, "root")
    children.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], check=True)
    yield str(tmp_path)
    children.run(["umount", "-l", tmp_path], check=True)


TOIL = """
import asyncio, sys, threading, time
from framebuffer import errors
from framebuffer.client import FrameBufferClient

sys.setswitchinterval(0.0005)  # threads take turns: one polls
client = FrameBufferClient(sys.argv[1]).start()
rounds = {}

def write_and_read():
    client.get(client.put(bytes(300_000)))

def read_into():
    client.read_into(into, client.put(bytes(200_000)))
into = bytearray(200_000)

def view():
    frame = client.put(bytes(100_000))
    with client.view(frame) as v:
        for _ in range(20):
            sum(v[::16])

def numpy_view():
    import numpy
    with client.view(client.put(bytes(400_000))) as v:
        a = numpy.frombuffer(v, numpy.uint8)
        for _ in range(20):
            (a + 1).sum()

def reserve():
    with client.reserve(200_000) as place:
        for i in range(0, 200_000, 64):
            place.bytes[i] = 1
        place.commit()

def hold():
    with client.hold(client.put(bytes(4000)), seconds=1) as h:
        for _ in range(20):
            sum(h.view)

def publish():
    client.publisher("toil").publish(b"x")

def polls():
    with client.subscribe("toil", spin=-1) as s:
        while True:
            s.next()

def sleeps():
    with client.subscribe("nothing comes here") as s:
        s.next()

def tasks():
    async def wait():
        with client.subscribe("nor here") as s:
            await s.anext()
    asyncio.run(wait())

ends = {}
def toil(what):
    while True:
        try:
            what()
        except (errors.FrameBufferTimeout, errors.HoldLimit):
            pass
        except errors.Corrupt as e:
            ends[what.__name__] = "corrupt"
            return
        except BaseException as e:
            ends[what.__name__] = f"{type(e).__name__}: {e}"
            return
        rounds[what.__name__] = rounds.get(what.__name__, 0) + 1

works = [write_and_read, read_into, view, numpy_view, reserve, hold, publish]
threads = [threading.Thread(target=toil, args=(w,)) for w in [*works, polls, sleeps, tasks]]
for t in threads:
    t.start()
while not all(rounds.get(w.__name__, 0) for w in works):
    time.sleep(0.001)
print("busy", flush=True)
for t in threads:
    t.join()
for call in (lambda: client.allocate(1), lambda: client.put(b"1"), lambda: client.subscribe("t"), lambda: client.publisher("t")):
    try:
        call()
        ends["afterwards"] = "went well"
    except errors.Corrupt:
        pass
client.stop()
print(sorted(set(ends.values())), len(ends))
"""


@pytest.mark.parametrize("to", [0, 4096, 100_000 // 4096 * 4096 + 1])
@pytest.mark.parametrize("which", ["ring", "control"])
def test_shortened_under_its_clients(directory: str, which: str, to: int) -> None:
    """Whatever they are at, they go on, and are told that the memory is damaged; so is the server.
    Nobody is ended by SIGBUS."""
    with FrameBufferServer(MIB, backend="file", dir=directory) as server:
        key = server.get_key()
        with children.Child([sys.executable, "-c", TOIL, key], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as toil:
            assert toil.stdout is not None
            assert toil.stdout.readline() == "busy\n"
            os.truncate(glob.glob(f"{directory}/*.{which}")[0], to)
            out, err = toil.communicate()
        assert (toil.returncode, out, err) == (0, "['corrupt'] 10\n", "")
        with pytest.raises(errors.FrameBufferError) as refused:
            FrameBufferClient(key).start()
        assert isinstance(refused.value, errors.Corrupt)
        if which == "ring" or to <= 4096:  # else all that the server needs is still there
            with pytest.raises(errors.Corrupt, match="restart the server"):
                while True:  # it comes to what is gone within a lap
                    server.allocate(100_000)


def test_a_go_server_and_its_shortened_file(directory: str, programs: pathlib.Path) -> None:
    serve = children.Child(
        [programs / "framebuffer", "serve", "--size", "1MiB", "--name", f"short-{os.getpid()}", "--backend", "file", "--dir", directory],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert serve.stdout is not None
        serve.stdout.readline()
        key = children.run([programs / "framebuffer", "key", "--name", f"short-{os.getpid()}"], check=True, capture_output=True, text=True).stdout.strip()
        with FrameBufferClient(key) as client:
            frame = client.put(bytes(500_000))
            os.truncate(glob.glob(f"{directory}/*.ring")[0], 0)
            with pytest.raises(errors.Corrupt):
                client.get(frame)
    finally:
        serve.terminate()
        serve.wait()


def test_a_fault_elsewhere_is_whose_it_was(directory: str, tmp_path: pathlib.Path) -> None:
    """The handler is not for other memory: the process ends as it would have, by the signal, or
    with faulthandler's words."""
    code = """
import mmap, os, sys
from framebuffer.server import FrameBufferServer
with FrameBufferServer(1 << 20, backend="file", dir=sys.argv[1]) as s, open(sys.argv[2], "w+b") as f:
    f.truncate(4096)
    m = mmap.mmap(f.fileno(), 4096)
    f.truncate(0)
    print("now", flush=True)
    m[0]
"""
    for option, says in (([], ""), (["-X", "faulthandler"], "Fatal Python error: Bus error")):
        out = children.run([sys.executable, *option, "-c", code, directory, tmp_path / "f"], env=environment(), capture_output=True, text=True)
        assert (out.returncode, out.stdout) == (-signal.SIGBUS, "now\n")
        assert says in out.stderr
    FrameBufferServer(1, backend="file", dir=directory).start().stop()  # sweeps what those left


def test_a_full_file_system_is_said_at_start(mounted: str) -> None:
    with pytest.raises(errors.NoMemory) as full:
        FrameBufferServer(16 * MIB, backend="file", dir=mounted).start()
    for says in ("16777216 bytes", mounted, "8388608", "sizeLimit", "size="):
        assert says in str(full.value)
    assert os.listdir(mounted) == []
    with FrameBufferServer(4 * MIB, backend="file", dir=mounted) as s, FrameBufferClient(s.get_key()) as c, open(f"{mounted}/filler", "wb", buffering=0) as filler:
        with pytest.raises(OSError):
            while True:
                filler.write(bytes(MIB))
        for _ in range(5):  # what fits can be filled to the last byte, whoever fills the rest
            data = os.urandom(4 * MIB - 64)
            assert c.get(c.put(data)) == data


def test_directories_on_a_disk_are_refused() -> None:
    with tempfile.TemporaryDirectory(dir=ROOT / "python", prefix=".test-") as disk:
        directory = pathlib.Path(disk, "none", "yet")
        with pytest.raises(errors.FrameBufferError, match="emptyDir") as refused:
            FrameBufferServer(MIB, backend="file", dir=str(directory)).start()
        assert str(directory) in str(refused.value)
        assert not directory.parent.exists()


def test_a_directory_is_made(directory: str) -> None:
    deep = os.path.join(directory, "a", "b")
    with FrameBufferServer(MIB, backend="file", dir=deep) as s, FrameBufferClient(s.get_key()) as c:
        assert c.get(c.put(b"x")) == b"x"
        assert os.stat(deep).st_mode & 0o777 == 0o700
    os.removedirs(deep)
    os.mkdir(directory)


def test_the_environment_says_where(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For servers, and for clients to which the directory is mounted elsewhere."""
    monkeypatch.setenv("FRAMEBUFFER_DIR", directory)
    with FrameBufferServer(MIB, backend="file") as s:
        assert len(os.listdir(directory)) == 2
        os.mkdir(elsewhere := directory + "-elsewhere")
        for name in os.listdir(directory):
            os.rename(f"{directory}/{name}", f"{elsewhere}/{name}")
        with pytest.raises(errors.StaleKey, match="there is no"):
            FrameBufferClient(s.get_key()).start()
        monkeypatch.setenv("FRAMEBUFFER_DIR", elsewhere)
        with FrameBufferClient(s.get_key()) as c:
            assert c.get(c.put(b"x")) == b"x"
        for name in os.listdir(elsewhere):
            os.unlink(f"{elsewhere}/{name}")
        os.rmdir(elsewhere)
