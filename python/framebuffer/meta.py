"""What is said of a topic's frames."""

from dataclasses import dataclass

from ._layout import CONTENT
from ._text import quote
from .errors import BadMeta, BadName
from .frame import Frame

MAX_NAME, MAX_CONTENT_TYPE, MAX_FORMAT, MAX_USER, MAX_DIMENSIONS = 64, 48, 16, 64, 8  # bytes, but for the last


@dataclass(frozen=True)
class Meta:
    """What a frame is. All of it is optional, and none of it is interpreted here."""

    content_type: str = ""
    """A media type such as "image/jpeg" or "video/raw", at most 48 bytes."""
    width: int = 0
    height: int = 0
    """Of a picture, in pixels."""
    format: str = ""
    """The pixel format or element type, such as "rgb24" or "float32", at most 16 bytes."""
    shape: tuple[int, ...] = ()
    """Of a tensor, slowest dimension first, at most 8 of them."""
    user: bytes = b""
    """The user's own, at most 64 bytes."""

    def pack(self) -> tuple[int, int, bytes]:
        """As records have it: how many dimensions and user bytes there are, and the rest.
        Raises BadMeta."""
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
        """What pack was made of; what some process has put there instead is cut to what it can
        be."""
        width, height, *shape, format_, content_type, user = CONTENT.unpack(packed)
        return cls(_text(content_type), width, height, _text(format_), tuple(shape[: min(dimensions, MAX_DIMENSIONS)]), user[:user_length])


@dataclass(frozen=True)
class Message:
    """One frame of a topic."""

    frame: Frame
    """The descriptor, to be read with the client's get, read_into, view or hold."""
    sequence: int
    """The frame's number in its topic, from 0 up."""
    time_ns: int
    """When it was published, or what the publisher said; ns since 1970."""
    lost: int = 0
    """How many frames before this one the subscription (or the group) lost since its last
    message."""
    meta: Meta = Meta()
    ring: int = 0
    """How many rings a connection has come to before this one: see framebuffer.connect."""


def check_name(what: str, name: str) -> None:
    """Raises BadName for what cannot be the name of a topic or group."""
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
