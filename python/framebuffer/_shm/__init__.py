"""Makes and maps the two shared objects of a segment, control and ring. It does not interpret their bytes,
and a location is a hint, not a proof: the caller compares the nonce in the control object with the key's
before it trusts the segment.
"""

from ..errors import FrameBufferError
from .._text import quote
from .file import File
from .memfd import Memfd
from .segment import Backend, Spec
from .sysv import SysV

_ALL: dict[str, Backend] = {"memfd": Memfd(), "sysv": SysV(), "file": File()}


def by_name(name: str) -> Backend:
    """The backend of that name, memfd for an empty one. Raises FrameBufferError for an unknown name."""
    backend = _ALL.get(name or "memfd")
    if backend is None:
        raise FrameBufferError(f"framebuffer: unknown backend {quote(name)}; this version has: {', '.join(_ALL)}")
    return backend


__all__ = ["Backend", "Spec", "by_name"]
