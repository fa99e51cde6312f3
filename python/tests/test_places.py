"""The directories in which servers listen that were not told another."""

import os
import pathlib
import tempfile
from typing import Any, Callable

import pytest
from conftest import need

from framebuffer import errors
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

MINE: dict[str, Callable[[pathlib.Path], Any]] = {
    "none yet": lambda d: None,
    "this user's": lambda d: d.mkdir(0o700),
    "readable": lambda d: d.mkdir(0o755),
}
OTHERS: dict[str, tuple[Callable[[pathlib.Path], Any], str]] = {
    "writable by group": (lambda d: (d.mkdir(), d.chmod(0o770)), "mode 0770"),
    "writable by all": (lambda d: (d.mkdir(), d.chmod(0o1702)), "mode 0702"),
    "a link": (lambda d: ((d.parent / "there").mkdir(), d.symlink_to(d.parent / "there")), "is a symbolic link"),
    "a link to nothing": (lambda d: d.symlink_to(d.parent / "nothing"), "is a symbolic link"),
    "a file": (lambda d: d.touch(), "is not a directory"),
    "another user's": (lambda d: (d.mkdir(0o700), os.chown(d, 5000, 5000)), "belongs to user 5000, not to this one"),
}


@pytest.fixture
def own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The default directory."""
    monkeypatch.delenv("FRAMEBUFFER_DIR", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"framebuffer-{os.getuid()}"


@pytest.mark.parametrize("how", MINE)
def test_the_default_directory(own: pathlib.Path, how: str) -> None:
    MINE[how](own)
    with FrameBufferServer(1 << 20, backend="memfd") as server, FrameBufferClient(server.get_key()) as client:
        assert len(list(own.iterdir())) == 1
        assert client.get(client.put(b"x")) == b"x"


@pytest.mark.parametrize("how", OTHERS)
def test_a_default_directory_of_another_user_is_refused(own: pathlib.Path, how: str) -> None:
    need(how != "another user's" or os.geteuid() == 0, "root, to be another user")
    prepare, says = OTHERS[how]
    prepare(own)
    with pytest.raises(errors.NoPermission, match=says) as refused:
        FrameBufferServer(1 << 20, backend="memfd").start()
    assert str(own) in str(refused.value) and "FRAMEBUFFER_DIR" in str(refused.value)
    assert own.is_file() or not own.exists() or list(own.iterdir()) == []


def test_a_directory_that_was_told_is_the_users_own_affair(own: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = own.parent / "told"
    told.mkdir()
    told.chmod(0o777)
    with FrameBufferServer(1 << 20, backend="memfd", dir=str(told)):
        assert len(list(told.iterdir())) == 1
    monkeypatch.setenv("FRAMEBUFFER_DIR", str(told))
    with FrameBufferServer(1 << 20, backend="memfd"):
        assert len(list(told.iterdir())) == 1
