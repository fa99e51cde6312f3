"""Watches the names in a directory by which clients find a segment: programs that clean directories
(systemd-tmpfiles, tmpreaper, rm) may remove them while the server runs."""

import fcntl
import logging
import os
import stat
import time

LOOK_EVERY = 1.0
"""How often, in seconds, a server looks at its names."""

# How often, in seconds, a server renews the times of its names. Programs that clean by age count in hours
# or days.
_FRESH_EVERY = 600.0

_log = logging.getLogger("framebuffer")

# Results of a look at a name. UNSEEN: the directory cannot be read.
OURS, GONE, OTHERS, UNSEEN = range(4)


def state_of(path: str, should: os.stat_result) -> int:
    """Compares the file that has a name with the one that should have it."""
    try:
        return OURS if os.path.samestat(os.lstat(path), should) else OTHERS
    except FileNotFoundError:
        return GONE
    except OSError:
        return UNSEEN


def touch(path: str) -> None:
    """Renews a name's times."""
    try:
        os.utime(path, follow_symlinks=False)
    except OSError:
        pass


def remove(path: str, should: os.stat_result) -> None:
    """Removes a name, unless another file has it. A program that cleans may be faster."""
    if state_of(path, should) == OURS:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


class NameWatcher:
    """A server's lock on its directory, and the trouble that it logged last. For one thread at a time."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._held = -1
        self._fresh = time.monotonic()
        self._said = ""
        self.hold()

    def hold(self) -> None:
        """Locks the directory, shared with other servers, against systemd-tmpfiles, which leaves locked
        directories and all that is in them alone (flock, tmpfiles.d(5)). It does not lock a directory
        in which all users may write. It is no error if the lock fails: the watch restores names."""
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
        """Whether it is time to renew the names' times; then False for the next ten minutes."""
        if time.monotonic() - self._fresh < _FRESH_EVERY:
            return False
        self._fresh = time.monotonic()
        if not self._holds():
            self.hold()
        return True

    def log(self, trouble: str) -> None:
        """Logs a trouble once as long as it lasts; an empty text ends it."""
        if trouble and trouble != self._said:
            _log.warning("%s", trouble)
        self._said = trouble

    def release(self) -> None:
        """Unlocks the directory."""
        fd, self._held = self._held, -1
        if fd >= 0:
            os.close(fd)
