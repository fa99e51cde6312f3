"""Checks how much memory this process can still get."""

import posixpath
import resource
from typing import Iterator

from .. import _procinfo
from .._libc import PAGE
from ..errors import NoMemory

# Copies of at least so many bytes are checked: a check takes a fraction of a millisecond, and such a copy
# many.
_LARGE_COPY = 64 << 20

_UNLIMITED = 1 << 62  # control groups of version 1 say so, or more, for no limit


def check(size: int) -> None:
    """Raises NoMemory for a ring that this machine or this control group cannot hold. The kernel itself would
    promise the memory, and kill a process at the first access. It looks at the present state and
    reserves nothing."""
    for what, free in _limits():
        if size > free:
            raise NoMemory(f"framebuffer: not enough memory: {size} bytes asked for, {max(free, 0)} available ({what}): ask for less, or make room")


def check_copy(size: int) -> None:
    """Raises NoMemory for a copy of a frame that this process has no memory for. The size comes from a
    descriptor, which may come from anywhere."""
    if size < _LARGE_COPY:
        return
    for what, free in (*_limits(), *_ulimits()):
        if size > free:
            raise NoMemory(
                f"framebuffer: not enough memory: a copy of a frame of {size} bytes, and {max(free, 0)} available ({what}): "
                "read it in place (view, hold), or make room"
            )


def _ulimits() -> Iterator[tuple[str, int]]:
    """The bounds on addresses that this process has."""
    fields = _read("/proc/self/statm").split()
    for kind, field, what in ((resource.RLIMIT_AS, 0, "ulimit -v"), (resource.RLIMIT_DATA, 5, "ulimit -d")):
        most = resource.getrlimit(kind)[0]
        if most != resource.RLIM_INFINITY and len(fields) > field and fields[field].isdecimal():
            yield what, most - int(fields[field]) * PAGE


def _limits() -> Iterator[tuple[str, int]]:
    """Every limit that can be read. The kernel enforces the others."""
    available = _procinfo.field(_read("/proc/meminfo"), "MemAvailable:")
    if available is not None:
        yield "MemAvailable in /proc/meminfo", available << 10
    for line in _read("/proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            yield from _upwards("/sys/fs/cgroup", group, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            yield from _upwards("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", "memory.usage_in_bytes")


def _upwards(mount: str, group: str, bound_file: str, use_file: str) -> Iterator[tuple[str, int]]:
    """The limits of a group and all its ancestors. In a container the path is often the host's and does not
    exist here; then the mount's root is the container's own group."""
    group = posixpath.normpath("/" + group.lstrip("/"))
    while True:
        at = mount + group.rstrip("/")
        bound, used = _read(f"{at}/{bound_file}").strip(), _read(f"{at}/{use_file}").strip()
        if bound.isdecimal() and used.isdecimal() and int(bound) < _UNLIMITED:
            yield f"{at}/{bound_file}", max(int(bound) - int(used) + _file_cache(at), 0)
        if group == "/":
            return
        group = posixpath.dirname(group)


def _file_cache(at: str) -> int:
    """Bytes that a group's use counts and that the kernel frees when they are needed."""
    stat, total = _read(f"{at}/memory.stat"), 0
    for name in ("inactive_file", "active_file"):
        n = _procinfo.field(stat, f"total_{name}")  # version 1, children included
        total += (n if n is not None else _procinfo.field(stat, name)) or 0
    return total


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def transparent_allowed() -> bool:
    """Whether the kernel makes transparent huge pages of shared memory on request."""
    text = _read("/" + TRANSPARENT_FILE)
    return bool(text) and "[never]" not in text and "[deny]" not in text


TRANSPARENT_FILE = "sys/kernel/mm/transparent_hugepage/shmem_enabled"

