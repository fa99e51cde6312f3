"""Where the server of a name is found: an abstract Unix socket, at which it tells its own user how
it is reached. Package service of the Go library, and examples/python, have the other side.
"""

import json
import os
import re
import socket
import struct
import time

from ._text import clip, errno_text, harmless, quote
from .errors import FrameBufferError, NoPermission, NoServer

DEFAULT_NAME = "default"

_PATIENCE = 2.0  # s for one conversation
_MOST = 16 << 10  # bytes of an answer
_NAME = re.compile("[A-Za-z0-9.-]{1,64}")


def check_name(name: str) -> None:
    """Raises FrameBufferError for what cannot be the name of a server."""
    if not _NAME.fullmatch(name):
        raise FrameBufferError(f"framebuffer: server name {quote(clip(name))}: use 1 to 64 letters, digits, dots and hyphens")


def find_key(name: str) -> str:
    """The key of the server of that name. Raises NoServer, and NoPermission when the name is taken by
    another user: any process may bind an abstract name, so the kernel is asked whose it is."""
    at = f"framebuffer-{os.geteuid()}-{name}"
    end = time.monotonic() + _PATIENCE
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.settimeout(_PATIENCE)
            s.connect("\0" + at)
            _, uid, _ = struct.unpack("3I", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3I")))
            if uid not in (0, os.geteuid()):
                raise NoPermission(
                    f"framebuffer: no permission: the name @{at} is taken by a process of uid {uid}, not of uid {os.geteuid()}: choose another server name"
                )
            text = b""
            while len(text) < _MOST:
                s.settimeout(max(end - time.monotonic(), 0.001))
                if not (part := s.recv(4096)):
                    break
                text += part
        except ConnectionRefusedError as e:
            raise _none(name) from e
        except TimeoutError as e:
            raise _none(name, f" (one holds @{at} and has said nothing yet; it may be starting)") from e
        except OSError as e:
            if isinstance(e, FrameBufferError):
                raise
            raise _none(name, f" ({errno_text(e)})") from e
    if not text:  # it was there a moment ago
        raise _none(name, " (it ended while being asked)")
    return _key_of(text, at)


def _key_of(text: bytes, at: str) -> str:
    try:
        answer = json.loads(text)
        refused, key = answer.get("refused", ""), answer.get("key")
    except (ValueError, RecursionError, AttributeError) as e:
        raise NoServer(f"framebuffer: no server found: @{at} answered {quote(clip(text.decode(errors='replace')))}") from e
    if refused:
        raise NoPermission(f"framebuffer: no permission: {harmless(clip(str(refused)))}")
    if not isinstance(key, str):
        raise NoServer(f"framebuffer: no server found: what @{at} answered names no key")
    return key


def _none(name: str, why: str = "") -> NoServer:
    if name == DEFAULT_NAME:
        return NoServer(
            f"framebuffer: no server found on this host for uid {os.geteuid()}: start one with `framebuffer serve`, or attach with a key; "
            f"containers find each other only within one network namespace{why}"
        )
    return NoServer(
        f"framebuffer: no server found named {quote(name)} on this host for uid {os.geteuid()}: start one with `framebuffer serve --name {name}`{why}"
    )
