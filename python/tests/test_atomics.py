"""Atomic instructions, and what happens without."""

import ctypes
import subprocess
import sys
import threading

import children
import pytest
from conftest import environment

from framebuffer import _atomics


def test_additions_of_many_threads_are_all_counted() -> None:
    word = ctypes.c_uint64()
    at = ctypes.addressof(word)

    def add() -> None:
        for _ in range(20_000):
            _atomics.add64(at, 1 << 33 | 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert word.value == 80_000 * (1 << 33 | 1)


TOGGLE = """
import ctypes, sys
from framebuffer import _atomics, _libc
at = _libc.map_at(0, 4096, 3, _libc.MAP_SHARED, int(sys.argv[1]))
print(flush=True)
while True:
    _atomics.store64(at + 8, 0)
    _atomics.store64(at + 8, (1 << 64) - 1)
"""


def test_no_load_is_torn(tmp_path: object) -> None:
    """Loads see a word that another process stores as a whole, with all bits or none."""
    import mmap
    import os

    fd = os.memfd_create("torn")
    os.ftruncate(fd, 4096)
    words = memoryview(mmap.mmap(fd, 4096)).cast("Q")
    other = children.Child([sys.executable, "-c", TOGGLE, str(fd)], pass_fds=[fd], env=environment(), stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None and other.stdout.readline() == b"\n"
        seen = {words[1] for _ in range(300_000)}
        while len(seen) < 2:
            seen.add(words[1])
    finally:
        other.kill()
        other.wait()
        os.close(fd)
    assert seen == {0, (1 << 64) - 1}


WITHOUT = """
import ctypes, sys, platform
real = ctypes.PyDLL
def missing(name, *a, **k):
    if name == "libatomic.so.1":
        raise OSError("not here")
    return real(name, *a, **k)
ctypes.PyDLL = missing
from framebuffer import _atomics, errors
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer
assert not _atomics.AVAILABLE
_, key, offset, size, checksum, free = sys.argv
try:
    with FrameBufferClient(key) as c:
        assert c.read(offset, int(size), checksum) == b"x" * int(size)
        with c.view(offset, int(size), checksum) as v:
            assert len(v) == int(size)
        assert c.read(free, 3, c.write(free, b"abc")) == b"abc"
        for call in (lambda: c.allocate(1), lambda: c.put(b"1"), lambda: c.reserve(1), FrameBufferServer(4096).start,
                     lambda: c.hold(offset, int(size), checksum, seconds=1)):
            try:
                call()
            except errors.NoAtomics as e:
                assert "install libatomic1" in str(e), e
            else:
                raise SystemExit("no error")
except errors.NoAtomics:
    assert not platform.machine() == "x86_64"
print("done")
"""


def test_without_libatomic(server, client) -> None:
    """A client reads, and writes what the server has allocated; nothing else pretends to work."""
    frame = client.put(b"x" * 70_000)
    free = server.allocate(3)
    out = children.run(
        [sys.executable, "-c", WITHOUT, client.key, str(frame.offset), str(frame.size), frame.checksum, free],
        env=environment(), capture_output=True, text=True,
    )
    assert out.stdout == "done\n", out.stderr


def test_a_library_that_lies_is_not_used() -> None:
    code = """
import ctypes
from ctypes import c_uint64
real = ctypes.PyDLL
class Lies:
    def __init__(self, lib): self.lib = lib
    def __getitem__(self, name):
        f = self.lib[name]
        if name == "__atomic_fetch_add_8":
            return self.lib["__atomic_add_fetch_8"]
        return f
ctypes.PyDLL = lambda name, *a, **k: Lies(real(name)) if name == "libatomic.so.1" else real(name, *a, **k)
try:
    import framebuffer
except ImportError as e:
    print(e)
"""
    out = children.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert "does not do what its functions are named for" in out.stdout, out.stderr


@pytest.mark.parametrize("bits", [32, 64])
def test_compare_and_swap(bits: int) -> None:
    word = ctypes.c_uint64(5)
    at, cas = ctypes.addressof(word), {32: _atomics.cas32, 64: _atomics.cas64}[bits]
    assert not cas(at, 4, 9) and word.value == 5
    assert cas(at, 5, 9) and word.value == 9
