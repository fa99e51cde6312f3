"""Big frames from process to process through shared memory.

    from framebuffer.server import FrameBufferServer
    from framebuffer.client import FrameBufferClient, FrameBufferTimeout

    import framebuffer  # connect(): the server that runs on this host, and the next one

A server owns a ring of memory and has a key. A writer allocates a chunk, writes, gets a checksum, and
sends offset, size and checksum to readers over any RPC. A reader turns those back into exactly the
bytes that were written, or gets FrameBufferTimeout: later frames have overwritten them. The checksum
finds accidents, not forgery: writers of a ring are trusted. The memory is the Go library's: programs
in both languages share one ring. See docs/python.md.
"""

from .client import FrameBufferClient
from .connection import Connection, connect
from .errors import FrameBufferError, FrameBufferTimeout, Reason, ServerGone
from .frame import Frame
from .hold import Hold
from .meta import Message, Meta
from .server import FrameBufferServer
from .topic import Publisher, Subscription
from .view import Reservation, View

__all__ = [
    "Connection",
    "FrameBufferClient",
    "FrameBufferServer",
    "FrameBufferError",
    "FrameBufferTimeout",
    "Frame",
    "Hold",
    "Message",
    "Meta",
    "Publisher",
    "Reason",
    "Reservation",
    "ServerGone",
    "Subscription",
    "View",
    "connect",
]
