"""The pages of a new ring: their kind, and their allocation."""

from typing import Callable

from . import room
from .memory import advise_huge, populate, undumped
from .segment import HUGE_PAGE, HUGE_PAGES, SMALL_PAGES, TRANSPARENT_PAGES, Mapped, Spec, whole_pages
from .._text import errno_text
from ..errors import NoMemory


def whole(spec: Spec) -> Spec:
    """Rounds the spec's ring up to whole pages of the kind that it asks for."""
    if spec.huge:
        spec.ring = whole_pages(spec.ring, HUGE_PAGE)
    return spec


def alignment(size: int) -> int:
    """The alignment of a ring of that size for which huge pages are possible; 0 for any."""
    return HUGE_PAGE if size % HUGE_PAGE == 0 else 0


def with_pages(spec: Spec, attempt: Callable[[bool], None]) -> int:
    """Makes the ring by attempt(whether of reserved huge pages), and returns the kind of its pages. It does not
    fall back from huge pages to small ones: that is an error."""
    pages = SMALL_PAGES
    if spec.huge:
        # room does not count reserved pages; the kernel says at once whether there are enough.
        try:
            attempt(True)
            return HUGE_PAGES
        except (OSError, NoMemory) as e:
            if not room.transparent_allowed():
                why = errno_text(e) if isinstance(e, OSError) and not isinstance(e, NoMemory) else str(e)
                raise NoMemory(
                    f"framebuffer: not enough memory: no huge pages for a ring of {spec.ring} bytes: reserve them "
                    f"(sysctl vm.nr_hugepages={(spec.ring + HUGE_PAGE - 1) // HUGE_PAGE}; users other than root also need "
                    f"their group in vm.hugetlb_shm_group), or allow transparent ones (echo advise > /{room.TRANSPARENT_FILE}), "
                    f"or do without: {why}"
                ) from e
        pages = TRANSPARENT_PAGES
    room.check(spec.ring)
    attempt(False)
    return pages


def finish(made: Mapped) -> None:
    """Allocates all pages of a new segment."""
    if made.pages == TRANSPARENT_PAGES:
        advise_huge(made.ring)
    undumped(made.control, made.ring)
    populate(made.control.address, made.control.size)
    populate(made.ring.address, made.ring.size // 2)
