"""The errors. Their texts are those of the Go library: what was asked, the limit, the remedy.

Every error of this package is a FrameBufferError. Where the standard library has an exception for
the same thing, it is that, too.
"""

import warnings
from enum import Enum


class FrameBufferError(Exception):
    """Any error of this package."""


class Reason(str, Enum):
    """Why a FrameBufferTimeout was raised. Each compares equal to its text."""

    OVERWRITTEN = "overwritten"
    """The ring was allocated all the way round: later frames lie where the chunk was."""
    ALTERED = "altered"
    """The bytes are not those of the checksum, or no chunk begins there."""

    def __str__(self) -> str:
        return self.value


class FrameBufferTimeout(FrameBufferError):
    """The frame is lost: later frames have overwritten its chunk, or the chunk's bytes do not match the
    checksum. `reason` says which; the text says more. It is no TimeoutError: waiting for a topic
    raises that."""

    reason = Reason.OVERWRITTEN
    counted = True  # in this process's figures: it names a frame that was lost

    def __init__(self, text: str = "", reason: "Reason | None" = None) -> None:
        super().__init__(text)
        if reason is not None:
            self.reason = reason

    @property
    def overwritten(self) -> bool:
        """Whether later frames have overwritten the chunk: read sooner, or use a larger ring."""
        return self.reason is Reason.OVERWRITTEN

    @property
    def altered(self) -> bool:
        """Whether the chunk's bytes do not match the checksum."""
        return self.reason is Reason.ALTERED

    @property
    def reused(self) -> bool:
        """Deprecated: the former name of overwritten."""
        warnings.warn("FrameBufferTimeout.reused is deprecated: use .overwritten, or .reason", DeprecationWarning, stacklevel=2)
        return self.overwritten


class BadSize(FrameBufferError, ValueError):
    """A size that is zero, negative, or beyond the chunk that is read."""


class TooLarge(FrameBufferError, ValueError):
    """A size that no chunk of this ring can have, or beyond a client's max_frame."""


class BadOffset(FrameBufferError, ValueError):
    """An offset that allocate never returned for this ring."""


class TooLong(FrameBufferError, ValueError):
    """More data than the chunk was allocated with."""


class BadBuffer(FrameBufferError, TypeError, BufferError):
    """An object whose bytes cannot be a frame's, such as an array of objects, or one that bytes
    cannot be put into."""


class BadKey(FrameBufferError, ValueError):
    """A string that is not a valid key, or the key of another ring."""


class StaleKey(FrameBufferError):
    """A key whose server has ended, or cannot be reached from this process."""


class NoServer(FrameBufferError):
    """No server of that name and user runs on this host."""


class BadFrame(FrameBufferError, ValueError):
    """A text that is not a valid frame or checksum."""


class Closed(FrameBufferError):
    """A call before start or after stop, or on a segment that its server has closed."""


class ServerGone(Closed):
    """The server's process has died without closing the segment: allocating, writing and waiting
    fail, while reads, views and holds go on."""


class ReadOnly(FrameBufferError):
    """Writing or allocating through a client that attached read-only."""


class NoPermission(FrameBufferError, PermissionError):
    """This process may not use the memory, the directory or the system call: the text says which."""


class NoMemory(FrameBufferError, MemoryError):
    """The machine, the control group or a kernel limit cannot hold the ring, or the copy of a frame."""


class HoldLimit(FrameBufferError):
    """More bytes, or more frames, would be held than the server allows, or allocate found no room
    between holds."""


class TopicLimit(FrameBufferError):
    """The segment has no room for another topic or group."""


class Ended(FrameBufferError, EOFError):
    """The topic has ended: its subscriber has seen every frame, or a publisher published after it."""


class BadName(FrameBufferError, ValueError):
    """A name of a topic or group that is empty, too long, or not valid text."""


class BadMeta(FrameBufferError, ValueError):
    """Metadata beyond its limits: see Meta."""


class Corrupt(FrameBufferError):
    """The control object is not valid, or the memory was shortened: some process wrote over it."""


def changing(word: str) -> Corrupt:
    """The error for a word that no compare-and-swap can change, since another process changes it without
    end."""
    return Corrupt(f"framebuffer: segment is damaged: {word} changes without end; some process writes over it: restart the server")


class NoAtomics(FrameBufferError):
    """libatomic, which has Python's atomic instructions, is not installed."""


class NoHeader(FrameBufferTimeout, BadOffset):
    """No chunk begins at an offset that could be right: a process overwrote its header, or allocate
    never returned the offset. The memory cannot tell which, so the error is both."""

    reason = Reason.ALTERED


def again(error: FrameBufferError) -> FrameBufferError:
    """A copy of the error, to raise it once more: each raise adds to the traceback of its object."""
    return type(error)(str(error))


def overwritten(text: str) -> FrameBufferTimeout:
    """The timeout of a chunk that later frames have overwritten."""
    return FrameBufferTimeout("framebuffer: timeout: " + text, Reason.OVERWRITTEN)


def altered(text: str) -> FrameBufferTimeout:
    """The timeout of a chunk whose bytes do not match the checksum."""
    return FrameBufferTimeout("framebuffer: timeout: " + text, Reason.ALTERED)


def overwritten_between(text: str) -> FrameBufferTimeout:
    """The timeout of a process that was stopped between two instructions while the ring was allocated
    all the way round. It names no frame that was lost."""
    error = overwritten(text)
    error.counted = False
    return error
