"""The owner of a segment."""

import os
import secrets
import threading
import time
import weakref
from dataclasses import replace
from operator import index
from types import TracebackType
from typing import Any, Sequence

from . import _atomics, _clock, _control, _forks, _libc, _liveness, _shm, _layout as L
from ._key import Key
from ._segment import Segment
from ._topics import wake_all
from ._shm.segment import whole_pages
from .errors import BadSize, Closed, FrameBufferError, NoMemory

__all__ = ["FrameBufferServer", "FrameBufferError"]

_MOST = 1 << 46  # keeps the doubled mapping within a 47-bit address space


class FrameBufferServer:
    """Owns a segment from start to stop, or in a with block: makes the memory, has its key, and ends it
    for all processes. It takes no part in the exchange of frames. Methods may be called from any
    thread.

    size is the ring's, in bytes, rounded up to whole pages. A frame lives until that many bytes have
    been allocated after it, so the ring should hold more frames than are in flight at once.

    backend is how other processes attach. "memfd", the default: all that can reach a Unix socket in
    dir, and those of the server's user in its network namespace. (By default dir is the
    environment's FRAMEBUFFER_DIR, or framebuffer in its XDG_RUNTIME_DIR, or framebuffer-UID in the
    directory for temporary files.) "sysv": all of one IPC namespace. "file": all that can open files
    in dir, which is on a tmpfs or on hugetlbfs (by default FRAMEBUFFER_DIR, or /dev/shm).

    mode is which other users may attach, as for a file: 0o600 means the same user only; 0o640 and
    0o644 let others read only. allow_uids and allow_gids are users and groups that may attach too,
    read_uids and read_gids those that may only read; sysv has no such lists. huge_pages makes the
    ring of pages of 2 MiB. hold_limit is how many bytes of the ring may be held at a time, by default
    half. topics is how many topics there can be (1 to 65536), and topic_depth how many frames each
    remembers (1 to 65536, rounded up to a power of two). name is shown to monitors.
    """

    def __init__(
        self,
        size: int,
        *,
        backend: str = "",
        dir: str = "",
        mode: int = 0o600,
        allow_uids: Sequence[int] = (),
        allow_gids: Sequence[int] = (),
        read_uids: Sequence[int] = (),
        read_gids: Sequence[int] = (),
        huge_pages: bool = False,
        hold_limit: int = 0,
        topics: int = L.DEFAULT_TOPICS,
        topic_depth: int = L.DEFAULT_TOPIC_DEPTH,
        name: str = "",
    ) -> None:
        size, hold_limit, topics, topic_depth = index(size), index(hold_limit), index(topics), index(topic_depth)
        if size <= 0:
            raise BadSize(f"framebuffer: bad size: a ring of {size} bytes; it has at least 1 (which becomes a page of {_libc.PAGE})")
        if size > _MOST:
            raise NoMemory(f"framebuffer: not enough memory: a ring of {size} bytes; the address space takes at most {_MOST}")
        if hold_limit < 0:
            raise BadSize(f"framebuffer: bad size: a hold limit of {hold_limit} bytes; it has at least 0, which means half the ring")
        if not 1 <= topics <= L.MAX_TOPICS:
            raise BadSize(f"framebuffer: bad size: room for {topics} topics; there can be 1 to {L.MAX_TOPICS}")
        if not 1 <= topic_depth <= L.MAX_TOPIC_DEPTH:
            raise BadSize(f"framebuffer: bad size: topics that remember {topic_depth} frames; they can remember 1 to {L.MAX_TOPIC_DEPTH}")
        self._backend = _shm.by_name(backend)
        self._spec = _shm.Spec(
            whole_pages(_control.size(topics, 1 << (topic_depth - 1).bit_length())), whole_pages(size), mode, huge_pages, dir,
            tuple(allow_uids), tuple(allow_gids), tuple(read_uids), tuple(read_gids),
        )  # fmt: skip
        self._size, self._hold_limit, self._name = size, hold_limit, name
        self._topics, self._depth = topics, 1 << (topic_depth - 1).bit_length()
        self._segment: Segment | None = None
        self._end: Any = None
        self._pid = 0
        self._lock = threading.Lock()
        _forks.register(self)

    def start(self) -> "FrameBufferServer":
        """Makes the segment, with every page allocated; does nothing if there is one. Raises NoMemory when
        the machine, the control group or a kernel limit cannot hold it, NoPermission for a directory
        or a system call that this process may not use, and NoAtomics without libatomic."""
        with self._lock:
            if self._segment is None:
                self._make()
        return self

    def _make(self) -> None:
        _atomics.require("a server")
        try:
            mapped = self._backend.create(replace(self._spec))
        except FrameBufferError as e:
            raise type(e)(f"start server with {self._size} bytes on {self._backend.name}: {e}") from e
        key = Key(self._backend.name, mapped.location, secrets.token_bytes(16))
        capacity = mapped.ring.size // 2
        control = _control.format_new(
            mapped.control,
            _control.Identity(
                nonce=key.nonce,
                capacity=capacity,
                server_pid=os.getpid(),
                pages=mapped.pages,
                created_wall=time.time_ns(),
                created_mono=_clock.monotonic_ns(),
                start=_start_of(key.nonce),
                hold_limit=min(self._hold_limit, capacity) or capacity // 2,
                topics=self._topics,
                topic_depth=self._depth,
            ),
        )
        self._segment = Segment(key, mapped, control, L.ROLE_SERVER, self._name)
        self._pid = os.getpid()
        # Before any client has the key. The word is 0, unless the memory was tampered with already.
        life = _liveness.hold(mapped.control, L.OFF_SERVER, 0, mapped.watch is not None)
        # Also at the end of a program that does not call stop: it removes the socket.
        self._end = weakref.finalize(self, _end, self._segment, mapped.stop, life, self._pid)

    def stop(self) -> None:
        """Ends the segment; does nothing if there is none. From now on clients' writes and allocations raise
        Closed, and new clients do not attach; reads of attached clients go on. In a forked child it
        only detaches."""
        with self._lock:
            end, self._end, self._segment = self._end, None, None
        if end is not None:
            end()

    def __enter__(self) -> "FrameBufferServer":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def after_fork(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def __getstate__(self) -> Any:
        raise TypeError("framebuffer: a server belongs to its process: send others its key, from get_key")

    def get_key(self) -> str:
        """The key, with which clients attach. A process that has it and the permission to map the memory
        can read and spoil every frame: treat it as a credential. Raises Closed before start."""
        return self._made().key

    def allocate(self, size: int) -> str:
        """Allocates size bytes of the ring, where it overwrites the oldest frames, and returns the chunk's
        offset, to write to and read from. It is one atomic add and never blocks.

        Raises BadSize, TooLarge for more than a chunk of the ring can have, HoldLimit when holds leave
        no room, Closed, and FrameBufferTimeout in the rare case that this process was stopped between
        two instructions while the ring was allocated all the way round.
        """
        return str(self._made().allocate(size))

    def _made(self) -> Segment:
        s = self._segment
        if s is None:
            raise Closed("framebuffer: closed: this server is not running: call start, or use it in a with block")
        return s


def _start_of(nonce: bytes) -> int:
    """The first position of a ring, below 2^40 and different for every nonce, so that offsets of an
    earlier server's ring are not valid in this one."""
    return int.from_bytes(nonce[:8], "little") % (1 << 40) & ~(L.ALIGN - 1)


def _end(segment: Segment, stop: Any, life: "_liveness.Life | None", pid: int) -> None:
    if os.getpid() == pid:
        _atomics.store32(segment.control.address + L.OFF_STATE, L.STATE_CLOSED)
        if life is not None:
            life.release()  # after the state: a server that ends in order is never taken for dead
        wake_all(segment.control)
        stop()
    segment.close()
