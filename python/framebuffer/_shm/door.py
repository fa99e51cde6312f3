"""The Unix socket at which a server hands out its files. A client sends one byte, what it
wants, and gets one byte with the files: or another, without, if it may not have them."""

import glob
import os
import posixpath
import secrets
import selectors
import socket
import struct
import tempfile
import threading
import time
from typing import Callable

from .. import _forks
from .._text import errno_text
from ..errors import FrameBufferError
from .access import NOTHING, WRITING, Access
from .place import DIR_VARIABLE, location_of, make_dir, make_own_dir, path_of

# The bytes of the protocol. The last is the answer to who may read only and wants to write.
WANT_WRITING, WANT_READING, GRANTED, DENIED, DENIED_WRITE = b"w", b"r", b"y", b"n", b"o"

PATIENCE = 5.0  # how long either side waits for the other's byte, in seconds

_SUFFIX, _UNREADY, _MAX_PATH = ".fb", ".new", 107

# So many are waited for at a time; another one shows out who has been there longest. What a
# client that knows what it wants has to send is there when it comes.
_MOST_VISITORS = 64

_SO_PEERGROUPS = 59


class Door:
    """The server's side: two files, and a thread that hands them out."""

    def __init__(self, access: Access) -> None:
        self.control = self.ring = self._ring_to_read = -1
        self._access = access
        self._path = ""
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._visitors: dict[socket.socket, float] = {}  # until when they are waited for, in order

    @property
    def location(self) -> str:
        return location_of(self._path)

    def open(self, directory: str) -> None:
        """Listens with a name of its own in the directory, or in the user's own, and hands out
        the files until close."""
        directory, make = (directory, make_dir) if directory else _default_dir()
        directory = os.path.abspath(directory)
        make(directory, self._access.others)
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
            listener.setblocking(False)
            # Who may have the files is for _rights to say, which knows the peer.
            os.chmod(bound, 0o666)
            self._ring_to_read = os.open(f"/proc/self/fd/{self.ring}", os.O_RDONLY)
            os.rename(bound, path)
        except OSError as e:
            listener.close()
            if os.path.lexists(bound):
                os.unlink(bound)
            raise FrameBufferError(f"listen in {directory}: {errno_text(e)}") from e
        self._path, self._listener = path, listener
        self._thread = threading.Thread(target=self._serve, args=(listener,), name="framebuffer-memfd", daemon=True)
        self._thread.start()
        _forks.tell(self)

    def close(self) -> None:
        """Ends the listening, removes the socket, and gives the files back."""
        listener, self._listener = self._listener, None
        if listener is not None:
            if os.path.lexists(self._path):
                os.unlink(self._path)
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join()
            listener.close()
        self._close_files()

    def after_fork(self) -> None:
        """The child is no server: who came to it would wait for nothing."""
        if self._listener is not None:
            self._listener.close()
            self._listener = self._thread = None
        for peer in self._visitors:
            peer.close()
        self._visitors.clear()
        self._close_files()

    def _close_files(self) -> None:
        for name in ("control", "ring", "_ring_to_read"):
            fd: int = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)

    def _serve(self, listener: socket.socket) -> None:
        """Answers clients beside each other, so that one that says nothing keeps nobody waiting."""
        with selectors.PollSelector() as events:  # which is no file that a fork would share
            events.register(listener, selectors.EVENT_READ)
            while self._listener is not None:
                first = next(iter(self._visitors.values()), None)
                for key, _ in events.select(None if first is None else max(first - time.monotonic(), 0)):
                    if key.fileobj is listener:
                        self._receive(listener, events)
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._visitors:
                        self._answer(key.fileobj)
                        self._show_out(key.fileobj, events)
                now = time.monotonic()
                for peer in [p for p, until in self._visitors.items() if until <= now]:
                    self._show_out(peer, events)
            for peer in list(self._visitors):
                self._show_out(peer, events)

    def _receive(self, listener: socket.socket, events: selectors.BaseSelector) -> None:
        """Lets somebody in, to be answered when he has said what he wants."""
        try:
            peer, _ = listener.accept()
        except OSError:
            if self._listener is not None:
                time.sleep(0.01)  # no descriptors left, say
            return
        if len(self._visitors) == _MOST_VISITORS:
            self._show_out(next(iter(self._visitors)), events)
        self._visitors[peer] = time.monotonic() + PATIENCE
        peer.setblocking(False)
        events.register(peer, selectors.EVENT_READ)
        if self._rights(peer) == NOTHING:  # is not waited for
            self._say(peer, DENIED)
            self._show_out(peer, events)

    def _show_out(self, peer: socket.socket, events: selectors.BaseSelector) -> None:
        del self._visitors[peer]
        events.unregister(peer)
        peer.close()

    def _answer(self, peer: socket.socket) -> None:
        """Gives a client what it wants, if it may have it."""
        may = self._rights(peer)
        try:
            want = peer.recv(1)
        except OSError:
            return  # it went away
        if want == WANT_WRITING and may != WRITING:
            self._say(peer, DENIED if may == NOTHING else DENIED_WRITE)
        elif want == WANT_WRITING:
            self._say(peer, GRANTED, self.control, self.ring)
        elif want == WANT_READING:
            self._say(peer, GRANTED, self.control, self._ring_to_read)

    def _say(self, peer: socket.socket, word: bytes, *files: int) -> None:
        try:
            if files:
                socket.send_fds(peer, [word], list(files))
            else:
                peer.send(word)
        except OSError:
            pass  # it went away

    def _rights(self, peer: socket.socket) -> int:
        """The peer's, by what the kernel says of it: its user, and all its groups."""
        try:
            credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            _, uid, gid = struct.unpack("3I", credentials)
            raw = peer.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 1024)  # 256 of them; with more it is refused
        except OSError:
            return NOTHING
        return self._access.rights(uid, [*struct.unpack(f"{len(raw) // 4}I", raw), gid])


def _default_dir() -> "tuple[str, Callable[[str, bool], None]]":
    """Where servers listen that are not told, and what makes it."""
    if directory := os.environ.get(DIR_VARIABLE):
        return directory, make_dir
    if directory := os.environ.get("XDG_RUNTIME_DIR"):
        return posixpath.join(directory, "framebuffer"), make_dir
    return posixpath.join(tempfile.gettempdir(), f"framebuffer-{os.getuid()}"), make_own_dir


def _sweep(directory: str) -> None:
    """Removes sockets of servers that were killed. One that was killed between two system calls
    left a socket under its first name, which looks like that of a server about to listen: nobody
    needs a minute for that."""
    for path in glob.glob(posixpath.join(glob.escape(directory), "*" + _SUFFIX + _UNREADY)):
        try:
            if time.time() - os.lstat(path).st_mtime > 60:
                os.unlink(path)
        except OSError:
            pass
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


def socket_path(location: str) -> str:
    """The socket's path that a location names, as its server sees it. Raises BadKey."""
    return path_of("memfd", location, _MAX_PATH, lambda name: name.endswith(_SUFFIX))
