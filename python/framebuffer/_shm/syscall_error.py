"""System calls that a sandbox refuses. internal/shm/syscall_error.go lists which of them are needed."""

import errno

from .._text import errno_text
from ..errors import NoPermission


def not_allowed(error: OSError) -> bool:
    """Whether a filter of system calls (seccomp), a security module, or a kernel without the call refused it.
    The calls that are checked so have no other reason for these two errors."""
    return error.errno in (errno.EPERM, errno.ENOSYS)


def check(call: str, error: OSError) -> None:
    """Raises NoPermission if this process may not make the call."""
    if not_allowed(error):
        raise NoPermission(
            f"framebuffer: no permission: the system call {call} is refused here: by a filter of system calls (seccomp), a security module, "
            "or a kernel or sandbox that does not have it: allow it (podman run --security-opt seccomp=FILE), or serve with another --backend; "
            f"framebuffer doctor tells which work here ({errno_text(error)})"
        ) from error
