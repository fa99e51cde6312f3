"""The package as pip installs it, with nothing but Debian's packages."""

import importlib.util
import sys
from pathlib import Path

import children
from conftest import need
from test_documents import INSTALL

HERE = Path(__file__).resolve().parent.parent

PROGRAM = """
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer
import framebuffer
with FrameBufferServer(1 << 20) as server, FrameBufferClient(server.get_key()) as client:
    frame = client.put(b"installed")
    print(client.get(frame).decode(), framebuffer.__file__)
"""


WITHOUT = """
import sys
sys.modules["numpy"] = None  # an import of it is an ImportError
from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer
with FrameBufferServer(1 << 20) as server, FrameBufferClient(server.get_key()) as client:
    topic = client.subscribe("bare")
    client.publisher("bare").publish(b"bare")
    with client.view(topic.next(5).frame) as view:
        print(bytes(view).decode())
"""

OLD = """
import sys, types
old = types.ModuleType("xxhash", "")
old.VERSION, old.__file__ = "1.4.4", "xxhash.py"
sys.modules["xxhash"] = old
try:
    import framebuffer.client
except ImportError as error:
    print(error)
"""


def run(*command: str, cwd: Path, **environment: str) -> str:
    result = children.run(command, cwd=cwd, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment})
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


def need_system() -> None:
    """These start from the system's Python and a bare environment."""
    modules = ("pip", "setuptools", "wheel", "xxhash")
    there = sys.prefix == sys.base_prefix and all(importlib.util.find_spec(m) for m in modules)
    need(there, "the system's Python with pip, setuptools, wheel and xxhash, which scripts/setup installs")


def copy_source(to: Path) -> None:
    """What of the repository is installed: builds leave files beside what they build."""
    to.mkdir()
    for name in ("framebuffer", "pyproject.toml", "README.md"):
        run("cp", "-r", str(HERE / name), str(to), cwd=to)


def test_the_documented_line(tmp_path: Path) -> None:
    """As the documents have it, in a fresh directory. Debian's packages take the place of the package
    index: their modules are there to build and to run with."""
    need_system()
    need(importlib.util.find_spec("ensurepip") is not None, "python3-venv, which scripts/setup installs")
    copy_source(tmp_path / "python")
    (debian,) = {str(Path(importlib.util.find_spec(m).origin).parents[1]) for m in ("xxhash", "setuptools", "wheel")}  # type: ignore[union-attr, arg-type]
    run("sh", "-c", INSTALL, cwd=tmp_path, PYTHONPATH=debian, PIP_NO_INDEX="1", PIP_NO_BUILD_ISOLATION="0")
    said, where = run(".venv/bin/python", "-c", PROGRAM, cwd=tmp_path, PYTHONPATH=debian).split()
    assert said == "installed" and Path(where).is_relative_to(tmp_path / ".venv"), where


def test_pip_install(tmp_path: Path) -> None:
    """Without an index: all that the package needs is there, whatever versions Debian says it has."""
    need_system()
    source, venv = tmp_path / "source", tmp_path / "venv"
    copy_source(source)
    run(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", str(venv), cwd=tmp_path)
    python = str(venv / "bin" / "python")
    pip = (sys.executable, "-m", "pip", "--python", python)  # one for it alone takes long to make
    run(*pip, "install", "-q", "--no-index", "--no-build-isolation", str(source), cwd=tmp_path)
    said, where = run(python, "-c", PROGRAM, cwd=tmp_path).split()
    assert said == "installed" and Path(where).is_relative_to(venv), where
    assert (Path(where).parent / "py.typed").exists()
    run(*pip, "uninstall", "-q", "-y", "core-framebuffer", cwd=tmp_path)


def test_numpy_is_optional() -> None:
    assert run(sys.executable, "-c", WITHOUT, cwd=HERE).strip() == "bare"


def test_an_old_xxhash_says_so() -> None:
    said = run(sys.executable, "-c", OLD, cwd=HERE)
    assert "2.0 or later" in said and "1.4.4" in said and "pip install --upgrade xxhash" in said
