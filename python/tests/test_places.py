"""The directories in which servers listen that were not told another."""

import os
import pathlib
import shutil
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


def test_a_directory_that_was_told_is_made_safe(own: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is this user's: others may write to it, and replace nothing."""
    told = own.parent / "told"
    told.mkdir()
    told.chmod(0o777)
    with FrameBufferServer(1 << 20, backend="memfd", dir=str(told)):
        assert len(list(told.iterdir())) == 1
        assert told.stat().st_mode & 0o7777 == 0o1777
    monkeypatch.setenv("FRAMEBUFFER_DIR", str(told))
    with FrameBufferServer(1 << 20, backend="memfd"):
        assert len(list(told.iterdir())) == 1


TOLD: dict[str, tuple[Callable[[pathlib.Path], pathlib.Path], str]] = {
    "another user's": (lambda d: _owned(d, d), "belongs to user 5000"),
    "above it another user's": (lambda d: _owned(d, d / "in"), "which belongs to user 5000"),
    "above it others may write": (lambda d: (d.chmod(0o777), d / "in" / "it")[1], r"written to by other users \(mode 0777\)"),
    "a link of another user's": (lambda d: _linked(d), "link, which belongs to user 5000"),
}


def _owned(directory: pathlib.Path, told: pathlib.Path) -> pathlib.Path:
    os.chown(directory, 5000, 5000)
    return told


def _linked(directory: pathlib.Path) -> pathlib.Path:
    (directory / "there").mkdir()
    link = directory / "link"
    link.symlink_to("there")
    os.chown(link, 5000, 5000, follow_symlinks=False)
    return link / "in"


@pytest.mark.parametrize("backend", ["memfd", "file"])
@pytest.mark.parametrize("how", TOLD)
def test_a_directory_in_which_others_can_take_its_place_is_refused(directory: str, backend: str, how: str) -> None:
    need(os.geteuid() == 0, "root, to be another user")
    prepare, says = TOLD[how]
    base = pathlib.Path(directory, "base")
    base.mkdir()
    try:
        with pytest.raises(errors.NoPermission, match=says):
            FrameBufferServer(1 << 20, backend=backend, dir=str(prepare(base))).start()
    finally:
        shutil.rmtree(base)
