"""Access rights: which users may attach, and whether they may write."""

import errno
import logging
import os
import struct
from dataclasses import dataclass
from typing import Iterable

from .._peers import Overflow
from ..errors import FrameBufferError
from . import syscall_error
from .segment import Spec

_log = logging.getLogger("framebuffer")

# Rights; the values are those of file permissions.
NOTHING, READING, WRITING = 0, 4, 6

_NOBODY = (1 << 32) - 1  # (uid_t)-1 is no user

# The form in which the kernel takes a POSIX access list (linux/posix_acl_xattr.h).
_ACL_NAME, _ACL_VERSION, _ACL_NO_ID = "system.posix_acl_access", 2, (1 << 32) - 1
_OWNER, _USER, _OWN_GROUP, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


@dataclass(frozen=True)
class Access:
    """The rights of users, by the kernel's rule for files with access lists: the owner may write; a listed
    user has the listed right; a user in the owner's group or a listed one has the highest right of
    those; every other user has what the mode gives others."""

    mode: int
    users: dict[int, int]
    groups: dict[int, int]  # beside the owner's own, which the mode is about

    @classmethod
    def of(cls, spec: Spec) -> "Access":
        """The rights that a server asks for. Raises FrameBufferError for ids and lists that are not valid."""
        access = cls(spec.mode & 0o777 or 0o600, {}, {})
        for what, ids, into, give in (
            ("user", spec.allow_uids, access.users, WRITING),
            ("user", spec.read_uids, access.users, READING),
            ("group", spec.allow_gids, access.groups, WRITING),
            ("group", spec.read_gids, access.groups, READING),
        ):
            for id_ in ids:
                if not 0 <= id_ < _NOBODY:
                    raise FrameBufferError(f"framebuffer: {what} id {id_} cannot be let in: ids are 0 to {_NOBODY - 1}")
                if into.setdefault(id_, give) != give:
                    raise FrameBufferError(f"framebuffer: {what} {id_} is to be let in for reading only and for writing: list it once")
        return access

    @property
    def lists(self) -> bool:
        """Whether it lists users or groups."""
        return bool(self.users or self.groups)

    @property
    def others(self) -> bool:
        """Whether users other than the owner may attach."""
        return bool(self._by_mode(3) or self._by_mode(0) or self.lists)

    @property
    def readers(self) -> bool:
        """Whether any other user may read and not write."""
        rights = (self._by_mode(3), self._by_mode(0), *self.users.values(), *self.groups.values())
        return READING in rights

    def _by_mode(self, shift: int) -> int:
        """The right that the mode gives its group (3) or all others (0); writing alone is none."""
        right = self.mode >> shift & WRITING
        return right if right in (READING, WRITING) else NOTHING

    @property
    def of_all(self) -> int:
        """The right that the mode gives all others."""
        return self._by_mode(0)

    def check_ids(self, unknown: Overflow) -> None:
        """Raises FrameBufferError if it lists the overflow id, which stands for many users, and warns if this
        process runs as that."""
        for what, id_, listed in (("user", unknown.uid, self.users), ("group", unknown.gid, self.groups)):
            if id_ in listed:
                raise FrameBufferError(
                    f"framebuffer: {what} id {id_} cannot be let in: in this user namespace it stands for every {what} that has no id here: "
                    f"give that {what} an id here (podman run --uidmap, --gidmap), or let in all users (--mode)"
                )
        if os.geteuid() == unknown.uid:
            _log.warning(
                "this server runs as the user %d that stands for every user without an id in this user namespace, so that it cannot tell "
                "its own user from others: clients have what the mode gives all users; run it as another user", unknown.uid,
            )  # fmt: skip

    def rights(self, uid: int, gids: Iterable[int]) -> int:
        """The right of a user with these groups; this process's user is the owner."""
        if uid == os.geteuid():
            return WRITING
        if uid in self.users:
            return self.users[uid]
        counts = [self.groups[gid] for gid in gids if gid in self.groups]
        if os.getegid() in gids:
            counts.append(self._by_mode(3))
        return max(counts) if counts else self._by_mode(0)

    @property
    def ring_mode(self) -> int:
        """The permission bits of a ring."""
        return WRITING << 6 | self._by_mode(3) << 3 | self._by_mode(0)

    @property
    def control_mode(self) -> int:
        """Those of a control object, to which readers write too: they count there."""
        return WRITING << 6 | _counting(self._by_mode(3)) << 3 | _counting(self._by_mode(0))

    def apply(self, fd: int, control: bool) -> None:
        """Gives a file these permissions, without regard to the umask."""
        try:
            os.fchmod(fd, self.control_mode if control else self.ring_mode)
        except OSError as e:
            syscall_error.check("fchmod", e)
            raise
        if not self.lists:
            return
        try:
            os.setxattr(fd, _ACL_NAME, self._list(control))
        except OSError as e:
            if e.errno == errno.EOPNOTSUPP:
                raise FrameBufferError(
                    "its file system keeps no lists of users, as hugetlbfs and kernels without CONFIG_TMPFS_POSIX_ACL do not: "
                    "use --mode alone, or --backend memfd (operation not supported)"
                ) from e
            syscall_error.check("fsetxattr", e)
            raise

    def _list(self, control: bool) -> bytes:
        """The access list in the kernel's form. Readers may write to a control object."""
        entry = struct.Struct("<HHI")

        def add(tag: int, right: int, id_: int = _ACL_NO_ID) -> bytes:
            return entry.pack(tag, _counting(right) if control else right, id_)

        return b"".join(
            (
                struct.pack("<I", _ACL_VERSION),
                add(_OWNER, WRITING),
                *(add(_USER, right, uid) for uid, right in sorted(self.users.items())),
                add(_OWN_GROUP, self._by_mode(3)),
                *(add(_GROUP, right, gid) for gid, right in sorted(self.groups.items())),
                add(_MASK, WRITING),
                add(_OTHER, self._by_mode(0)),
            )
        )


def _counting(right: int) -> int:
    """The right to the control object of a user with that right to the ring."""
    return WRITING if right else NOTHING


def read_only_refused(what: str) -> str:
    """The error text for a client that may only read and asked to write."""
    return (
        f"framebuffer: no permission: {this_process()} may only read from {what}, and asked to write: attach with ReadOnly, "
        "or have the server let it write (--allow-uid, --allow-gid or a wider --mode)"
    )


def this_process() -> str:
    """This process's ids, for errors."""
    return f"this process (uid {os.geteuid()}, gid {os.getegid()})"
