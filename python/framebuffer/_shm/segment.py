"""What backends are asked for, and what they give."""

from dataclasses import dataclass, field
from typing import Callable, Protocol, Sequence

from .._libc import PAGE
from .busguard import Watch
from .memory import Memory

# What a ring is made of.
SMALL_PAGES, HUGE_PAGES, TRANSPARENT_PAGES = 0, 1, 2

HUGE_PAGE = 2 << 20


def whole_pages(n: int, page: int = PAGE) -> int:
    """Rounds a size up to a multiple of the page size."""
    return (n + page - 1) // page * page


@dataclass
class Spec:
    """What a server asks for. Sizes are whole pages."""

    control: int
    ring: int
    mode: int = 0  # permission bits for others; 0 means 0600
    huge: bool = False
    dir: str = ""
    allow_uids: Sequence[int] = ()  # who else may attach, where the backend can tell
    allow_gids: Sequence[int] = ()
    read_uids: Sequence[int] = ()  # for reading only
    read_gids: Sequence[int] = ()


def _nothing() -> None:
    pass


@dataclass
class Mapped:
    """One process's mapping of a segment. The memory is given back when nobody refers to it
    any more."""

    control: Memory  # read-write
    ring: Memory  # the ring twice in a row, the halves the same memory
    location: str  # how others attach
    pages: int = SMALL_PAGES
    watch: "Watch | None" = None  # None for memory that cannot go away
    stop: Callable[[], None] = field(default=_nothing)  # ends what lets others in

    @property
    def damaged(self) -> bool:
        """Whether the memory was shortened under this process, which since then has found zeroes
        of its own there."""
        return self.watch is not None and self.watch.hit


class Backend(Protocol):
    """One way to share memory."""

    name: str

    def create(self, spec: Spec) -> Mapped:
        """Makes a segment, zeroed, with every page present, so that lack of memory is an
        error now and not a signal later. A process that dies in any way leaves nothing
        behind but what the next server in its directory removes. Raises NoMemory or
        NoPermission, and FrameBufferError for what of the spec it cannot do."""

    def attach(self, location: str, read_only: bool) -> Mapped:
        """Maps a segment that some process made. With read_only the ring is mapped without
        write permission. Raises StaleKey, NoPermission, BadKey or NoMemory."""
