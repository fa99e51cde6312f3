"""Finds the server of a name by its rendezvous socket: an abstract Unix socket, or a path if another user
has taken that name. The server answers its own user there with its key. Package service of the Go library,
and examples/python, have the other side.
"""

import json
import os
import posixpath
import re
import socket
import stat
import time

from . import _peers
from ._shm.fetch_fds import connect
from ._shm.own_dir import check_own_dir
from ._text import clip, errno_text, harmless, quote
from .errors import FrameBufferError, NoPermission, NoServer

DEFAULT_NAME = "default"

_TIMEOUT = 2.0  # s for one conversation
_MOST = 16 << 10  # bytes of an answer
_NAME = re.compile("[A-Za-z0-9.-]{1,64}")


def check_name(name: str) -> None:
    """Raises FrameBufferError for a name that no server can have."""
    if not _NAME.fullmatch(name):
        raise FrameBufferError(f"framebuffer: server name {quote(clip(name))}: use 1 to 64 letters, digits, dots and hyphens")


def find_key(name: str) -> str:
    """The key of the server of that name. Raises NoServer, and NoPermission if another user has taken the
    name. It looks first at paths in directories that only this user may write to: a server listens
    there if another user has taken the abstract name."""
    for directory in _directories():
        path = posixpath.join(directory, name)
        try:
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                continue
            check_own_dir(directory)
            return _ask(name, path, path)
        except (OSError, FrameBufferError) as e:
            if isinstance(e, FrameBufferError) and not isinstance(e, (NoPermission, _None)):
                raise
    at = f"framebuffer-{os.geteuid()}-{name}"
    return _ask(name, "\0" + at, "@" + at)


def _directories() -> "list[str]":
    """The directories in which a server may listen at a path, for every environment that it may have."""
    uid = os.geteuid()
    above = [(os.environ.get("XDG_RUNTIME_DIR", ""), "framebuffer-meeting"), (f"/run/user/{uid}", "framebuffer-meeting")]
    above += [(d, f"framebuffer-meeting-{uid}") for d in (os.environ.get("TMPDIR", ""), "/tmp")]
    return list(dict.fromkeys(posixpath.join(d, name) for d, name in above if posixpath.isabs(d)))


class _None(NoServer):
    """No process listens at an address."""


def _ask(name: str, address: str, shown: str) -> str:
    """The key that the process at an address answers. Any process may bind an abstract name, so it asks
    the kernel first which user's process listens."""
    end = time.monotonic() + _TIMEOUT
    with socket.socket(socket.AF_UNIX) as s:
        try:
            connect(s, address, end)
            pid, uid, _ = _peers.peer_of(s)
            if uid not in (0, os.geteuid()) or uid == _peers.overflow().uid and pid != os.getpid():
                raise NoPermission(
                    f"framebuffer: no permission: the name {shown} is taken by a process of uid {uid} (pid {pid}), not of uid {os.geteuid()}: "
                    "start the server, which then listens at a path, or choose another server name"
                )
            text = b""
            while len(text) < _MOST:
                s.settimeout(max(end - time.monotonic(), 0.001))
                if not (part := s.recv(4096)):
                    break
                text += part
        except (ConnectionRefusedError, FileNotFoundError) as e:
            raise _None(str(_none(name))) from e
        except (TimeoutError, BlockingIOError) as e:
            raise _none(name, f" (one holds {shown} and has said nothing yet; it may be starting)") from e
        except OSError as e:
            if isinstance(e, FrameBufferError):
                raise
            raise _none(name, f" ({errno_text(e)})") from e
    if not text:  # it has just ended
        raise _none(name, " (it ended while being asked)")
    return _key_of(text, shown)


def _key_of(text: bytes, at: str) -> str:
    try:
        answer = json.loads(text)
        refused, key = answer.get("refused", ""), answer.get("key")
    except (ValueError, RecursionError, AttributeError) as e:
        raise NoServer(f"framebuffer: no server found: {at} answered {quote(clip(text.decode(errors='replace')))}") from e
    if refused:
        raise NoPermission(f"framebuffer: no permission: {harmless(clip(str(refused)))}")
    if not isinstance(key, str):
        raise NoServer(f"framebuffer: no server found: what {at} answered names no key")
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
