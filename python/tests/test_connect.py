"""How a connection finds the server of a name."""

import os
import pathlib
import subprocess
import tempfile

import children
import pytest
from conftest import need

import framebuffer
from framebuffer import errors


def test_no_server() -> None:
    with pytest.raises(errors.NoServer, match=f"framebuffer serve --name nosuch-{os.getpid()}"):
        framebuffer.connect(f"nosuch-{os.getpid()}")
    for name in ("", "a/b", "x" * 65, "a\0"):
        with pytest.raises(errors.FrameBufferError, match="server name"):
            framebuffer.connect(name)


def test_a_name_that_another_user_holds_is_not_believed(programs: pathlib.Path) -> None:
    need(os.geteuid() == 0, "root, to be another user")
    name = f"squat-{os.getpid()}"
    code = f"import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('\\0framebuffer-0-{name}'); os.setuid(5000); s.listen(); print(flush=True); sys.stdin.read()"
    with children.python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as squatter:
        squatter.stdout.readline()
        with pytest.raises(errors.NoPermission, match="taken by a process of uid 5000"):
            framebuffer.connect(name)
        squatter.stdin.close()


def test_a_server_whose_name_another_user_holds_is_found(programs: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(os.geteuid() == 0, "root, to be another user")
    with tempfile.TemporaryDirectory(prefix="fb") as run:  # a short path, as a socket needs
        monkeypatch.setenv("XDG_RUNTIME_DIR", run)
        name = f"squatted-{os.getpid()}"
        code = f"import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('\\0framebuffer-0-{name}'); os.setuid(5000); s.listen(); print(flush=True); sys.stdin.read()"
        with children.python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as squatter:
            squatter.stdout.readline()
            serve = children.Child([programs / "framebuffer", "serve", "--size", "64KiB", "--name", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert serve.stdout is not None and serve.stderr is not None
            assert "of uid 5000" in serve.stderr.readline()
            serve.stdout.readline()
            with framebuffer.connect(name) as c:
                assert c.get(c.put(b"x")) == b"x"
            serve.terminate()
            serve.communicate()
            assert serve.returncode == 0 and os.listdir(os.path.join(run, "framebuffer-meeting")) == []
            squatter.stdin.close()
