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
from .keep import GONE, LOOK_EVERY, OTHERS, OURS, Keeper, remove, standing, touch
from .place import DIR_VARIABLE, location_of, make_dir, make_own_dir, path_of

# The bytes of the protocol. The last is the answer to who may read only and wants to write.
WANT_WRITING, WANT_READING, GRANTED, DENIED, DENIED_WRITE = b"w", b"r", b"y", b"n", b"o"

PATIENCE = 5.0  # how long either side waits for the other's byte, in seconds

_SUFFIX, _MAX_PATH = ".fb", 107

# How long a server may take between the two system calls that bind a socket and listen at it. One
# that is stopped there for longer finds its socket gone, and binds another.
_ABOUT_TO_LISTEN = 0.02

# How often a socket is bound that another process removes at once, as _sweep does.
_BINDINGS = 5

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
        self._make: Callable[[str, bool], None] = make_dir
        self._lock = threading.Lock()  # for what follows: the thread binds anew, close ends it
        self._listener: socket.socket | None = None
        self._bound: os.stat_result | None = None  # the listener, as it lies in the directory
        self._keeper: Keeper | None = None
        self._thread: threading.Thread | None = None
        self._visitors: dict[socket.socket, float] = {}  # until when they are waited for, in order

    @property
    def location(self) -> str:
        return location_of(self._path)

    def open(self, directory: str) -> None:
        """Listens with a name of its own in the directory, or in the user's own, and hands out
        the files until close."""
        directory, self._make = (directory, make_dir) if directory else _default_dir()
        directory = os.path.abspath(directory)
        self._make(directory, self._access.others)
        _sweep(directory)
        path = posixpath.join(directory, secrets.token_hex(8) + _SUFFIX)
        if len(os.fsencode(path)) > _MAX_PATH:
            raise FrameBufferError(
                f"the socket's path {path} has {len(os.fsencode(path))} bytes, and the kernel takes {_MAX_PATH}: name a directory with a shorter path"
            )
        self._path = path
        self._open_to_read()
        try:
            self._listener = self._bind()
        except OSError as e:
            raise FrameBufferError(f"listen in {directory}: {errno_text(e)}") from e
        self._keeper = Keeper(directory)
        self._thread = threading.Thread(target=self._serve, args=(self._listener,), name="framebuffer-memfd", daemon=True)
        self._thread.start()
        _forks.tell(self)

    def _open_to_read(self) -> None:
        """Opens the ring anew, for clients that may only read it. Without /proc that cannot be done:
        clients that want to read and may also write get the ring as it is."""
        try:
            self._ring_to_read = os.open(f"/proc/self/fd/{self.ring}", os.O_RDONLY)
        except OSError as e:
            if isinstance(e, FileNotFoundError) and not self._access.readers:
                return
            raise FrameBufferError(f"open the ring for reading only: {errno_text(e)}") from e

    def _bind(self) -> socket.socket:
        """Listens under the door's name, again if another process removes the socket meanwhile.
        Raises OSError."""
        for _ in range(_BINDINGS - 1):
            try:
                return self._listen()
            except FileNotFoundError:
                pass
        return self._listen()

    def _listen(self) -> socket.socket:
        """Listens under the door's name, from which systemd-tmpfiles knows by /proc/net/unix that
        the socket lives: a socket that was renamed it takes for a dead one. The kernel does not let
        it take the name of anything else. Raises OSError."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(self._path)
        except OSError:
            listener.close()
            raise
        try:
            listener.listen(128)
            listener.setblocking(False)
            self._bound = os.lstat(self._path)
            # Who may have the files is for _rights to say, which knows the peer.
            os.chmod(self._path, 0o666)
        except OSError:
            listener.close()
            if os.path.lexists(self._path):
                os.unlink(self._path)
            raise
        return listener

    def _look(self) -> socket.socket | None:
        """Brings the socket back when it was removed, and returns the new one."""
        keeper = self._keeper
        with self._lock:
            if self._listener is None or keeper is None or self._bound is None:
                return None
            found = standing(self._path, self._bound)
            if found == OURS:
                keeper.tell("")
                if keeper.due():
                    touch(self._path)
            if found == OTHERS:
                keeper.tell(
                    f"another file has the name of this server's socket, {self._path}, so that no client can attach any more: "
                    "remove it, or start the server again"
                )
            if found != GONE:
                return None
            try:
                self._make(keeper.directory, self._access.others)
                self._listener = self._bind()
            except (OSError, FrameBufferError) as e:
                keeper.tell(f"the socket of this server, {self._path}, was removed, and cannot be made again, so that no client can attach: {e}")
                return None
            keeper.tell(f"the socket of this server, {self._path}, was removed by another process; it is there again")
            keeper.hold()
            return self._listener

    def close(self) -> None:
        """Ends the listening, removes the socket, and gives the files back."""
        with self._lock:
            listener, self._listener = self._listener, None
            if listener is not None and self._bound is not None:
                remove(self._path, self._bound)
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join()
            listener.close()
        self._close_files()

    def after_fork(self) -> None:
        """The child is no server: who came to it would wait for nothing."""
        self._lock = threading.Lock()  # which the thread may have held
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
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.release()

    def _serve(self, listener: socket.socket) -> None:
        """Answers clients beside each other, so that one that says nothing keeps nobody waiting."""
        with selectors.PollSelector() as events:  # which is no file that a fork would share
            events.register(listener, selectors.EVENT_READ)
            looked = time.monotonic()
            while self._listener is not None:
                wake = min([looked + LOOK_EVERY, *self._visitors.values()])
                for key, _ in events.select(max(wake - time.monotonic(), 0)):
                    if key.fileobj is listener:
                        self._receive(listener, events)
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._visitors:
                        self._answer(key.fileobj)
                        self._show_out(key.fileobj, events)
                now = time.monotonic()
                if now >= looked + LOOK_EVERY:
                    looked = now
                    if (again := self._look()) is not None:
                        events.unregister(listener)
                        listener.close()  # no path leads there any more
                        listener = again
                        events.register(listener, selectors.EVENT_READ)
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
            ring = self._ring_to_read
            if ring < 0 and may == WRITING:
                ring = self.ring
            if ring >= 0:
                self._say(peer, GRANTED, self.control, ring)

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
    """Removes sockets of servers that were killed."""
    dead = [path for path in glob.glob(posixpath.join(glob.escape(directory), "*" + _SUFFIX)) if _refuses(path)]
    if dead:
        time.sleep(_ABOUT_TO_LISTEN)
    for path in dead:
        if _refuses(path):
            try:
                os.unlink(path)
            except OSError:
                pass


def _refuses(path: str) -> bool:
    """Whether no process listens at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(PATIENCE)
        try:
            s.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False


def socket_path(location: str) -> str:
    """The socket's path that a location names, as its server sees it. Raises BadKey."""
    return path_of("memfd", location, _MAX_PATH, lambda name: name.endswith(_SUFFIX))
