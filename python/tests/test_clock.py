"""Clocks are the host's, whatever time namespace a process is in."""

from __future__ import annotations

import os
import sys

import children
from conftest import need

from framebuffer import _clock, _procinfo

TELL = "import os; from framebuffer import _clock, _procinfo; print(_clock.monotonic_ns(), _procinfo.start_time(os.getpid()))"


def test_another_time_namespace() -> None:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    allowed = children.run(["unshare", *user, "--time", "--fork", "true"], capture_output=True)
    need(allowed.returncode == 0, "root, or user and time namespaces for every user")
    before = _clock.monotonic_ns()
    out = children.run(
        ["unshare", *user, "--time", "--fork", "--monotonic", "86400", "--boottime", "86400", sys.executable, "-c", TELL],
        check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(_clock.__file__))},
    ).stdout.split()
    after = _clock.monotonic_ns()
    assert before <= int(out[0]) <= after
    assert -1 <= int(out[1]) - _procinfo.start_time(os.getpid()) < 8_640_000 // 2


def test_same_start() -> None:
    assert _clock.same_start(42, 42) and _clock.same_start(42, 43) and _clock.same_start(43, 42)
    assert not _clock.same_start(42, 44) and not _clock.same_start(44, 42)
