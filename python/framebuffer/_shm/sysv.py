"""The backend sysv: System V segments, named by id within one IPC namespace.

The server marks both for removal as soon as it has attached them (IPC_RMID). Linux still lets processes
attach by id while any process is attached, and frees the memory when the last one detaches or dies:
nothing is left to clean up.
"""

import ctypes
import errno
import os
import re
from dataclasses import dataclass
from typing import Callable

from .. import _libc, _procinfo
from .._text import errno_text, quote
from ..errors import BadKey, FrameBufferError, NoMemory, NoPermission, StaleKey
from . import syscall_error
from .access import Access
from .holes import check_sysv_holes
from .mapping import part
from .memory import Memory, advise_huge, fronted, mirror, undumped
from .pages import alignment, finish, whole, with_pages
from .segment import Mapped, Spec

_IPC_PRIVATE, _IPC_CREAT, _IPC_EXCL = 0, 0o1000, 0o2000
_IPC_RMID, _IPC_STAT = 0, 2
_SHM_HUGETLB, _SHM_RDONLY, _SHM_REMAP = 0o4000, 0o10000, 0o40000
_SEGSZ_AT = 48  # shm_segsz in struct shmid_ds, behind struct ipc_perm, on every 64-bit Linux


class SysV:
    """See the module."""

    name = "sysv"

    def create(self, spec: Spec) -> Mapped:
        """See Backend."""
        spec, access = whole(spec), Access.of(spec)
        if access.lists:
            raise FrameBufferError("framebuffer: sysv knows this user, its group and all others, and no lists of users: use --mode alone, or --backend memfd or file")
        _check_allowed()
        rings: list[tuple[Memory, int]] = []

        def attempt(reserved: bool) -> None:
            flags = access.ring_mode | (_SHM_HUGETLB if reserved else 0)
            rings.append(_make(spec.ring, flags, lambda i: _mirror(i, spec.ring, 0)))

        with part("control object"):
            control, control_id = _make(spec.control, access.control_mode, lambda i: _fronted(i, spec.control))
        with part("ring"):
            pages = with_pages(spec, attempt)
        ring, ring_id = rings[-1]
        made = Mapped(control, ring, str(_Location(control_id, ring_id, _procinfo.namespace("ipc"))), pages)
        finish(made)
        return made

    def attach(self, location: str, read_only: bool) -> Mapped:
        """See Backend."""
        at = _Location.parse(location)
        at.check_namespace()
        size = at.size_of(at.ring)
        if size == 0 or size % _libc.PAGE or size > (1 << 61):
            raise StaleKey(f"framebuffer: stale key: segment {at.ring} has {size} bytes, which no ring has: the id now belongs to another program")
        control_size = at.size_of(at.control)
        if control_size == 0 or control_size % _libc.PAGE or control_size > (1 << 61):
            raise StaleKey(
                f"framebuffer: stale key: segment {at.control} has {control_size} bytes, which no control object has: the id now belongs to another program"
            )
        check_sysv_holes(at.ring, size)
        check_sysv_holes(at.control, control_size)
        try:
            control = _fronted(at.control, control_size)
        except NoPermission:  # the call is refused
            raise
        except OSError as e:
            raise at.attach_error(at.control, e) from e
        try:
            ring = _mirror(at.ring, size, _SHM_RDONLY if read_only else 0)
        except NoPermission:  # the call is refused
            raise
        except OSError as e:
            raise at.attach_error(at.ring, e) from e
        # The ids may have changed hands since they were measured.
        for id_, want in ((at.ring, size), (at.control, control_size)):
            if at.size_of(id_) != want:
                raise at.attach_error(id_, OSError(errno.EIDRM, os.strerror(errno.EIDRM)))
        advise_huge(ring)  # matters only where the server asked for transparent huge pages
        undumped(control, ring)
        return Mapped(control, ring, location)


def _attach(id_: int, at: int, flags: int) -> int:
    address: int | None = _libc.shmat(id_, at, flags)
    if address is None or address == _libc.FAILED:
        syscall_error.check("shmat", _libc.last_error())
        raise _libc.last_error()  # not kept in this frame, which would keep its callers' memory
    return address


def _check_allowed() -> None:
    """Raises NoPermission if this process may not attach or remove segments, before it makes one that it could
    not remove. It tries an id that no segment has: where the calls are allowed, that is not valid."""
    none = -1
    if _libc.shmctl(none, _IPC_STAT, (ctypes.c_uint64 * 32)()) < 0:
        syscall_error.check("shmctl", _libc.last_error())
    _libc.shmat(none, 0, 0)
    syscall_error.check("shmat", _libc.last_error())


def _fronted(id_: int, size: int) -> Memory:
    return fronted(size, _libc.PAGE, lambda at: _attach(id_, at, _SHM_REMAP))


def _mirror(id_: int, size: int, flags: int) -> Memory:
    return mirror(size, alignment(size), lambda at: _attach(id_, at, flags | _SHM_REMAP))


def _make(size: int, flags: int, attach: Callable[[int], Memory]) -> tuple[Memory, int]:
    """Creates a segment, attaches it and marks it for removal. A SIGKILL between the first call and the last
    would leave it behind, so nothing slow stands between them."""
    id_ = _libc.shmget(_IPC_PRIVATE, size, _IPC_CREAT | _IPC_EXCL | flags)
    if id_ < 0:
        e = _libc.last_error()
        if flags & _SHM_HUGETLB:
            raise e
        syscall_error.check("shmget", e)
        raise _make_error(e, size) from e
    try:
        memory = attach(id_)
    finally:
        _libc.shmctl(id_, _IPC_RMID, None)
    return memory, id_


@dataclass
class _Location:
    """The location of a System V segment in keys: two ids, and the inode of their IPC namespace, 0 if unknown."""

    control: int
    ring: int
    namespace: int

    def __str__(self) -> str:
        return f"{self.control}.{self.ring}.{self.namespace}"

    @classmethod
    def parse(cls, text: str) -> "_Location":
        fields = text.split(".")
        if len(fields) != 3:
            raise BadKey(f"framebuffer: bad key: sysv location {quote(text)} has {len(fields)} fields, not 3")
        number = re.compile(r"0|[1-9][0-9]*")
        if not all(number.fullmatch(f) for f in fields):
            raise BadKey(f"framebuffer: bad key: sysv location {quote(text)} is not spelled as servers do")
        control, ring, namespace = map(int, fields)
        if control >= 1 << 31 or ring >= 1 << 31 or namespace >= 1 << 64:
            raise BadKey(f"framebuffer: bad key: sysv location {quote(text)} is not spelled as servers do")
        return cls(control, ring, namespace)

    def check_namespace(self) -> None:
        """Raises StaleKey if this process is in another IPC namespace, the commonest mistake between containers:
        the kernel would answer "invalid argument", or attach another program's segment."""
        here = _procinfo.namespace("ipc")
        if self.namespace and here and self.namespace != here:
            raise StaleKey(
                f"framebuffer: stale key: its memory is in IPC namespace {self.namespace} and this process is in {here}: "
                "start this container in the server's IPC namespace (--ipc=container:NAME, the server's with --ipc=shareable), "
                "or both in the host's (--ipc=host)"
            )

    def size_of(self, id_: int) -> int:
        buffer = (ctypes.c_uint64 * 32)()
        if _libc.shmctl(id_, _IPC_STAT, buffer) < 0:
            e = _libc.last_error()
            syscall_error.check("shmctl", e)
            raise self.attach_error(id_, e) from e
        return int(buffer[_SEGSZ_AT // 8])

    def attach_error(self, id_: int, error: OSError) -> Exception:
        """The error for a failed attach."""
        why = errno_text(error)
        if error.errno in (errno.EINVAL, errno.EIDRM):
            return StaleKey(f"framebuffer: stale key: there is no shared memory with id {id_} any more: its server is gone; get the key of the one that runs now ({why})")
        if error.errno == errno.EACCES:
            return NoPermission(
                f"framebuffer: no permission: shared memory {id_} belongs to another user than this process (uid {os.getuid()}): "
                f"run both as the same user, or start the server with a wider mode ({why})"
            )
        if error.errno == errno.ENOMEM:
            return NoMemory(f"framebuffer: not enough memory: no address space left to map shared memory {id_} (ulimit -v?) ({why})")
        return FrameBufferError(f"attach shared memory {id_}: {why}")


def _make_error(error: OSError, size: int) -> Exception:
    """The error for a failed shmget: which of the kernel's limits it is (shmget(2), ERRORS)."""
    why = errno_text(error)
    if error.errno == errno.EINVAL:
        return NoMemory(
            f"framebuffer: not enough memory: a segment of {size} bytes is over this IPC namespace's limit of {_sysctl('shmmax')} bytes: "
            f"raise it with sysctl kernel.shmmax, or ask for less ({why})"
        )
    if error.errno == errno.ENOSPC:
        return NoMemory(
            f"framebuffer: not enough memory: this IPC namespace has no room for one more segment of {size} bytes "
            f"(kernel.shmmni {_sysctl('shmmni')} segments, kernel.shmall {_sysctl('shmall')} pages): raise the limits, "
            f"or remove segments that ipcs -m shows ({why})"
        )
    if error.errno == errno.ENOMEM:
        return NoMemory(
            f"framebuffer: not enough memory: the kernel would not promise {size} bytes: ask for less, "
            f"or allow overcommit with sysctl vm.overcommit_memory ({why})"
        )
    return FrameBufferError(f"make a segment of {size} bytes: {why}")


def _sysctl(name: str) -> str:
    try:
        with open(f"/proc/sys/kernel/{name}", encoding="ascii") as f:
            return " ".join(f.read().split())
    except OSError:
        return "unknown"
