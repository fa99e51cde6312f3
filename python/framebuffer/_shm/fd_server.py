"""The Unix socket from which clients get the files of a memfd server."""

import os
import posixpath
import secrets
import selectors
import socket
import threading
import time
from typing import Callable

from .. import _forks
from .._text import errno_text
from ..errors import FrameBufferError
from . import abstract
from .access import Access
from .conn_set import ConnSet
from .fd_reply import Files
from .location import location_of
from .name_watcher import GONE, LOOK_EVERY, OTHERS, OURS, NameWatcher, remove, state_of, touch
from .own_dir import make_dir
from .reserve import Reserve
from .sockets import MAX_PATH, SUFFIX, default_dir, sweep

# How often the server binds its socket when another process removes it at once, as sweep does.
_BINDINGS = 5

# Connections that wait in the kernel's queue, in order of their arrival. Clients beyond them wait in connect.
_BACKLOG = 128


class FDServer:
    """The server's side: two files, and a thread that sends them to clients."""

    def __init__(self, access: Access) -> None:
        self.files = Files(access)
        self._access = access
        self._path = ""
        self._make: Callable[[str, bool], None] = make_dir
        self._lock = threading.Lock()  # guards what follows: the thread binds anew, close ends it
        self._listener: socket.socket | None = None
        self._abstract: socket.socket | None = None  # another listener, for clients that do not see the directory
        self._bound: os.stat_result | None = None  # of the listener's socket in the directory
        self._watcher: NameWatcher | None = None
        self._thread: threading.Thread | None = None
        self._reserve = Reserve()
        self._connections = ConnSet(self._reserve)

    @property
    def location(self) -> str:
        """The socket's path as it stands in the key."""
        return location_of(self._path)

    def open(self, directory: str) -> None:
        """Listens at a new path in the directory, or in the default one, and sends the files to clients until
        close. Raises NoPermission and FrameBufferError."""
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
        self.files.open_to_read()
        try:
            self._listener = self._bind()
        except OSError as e:
            raise FrameBufferError(f"listen in {directory}: {errno_text(e)}") from e
        self._abstract = abstract.listen(path, _BACKLOG)
        self._reserve.keep_back()
        self._watcher = NameWatcher(directory)
        self._thread = threading.Thread(target=self._serve, args=(self._listener,), name="framebuffer-memfd", daemon=True)
        self._thread.start()
        _forks.register(self)

    def _bind(self) -> socket.socket:
        """Listens at the path, again if another process removes the socket meanwhile. Raises OSError."""
        for _ in range(_BINDINGS - 1):
            try:
                return self._listen()
            except FileNotFoundError:
                pass
        return self._listen()

    def _listen(self) -> socket.socket:
        """Listens at the path itself: systemd-tmpfiles compares paths with /proc/net/unix, and would take a
        renamed socket for a dead one. bind does not replace another file. Raises OSError."""
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
            # All users may connect: Files checks their rights.
            os.chmod(self._path, 0o666)
        except OSError:
            listener.close()
            if os.path.lexists(self._path):
                os.unlink(self._path)
            raise
        return listener

    def _look(self) -> socket.socket | None:
        """Binds the socket again if it was removed, and returns the new listener."""
        watcher = self._watcher
        with self._lock:
            if self._listener is None or watcher is None or self._bound is None:
                return None
            found = state_of(self._path, self._bound)
            if found == OURS:
                watcher.log("")
                if watcher.due():
                    touch(self._path)
            if found == OTHERS:
                watcher.log(
                    f"another file has the name of this server's socket, {self._path}, so that no client can attach any more: "
                    "remove it, or start the server again"
                )
            if found != GONE:
                return None
            try:
                self._make(watcher.directory, self._access.others)
                self._listener = self._bind()
            except (OSError, FrameBufferError) as e:
                watcher.log(f"the socket of this server, {self._path}, was removed, and cannot be made again, so that no client can attach: {e}")
                return None
            watcher.log(f"the socket of this server, {self._path}, was removed by another process; it is there again")
            watcher.hold()
            return self._listener

    def close(self) -> None:
        """Ends the listening, removes the socket, and closes the files."""
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
        """Closes everything in the child, which is no server: clients that connect would wait in vain."""
        self._lock = threading.Lock()  # which the thread may have held
        if self._listener is not None:
            self._listener.close()
            self._listener = self._thread = None
        self._close_abstract()
        self._connections.close_all()
        self._reserve.close()
        self._close_files()

    def _close_abstract(self) -> None:
        if self._abstract is not None:
            self._abstract.close()
            self._abstract = None

    def _close_files(self) -> None:
        self.files.close()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.release()

    def _serve(self, listener: socket.socket) -> None:
        """The thread's work: it answers clients concurrently, so that a silent one delays no other."""
        connections = self._connections
        with selectors.PollSelector() as events:  # which has no descriptor that a fork would share
            events.register(listener, selectors.EVENT_READ)
            if self._abstract is not None:
                events.register(self._abstract, selectors.EVENT_READ)
            looked = time.monotonic()
            while self._listener is not None:
                wake = min([looked + LOOK_EVERY, *connections.ends()])
                for key, _ in events.select(max(wake - time.monotonic(), 0)):
                    if key.fileobj is listener:
                        self._accept(listener, events)
                    elif key.fileobj is self._abstract:
                        self._accept(self._abstract, events)
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in connections:
                        self.files.answer(key.fileobj)
                        connections.close(key.fileobj, events)
                now = time.monotonic()
                if now >= looked + LOOK_EVERY:
                    looked = now
                    if (again := self._look()) is not None:
                        events.unregister(listener)
                        listener.close()  # no path leads there any more
                        listener = again
                        events.register(listener, selectors.EVENT_READ)
                connections.close_late(now, events)
            connections.close_all()

    def _accept(self, listener: socket.socket, events: selectors.BaseSelector) -> None:
        """Accepts clients. It refuses at once those that may have nothing, which take no place of others."""
        for _ in range(_BACKLOG):
            try:
                peer = self._reserve.accept(listener)
            except BlockingIOError:
                return
            except OSError:
                if self._listener is not None:  # no descriptor left, for example: an idle connection has one
                    self._connections.close_oldest(events)
                    time.sleep(0.01)
                return
            peer.setblocking(False)
            if self.files.refuse(peer):
                peer.close()
            else:
                self._connections.add(peer, events)
