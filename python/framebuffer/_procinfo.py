"""Processes and namespaces in /proc."""

import os
import re

from . import _clock


def namespace(kind: str) -> int:
    """The inode that names one of this process's namespaces ("ipc", "pid"), or 0 if /proc does not tell."""
    try:
        m = re.fullmatch(kind + r":\[(\d+)\]", os.readlink(f"/proc/self/ns/{kind}"))
    except OSError:
        return 0
    return int(m[1]) if m else 0


def start_time(pid: int) -> int:
    """When the process started, in clock ticks since the host's boot: with the pid it names one process until
    the machine is restarted. Raises FileNotFoundError when this PID namespace has no such process, and
    another OSError when /proc cannot be read."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            stat = f.read()
    except ProcessLookupError as e:
        raise FileNotFoundError(e.errno, f"process {pid} is gone") from e
    # The command's name may hold spaces and parentheses of its own.
    fields = stat[stat.rindex(b")") + 1 :].split()
    return _clock.host_start(int(fields[22 - 3]))


def field(text: str, name: str) -> int | None:
    """Finds "name 123" among the lines of a file such as /proc/meminfo."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None
