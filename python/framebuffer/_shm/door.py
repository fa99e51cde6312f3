"""The Unix socket at which a server hands out its files. A client sends one byte, what it
wants, and gets one byte with the files: or another, without, if it may not have them."""

import glob
import os
import posixpath
import secrets
import socket
import struct
import tempfile
import threading
import time

from .. import _forks
from .._text import errno_text, quote
from ..errors import BadKey, FrameBufferError, NoPermission

WANT_WRITING, WANT_READING, GRANTED, DENIED = b"w", b"r", b"y", b"n"

PATIENCE = 5.0  # how long either side waits for the other's byte, in seconds

# Names the directory of sockets, for servers that are not told another and for clients to
# which the server's is mounted elsewhere.
DIR_VARIABLE = "FRAMEBUFFER_DIR"

_SUFFIX, _UNREADY, _MAX_PATH = ".fb", ".new", 107


class Door:
    """The server's side: two files, and a thread that hands them out."""

    def __init__(self, mode: int) -> None:
        self.control = self.ring = self._ring_to_read = -1
        self._mode = mode
        self._path = ""
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def location(self) -> str:
        return self._path.encode().hex()

    def open(self, directory: str) -> None:
        """Listens with a name of its own in the directory, or in the user's own, and hands out
        the files until close."""
        directory = os.path.abspath(directory or _default_dir())
        try:
            os.makedirs(directory, 0o755 if self._mode & 0o066 else 0o700, exist_ok=True)
        except OSError as e:
            raise NoPermission(
                f"framebuffer: no permission: the directory of the socket cannot be made: name one that can be, or make it: mkdir {e.filename}: {errno_text(e)}"
            ) from e
        _sweep(directory)
        path = posixpath.join(directory, secrets.token_hex(8) + _SUFFIX)
        if len(os.fsencode(path)) > _MAX_PATH - len(_UNREADY):
            raise FrameBufferError(
                f"the socket's path {path} has {len(os.fsencode(path))} bytes, and the kernel takes {_MAX_PATH - len(_UNREADY)}: name a directory with a shorter path"
            )
        # Another server that looks for dead sockets must not see one that is bound and does
        # not listen yet.
        bound = path + _UNREADY
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(bound)
            listener.listen(128)
            # Who may have the files is for _admits to say, which knows the peer.
            os.chmod(bound, 0o666)
            self._ring_to_read = os.open(f"/proc/self/fd/{self.ring}", os.O_RDONLY)
            os.rename(bound, path)
        except OSError as e:
            listener.close()
            if os.path.lexists(bound):
                os.unlink(bound)
            raise FrameBufferError(f"listen in {directory}: {errno_text(e)}") from e
        self._path, self._listener = path, listener
        self._thread = threading.Thread(target=_serve, args=(self, listener), name="framebuffer-memfd", daemon=True)
        self._thread.start()
        _forks.tell(self)

    def close(self) -> None:
        """Ends the listening, removes the socket, and gives the files back."""
        listener, self._listener = self._listener, None
        if listener is not None:
            if os.path.lexists(self._path):
                os.unlink(self._path)
            listener.shutdown(socket.SHUT_RDWR)  # ends accept
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join()
            listener.close()
        self._close_files()

    def after_fork(self) -> None:
        """The child is no server: who came to it would wait for nothing."""
        if self._listener is not None:
            self._listener.close()
            self._listener = self._thread = None
        self._close_files()

    def _close_files(self) -> None:
        for name in ("control", "ring", "_ring_to_read"):
            fd: int = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)

    def answer(self, peer: socket.socket) -> None:
        """Gives a client what it wants, if it may have it. Only one that may is waited for."""
        peer.settimeout(PATIENCE)
        if not self._admits(peer):
            peer.sendall(DENIED)
            return
        want = peer.recv(1)
        if want == WANT_READING:
            socket.send_fds(peer, [GRANTED], [self.control, self._ring_to_read])
        elif want == WANT_WRITING:
            socket.send_fds(peer, [GRANTED], [self.control, self.ring])

    def _admits(self, peer: socket.socket) -> bool:
        """Whether the peer may have the files, by the mode, as for a file of this process that
        is opened for reading and writing: its user, those whose first group is its own, and
        everybody, the latter two if the mode has both bits for them."""
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, gid = struct.unpack("3i", credentials)
        return (
            uid == os.geteuid()
            or self._mode & 0o006 == 0o006
            or (self._mode & 0o060 == 0o060 and gid == os.getegid())
        )


def _serve(door: Door, listener: socket.socket) -> None:
    """Answers one client after the other. None can keep the others waiting for long."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            if door._listener is None:
                return
            time.sleep(0.01)  # no descriptors left, say
            continue
        try:
            door.answer(peer)
        except OSError:
            pass  # a client that went away
        finally:
            peer.close()


def _default_dir() -> str:
    """Where servers listen that are not told."""
    if directory := os.environ.get(DIR_VARIABLE):
        return directory
    if directory := os.environ.get("XDG_RUNTIME_DIR"):
        return posixpath.join(directory, "framebuffer")
    return posixpath.join(tempfile.gettempdir(), f"framebuffer-{os.getuid()}")


def _sweep(directory: str) -> None:
    """Removes sockets of servers that were killed."""
    for path in glob.glob(posixpath.join(glob.escape(directory), "*" + _SUFFIX)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(PATIENCE)
            try:
                s.connect(path)
            except ConnectionRefusedError:
                try:
                    os.unlink(path)
                except OSError:
                    pass
            except OSError:
                pass


def find_door(location: str) -> str:
    """The socket's path here. Where there is no such file, but one of that name in the
    directory that the environment names, it is that: a mount may be elsewhere."""
    try:
        raw = bytes.fromhex(location)
        path = os.fsdecode(raw)
        good = (
            raw.hex() == location
            and posixpath.isabs(path)
            and posixpath.normpath(path) == path
            and len(raw) <= _MAX_PATH
            and path.endswith(_SUFFIX)
            and "\0" not in path
        )
    except ValueError:
        good = False
    if not good:
        raise BadKey(f"framebuffer: bad key: memfd location {quote(location, 60)} is no path as servers have")
    directory = os.environ.get(DIR_VARIABLE)
    if directory and not os.path.lexists(path):
        return posixpath.join(directory, posixpath.basename(path))
    return path
