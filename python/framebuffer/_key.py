"""Keys: strings that name a segment and how to attach to it. See docs/layout.md, Key."""

import re
from typing import NamedTuple

from . import _checksum
from ._layout import VERSION
from ._text import clip, quote
from .errors import BadKey

_MOST = 512  # a Unix socket's path, the longest location, has 108 bytes


class Key(NamedTuple):
    """The parts of a key."""

    backend: str
    location: str
    nonce: bytes

    def __str__(self) -> str:
        front = f"fb{VERSION}_{self.backend}_{self.location}_{self.nonce.hex()}"
        return f"{front}_{_check(front)}"


def _check(front: str) -> str:
    return f"{_checksum.of(front.encode()) & 0xFFFFFFFF:08x}"


def parse(text: str) -> Key:
    """Reads a key, the text of str(Key). Raises BadKey."""

    def bad(why: str) -> BadKey:
        return BadKey(f"framebuffer: bad key: {quote(clip(text))} {why}")

    if not isinstance(text, str):
        raise TypeError(f"framebuffer: a key is a str, not {type(text).__name__}")
    if not text:
        raise BadKey("framebuffer: bad key: it is empty; a server's Key method or `framebuffer key` tells it")
    if len(text.encode(errors="surrogatepass")) > _MOST:
        raise bad(f"has {len(text.encode(errors='surrogatepass'))} characters, a key has at most {_MOST}")
    fields = text.split("_")
    want = f"fb{VERSION}"
    if not fields[0].startswith("fb"):
        raise bad(f"is not a key: those begin with {want}_")
    if fields[0] != want:
        raise bad(f"was made by another version of framebuffer: this one reads keys that begin with {want}_")
    if len(fields) != 5:
        raise bad(f"has {len(fields)} parts joined by underscores, a key has 5: was it cut short?")
    front = text[: -len(fields[4]) - 1] if fields[4] else text[:-1]
    if not text.isascii() or fields[4] != _check(front):
        raise bad("does not match its own check digits: was it cut short or mistyped?")
    if not re.fullmatch("[0-9a-fA-F]{32}", fields[3]):
        raise bad("has no nonce of 32 hex digits")
    key = Key(fields[1], fields[2], bytes.fromhex(fields[3]))
    if str(key) != text:  # one spelling only: keys are compared as strings
        raise bad("is not spelled as servers do")
    return key
