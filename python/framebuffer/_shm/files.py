"""The two files of a server of backend file: their names, and the locks that show that it runs.

The server locks each file by its open file description (OFD) as long as it runs: the kernel drops the
lock when that is closed, also when the process is killed, and any process can test it without taking
it. The files get their names when they are locked and complete.

A forked child has the descriptors and the mappings, and must not keep the lock after the server's
end. So it closes the descriptors; and since a mapping keeps the description open that it was made
with, mappings are made with another one.
"""

import fcntl
import glob
import os
import posixpath
import re
import secrets
import struct
import threading
import weakref
from contextlib import contextmanager
from typing import Iterator

from .. import _forks, _libc
from .._text import errno_text
from ..errors import FrameBufferError, StaleKey
from . import syscall_error
from .name_watcher import GONE, LOOK_EVERY, OTHERS, OURS, NameWatcher, remove, state_of, touch
from .location import path_of

# Names are random after a prefix, so that other files in a shared directory cannot conflict.
_PREFIX, CONTROL, RING = "framebuffer-", ".control", ".ring"
_MAX_BASE = 180  # bytes in a path without suffix: a key has room for twice that
_NAME = re.compile(_PREFIX + "[0-9a-f]{32}")

_AT_EMPTY_PATH = 0x1000

_FLOCK = struct.Struct("hh4xqqi4x")  # struct flock on 64-bit Linux
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def new_base(directory: str) -> str:
    """The path of two new files, without their suffixes."""
    return posixpath.join(directory, _PREFIX + secrets.token_hex(16))


def base_of(location: str) -> str:
    """The path, in the server's view, of the files that a location names. Raises BadKey."""
    return path_of("file", location, _MAX_BASE, lambda name: _NAME.fullmatch(name) is not None)


@contextmanager
def another(fd: int) -> Iterator[int]:
    """Another open file description of the same file, without the lock, to make a mapping with."""
    try:
        same = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
    except FileNotFoundError:  # without /proc: the mapping keeps the lock, also in a forked child
        same = os.dup(fd)
    except OSError as e:
        raise FrameBufferError(f"open the file anew (is /proc mounted?): {errno_text(e)}") from e
    try:
        yield same
    finally:
        os.close(same)


def lock(fd: int) -> None:
    """Locks a file until it is closed."""
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except OSError as e:
        syscall_error.check("fcntl", e)
        raise FrameBufferError(f"lock the file: {errno_text(e)}") from e


def locked(fd: int) -> bool:
    """Whether a running server has the file locked."""
    kind: int = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _WHOLE_FILE))[0]
    return kind != fcntl.F_UNLCK


def check_alive(fd: int, path: str) -> None:
    """Raises StaleKey for a file whose server was killed."""
    try:
        alive = locked(fd)
    except OSError as e:
        raise FrameBufferError(f"ask for the lock of {path}: {errno_text(e)}") from e
    if not alive:
        raise StaleKey(f"framebuffer: stale key: the server of {path} was killed: get the key of the one that runs now")


class Files:
    """A server's two files. See the module."""

    def __init__(self, base: str) -> None:
        self.base, self.control, self.ring = base, -1, -1
        self._shown = False
        self._watcher: NameWatcher | None = None
        self._lock = threading.Lock()  # of the thread that looks, and of close
        self._ended = threading.Event()
        _forks.register(self)

    def show(self) -> None:
        """Gives the files their names, the control object last: a process that finds that finds both."""
        if (n := len(os.fsencode(self.base))) > _MAX_BASE:
            raise FrameBufferError(f"the files' path {self.base} has {n} bytes, and a key has room for {_MAX_BASE}: name a directory with a shorter path")
        directory = os.open(posixpath.dirname(self.base), os.O_PATH | os.O_DIRECTORY)
        try:
            self._shown = True
            for fd, suffix in ((self.ring, RING), (self.control, CONTROL)):
                try:
                    _name(fd, directory, posixpath.basename(self.base) + suffix)
                except OSError as e:
                    syscall_error.check("linkat", e)
                    raise FrameBufferError(f"name the file {self.base}{suffix} (is /proc mounted?): {errno_text(e)}") from e
        finally:
            os.close(directory)

    def watch(self) -> None:
        """Starts a thread that restores the names if they are removed."""
        self._watcher = NameWatcher(posixpath.dirname(self.base))
        for fd in (self.control, self.ring):  # tmpfiles.d(5): systemd 250 and newer skip such files
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                pass
        threading.Thread(target=_watch, args=(weakref.ref(self), self._ended), name="framebuffer-file", daemon=True).start()

    def look(self) -> None:
        """Restores names that were moved. The kernel gives a file without any name left no new one
        (linkat(2)): then this logs that they were removed."""
        with self._lock:
            watcher = self._watcher
            if watcher is None or self._ended.is_set():
                return
            used, trouble = watcher.due(), ""
            for fd, suffix in ((self.ring, RING), (self.control, CONTROL)):
                path = self.base + suffix
                found = state_of(path, os.fstat(fd))
                if found == OURS and used:
                    touch(path)
                if found == OTHERS:
                    trouble = f"another file has the name of this server's, {path}"
                if found == GONE:
                    try:
                        directory = os.open(watcher.directory, os.O_PATH | os.O_DIRECTORY)
                        try:
                            _name(fd, directory, posixpath.basename(path))
                        finally:
                            os.close(directory)
                    except OSError:
                        trouble = f"the files of this server were removed, such as {path}"
            if trouble:
                trouble += ", so that no client can attach any more; those that are attached go on: start the server again"
            watcher.log(trouble)

    def close(self) -> None:
        """Removes the names and closes the files."""
        self._ended.set()
        with self._lock:
            self._close()

    def _close(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.release()
        for name, suffix in (("control", CONTROL), ("ring", RING)):
            fd: int = getattr(self, name)
            setattr(self, name, -1)
            if fd < 0:
                continue
            if self._shown:
                remove(self.base + suffix, os.fstat(fd))
            os.close(fd)

    def after_fork(self) -> None:
        """Closes the files in the child, which is no server."""
        self._shown = False
        self._lock, self._ended = threading.Lock(), threading.Event()  # whose locks the thread may have held
        self.close()


def _name(fd: int, directory: int, name: str) -> None:
    """Gives an unnamed file a name. With a directory's descriptor Python calls linkat, which follows the link
    in /proc. Raises OSError."""
    try:
        os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=directory, follow_symlinks=True)
    except FileNotFoundError:
        if os.path.lexists(f"/proc/self/fd/{fd}"):
            raise
        # Without /proc it takes Linux 6.10, or CAP_DAC_READ_SEARCH.
        if _libc.linkat(fd, b"", directory, os.fsencode(name), _AT_EMPTY_PATH) != 0:
            raise _libc.last_error()


def _watch(files: "weakref.ref[Files]", ended: threading.Event) -> None:
    while not ended.wait(LOOK_EVERY):
        if (what := files()) is None:
            return
        what.look()
        del what


def sweep(directory: str) -> None:
    """Removes the files of killed servers, where this process may."""
    for path in glob.glob(posixpath.join(glob.escape(directory), _PREFIX + "*")):
        base, suffix = posixpath.splitext(posixpath.basename(path))
        if suffix not in (CONTROL, RING) or not _NAME.fullmatch(base):
            continue
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue  # another user's
        try:
            if not locked(fd):
                os.unlink(path)  # names are never used again: this is the file that was tested
        except OSError:
            pass
        finally:
            os.close(fd)
