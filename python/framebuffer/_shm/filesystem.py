"""File systems in memory: finds out which one a directory is on, and makes files there with all pages allocated."""

import ctypes
import errno
import os
from ctypes import c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from typing import Callable

from .. import _libc
from .._text import errno_text
from ..errors import FrameBufferError, NoMemory, NoPermission
from . import syscall_error
from .files import lock
from .own_dir import make_dir
from .segment import HUGE_PAGES, SMALL_PAGES, TRANSPARENT_PAGES, whole_pages

DEFAULT_DIR = "/dev/shm"

_HUGETLBFS, _TMPFS = 0x958458F6, 0x01021994
_NAMES = {
    _TMPFS: "tmpfs", _HUGETLBFS: "hugetlbfs", 0x858458F6: "ramfs", 0x794C7630: "overlay", 0xEF53: "ext4",
    0x58465342: "xfs", 0x9123683E: "btrfs", 0x6969: "nfs", 0x65735546: "fuse",
}  # fmt: skip

_statfs = _libc.free.statfs
_statfs.argtypes, _statfs.restype = [c_char_p, c_void_p], c_int
_fstatfs = _libc.free.fstatfs
_fstatfs.argtypes, _fstatfs.restype = [c_int, c_void_p], c_int

_PIECE = 64 << 20  # bytes that one call allocates


class _Facts:
    """The results of statfs(2): type, block size, blocks and free ones are the first words of its struct on
    every 64-bit Linux but s390."""

    def __init__(self, what: "str | int") -> None:
        words = (c_int64 * 32)()
        result = _fstatfs(what, words) if isinstance(what, int) else _statfs(os.fsencode(what), words)
        if result != 0:
            e = _libc.last_error()
            syscall_error.check("statfs" if isinstance(what, str) else "fstatfs", e)
            raise e
        self.kind, self.block, self.blocks, _, self.available = (int(w) & (1 << 63) - 1 for w in words[:5])


def is_huge(fd: int) -> bool:
    """Whether a file consists of reserved huge pages."""
    try:
        return _Facts(fd).kind == _HUGETLBFS
    except NoPermission:  # a sandbox refuses the call: it may be
        return True


@dataclass
class Filesystem:
    """A file system in memory, at one of its directories."""

    dir: str
    huge: bool  # hugetlbfs
    block: int  # bytes that files there are multiples of

    @classmethod
    def of(cls, directory: str, others: bool) -> "Filesystem":
        """Makes the directory if there is none. Raises FrameBufferError if its files would be on a disk, to
        which the kernel would write frames without end, or in ramfs, which has no limit."""
        directory = near = os.path.abspath(directory)
        while True:  # the directory may not exist yet
            try:
                facts = _Facts(near)
                break
            except NoPermission:
                raise
            except OSError as e:
                if e.errno != errno.ENOENT or near == "/":
                    raise FrameBufferError(f"look at the file system of {near}: {errno_text(e)}") from e
                near = os.path.dirname(near)
        if facts.kind not in (_TMPFS, _HUGETLBFS):
            raise FrameBufferError(
                f"framebuffer: {directory} is on {_NAMES.get(facts.kind, f'type {facts.kind:#x}')}, and a ring is to be in memory: name a directory on a tmpfs, "
                f"such as {DEFAULT_DIR}, a tmpfs volume, or Kubernetes' emptyDir with medium Memory, or one on hugetlbfs"
            )
        make_dir(directory, others)
        huge = facts.kind == _HUGETLBFS
        return cls(directory, huge, facts.block if huge else _libc.PAGE)

    def whole(self, n: int) -> int:
        """Rounds a size up to whole pages of the file system."""
        return whole_pages(n, self.block)

    def pages(self, want_huge: bool) -> int:
        """The kind of pages that files have there. Raises NoMemory if huge ones are wanted and there are none."""
        if self.huge:
            return HUGE_PAGES
        if not want_huge:
            return SMALL_PAGES
        if not {"huge=always", "huge=within_size", "huge=advise"} & set(self._mount_options()):
            raise NoMemory(
                f"framebuffer: not enough memory: no huge pages for files in {self.dir}: mount that tmpfs with -o huge=advise, "
                "or name a directory on hugetlbfs, or do without"
            )
        return TRANSPARENT_PAGES

    def _mount_options(self) -> list[str]:
        device = os.stat(self.dir).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
            for line in f:
                mount, _, rest = line.partition(" - ")
                fields, options = mount.split(), rest.split()
                if len(fields) > 2 and fields[2] == f"{os.major(device)}:{os.minor(device)}" and len(options) > 2:
                    return options[2].split(",")
        return []

    def make(self, size: int, permit: Callable[[int], None]) -> int:
        """The descriptor of a new file without a name, locked, with all its pages allocated."""
        try:
            fd = os.open(self.dir, os.O_TMPFILE | os.O_RDWR, 0o600)
        except OSError as e:
            if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise NoPermission(
                    f"framebuffer: no permission: this process (uid {os.geteuid()}) may not make files in {self.dir}: name another directory, or let it "
                    f"(open {self.dir}: {errno_text(e)})"
                ) from e
            if e.errno == errno.ENOSPC:
                raise self.full(size, e) from e
            raise FrameBufferError(f"make a file in {self.dir}: {errno_text(e)}") from e
        try:
            lock(fd)
            permit(fd)
            self._reserve(fd, size)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _reserve(self, fd: int, size: int) -> None:
        """Gives a file its length and allocates its pages, so that no process faults if others fill the file
        system later."""
        step = self.whole(_PIECE)
        for at in range(0, size, step):
            try:
                os.posix_fallocate(fd, at, min(step, size - at))
            except OSError as e:
                if e.errno in (errno.ENOSPC, errno.ENOMEM, errno.EFBIG):
                    raise self.full(size, e) from e
                if syscall_error.not_allowed(e) or e.errno == errno.EOPNOTSUPP:
                    # Then `finish` allocates the pages, and fails if there are too few.
                    os.ftruncate(fd, size)
                    return
                raise FrameBufferError(f"take {size} bytes in {self.dir}: {errno_text(e)}") from e

    def full(self, size: int, error: OSError) -> NoMemory:
        """The error for a file system without room."""
        try:
            facts = _Facts(self.dir)
            total, free = facts.blocks * facts.block, facts.available * facts.block
        except OSError:
            total = free = 0
        remedy = "mount it with a larger size (mount -o remount,size=…, podman run --shm-size, sizeLimit in Kubernetes)"
        if self.huge:
            remedy = "reserve more huge pages (sysctl vm.nr_hugepages)"
        return NoMemory(
            f"framebuffer: not enough memory: {size} bytes asked for in {self.dir}, which has {total} bytes, of which {free} are free: "
            f"ask for less, or {remedy} ({errno_text(error)})"
        )
