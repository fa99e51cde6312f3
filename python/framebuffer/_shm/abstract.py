"""The abstract name at which a memfd server answers too. Processes of its network namespace that do
not see its directory (the other containers of a pod, services with a /tmp of their own) attach by
that name, with nothing mounted. An abstract name has no owner, and any process can bind one that its
server has left: so clients trust only a server of their own user, or of root.
"""

import os
import posixpath
import socket

from .. import _peers
from ..errors import NoPermission
from .location import DIR_VARIABLE
from .sockets import SUFFIX
from .server_identity import ROOT, user_of


def name_of(path: str) -> str:
    """The abstract name of the server whose socket has that path. It contains the random bits of the path,
    so that no other process can bind it first."""
    return "\0framebuffer/" + posixpath.basename(path).removesuffix(SUFFIX)


def listen(path: str, backlog: int) -> socket.socket | None:
    """Listens at the abstract name. None if that fails: then clients attach only by the path."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(name_of(path))
        listener.listen(backlog)
    except OSError:
        listener.close()
        return None
    listener.setblocking(False)
    return listener


def check(s: socket.socket, path: str) -> str:
    """Raises NoPermission unless the process at the other end runs as this user or as root, and OSError.
    Always returns "": no doubt is left."""
    judge(user_of(s), os.geteuid(), _peers.overflow().uid, path)
    return ""


def judge(server: int, client: int, unknown: int, path: str) -> None:
    """See check."""
    if server != unknown and server in (ROOT, client):
        return
    raise NoPermission(
        f"framebuffer: no permission: there is no {path} here, and what listens at @{name_of(path)[1:]} is a process of user {server}, "
        f"which this process, of user {client}, does not believe to be the server: mount the server's directory (at the same path, or where {DIR_VARIABLE} says)"
    )
