"""Paths in keys, and the environment's directory for sockets and files."""

import os
import posixpath
from typing import Callable

from .._text import quote
from ..errors import BadKey

# Names the directory for servers that are given none, and for clients that have the server's mounted
# elsewhere.
DIR_VARIABLE = "FRAMEBUFFER_DIR"


def location_of(path: str) -> str:
    """The form of a path in keys."""
    return os.fsencode(path).hex()


def path_of(backend: str, location: str, most: int, ours: Callable[[str], bool]) -> str:
    """The path, in the server's view, that a location names. Raises BadKey."""
    try:
        raw = bytes.fromhex(location)
        path = os.fsdecode(raw)
        good = (
            raw.hex() == location
            and posixpath.isabs(path)
            and posixpath.normpath(path) == path
            and len(raw) <= most
            and ours(posixpath.basename(path))
            and "\0" not in path
        )
    except ValueError:
        good = False
    if not good:
        raise BadKey(f"framebuffer: bad key: {backend} location {quote(location, 60)} is not a valid path")
    return path


def path_here(path: str, suffix: str) -> str:
    """The path in this process's view: if there is no such file, and the environment names a directory, the
    file of the same name in that, since it may be mounted elsewhere."""
    directory = os.environ.get(DIR_VARIABLE)
    if directory and not os.path.lexists(path + suffix):
        return posixpath.join(directory, posixpath.basename(path))
    return path
