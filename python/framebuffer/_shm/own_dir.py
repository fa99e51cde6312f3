"""Makes a server's directory, in which no other user can replace its socket or files."""

import os
import posixpath
import stat

from .. import _peers
from .._text import errno_text
from ..errors import NoPermission
from .server_identity import ROOT

_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def make_dir(directory: str, others: bool) -> None:
    """Makes the directory that a server was given, if there is none: for other users too, if others is True.
    Raises NoPermission if another user could replace the server's files there: if the directory, or one
    above it, belongs to another user, or other users may write to it and it has no sticky bit. A
    directory of this user's that others may write to gets the sticky bit."""
    try:
        os.makedirs(directory, 0o755 if others else 0o700, exist_ok=True)
    except OSError as e:
        raise NoPermission(
            f"framebuffer: no permission: the directory for others to find cannot be made: name one that can be, or make it: mkdir {e.filename}: {errno_text(e)}"
        ) from e
    directory = os.path.abspath(directory)
    real = os.path.realpath(directory)
    st = os.stat(real)
    if st.st_uid == os.geteuid() and _replaceable(st):
        try:
            os.chmod(real, stat.S_IMODE(st.st_mode) | stat.S_ISVTX)
        except OSError as e:
            raise _unsafe(directory, f"can be written to by other users, and its sticky bit cannot be set ({errno_text(e)})") from e
        st = os.stat(real)
    if _replaceable(st):
        raise _unsafe(directory, f"can be written to by other users (mode {st.st_mode & 0o777:04o}) and has no sticky bit")
    system = st.st_uid == _peers.overflow().uid and st.st_mode & stat.S_ISVTX  # seen from a user namespace
    if st.st_uid not in (os.geteuid(), ROOT) and not system:
        raise _unsafe(directory, f"belongs to user {st.st_uid}, not to this one, {os.geteuid()}")
    _check_way(directory, real)


def make_own_dir(directory: str, others: bool) -> None:
    """Makes a default directory, whose name other users know. Raises NoPermission if other users may write to
    it."""
    if os.path.lexists(directory):
        _check_own(directory)
    make_dir(directory, others)
    _check_own(directory)  # which another user may have made since


def check_own_dir(directory: str) -> None:
    """Raises NoPermission for a directory that other users may write to or could replace, and OSError."""
    _check_own(directory)
    _check_way(directory, directory)


def _check_own(directory: str) -> None:
    st = os.lstat(directory)
    if stat.S_ISLNK(st.st_mode):
        why = "is a symbolic link, which another user may have put there"
    elif not stat.S_ISDIR(st.st_mode):
        why = "is not a directory"
    elif st.st_uid != os.geteuid():
        why = f"belongs to user {st.st_uid}, not to this one, {os.geteuid()}"
    elif st.st_mode & _BY_OTHERS:
        why = f"can be written to by other users (mode {st.st_mode & 0o777:04o})"
    else:
        return
    raise _unsafe(directory, why)


def _check_way(named: str, real: str) -> None:
    """Checks all directories above one, by the given path and by the real one."""
    unknown = _peers.overflow().uid
    for directory in (named, real):
        above = directory
        while above != "/":
            above = posixpath.dirname(above)
            st = os.lstat(above)
            if st.st_uid not in (os.geteuid(), ROOT, unknown):
                raise _unsafe(directory, f"lies in {above}, which belongs to user {st.st_uid}")
            if _replaceable(st):
                raise _unsafe(
                    directory, f"lies in {above}, which can be written to by other users (mode {st.st_mode & 0o777:04o}) and has no sticky bit"
                )


def _replaceable(st: os.stat_result) -> bool:
    """Whether users other than the owner may replace what is in a directory."""
    return stat.S_ISDIR(st.st_mode) and bool(st.st_mode & _BY_OTHERS) and not st.st_mode & stat.S_ISVTX


def _unsafe(directory: str, why: str) -> NoPermission:
    return NoPermission(
        f"framebuffer: no permission: the directory {directory} {why}, so that they could put a server of their own in this one's place: "
        "remove it, or set its mode (chmod go-w, or +t), or name another with dir or FRAMEBUFFER_DIR"
    )
