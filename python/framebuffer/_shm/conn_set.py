"""The connections of clients that have not asked for anything yet."""

import collections
import selectors
import socket
import time
from typing import NamedTuple

from .. import _peers
from .fd_reply import TIMEOUT
from .reserve import Reserve

# Connections at a time. A well-behaved client sends its request at once, so only idle ones are closed.
MOST = 64


class _Connection(NamedTuple):
    until: float  # when it is closed
    uid: int


class ConnSet:
    """Limits the number of connections, and the time of each. For one thread."""

    def __init__(self, reserve: Reserve) -> None:
        self._reserve = reserve
        self._open: dict[socket.socket, _Connection] = {}  # the oldest first

    def add(self, peer: socket.socket, events: selectors.BaseSelector) -> None:
        """Waits for a client's request from now on. If there are too many it closes another one."""
        self._open[peer] = _Connection(time.monotonic() + TIMEOUT, _peers.peer_of(peer).uid)
        events.register(peer, selectors.EVENT_READ)
        if len(self._open) > MOST:
            self.close_oldest(events)

    def __contains__(self, peer: object) -> bool:
        return peer in self._open

    def ends(self) -> "list[float]":
        """The times at which connections are to be closed."""
        return [connection.until for connection in self._open.values()]

    def close_oldest(self, events: selectors.BaseSelector) -> None:
        """Closes the oldest connection of the user with the most, so that a user that connects often takes
        only its own places."""
        has = collections.Counter(connection.uid for connection in self._open.values())
        for peer, connection in self._open.items():
            if has[connection.uid] == max(has.values()):
                self.close(peer, events)
                return

    def close_late(self, now: float, events: selectors.BaseSelector) -> None:
        """Closes the connections whose time is over."""
        for peer in [p for p, connection in self._open.items() if connection.until <= now]:
            self.close(peer, events)

    def close(self, peer: socket.socket, events: selectors.BaseSelector) -> None:
        """Closes a connection."""
        del self._open[peer]
        events.unregister(peer)
        peer.close()
        self._reserve.keep_back()

    def close_all(self) -> None:
        """Closes all connections, without the thread that waits for them."""
        for peer in self._open:
            peer.close()
        self._open.clear()
