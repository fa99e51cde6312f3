"""What a new ring is made of, and that all of it is there."""

from typing import Callable

from . import room
from .memory import advise_huge, populate, undumped
from .segment import HUGE_PAGE, HUGE_PAGES, SMALL_PAGES, TRANSPARENT_PAGES, Mapped, Spec, whole_pages
from .._text import errno_text
from ..errors import NoMemory


def whole(spec: Spec) -> Spec:
    """The spec with a ring of whole pages of the kind that it asks for."""
    if spec.huge:
        spec.ring = whole_pages(spec.ring, HUGE_PAGE)
    return spec


def alignment(size: int) -> int:
    """Where a ring of that size should begin, for huge pages to be possible."""
    return HUGE_PAGE if size % HUGE_PAGE == 0 else 0


def with_pages(spec: Spec, attempt: Callable[[bool], None]) -> int:
    """Has attempt make the ring of the pages that were asked for, and says which. There is no
    falling back to small ones: who asks for huge pages wants to know that there are none."""
    pages = SMALL_PAGES
    if spec.huge:
        # Reserved pages are not among those that room knows of; the kernel says at once
        # whether there are enough.
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
    """Brings all pages of a new segment in."""
    if made.pages == TRANSPARENT_PAGES:
        advise_huge(made.ring)
    undumped(made.control, made.ring)
    populate(made.control.address, made.control.size)
    populate(made.ring.address, made.ring.size // 2)
