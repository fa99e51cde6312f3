"""Calls in the child of a fork.

A child has the parent's memory mapped and may use it at once. It must not share the parent's slot,
its listening sockets, and locks that another thread of the parent held at the fork.
"""

import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """An object that must change in a forked child."""

    def after_fork(self) -> None:
        """Called in the child, before its own code runs."""


_all: "weakref.WeakSet[Forked]" = weakref.WeakSet()
_lock = threading.Lock()


def register(what: Forked) -> None:
    """Has what.after_fork() called in every child that is forked during its lifetime."""
    with _lock:
        _all.add(what)


def _before() -> None:
    _lock.acquire()


def _in_parent() -> None:
    _lock.release()


def _in_child() -> None:
    _lock.release()
    for what in list(_all):
        what.after_fork()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
