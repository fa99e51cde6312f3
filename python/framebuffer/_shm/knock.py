"""Asking at a server's socket for the files of a segment."""

import errno
import os
import socket

from .._text import errno_text
from ..errors import FrameBufferError, NoPermission, StaleKey
from .access import read_only_refused
from .door import DENIED, DENIED_WRITE, GRANTED, PATIENCE, WANT_READING, WANT_WRITING
from .place import DIR_VARIABLE


def knock(path: str, read_only: bool) -> tuple[int, int]:
    """The descriptors of control and ring, which are the caller's to close."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(PATIENCE)
        try:
            s.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as e:
            raise StaleKey(
                f"framebuffer: stale key: no server answers at {path}: it is gone, or its directory is not mounted here "
                f"(at the same path, or where {DIR_VARIABLE} says) (dial unix {path}: connect: {errno_text(e)})"
            ) from e
        except PermissionError as e:
            raise NoPermission(
                f"framebuffer: no permission: this process (uid {os.geteuid()}) may not go to {path}: open the directory to it (chmod), "
                f"or run both as the same user (dial unix {path}: connect: {errno_text(e)})"
            ) from e
        except OSError as e:
            raise FrameBufferError(f"ask at {path}: {errno_text(e)}") from e
        return _ask(s, path, WANT_READING if read_only else WANT_WRITING)


def _ask(s: socket.socket, path: str, want: bytes) -> tuple[int, int]:
    # Who is refused may find the door closed already, and the word behind it.
    trouble = ""
    try:
        s.sendall(want)
    except OSError as e:
        trouble = errno_text(e)
    flags = 0
    try:
        said, fds, flags, _ = socket.recv_fds(s, 1, 2, socket.MSG_CMSG_CLOEXEC)
    except OSError as e:
        said, fds, trouble = b"", [], errno_text(e)
    if said == GRANTED and len(fds) == 2:
        return fds[0], fds[1]
    for fd in fds:
        os.close(fd)
    if not said:
        raise StaleKey(f"framebuffer: stale key: the server at {path} went away: {trouble or 'it closed the connection'}")
    if said == DENIED:
        raise NoPermission(
            f"framebuffer: no permission: the server at {path} does not let in uid {os.geteuid()}, gid {os.getegid()}: "
            "run both as the same user, or have the server let it in (--allow-uid, --allow-gid, or a wider mode: 0660 its group, 0666 everybody)"
        )
    if said == DENIED_WRITE:
        raise NoPermission(read_only_refused(f"the server at {path}"))
    if flags & socket.MSG_CTRUNC:
        raise FrameBufferError(
            f"ask at {path}: no room for the two files that the server sent: raise the limit (ulimit -n): {errno_text(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))}"
        )
    raise StaleKey(f"framebuffer: stale key: what answers at {path} is no server: {len(fds)} files")
