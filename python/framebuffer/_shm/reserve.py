"""Accepts connections also when the process has no file descriptor left."""

import errno
import os
import socket

_RESERVED = 4


class Reserve:
    """Spare descriptors, to close for connections."""

    def __init__(self) -> None:
        self._spare: list[int] = []

    def keep_back(self) -> None:
        """Opens the missing ones, as far as it can."""
        try:
            while len(self._spare) < _RESERVED:
                self._spare.append(os.open("/", os.O_PATH | os.O_CLOEXEC))
        except OSError:
            pass

    def accept(self, listener: socket.socket) -> socket.socket:
        """The next connection. Raises BlockingIOError if there is none, and OSError if neither a descriptor nor
        a spare is left."""
        self.keep_back()
        try:
            return listener.accept()[0]
        except OSError as e:
            if e.errno not in (errno.EMFILE, errno.ENFILE) or not self._spare:
                raise
        os.close(self._spare.pop())
        try:
            return listener.accept()[0]
        except BlockingIOError:
            self.keep_back()
            raise

    def close(self) -> None:
        """Closes them."""
        while self._spare:
            os.close(self._spare.pop())
