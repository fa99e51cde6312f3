"""Messages of topics, and their metadata."""

from dataclasses import dataclass

from ._layout import CONTENT
from ._text import quote
from .errors import BadMeta, BadName
from .frame import Frame

MAX_NAME, MAX_CONTENT_TYPE, MAX_FORMAT, MAX_USER, MAX_DIMENSIONS = 64, 48, 16, 64, 8  # bytes, but for the last


@dataclass(frozen=True)
class Meta:
    """Metadata of a frame. All of it is optional, and this library does not interpret it."""

    content_type: str = ""
    """A media type such as "image/jpeg" or "video/raw", at most 48 bytes."""
    width: int = 0
    height: int = 0
    """Of a picture, in pixels: 0 to 2^32-1."""
    format: str = ""
    """The pixel format or element type, such as "rgb24" or "float32", at most 16 bytes."""
    shape: tuple[int, ...] = ()
    """Of a tensor: at most 8 dimensions, the slowest first."""
    user: bytes = b""
    """Any bytes, at most 64."""

    def pack(self) -> tuple[int, int, bytes]:
        """As a record has it: the number of dimensions, that of user bytes, and the packed rest. Raises
        BadMeta."""
        for what, text, most in (("content type", self.content_type, MAX_CONTENT_TYPE), ("format", self.format, MAX_FORMAT)):
            if len(text.encode(errors="surrogatepass")) > most or "\0" in text or not _is_text(text):
                raise BadMeta(f"framebuffer: bad metadata: {what} {quote(text, 100)} is not UTF-8 of at most {most} bytes")
        if len(self.shape) > MAX_DIMENSIONS:
            raise BadMeta(f"framebuffer: bad metadata: a shape of {len(self.shape)} dimensions; there can be {MAX_DIMENSIONS}")
        if len(self.user) > MAX_USER:
            raise BadMeta(f"framebuffer: bad metadata: {len(self.user)} bytes of user data; there can be {MAX_USER}: put more into the frame itself")
        for n in (self.width, self.height, *self.shape):
            if not 0 <= n < 1 << 32:
                raise BadMeta(f"framebuffer: bad metadata: a length of {n}; it is 0 to {(1 << 32) - 1}")
        shape = [*self.shape, *[0] * (MAX_DIMENSIONS - len(self.shape))]
        packed = CONTENT.pack(self.width, self.height, *shape, self.format.encode(), self.content_type.encode(), bytes(self.user))
        return len(self.shape), len(self.user), packed

    @classmethod
    def unpack(cls, dimensions: int, user_length: int, packed: bytes) -> "Meta":
        """Reads what pack returns. Bytes that another process has put there instead are cut to what fits."""
        width, height, *shape, format_, content_type, user = CONTENT.unpack(packed)
        return cls(_text(content_type), width, height, _text(format_), tuple(shape[: min(dimensions, MAX_DIMENSIONS)]), user[:user_length])


@dataclass(frozen=True)
class Message:
    """One frame of a topic."""

    frame: Frame
    """The descriptor, to be read with the client's get, read_into, view or hold."""
    sequence: int
    """The frame's sequence number in its topic, from 0 up."""
    time_ns: int
    """When it was published, or the time that the publisher gave, in ns since 1970."""
    lost: int = 0
    """How many frames the subscription lost between its last message and this one."""
    meta: Meta = Meta()
    ring: int = 0
    """How many rings a connection had before this one: see framebuffer.connect."""


def check_name(what: str, name: str) -> None:
    """Raises BadName for a name that a topic or group cannot have."""
    if not name or not _is_text(name) or len(name.encode()) > MAX_NAME:
        raise BadName(f"framebuffer: bad topic name: {what} {quote(name, 100)} is not UTF-8 of 1 to {MAX_NAME} bytes")
    if any(c < " " or c == "\x7f" for c in name):
        raise BadName(f"framebuffer: bad topic name: {what} {quote(name)} has a control character")


def _is_text(text: str) -> bool:
    try:
        text.encode()
        return True
    except UnicodeEncodeError:
        return False


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode(errors="replace")
