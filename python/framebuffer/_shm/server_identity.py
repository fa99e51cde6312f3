"""Checks which user's process listens at a socket."""

import os
import posixpath
import re
import socket
import stat

from .. import _peers
from ..errors import NoPermission

ROOT = 0
_NO_USER = (1 << 32) - 1  # of a socket that is not connected


def doubt_of(s: socket.socket, path: str) -> str:
    """Compares the user at the other end of a connection with the owner of the socket's directory. A client
    calls it before it sends or reads anything. Returns "" if the server is the directory's owner's,
    this user's or root's, and otherwise why it may be any user's. Raises NoPermission if it is another
    user's, and OSError."""
    return judge(user_of(s), os.geteuid(), os.stat(posixpath.dirname(path)), _peers.overflow().uid, path)


def user_of(s: socket.socket) -> int:
    """The user of the process that listens at the other end of a connection. Raises OSError."""
    server = _peers.peer_of(s).uid
    if server == _NO_USER:
        raise ConnectionResetError("the connection was never made")
    return server


def judge(server: int, client: int, directory: os.stat_result, unknown: int, path: str) -> str:
    """See doubt_of."""
    owner = directory.st_uid
    if server == unknown:
        return (
            f"the server at {path} runs as a user that has no id in this user namespace (it shows as {unknown}), "
            "so that it cannot be told from other such users"
        )
    if server in (ROOT, client):
        return ""
    named = _named_for(path)
    if named == client:
        raise NoPermission(
            f"framebuffer: no permission: what listens at {path} is a process of user {server}, and the directory is named after this user, {client}: "
            "another user has taken the server's place: remove the directory"
        )
    if named >= 0 and named != server:
        return f"the server at {path} runs as user {server}, and its directory is named after user {named}"
    if server == owner:
        return ""
    if owner == unknown:
        return (
            f"the server at {path} runs as user {server}, and the owner of its directory has no id in this user namespace "
            f"(it shows as {unknown}), so that the two cannot be compared"
        )
    if owner == ROOT and directory.st_mode & stat.S_ISVTX:
        return f"the server at {path} runs as user {server}, and every user may have a socket in that directory"
    raise NoPermission(
        f"framebuffer: no permission: what listens at {path} is a process of user {server}, and the directory belongs to user {owner}: "
        "another user's process may have taken the server's place: give servers a directory that belongs to their user"
    )


def _named_for(path: str) -> int:
    """The user whose id is in the name of a default directory, -1 for another directory. While that user has
    no directory there, any other user can make it, and own it."""
    found = re.fullmatch("framebuffer-([0-9]{1,10})", posixpath.basename(posixpath.dirname(path)))
    return int(found[1]) if found else -1
