"""The directory in which clients find servers that share nothing else with them, such as containers:
`framebuffer serve` writes its key there. FRAMEBUFFER_DIR names it; if that is not set and the process
has no XDG_RUNTIME_DIR, it is /run/framebuffer.
"""

import os
import posixpath
import re
import stat

from ._shm.location import DIR_VARIABLE

_WELL_KNOWN = "/run/framebuffer"
_MOST = 4 << 10  # bytes of a key file


def key_of(name: str) -> str:
    """The key of the server of that name, which may have ended, or ""."""
    directory = os.environ.get(DIR_VARIABLE) or ("" if os.environ.get("XDG_RUNTIME_DIR") else _WELL_KNOWN)
    if not directory or not re.fullmatch("[A-Za-z0-9-][A-Za-z0-9.-]{0,63}", name):
        return ""
    try:
        mode = os.stat(directory).st_mode
    except OSError:
        return ""
    if mode & 0o022 or not stat.S_ISDIR(mode):  # other users could put a key of their own there
        return ""
    try:
        # A pipe that another process has put there must not block this one.
        fd = os.open(posixpath.join(directory, name + ".key"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        text = os.read(fd, _MOST + 1)
    except OSError:
        return ""
    finally:
        os.close(fd)
    return "" if len(text) > _MOST else text.decode("ascii", "replace").strip()
