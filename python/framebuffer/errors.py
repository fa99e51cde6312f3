"""What can go wrong. Texts are those of the Go library: what was asked, the limit, the remedy.

Every error of this package is a FrameBufferError. Where the standard library has an
exception for the same thing, it is that, too.
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
    """A string that is no key, or the key of another ring than this one."""


class StaleKey(FrameBufferError):
    """A key whose server is gone, or out of reach from here."""


class NoServer(FrameBufferError):
    """No server of that name and user runs on this host."""


class BadFrame(FrameBufferError, ValueError):
    """A text that is no frame or no checksum."""


class Closed(FrameBufferError):
    """Use before start or after stop, or of a segment whose server closed it."""


class ServerGone(Closed):
    """The server's process has died without closing the segment: allocating, writing and waiting
    fail, while reads, views and holds go on."""


class ReadOnly(FrameBufferError):
    """Writing or allocating through a client that attached read-only."""


class NoPermission(FrameBufferError, PermissionError):
    """The memory belongs to another user."""


class NoMemory(FrameBufferError, MemoryError):
    """The machine, the control group or a kernel limit cannot hold the ring, or the copy of a frame."""


class HoldLimit(FrameBufferError):
    """More would be held than may be, or allocate found no room between holds."""


class TopicLimit(FrameBufferError):
    """The segment has no room for another topic or group."""


class Ended(FrameBufferError, EOFError):
    """The topic was ended, and everything in it has been seen."""


class BadName(FrameBufferError, ValueError):
    """A name of a topic or group that is empty, too long, or not text."""


class BadMeta(FrameBufferError, ValueError):
    """Metadata that does not fit."""


class Corrupt(FrameBufferError):
    """The control object does not make sense; some process wrote over it."""


def changing(word: str) -> Corrupt:
    """The error for a word that a compare-and-swap cannot change, however often it is tried."""
    return Corrupt(f"framebuffer: segment is damaged: {word} changes without end; some process writes over it: restart the server")


class NoAtomics(FrameBufferError):
    """This Python has no atomic instructions, which it gets from libatomic."""


class NoHeader(FrameBufferTimeout, BadOffset):
    """No chunk begins at an offset that could be right: a process overwrote its header, or allocate
    never returned the offset. The memory cannot tell which, so the error is both."""

    reason = Reason.ALTERED


def again(error: FrameBufferError) -> FrameBufferError:
    """The same error, to be raised once more: each raise adds to the traceback of its object."""
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
