"""The client of fd_server: gets the file descriptors of a segment from a server's socket."""

import errno
import logging
import os
import socket
import struct
import time

from .._text import errno_text
from ..errors import FrameBufferError, NoPermission, StaleKey
from . import abstract
from .access import read_only_refused
from .fd_reply import DENIED, DENIED_WRITE, GRANTED, TIMEOUT, WANT_READING, WANT_WRITING
from .location import DIR_VARIABLE
from .server_identity import doubt_of

_log = logging.getLogger("framebuffer")


class _Unanswered(StaleKey):
    """The server closed the connection before it had answered."""


def fetch_fds(path: str, read_only: bool) -> tuple[int, int]:
    """The descriptors of control and ring, which the caller closes. A server with too many connections may
    close one before it answers; then this asks again, for TIMEOUT seconds in all. A refusal is final.
    Raises StaleKey, NoPermission and FrameBufferError."""
    end, wait = time.monotonic() + TIMEOUT, 0.001
    while True:
        try:
            return _fetch_once(path, WANT_READING if read_only else WANT_WRITING, end)
        except _Unanswered as e:
            if time.monotonic() + wait > end:
                raise StaleKey(str(e)) from e
        time.sleep(wait)
        wait = min(2 * wait, 0.05)


def _fetch_once(path: str, want: bytes, end: float) -> tuple[int, int]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        judge = doubt_of
        try:
            try:
                connect(s, path, end)
            except FileNotFoundError as e:
                try:
                    connect(s, abstract.name_of(path), end)
                except OSError:
                    raise e from None
                judge = abstract.check
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
        except BlockingIOError as e:
            raise FrameBufferError(
                f"ask at {path}: for {TIMEOUT:g}s as many others waited there as the kernel lets wait: try again, "
                f"and see which processes connect to it (ss -xp) ({errno_text(e)})"
            ) from e
        except OSError as e:
            raise FrameBufferError(f"ask at {path}: {errno_text(e)}") from e
        try:
            doubt = judge(s, path)
        except NoPermission:
            raise
        except ConnectionError as e:
            raise _Unanswered(f"framebuffer: stale key: the server at {path} went away: {e}") from e
        except OSError as e:
            raise FrameBufferError(f"ask at {path} which user's server it is: {errno_text(e)}") from e
        s.settimeout(max(end - time.monotonic(), 0.001))
        files = _ask(s, path, want)
    if doubt:
        _log.warning("the server is not authenticated: %s", doubt)
    return files


def connect(s: socket.socket, address: str, end: float) -> None:
    """Connects, until the time end. If the server's queue is full it waits in line: a call that does not
    block would succeed only by luck while other clients keep the queue full. Raises OSError, and
    BlockingIOError when the time is over."""
    left = max(end - time.monotonic(), 0.001)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(left), int(left % 1 * 1e6) or 1))
    s.settimeout(None)
    s.connect(address)


def _ask(s: socket.socket, path: str, want: bytes) -> tuple[int, int]:
    # A refused client may see EPIPE on its write; the answer can still be read, so the error of the write
    # counts only if the read fails.
    trouble, closed = "", True
    try:
        s.sendall(want)
    except OSError as e:
        trouble = errno_text(e)
    flags = 0
    try:
        said, fds, flags, _ = socket.recv_fds(s, 1, 2, socket.MSG_CMSG_CLOEXEC)
    except OSError as e:
        said, fds, trouble = b"", [], errno_text(e)
        closed = not isinstance(e, TimeoutError)
    if said == GRANTED and len(fds) == 2:
        return fds[0], fds[1]
    for fd in fds:
        os.close(fd)
    if not said:
        if not closed:
            raise FrameBufferError(
                f"the server at {path} does not answer for {TIMEOUT:g}s: it is stopped, or too busy; ss -xlp says which process it is: {trouble}"
            )
        raise _Unanswered(f"framebuffer: stale key: the server at {path} went away: {trouble or 'it closed the connection'}")
    if said == DENIED:
        raise NoPermission(
            f"framebuffer: no permission: the server at {path} does not let in uid {os.geteuid()}, gid {os.getegid()}: "
            "run both as the same user, or have the server let it in (--allow-uid, --allow-gid, or a wider mode: 0660 its group, 0666 all users)"
        )
    if said == DENIED_WRITE:
        raise NoPermission(read_only_refused(f"the server at {path}"))
    if flags & socket.MSG_CTRUNC:
        raise FrameBufferError(
            f"ask at {path}: no room for the two files that the server sent: raise the limit (ulimit -n): {errno_text(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))}"
        )
    raise StaleKey(f"framebuffer: stale key: what answers at {path} is not a server: {len(fds)} files")
