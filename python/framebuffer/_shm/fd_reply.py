"""The protocol of a memfd server's socket, and its answers. A client sends one byte, what it wants, and gets
one byte with the file descriptors of control and ring, or another byte without, if it may not have them."""

import os
import socket

from .. import _peers
from .._text import errno_text
from ..errors import FrameBufferError
from .access import NOTHING, WRITING, Access

# The bytes of the protocol. DENIED_WRITE answers a client that may only read and asked to write.
WANT_WRITING, WANT_READING, GRANTED, DENIED, DENIED_WRITE = b"w", b"r", b"y", b"n", b"o"

TIMEOUT = 5.0  # s for which either side waits for the other's byte


class Files:
    """A server's two files, and the rights of its clients."""

    def __init__(self, access: Access) -> None:
        self.control = self.ring = self._ring_to_read = -1
        self._access = access
        self._unknown = _peers.overflow()
        access.check_ids(self._unknown)

    def open_to_read(self) -> None:
        """Opens the ring once more, for clients that may only read it. That needs /proc: without it, clients
        that may write and ask to read get the ring as it is. Raises FrameBufferError."""
        try:
            self._ring_to_read = os.open(f"/proc/self/fd/{self.ring}", os.O_RDONLY)
        except OSError as e:
            if isinstance(e, FileNotFoundError) and not self._access.readers:
                return
            raise FrameBufferError(f"open the ring for reading only: {errno_text(e)}") from e

    def close(self) -> None:
        """Closes the files; closing again does nothing."""
        for name in ("control", "ring", "_ring_to_read"):
            fd: int = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)

    def refuse(self, peer: socket.socket) -> bool:
        """Answers a client that may have nothing; False for all others."""
        if self._rights(peer) != NOTHING:
            return False
        _send(peer, DENIED)
        return True

    def answer(self, peer: socket.socket) -> None:
        """Reads what a client wants, and sends it if it may have it."""
        may = self._rights(peer)
        try:
            want = peer.recv(1)
        except OSError:
            return  # it has ended
        if want == WANT_WRITING and may != WRITING:
            _send(peer, DENIED if may == NOTHING else DENIED_WRITE)
        elif want == WANT_WRITING:
            _send(peer, GRANTED, self.control, self.ring)
        elif want == WANT_READING:
            ring = self._ring_to_read
            if ring < 0 and may == WRITING:
                ring = self.ring
            if ring >= 0:
                _send(peer, GRANTED, self.control, ring)

    def _rights(self, peer: socket.socket) -> int:
        """The peer's rights, by its user and all its groups as the kernel knows them. The overflow ids are
        no user's and no group's, also if this server runs as them: a peer with them has the rights of
        all others. This process itself is known by its pid."""
        try:
            pid, uid, gid = _peers.peer_of(peer)
            if uid == self._unknown.uid:
                return WRITING if pid == os.getpid() else self._access.of_all
            gids = [*_peers.groups_of(peer), gid]
        except OSError:
            return NOTHING
        return self._access.rights(uid, [g for g in gids if g != self._unknown.gid])


def _send(peer: socket.socket, word: bytes, *files: int) -> None:
    try:
        if files:
            socket.send_fds(peer, [word], list(files))
        else:
            peer.send(word)
    except OSError:
        pass  # it has ended
