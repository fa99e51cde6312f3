"""What a sandbox refuses is named, or done without."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
from typing import Sequence

import pytest
from conftest import REFUSE, environment, need

from framebuffer.server import FrameBufferServer

# Makes a server and a client where a system call fails.
CODE = f"""
import sys
{REFUSE}
backend, directory, number, error = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer
if number >= 0:
    refuse(number, error)
try:
    if backend.startswith("fb"):
        with FrameBufferClient(backend):
            pass
    else:
        with FrameBufferServer(1 << 20, backend=backend, dir=directory) as server, FrameBufferClient(server.get_key()) as client:
            assert client.get(client.put(b"frame")) == b"frame"
    print("works")
except Exception as e:
    print(type(e).__name__, e)
"""

# By architecture, and which backends need them.
CALLS = {
    "x86_64": {"shmget": 29, "shmat": 30, "shmctl": 31, "memfd_create": 319, "madvise": 28, "fallocate": 285, "flock": 73,
               "linkat": 265, "utimensat": 280, "fstatfs": 138, "statfs": 137, "set_robust_list": 273, "mremap": 25},
    "aarch64": {"shmget": 194, "shmat": 196, "shmctl": 195, "memfd_create": 279, "madvise": 233, "fallocate": 47, "flock": 32,
                "linkat": 37, "utimensat": 88, "fstatfs": 44, "statfs": 43, "set_robust_list": 99, "mremap": 216},
}  # fmt: skip
NEEDS = {"shmget": "sysv", "shmat": "sysv", "shmctl": "sysv", "memfd_create": "memfd", "linkat": "file", "statfs": "file"}


def number_of(call: str) -> int:
    need(platform.machine() in CALLS, "an architecture whose numbers of system calls the test has")
    return CALLS[platform.machine()][call]


def run(backend: str, directory: str, number: int, error: int, under: Sequence[str] = ()) -> str:
    command = [*under, sys.executable, "-c", CODE, backend, directory, str(number), str(error)]
    return subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout.strip()


@pytest.mark.parametrize("call", CALLS["x86_64"])
@pytest.mark.parametrize("error", [1, 38])  # EPERM, ENOSYS
def test_refused_system_calls(backend: str, directory: str, call: str, error: int) -> None:
    said = run(backend, directory, number_of(call), error)
    if NEEDS.get(call) == backend:
        assert said.startswith("NoPermission") and f"the system call {call} is refused here" in said
    else:
        assert said == "works"


@pytest.mark.parametrize("call", ["shmat", "shmctl"])
def test_refused_to_attach(call: str) -> None:
    with FrameBufferServer(1 << 20, backend="sysv") as server:
        said = run(server.get_key(), "", number_of(call), 1)
    assert said.startswith("NoPermission") and f"the system call {call} is refused here" in said


def test_without_proc(backend: str, directory: str, tmp_path: pathlib.Path) -> None:
    need(os.geteuid() == 0, "root")
    need(shutil.which("unshare") is not None, "unshare, of util-linux")
    script = tmp_path / "without-proc"
    script.write_text('#!/bin/sh\nmount -t tmpfs none /proc && exec "$@"\n')
    script.chmod(0o755)
    assert run(backend, directory, -1, 0, ("unshare", "--mount", str(script))) == "works"
