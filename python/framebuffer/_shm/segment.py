"""The interface of backends: Spec, Mapped, Backend."""

from dataclasses import dataclass, field
from typing import Callable, Protocol, Sequence

from .._libc import PAGE
from .busguard import Watch
from .memory import Memory

# Kinds of a ring's pages.
SMALL_PAGES, HUGE_PAGES, TRANSPARENT_PAGES = 0, 1, 2

HUGE_PAGE = 2 << 20


def whole_pages(n: int, page: int = PAGE) -> int:
    """Rounds a size up to a multiple of the page size."""
    return (n + page - 1) // page * page


@dataclass
class Spec:
    """A server's request. Sizes are whole pages."""

    control: int
    ring: int
    mode: int = 0  # permission bits for others; 0 means 0600
    huge: bool = False
    dir: str = ""
    allow_uids: Sequence[int] = ()  # users that may attach too, if the backend has lists
    allow_gids: Sequence[int] = ()
    read_uids: Sequence[int] = ()  # for reading only
    read_gids: Sequence[int] = ()


def _nothing() -> None:
    pass


@dataclass
class Mapped:
    """One process's mapping of a segment. The memory is unmapped when no object refers to it any more."""

    control: Memory  # read-write
    ring: Memory  # the ring twice in a row, the halves the same memory
    location: str  # as in the key
    pages: int = SMALL_PAGES
    watch: "Watch | None" = None  # None for memory that no process can shorten
    stop: Callable[[], None] = field(default=_nothing)  # ends attaching

    @property
    def damaged(self) -> bool:
        """Whether another process shortened the memory: since then this process has zeroes of its own there."""
        return self.watch is not None and self.watch.hit


class Backend(Protocol):
    """One way to share memory."""

    name: str

    def create(self, spec: Spec) -> Mapped:
        """Makes a segment, zeroed, with every page allocated, so that lack of memory is an error now and not
        a signal later. A killed process leaves nothing but names that the next server in its directory
        removes. Raises NoMemory, NoPermission, and FrameBufferError for a spec that it cannot satisfy."""

    def attach(self, location: str, read_only: bool) -> Mapped:
        """Maps another process's segment, with read_only the ring without write permission. Raises StaleKey,
        NoPermission, BadKey, NoMemory and Corrupt."""
