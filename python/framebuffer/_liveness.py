"""Life words, by which the kernel tells other processes that this one died. See docs/layout.md, Liveness.

A life word is a robust futex. While this process holds it, the word has the id of one of its
threads, and the entry that stands for it, LIFE_DISTANCE bytes in front of it in private memory, is
in that thread's robust list. When the thread ends, which it does only with the process, the kernel
sets LIFE_DIED in the word. An entry is linked before its word is taken, and unlinked after it was
given back: the kernel passes over one whose word does not have the thread's id.

    word   written: its owner, one compare-and-swap; the kernel.  read: all processes.
    next   written: this process, in one piece.                   read: the kernel, at the end.
"""

import ctypes
import os
import signal
import threading
from ctypes import c_long, c_size_t, c_uint64, c_void_p

from . import _atomics, _forks, _libc
from ._layout import LIFE_DISTANCE, LIFE_UNKNOWN
from ._shm.memory import Memory

_NUMBERS = {"x86_64": 273, "aarch64": 99, "riscv64": 99, "loongarch64": 99, "ppc64le": 300, "s390x": 304}
_NUMBER = _NUMBERS.get(_libc.MACHINE)
_PER_THREAD = 1024  # entries; the kernel walks 2048 at most

_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_syscall.argtypes, _syscall.restype = [c_long, c_void_p, c_size_t], c_long


class _Head(ctypes.Structure):
    """struct robust_list_head of linux/futex.h."""

    _fields_ = [("next", c_uint64), ("offset", ctypes.c_int64), ("pending", c_uint64)]


class _Node:
    """This process's private copy of an entry: it reads nothing back from the list. It keeps the entry's
    memory mapped, since the kernel stops at an entry that it cannot load."""

    __slots__ = ("entry", "at", "memory", "prev", "next")

    def __init__(self, at: int, memory: "Memory | None") -> None:
        self.at, self.memory = at, memory
        self.entry = c_uint64.from_address(at)
        self.prev = self.next = self


class _Thread:
    """A thread that sleeps for as long as the process lives, and its robust list."""

    def __init__(self) -> None:
        self._head = _Head(offset=LIFE_DISTANCE)
        self._root = _Node(ctypes.addressof(self._head), None)
        self._head.next = self._root.at
        self.count, self.tid, self._refused = 0, 0, False
        told = threading.Event()
        threading.Thread(target=self._sleep, args=(told,), name="framebuffer-liveness", daemon=True).start()
        told.wait()
        if self._refused:
            raise OSError("set_robust_list is refused here")

    def _sleep(self, told: threading.Event) -> None:
        # A signal would wake it, and a thread that wakes at the interpreter's end is ended: before the
        # process has released its words.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.tid = threading.get_native_id()
        # glibc has registered a list of its own, for its robust mutexes, of which this thread
        # holds none.
        self._refused = _NUMBER is None or _syscall(_NUMBER, ctypes.addressof(self._head), ctypes.sizeof(self._head)) != 0
        told.set()
        forever = threading.Lock()
        forever.acquire()
        if not self._refused:
            forever.acquire()

    def link(self, at: int, memory: Memory, may_fault: bool) -> _Node:
        """Puts an entry into the list, at its end if other processes can shorten its memory."""
        node = _Node(at, memory)
        node.prev = self._root.prev if may_fault else self._root
        node.next = node.prev.next
        node.entry.value = node.next.at  # before the list leads to it
        node.prev.entry.value = at
        node.prev.next = node.next.prev = node
        self.count += 1
        return node

    def unlink(self, node: _Node) -> None:
        """Takes an entry out of the list."""
        node.prev.entry.value = node.next.at
        node.prev.next, node.next.prev = node.next, node.prev
        self.count -= 1


class _Threads:
    """This process's threads with robust lists: most often one."""

    def __init__(self) -> None:
        self.after_fork()
        _forks.register(self)

    def after_fork(self) -> None:
        """The child of a fork has none of them, and holds no word."""
        self.lock = threading.Lock()
        self.released: "list[Life]" = []  # and not 0 yet
        self._started: list[_Thread] = []
        self._refused = False

    def settle(self) -> None:
        """Gives back released words. A finalizer may release one at any instant, also while its own thread
        changes the list: then the holder of the lock gives it back, afterwards."""
        while self.released and self.lock.acquire(blocking=False):
            try:
                while self.released:
                    self.released.pop().give_back()
            finally:
                self.lock.release()

    def one(self) -> "_Thread | None":
        """A thread with room in its list; None where the kernel takes none.

        Preconditions: lock is held.
        """
        for thread in self._started:
            if thread.count < _PER_THREAD:
                return thread
        if not self._refused:
            try:
                self._started.append(_Thread())
                return self._started[-1]
            except (OSError, RuntimeError):  # RuntimeError: no thread can be started
                self._refused = True
        return None


_threads = _Threads()


class Life:
    """A life word that this process holds."""

    def __init__(self, address: int, value: int, thread: "_Thread | None", node: "_Node | None") -> None:
        self._address, self.value, self._thread, self._node = address, value, thread, node
        self._pid = os.getpid()

    @property
    def known(self) -> bool:
        """Whether the kernel will tell of this process's death."""
        return self._node is not None

    def release(self) -> None:
        """Makes the word 0. Does nothing in the child of a fork, nor when it is called again."""
        if self._pid == os.getpid():
            self._pid = 0
            _threads.released.append(self)
            _threads.settle()

    def give_back(self) -> None:
        """Makes the word 0.

        Preconditions: the threads' lock is held.
        """
        _atomics.cas32(self._address, self.value, 0)
        if self._thread is not None and self._node is not None:
            self._thread.unlink(self._node)
        self._thread = self._node = None


def hold(memory: Memory, at: int, old: int, may_fault: bool) -> "Life | None":
    """Changes the life word at that place of a control object from old to this process's: from then on the
    kernel marks it when the process ends. None if the word was not old. may_fault says that other
    processes can shorten the memory."""
    address = memory.address + at
    life: Life | None = None
    with _threads.lock:
        thread = _threads.one()
        node = None if thread is None else thread.link(address - LIFE_DISTANCE, memory, may_fault)
        value = LIFE_UNKNOWN if thread is None else thread.tid
        if _atomics.cas32(address, old, value):
            life = Life(address, value, thread, node)
        elif thread is not None and node is not None:
            thread.unlink(node)
    _threads.settle()
    return life
