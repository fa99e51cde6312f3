"""What the tests share: servers, clients, and the programs of the Go side."""

import atexit
import os
import pathlib
import shutil
import tempfile
from typing import Iterator

import children
import pytest
from servers import Named

from framebuffer.client import FrameBufferClient
from framebuffer.server import FrameBufferServer

# Servers that are told no directory make what they need in one of the tests' own: nothing outside of
# it is used, made or looked at.
os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="fb-")
os.environ.pop("FRAMEBUFFER_DIR", None)
atexit.register(shutil.rmtree, os.environ["XDG_RUNTIME_DIR"], True)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTDATA = ROOT / "testdata"


LIST = "FRAMEBUFFER_TEST_LEFT_OUT"  # names the file in which `make test` lists what is left out


def nothing_is_left_out() -> bool:
    """Under `make check`, and in CI but for `make test`, whose list `make check` goes through."""
    return bool(os.environ.get("FRAMEBUFFER_TEST_EVERYTHING") or (os.environ.get("CI") and not os.environ.get(LIST)))


def need(there: bool, what: str) -> None:
    """Leaves a test out where something that it needs is not there, and says what: here, and in
    the list at the end of `make test`. Where nothing is left out, the test fails instead. It is the
    only way to leave a test out."""
    if there:
        return
    if nothing_is_left_out():
        pytest.fail(f"this test needs {what}, and nothing is left out here: run scripts/setup")
    pytest.skip(f"needs {what}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """A test that is left out in another way fails, too, where nothing is."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and nothing_is_left_out():
        report.outcome = "failed"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Every test that is left out gets a line in that list."""
    file = os.environ.get(LIST)
    if file and report.skipped and isinstance(report.longrepr, tuple):
        why = report.longrepr[2].removeprefix("Skipped: ").removeprefix("needs ")
        with open(file, "a", encoding="utf-8") as list:
            list.write(f"{why}\tpython\t{report.nodeid}\n")


@pytest.fixture(autouse=True)
def bound(request: pytest.FixtureRequest) -> Iterator[None]:
    """Of a test that hangs with its children, or by itself: those are killed first, which most
    often has it fail. pyproject.toml has it tell where it is before the run is given up."""
    lasts = 60 + float(os.environ.get("FRAMEBUFFER_SOAK", "0"))
    dog = children.watchdog
    dog.watch("multiprocessing", children.BOUND + lasts, children.kill_multiprocessing)
    dog.watch("the test", 4 * children.BOUND + 2 * lasts, lambda: os._exit(70))
    yield
    dog.forget("multiprocessing")
    dog.forget("the test")


@pytest.fixture(scope="session")
def programs() -> Iterator[pathlib.Path]:
    """A directory with the Go programs: framebuffer, the examples, and the peer of the soak,
    made now unless FRAMEBUFFER_PROGRAMS says where they are. Other users may run them, which
    pytest's own directories do not let them."""
    if built := os.environ.get("FRAMEBUFFER_PROGRAMS"):
        yield pathlib.Path(built)
        return
    with tempfile.TemporaryDirectory(prefix="framebuffer-programs-") as to:
        os.chmod(to, 0o755)
        packages = ["./cmd/framebuffer", "./examples/...", "./python/tests/peer"]
        children.run(["go", "build", "-o", to + "/", *packages], bound=900, cwd=ROOT, check=True)
        yield pathlib.Path(to)


@pytest.fixture(params=["sysv", "memfd", "file"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def directory() -> Iterator[str]:
    """One of the test's own, on a tmpfs, which others may enter; empty in the end."""
    path = tempfile.mkdtemp(prefix="framebuffer-test-", dir="/dev/shm")
    os.chmod(path, 0o755)
    try:
        yield path
        assert os.listdir(path) == []
    finally:
        shutil.rmtree(path)


@pytest.fixture
def server(backend: str, directory: str) -> Iterator[FrameBufferServer]:
    with FrameBufferServer(1 << 20, backend=backend, dir=directory) as s:
        yield s


@pytest.fixture
def client(server: FrameBufferServer) -> Iterator[FrameBufferClient]:
    with FrameBufferClient(server.get_key()) as c:
        yield c


@pytest.fixture(params=["go", "python"])
def named(request: pytest.FixtureRequest, programs: pathlib.Path) -> Iterator[Named]:
    """A server with a name, in a process of its own or in this one."""
    n = Named(programs, request.param).start()
    yield n
    if n.server is not None:
        n.end()


# What a child runs to have a system call of its own fail from then on, as in a sandbox.
REFUSE = """
def refuse(number, error):
    import ctypes, struct
    program = b"".join(struct.pack("HBBI", *one) for one in (
        (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | error), (0x06, 0, 0, 0x7FFF0000)))
    text = ctypes.create_string_buffer(program, len(program))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(filter_)), 0, 0) == 0  # PR_SET_SECCOMP
"""


def environment() -> dict[str, str]:
    """For child processes that import the package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])}


def lap(client: FrameBufferClient, rounds: int = 1) -> None:
    """Has the whole ring of a megabyte reused."""
    for _ in range(rounds):
        client.allocate((1 << 20) - 64)
