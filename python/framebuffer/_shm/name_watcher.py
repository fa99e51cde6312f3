"""Looking after the names in a directory by which clients find a segment: what cleans directories
(systemd-tmpfiles, tmpreaper, rm) may take them away under a living server."""

import fcntl
import logging
import os
import stat
import time

LOOK_EVERY = 1.0
"""How often a server looks whether clients still find its segment, in seconds."""

# How often a server makes what clients find its segment by look used. What cleans directories by
# age goes by days, or by hours.
_FRESH_EVERY = 600.0

_log = logging.getLogger("framebuffer")

# What a look finds of a name. A directory that cannot be looked at is UNSEEN.
OURS, GONE, OTHERS, UNSEEN = range(4)


def standing(path: str, should: os.stat_result) -> int:
    """Compares what has a name with what should have it."""
    try:
        return OURS if os.path.samestat(os.lstat(path), should) else OTHERS
    except FileNotFoundError:
        return GONE
    except OSError:
        return UNSEEN


def touch(path: str) -> None:
    """Makes a name look used."""
    try:
        os.utime(path, follow_symlinks=False)
    except OSError:
        pass


def remove(path: str, should: os.stat_result) -> None:
    """Takes a name away, unless another file has it. What cleans may be faster."""
    if standing(path, should) == OURS:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


class NameWatcher:
    """What a server knows of its directory. One thread uses it at a time."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._held = -1
        self._fresh = time.monotonic()
        self._said = ""
        self.hold()

    def hold(self) -> None:
        """Locks the directory as systemd-tmpfiles respects it (flock, tmpfiles.d(5)): it leaves a
        directory that is locked alone, with all that is in it. Other servers hold it too. A
        directory in which all users may write is not the server's to lock. It is no error if the
        lock cannot be had: a look brings back what was taken."""
        self.release()
        try:
            fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return
        try:
            if not os.fstat(fd).st_mode & stat.S_IWOTH:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                self._held = fd
        except OSError:
            pass
        if self._held != fd:
            os.close(fd)

    def _holds(self) -> bool:
        try:
            return self._held >= 0 and os.path.samestat(os.fstat(self._held), os.stat(self.directory))
        except OSError:
            return False

    def due(self) -> bool:
        """Whether names are to be made to look used, and then not for a while."""
        if time.monotonic() - self._fresh < _FRESH_EVERY:
            return False
        self._fresh = time.monotonic()
        if not self._holds():
            self.hold()
        return True

    def tell(self, trouble: str) -> None:
        """Logs a trouble, once for as long as it lasts; an empty one ends it."""
        if trouble and trouble != self._said:
            _log.warning("%s", trouble)
        self._said = trouble

    def release(self) -> None:
        """Gives up the lock."""
        fd, self._held = self._held, -1
        if fd >= 0:
            os.close(fd)
