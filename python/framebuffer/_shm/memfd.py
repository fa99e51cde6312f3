"""The backend memfd: anonymous files, which the server sends over a Unix socket to processes that may have
them. Containers need only share the socket's directory, and no namespace. The memory is freed when the
last process detaches. A killed server leaves its socket, which the next server in that directory removes.
"""

import errno
import fcntl
import os

from .. import _libc
from .._text import errno_text
from ..errors import FrameBufferError, NoMemory, StaleKey
from . import syscall_error
from .access import Access
from .busguard import Watch
from .fd_server import FDServer
from .filesystem import is_huge
from .holes import check_holes
from .fetch_fds import fetch_fds
from .mapping import map_file, mirror_file, part
from .memory import Memory, advise_huge, undumped
from .pages import alignment, finish, whole, with_pages
from .location import path_here
from .segment import HUGE_PAGES, Mapped, Spec
from .sockets import socket_path

_MFD_CLOEXEC, _MFD_ALLOW_SEALING, _MFD_HUGETLB, _MFD_HUGE_2MB = 1, 2, 4, 21 << 26
_MFD_NOEXEC_SEAL = 8
_F_ADD_SEALS, _F_GET_SEALS = 1033, 1034
_SEAL_SEAL, _SEAL_SHRINK, _SEAL_GROW = 1, 2, 4


class Memfd:
    """See the module."""

    name = "memfd"

    def create(self, spec: Spec) -> Mapped:
        """See Backend."""
        spec = whole(spec)
        server = FDServer(Access.of(spec))
        fds = server.files
        rings: list[Memory] = []

        def attempt(reserved: bool) -> None:
            # The kernel looks for reserved pages when they are mapped.
            fds.ring = _make("framebuffer-ring", spec.ring, (_MFD_HUGETLB | _MFD_HUGE_2MB) if reserved else 0)
            try:
                rings.append(_mirror(fds.ring, spec.ring, False))
            except Exception:
                os.close(fds.ring)
                fds.ring = -1
                raise

        try:
            with part("control object"):
                fds.control = _make("framebuffer-control", spec.control, 0)
                control = map_file(fds.control, spec.control)
            with part("ring"):
                pages = with_pages(spec, attempt)
            made = Mapped(control, rings[-1], "", pages)
            if pages == HUGE_PAGES:
                made.watch = Watch(made.control, made.ring)
            finish(made)
            server.open(spec.dir)
        except BaseException:
            server.close()
            raise
        made.location, made.stop = server.location, server.close
        return made

    def attach(self, location: str, read_only: bool) -> Mapped:
        """See Backend."""
        control_fd, ring_fd = fetch_fds(path_here(socket_path(location), ""), read_only)
        try:
            with part("control object"):
                control = map_file(control_fd, _sealed_size(control_fd))
            with part("ring"):
                ring = _mirror(ring_fd, _sealed_size(ring_fd), read_only)
            watch = Watch(control, ring) if is_huge(ring_fd) else None
        finally:
            os.close(control_fd)
            os.close(ring_fd)
        advise_huge(ring)  # matters only where the server asked for transparent huge pages
        undumped(control, ring)
        return Mapped(control, ring, location, watch=watch)


def _make(name: str, size: int, flags: int) -> int:
    flags |= _MFD_CLOEXEC | _MFD_ALLOW_SEALING
    # As sysctl vm.memfd_noexec may demand; Linux before 6.3 does not know it.
    fd: int = _libc.memfd_create(name.encode(), flags | _MFD_NOEXEC_SEAL)
    if fd < 0 and _libc.last_error().errno == errno.EINVAL:
        fd = _libc.memfd_create(name.encode(), flags)
    if fd < 0:
        e = _libc.last_error()
        syscall_error.check("memfd_create", e)
        raise FrameBufferError(f"memfd_create: {errno_text(e)}") from e
    try:
        os.ftruncate(fd, size)
        # Without the bits for others, whose read-only descriptors cannot be opened for writing.
        os.fchmod(fd, 0o400)
        # The seals keep the file's length: otherwise a process with write access could make the others
        # fault. It can punch holes nonetheless. Small pages then come back as zeroes; reserved huge
        # ones may not come back, so a Watch catches those faults.
        fcntl.fcntl(fd, _F_ADD_SEALS, _SEAL_SHRINK | _SEAL_GROW | _SEAL_SEAL)
    except OSError as e:
        os.close(fd)
        syscall_error.check("ftruncate, fchmod or fcntl", e)
        raise NoMemory(f"framebuffer: not enough memory: a memfd of {size} bytes: {errno_text(e)}: ask for less") from e
    return fd


def _mirror(fd: int, size: int, read_only: bool) -> Memory:
    return mirror_file(fd, size, read_only, alignment(size))


def _sealed_size(fd: int) -> int:
    """The length of a server's file. Raises StaleKey if a process can shorten it, and Corrupt if it has holes."""
    try:
        seals = fcntl.fcntl(fd, _F_GET_SEALS)
    except OSError as e:
        syscall_error.check("fcntl", e)
        raise StaleKey(f"framebuffer: stale key: what answers there is not a server: its file has no seals: {errno_text(e)}") from e
    if not seals & _SEAL_SHRINK:
        raise StaleKey("framebuffer: stale key: what answers there is not a server: it could truncate its file")
    size = os.fstat(fd).st_size
    if size <= 0 or size % _libc.PAGE or size > (1 << 61):
        raise StaleKey(f"framebuffer: stale key: what answers there gave a file of {size} bytes, which no server has")
    check_holes(fd, size)
    return size
