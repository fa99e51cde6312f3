"""The host's clocks.

A container may have a time namespace of its own, in which CLOCK_MONOTONIC and CLOCK_BOOTTIME
are ahead of the host's. Processes compare deadlines of holds and start times across containers, so
this module subtracts what the namespace adds (docs/layout.md).
"""

from __future__ import annotations

import os
import time

TICK = 10_000_000  # ns; the kernel counts start times in these: USER_HZ, 100 on every Linux


def _offsets() -> tuple[int, int]:
    """By how many ns CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead here; 0 if /proc does not tell."""
    found = {"monotonic": 0, "boottime": 0}
    try:
        # The file is about children to come. Their namespace is another one only between unshare(2)
        # and fork(2).
        now, later = (os.readlink(f"/proc/self/ns/{name}") for name in ("time", "time_for_children"))
        if now == later:
            with open("/proc/self/timens_offsets", encoding="ascii") as f:
                for line in f:
                    name, seconds, ns = line.split()
                    found[name] = int(seconds) * 1_000_000_000 + int(ns)
    except (OSError, ValueError):
        return 0, 0
    return found["monotonic"], found["boottime"]


_MONOTONIC, _BOOT = _offsets()


def monotonic_ns() -> int:
    """CLOCK_MONOTONIC of the host, in ns."""
    return time.monotonic_ns() - _MONOTONIC


def host_start(ticks: int) -> int:
    """The host's value of a start time from /proc/PID/stat."""
    return (ticks - _BOOT // TICK) % (1 << 64)


def same_start(a: int, b: int) -> bool:
    """Whether two start times are of one process: time namespaces may differ by one tick."""
    return (a - b + 1) % (1 << 64) <= 2
