"""System calls that this process may not make: a sandbox refuses them. What is needed and what is
done without is as in internal/shm/syscall_error.go."""

import errno

from .._text import errno_text
from ..errors import NoPermission


def not_allowed(error: OSError) -> bool:
    """Whether a filter of system calls (seccomp), a security module, or a kernel that does not have
    the call refused it. None of the calls that are asked about has another reason for these two."""
    return error.errno in (errno.EPERM, errno.ENOSYS)


def check(call: str, error: OSError) -> None:
    """Raises NoPermission if this process may not make the call: it lacks neither memory nor a
    server."""
    if not_allowed(error):
        raise NoPermission(
            f"framebuffer: no permission: the system call {call} is refused here: by a filter of system calls (seccomp), a security module, "
            "or a kernel or sandbox that does not have it: allow it (podman run --security-opt seccomp=FILE), or serve with another --backend; "
            f"framebuffer doctor tells which work here ({errno_text(error)})"
        ) from error
