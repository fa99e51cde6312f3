"""The directory in which others find a server's socket or files, and the paths in keys."""

import os
import posixpath
import stat
from typing import Callable

from .._text import errno_text, quote
from ..errors import BadKey, NoPermission

# Names the directory, for servers that are not told another and for clients to which the
# server's is mounted elsewhere.
DIR_VARIABLE = "FRAMEBUFFER_DIR"


def make_dir(directory: str, others: bool) -> None:
    """Makes a server's directory if there is none: for others too, if any may come."""
    try:
        os.makedirs(directory, 0o755 if others else 0o700, exist_ok=True)
    except OSError as e:
        raise NoPermission(
            f"framebuffer: no permission: the directory for others to find cannot be made: name one that can be, or make it: mkdir {e.filename}: {errno_text(e)}"
        ) from e


def make_own_dir(directory: str, others: bool) -> None:
    """As make_dir, below a directory that all users may write to, where any of them can take the
    name first. Raises NoPermission for what is not this user's alone to write to."""
    if os.path.lexists(directory):
        _check_own(directory)
    make_dir(directory, others)
    _check_own(directory)  # which another user may have made since


def _check_own(directory: str) -> None:
    st = os.lstat(directory)
    if stat.S_ISLNK(st.st_mode):
        why = "is a symbolic link, which another user may have put there"
    elif not stat.S_ISDIR(st.st_mode):
        why = "is not a directory"
    elif st.st_uid != os.geteuid():
        why = f"belongs to user {st.st_uid}, not to this one, {os.geteuid()}"
    elif st.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        why = f"can be written to by other users (mode {st.st_mode & 0o777:04o})"
    else:
        return
    raise NoPermission(
        f"framebuffer: no permission: the directory {directory} {why}, so that they could put a server of their own in this one's place: "
        f"remove it, or name another with {DIR_VARIABLE} or XDG_RUNTIME_DIR"
    )


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
        raise BadKey(f"framebuffer: bad key: {backend} location {quote(location, 60)} is no path as servers have")
    return path


def path_here(path: str, suffix: str) -> str:
    """The path here. Where there is no such file, but the environment names a directory, it is
    that of the same name there: a mount may be elsewhere."""
    directory = os.environ.get(DIR_VARIABLE)
    if directory and not os.path.lexists(path + suffix):
        return posixpath.join(directory, posixpath.basename(path))
    return path
