"""Accepting visitors also when the process has no descriptor left."""

import errno
import os
import socket

_RESERVED = 4


class Reserve:
    """Descriptors that are kept back for visitors."""

    def __init__(self) -> None:
        self._spare: list[int] = []

    def keep_back(self) -> None:
        """Takes what is missing of them, if it can be had."""
        try:
            while len(self._spare) < _RESERVED:
                self._spare.append(os.open("/", os.O_PATH | os.O_CLOEXEC))
        except OSError:
            pass

    def accept(self, listener: socket.socket) -> socket.socket:
        """The next visitor. Raises BlockingIOError if there is none, and OSError for want of a
        descriptor if not even one of these is left."""
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
        """Gives them back."""
        while self._spare:
            os.close(self._spare.pop())
