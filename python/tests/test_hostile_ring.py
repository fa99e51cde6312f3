"""Descriptors and rings of a stranger: what they claim costs their reader nothing."""

import json
import pathlib
import sys

import children
import pytest
from conftest import environment

from framebuffer.client import FrameBufferClient
from framebuffer.frame import Frame
from framebuffer.server import FrameBufferServer

# A server as any other, but for its ring, which has no memory: nothing brings its pages in. It prints
# the descriptor of a frame that has 50 GB, as its chunk's header says, too.
STRANGER = r"""
import os, sys
from framebuffer import _presence
from framebuffer._shm import file, filesystem, memfd, room, sysv
from framebuffer._shm.memory import populate
from framebuffer.frame import Frame
from framebuffer.server import FrameBufferServer

for backend in (file, memfd, sysv):
    backend.finish = lambda made: populate(made.control.address, made.control.size)
room.check = lambda size: None
filesystem.Filesystem._reserve = lambda self, fd, size: os.ftruncate(fd, size) if size > 1 << 30 else os.posix_fallocate(fd, 0, size)
sysv._IPC_CREAT |= 0o10000  # SHM_NORESERVE
_presence.Presence.ensure = lambda self, at, n: None

with FrameBufferServer(60 << 30, backend=sys.argv[1], dir=sys.argv[2]) as server:
    print(Frame(server.get_key(), int(server.allocate(50 << 30)), 50 << 30, "0" * 16), flush=True)
    sys.stdin.read()
"""

# Reads a frame in less memory than it claims.
READER = r"""
import resource, sys
from framebuffer.client import FrameBufferClient
from framebuffer.errors import FrameBufferError
from framebuffer.frame import Frame
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
frame = Frame.from_json(sys.argv[1])
try:
    with FrameBufferClient(frame.key, read_only=True) as client:
        client.get(frame)
except FrameBufferError as e:
    print(type(e).__name__, e)
"""


def test_a_ring_without_memory(backend: str, directory: str, programs: pathlib.Path) -> None:
    """A stranger's ring of 60 GB that has no memory is refused, in Python and in Go, before a page of it is
    touched: each page would be taken from the reader's container."""
    with children.python(STRANGER, backend, directory, env=environment(), stdin=-1, stdout=-1, text=True) as stranger:
        line = stranger.stdout.readline()
        assert json.loads(line)["size"] == 50 << 30
        done = children.run([sys.executable, "-c", READER, line], env=environment(), capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.startswith("Corrupt "), (done.returncode, done.stdout, done.stderr)
        get = children.run([programs / "framebuffer", "get", "--output", "/dev/null", line], capture_output=True, text=True)
        assert get.returncode == 1 and "memory for" in get.stderr, (get.returncode, get.stderr)
        stranger.stdin.close()
    assert stranger.returncode == 0


# Has less memory left than the frame has bytes.
LIMITED = r"""
import os, resource, sys
from framebuffer import errors
from framebuffer.client import FrameBufferClient
from framebuffer.frame import Frame
large, small = map(Frame.from_json, sys.argv[1:])
with FrameBufferClient(large.key, read_only=True) as client:
    client.get(small)
    have = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (have + (48 << 20), have + (48 << 20)))
    for frame, kind in (large, errors.NoMemory), (small._replace(size=large.size), errors.BadSize), (large._replace(offset=large.offset + 64), errors.BadOffset):
        try:
            client.get(frame)
        except kind as e:
            if not isinstance(e, errors.FrameBufferError):
                raise
        else:
            raise AssertionError(frame)
    with client.view(large) as view:
        assert len(view) == large.size
    assert len(client.get(small)) == small.size
"""


def test_a_frame_that_is_larger_than_the_memory() -> None:
    """A frame that this process has no memory for is an error that names what there is, and can be read in
    place. What a chunk cannot have costs nothing."""
    with FrameBufferServer(100 << 20) as server, FrameBufferClient(server.get_key()) as client:
        large, small = client.put(bytes(80 << 20)), client.put(b"small")
        done = children.run([sys.executable, "-c", LIMITED, str(large), str(small)], env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_limit_of_a_client() -> None:
    """max_frame bounds copies, and no reading in place."""
    from framebuffer.errors import TooLarge

    with FrameBufferServer(1 << 20) as server, FrameBufferClient(server.get_key(), max_frame=1000) as client:
        frames: list[Frame] = [client.put(bytes(n)) for n in (1000, 1001)]
        assert client.get(frames[0]) == bytes(1000)
        with pytest.raises(TooLarge, match="1001 bytes, and this client takes 1000"):
            client.get(frames[1])
        with client.view(frames[1]) as view:
            assert len(view) == 1001
