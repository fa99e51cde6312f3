"""The backend file: two files in a directory of a tmpfs or of huge pages, for containers that share such a
directory, and for languages that can only open files. The kernel decides which processes may open them.
The server removes the names at its end; a killed one leaves them, without its locks, and the next server
in that directory removes them.

A process that may write to a file may also shorten it. The others then find zeroes in its place, and
calls raise Corrupt: see busguard.
"""

import errno
import os
import stat

from .. import _libc
from .._text import errno_text
from ..errors import Corrupt, FrameBufferError, NoPermission, StaleKey
from . import room
from .access import Access, read_only_refused, this_process
from .busguard import Watch
from .filesystem import DEFAULT_DIR, Filesystem
from .files import CONTROL, RING, Files, another, base_of, check_alive, new_base, sweep
from .holes import check_holes
from .mapping import map_file, mirror_file, part
from .memory import Memory, advise_huge, undumped
from .pages import finish
from .location import DIR_VARIABLE, location_of, path_here
from .segment import HUGE_PAGE, Mapped, Spec


class File:
    """See the module."""

    name = "file"

    def create(self, spec: Spec) -> Mapped:
        """See Backend."""
        access = Access.of(spec)
        where = Filesystem.of(spec.dir or os.environ.get(DIR_VARIABLE) or DEFAULT_DIR, access.others)
        pages = where.pages(spec.huge)
        control_size, ring_size = where.whole(spec.control), where.whole(spec.ring)
        if not where.huge:
            with part("ring"):
                room.check(ring_size)
        sweep(where.dir)
        files = Files(new_base(where.dir))
        try:
            with part("control object"):
                files.control = where.make(control_size, lambda fd: access.apply(fd, True))
                with another(files.control) as fd:
                    control = map_file(fd, control_size)
            with part("ring"):
                files.ring = where.make(ring_size, lambda fd: access.apply(fd, False))
                with another(files.ring) as fd:
                    ring = _mirror(fd, ring_size, False)
            made = Mapped(control, ring, location_of(files.base), pages)
            made.watch = Watch(made.control, made.ring)
            finish(made)
            if made.damaged:  # Linux before 5.14, and a file system without room
                raise where.full(ring_size, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            files.show()
        except BaseException:
            files.close()
            raise
        files.watch()
        made.stop = files.close
        return made

    def attach(self, location: str, read_only: bool) -> Mapped:
        """See Backend."""
        base = path_here(base_of(location), CONTROL)
        with part("control object"):
            control_fd, control_size = _open(base + CONTROL, os.O_RDWR)
        try:
            check_alive(control_fd, base + CONTROL)
            with part("control object"):
                control = map_file(control_fd, control_size)
        finally:
            os.close(control_fd)
        ring_fd, ring_size = _open_ring(base + RING, read_only)
        try:
            with part("ring"):
                ring = _mirror(ring_fd, ring_size, read_only)
        finally:
            os.close(ring_fd)
        watch = Watch(control, ring)
        advise_huge(ring)  # matters only where the server asked for transparent huge pages
        undumped(control, ring)
        return Mapped(control, ring, location, watch=watch)


def _mirror(fd: int, size: int, read_only: bool) -> Memory:
    # hugetlbfs may have pages of a gigabyte, and says so here.
    page = max(HUGE_PAGE, os.fstat(fd).st_blksize)
    return mirror_file(fd, size, read_only, page if size % page == 0 else 0)


def _open_ring(path: str, read_only: bool) -> tuple[int, int]:
    try:
        with part("ring"):
            return _open(path, os.O_RDONLY if read_only else os.O_RDWR)
    except NoPermission:
        if not read_only and os.access(path, os.R_OK, effective_ids=True):
            raise NoPermission(read_only_refused(path)) from None
        raise


def _open(path: str, flags: int) -> tuple[int, int]:
    """Opens a server's file, and returns its descriptor and size. The path may name anything else: then it
    raises StaleKey, NoPermission, Corrupt or FrameBufferError."""
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as e:
        why = f"(open {path}: {errno_text(e)})"
        if e.errno == errno.ENOENT:
            raise StaleKey(
                f"framebuffer: stale key: there is no {path}: its server is gone, or its directory is not mounted here "
                f"(at the same path, or where {DIR_VARIABLE} says) {why}"
            ) from e
        if e.errno in (errno.EACCES, errno.EPERM):
            raise NoPermission(
                f"framebuffer: no permission: {this_process()} may not open {path}: run both as the same user, "
                f"or have the server let it in (--allow-uid, --allow-gid or a wider --mode) {why}"
            ) from e
        if e.errno == errno.EROFS:
            raise NoPermission(
                f"framebuffer: no permission: {path} is on a mount that is read-only here: mount it for writing: "
                f"read-only clients write counters too {why}"
            ) from e
        raise FrameBufferError(f"open {path}: {errno_text(e)}") from e
    st = os.fstat(fd)
    if not stat.S_ISREG(st.st_mode) or st.st_size <= 0 or st.st_size % _libc.PAGE or st.st_size > 1 << 61:
        os.close(fd)
        raise Corrupt(
            f"framebuffer: segment is damaged: {path} has {st.st_size} bytes ({stat.filemode(st.st_mode)}), which no server's file has: "
            "another process changed it; restart the server"
        )
    try:
        check_holes(fd, st.st_size)
    except Corrupt:
        os.close(fd)
        raise
    return fd, st.st_size
