"""The directories and paths of servers' sockets, and the removal of those of killed servers."""

import glob
import os
import posixpath
import socket
import tempfile
import time
from typing import Callable

from .own_dir import make_dir, make_own_dir
from .location import DIR_VARIABLE, path_of

SUFFIX, MAX_PATH = ".fb", 107

# How many seconds a server may take between bind and listen. If it takes longer another server removes its
# socket, and it binds another.
_ABOUT_TO_LISTEN = 0.02

_TIMEOUT = 5.0  # s to connect to a socket


def default_dir() -> "tuple[str, Callable[[str, bool], None]]":
    """The default directory, and the function that makes it."""
    if directory := os.environ.get(DIR_VARIABLE):
        return directory, make_dir
    if directory := os.environ.get("XDG_RUNTIME_DIR"):
        return posixpath.join(directory, "framebuffer"), make_own_dir
    return posixpath.join(tempfile.gettempdir(), f"framebuffer-{os.getuid()}"), make_own_dir


def sweep(directory: str) -> None:
    """Removes sockets of servers that were killed."""
    dead = [path for path in glob.glob(posixpath.join(glob.escape(directory), "*" + SUFFIX)) if _refuses(path)]
    if dead:
        time.sleep(_ABOUT_TO_LISTEN)
    for path in dead:
        if _refuses(path):
            try:
                os.unlink(path)
            except OSError:
                pass


def _refuses(path: str) -> bool:
    """Whether no process listens at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(_TIMEOUT)
        try:
            s.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False


def socket_path(location: str) -> str:
    """The socket's path, in the server's view, that a location names. Raises BadKey."""
    return path_of("memfd", location, MAX_PATH, lambda name: name.endswith(SUFFIX))
