"""The Unix socket at which a server hands out its files. A client sends one byte, what it
wants, and gets one byte with the files: or another, without, if it may not have them."""

import collections
import os
import posixpath
import secrets
import selectors
import socket
import threading
import time
from typing import Callable

from .. import _forks, _peers
from .._text import errno_text
from ..errors import FrameBufferError
from . import abstract
from .access import NOTHING, WRITING, Access
from .name_watcher import GONE, LOOK_EVERY, OTHERS, OURS, NameWatcher, remove, standing, touch
from .own_dir import make_dir
from .location import location_of
from .reserve import Reserve
from .sockets import MAX_PATH, SUFFIX, default_dir, sweep

# The bytes of the protocol. The last is the answer to who may read only and wants to write.
WANT_WRITING, WANT_READING, GRANTED, DENIED, DENIED_WRITE = b"w", b"r", b"y", b"n", b"o"

PATIENCE = 5.0  # how long either side waits for the other's byte, in seconds

# How often a socket is bound that another process removes at once, as sweep does.
_BINDINGS = 5

# So many that may have something are waited for at a time. What a client that knows what it wants
# has to send is there when it comes.
_MOST_CONNECTIONS = 64

# How many may wait to be accepted: few, since they are accepted in their order, and others fill it in
# no time. Those beyond wait as they connect.
_BACKLOG = 128


class FDServer:
    """The server's side: two files, and a thread that hands them out."""

    def __init__(self, access: Access) -> None:
        self.control = self.ring = self._ring_to_read = -1
        self._access = access
        self._unknown = _peers.overflow()
        access.check_ids(self._unknown)
        self._path = ""
        self._make: Callable[[str, bool], None] = make_dir
        self._lock = threading.Lock()  # for what follows: the thread binds anew, close ends it
        self._listener: socket.socket | None = None
        self._abstract: socket.socket | None = None  # another listener, for clients that do not see the directory
        self._bound: os.stat_result | None = None  # the listener, as it lies in the directory
        self._keeper: NameWatcher | None = None
        self._thread: threading.Thread | None = None
        self._connections: dict[socket.socket, tuple[float, int]] = {}  # until when they are waited for, in order, and whose they are
        self._reserve = Reserve()

    @property
    def location(self) -> str:
        return location_of(self._path)

    def open(self, directory: str) -> None:
        """Listens with a name of its own in the directory, or in the user's own, and hands out
        the files until close."""
        directory, self._make = (directory, make_dir) if directory else default_dir()
        directory = os.path.abspath(directory)
        self._make(directory, self._access.others)
        sweep(directory)
        path = posixpath.join(directory, secrets.token_hex(8) + SUFFIX)
        if len(os.fsencode(path)) > MAX_PATH:
            raise FrameBufferError(
                f"the socket's path {path} has {len(os.fsencode(path))} bytes, and the kernel takes {MAX_PATH}: name a directory with a shorter path"
            )
        self._path = path
        self._open_to_read()
        try:
            self._listener = self._bind()
        except OSError as e:
            raise FrameBufferError(f"listen in {directory}: {errno_text(e)}") from e
        self._abstract = abstract.listen(path, _BACKLOG)
        self._reserve.keep_back()
        self._keeper = NameWatcher(directory)
        self._thread = threading.Thread(target=self._serve, args=(self._listener,), name="framebuffer-memfd", daemon=True)
        self._thread.start()
        _forks.register(self)

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
            listener.listen(_BACKLOG)
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
        self._close_abstract()
        self._reserve.close()
        self._close_files()

    def after_fork(self) -> None:
        """The child is no server: who came to it would wait for nothing."""
        self._lock = threading.Lock()  # which the thread may have held
        if self._listener is not None:
            self._listener.close()
            self._listener = self._thread = None
        self._close_abstract()
        for peer in self._connections:
            peer.close()
        self._connections.clear()
        self._reserve.close()
        self._close_files()

    def _close_abstract(self) -> None:
        if self._abstract is not None:
            self._abstract.close()
            self._abstract = None

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
        """Answers clients beside each other, so that one that says nothing keeps no other waiting."""
        with selectors.PollSelector() as events:  # which is no file that a fork would share
            events.register(listener, selectors.EVENT_READ)
            if self._abstract is not None:
                events.register(self._abstract, selectors.EVENT_READ)
            looked = time.monotonic()
            while self._listener is not None:
                wake = min([looked + LOOK_EVERY, *(until for until, _ in self._connections.values())])
                for key, _ in events.select(max(wake - time.monotonic(), 0)):
                    if key.fileobj is listener:
                        self._receive(listener, events)
                    elif key.fileobj is self._abstract:
                        self._receive(self._abstract, events)
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._connections:
                        self._answer(key.fileobj)
                        self._close(key.fileobj, events)
                now = time.monotonic()
                if now >= looked + LOOK_EVERY:
                    looked = now
                    if (again := self._look()) is not None:
                        events.unregister(listener)
                        listener.close()  # no path leads there any more
                        listener = again
                        events.register(listener, selectors.EVENT_READ)
                for peer in [p for p, (until, _) in self._connections.items() if until <= now]:
                    self._close(peer, events)
            for peer in list(self._connections):
                self._close(peer, events)

    def _receive(self, listener: socket.socket, events: selectors.BaseSelector) -> None:
        """Lets clients in, to be answered when they have said what they want. One that may have
        nothing is told so at once, and takes no place of others."""
        for _ in range(_BACKLOG):
            try:
                peer = self._reserve.accept(listener)
            except BlockingIOError:
                return
            except OSError:
                if self._listener is not None:  # no descriptors left, say: one that keeps silent may have it
                    self._close_oldest(events)
                    time.sleep(0.01)
                return
            peer.setblocking(False)
            if self._rights(peer) == NOTHING:
                self._say(peer, DENIED)
                peer.close()
                continue
            self._connections[peer] = time.monotonic() + PATIENCE, _peers.peer_of(peer).uid
            events.register(peer, selectors.EVENT_READ)
            if len(self._connections) > _MOST_CONNECTIONS:
                self._close_oldest(events)

    def _close_oldest(self, events: selectors.BaseSelector) -> None:
        """Ends the oldest connection of the user that has the most: a user that comes often is in its
        own way alone."""
        has = collections.Counter(uid for _, uid in self._connections.values())
        for peer, (_, uid) in self._connections.items():
            if has[uid] == max(has.values()):
                self._close(peer, events)
                return

    def _close(self, peer: socket.socket, events: selectors.BaseSelector) -> None:
        del self._connections[peer]
        events.unregister(peer)
        peer.close()
        self._reserve.keep_back()

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
        """The peer's, by what the kernel says of it: its user, and all its groups. The ids for users
        and groups that have none here are those of no user and no group, also if this server runs as
        that: a peer that has them is one of all others. This process itself is known by its pid."""
        try:
            pid, uid, gid = _peers.peer_of(peer)
            if uid == self._unknown.uid:
                return WRITING if pid == os.getpid() else self._access.of_all
            gids = [*_peers.groups_of(peer), gid]
        except OSError:
            return NOTHING
        return self._access.rights(uid, [g for g in gids if g != self._unknown.gid])
