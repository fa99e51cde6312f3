"""The directory in which others find a server's socket or files, and the paths in keys."""

import os
import posixpath
from typing import Callable

from .._text import quote
from ..errors import BadKey

# Names the directory, for servers that are not told another and for clients to which the
# server's is mounted elsewhere.
DIR_VARIABLE = "FRAMEBUFFER_DIR"


def location_of(path: str) -> str:
    """A path as it stands in keys."""
    return os.fsencode(path).hex()


def path_of(backend: str, location: str, most: int, ours: Callable[[str], bool]) -> str:
    """The path that a location names, as its server sees it. Raises BadKey."""
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
    """The path here. Where there is no such file, but the environment names a directory, it is
    that of the same name there: a mount may be elsewhere."""
    directory = os.environ.get(DIR_VARIABLE)
    if directory and not os.path.lexists(path + suffix):
        return posixpath.join(directory, posixpath.basename(path))
    return path
