"""A core dump of a process that serves or is attached has nothing of the ring in it."""

import os
import pathlib
import subprocess
import sys

import children
import pytest
from conftest import environment

from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

SECRET = b"a frame that no other user is to see " * 1000

CODE = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer
backend, directory, key = sys.argv[1:]
what = FrameBufferClient(key) if key else FrameBufferServer(1 << 20, backend=backend, dir=directory)
with what:
    print(key or what.get_key(), flush=True)
    sys.stdin.read()
    os.abort()
"""


def shared_mappings(pid: int) -> list[list[str]]:
    """The flags of what a process shares with others, in pieces large enough to be a segment's."""
    found, large = [], False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        fields = line.split()
        if fields[0] == "Size:":
            large = int(fields[1]) >= 100
        elif fields[0] == "VmFlags:" and large and "sh" in fields:
            found.append(fields[1:])
    return found


@pytest.mark.parametrize("wanted", [False, True])
@pytest.mark.parametrize("role", ["server", "client"])
def test_core_dump_has_no_ring(backend: str, role: str, wanted: bool, directory: str, tmp_path: pathlib.Path) -> None:
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
    with FrameBufferServer(1 << 20, backend=backend, dir=directory) as server:
        command = [sys.executable, "-c", CODE, backend, directory, server.get_key() if role == "client" else ""]
        env = environment() | ({"FRAMEBUFFER_DUMP_RING": "1"} if wanted else {})
        with children.Child(command, env=env, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
            assert p.stdin is not None and p.stdout is not None
            with FrameBufferClient(p.stdout.readline().strip()) as client:
                client.put(SECRET)
            mappings = shared_mappings(p.pid)
            assert len(mappings) == 3
            assert all(("dd" in flags) != wanted for flags in mappings)
            p.stdin.close()
            p.wait()
        if pattern and not set(pattern) & set("|/@%"):  # else another program takes the cores
            cores = list(tmp_path.glob("core*"))
            assert len(cores) == 1
            has = SECRET in cores[0].read_bytes()
            # The kernel leaves out files that have a name, unless it is told otherwise.
            assert has == wanted or backend == "file"
            cores[0].unlink()
    for name in os.listdir(directory):  # of the server that crashed
        os.unlink(os.path.join(directory, name))
