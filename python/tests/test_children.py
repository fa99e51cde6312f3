"""That tests end: their children have bounds, and what they use is their own; and that they are run."""

import ast
import os
import pathlib
import signal
import time

import children
import pytest

HERE = pathlib.Path(__file__).parent
STARTS = {
    "subprocess": {"run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"},
    "os": {"fork", "forkpty", "posix_spawn", "posix_spawnp", "system", "popen", "spawnv", "spawnve", "spawnl", "waitpid"},
}


def test_children_that_hang_are_killed() -> None:
    hangs = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(1e6)'])"
    with children.python(hangs, bound=1, stdout=children.subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()  # which its child has, too
    assert child.returncode == -signal.SIGKILL
    assert children.forked(lambda: time.sleep(1e6) or 0, bound=0.1) == -signal.SIGALRM
    assert children.forked(lambda: 5) == 5


def test_what_ended_is_watched_no_more() -> None:
    with pytest.raises(AssertionError, match="ended with 3"):
        children.run([children.sys.executable, "-c", "raise SystemExit(3)"], check=True)
    assert not [c for c in children.watchdog._due if isinstance(c, children.Child)]


def test_children_heed_signals_that_the_tests_were_started_to_ignore() -> None:
    program = "import children; children.run(['grep', 'SigIgn', '/proc/self/status'], check=True, restore_signals=True)"
    ignoring = ["/bin/sh", "-c", 'trap "" HUP INT QUIT TERM; exec "$0" -c "$1"', children.sys.executable, program]
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    done = children.run(ignoring, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": path})
    assert int(done.stdout.split()[1], 16) & 0x4007 == 0, done.stdout  # TERM, and QUIT, INT, HUP


@pytest.mark.parametrize("path", sorted(HERE.glob("*.py")), ids=lambda path: path.name)
def test_tests_start_children_with_a_bound_alone(path: pathlib.Path) -> None:
    """In children.py, that is; what test programs start in turn ends with their session."""
    if path.name in ("children.py", "conftest.py"):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            where = f"{path.name}:{node.lineno}"
            bounded = node.func.attr in STARTS.get(node.func.value.id, ()) and any(k.arg == "timeout" for k in node.keywords)
            assert bounded or node.func.attr not in STARTS.get(node.func.value.id, ()), f"{where}: use children.py"


@pytest.mark.parametrize("path", sorted(HERE.glob("*.py")), ids=lambda path: path.name)
def test_tests_are_left_out_by_need_alone(path: pathlib.Path) -> None:
    """So that they fail where nothing is left out, and are listed elsewhere."""
    if path.name == "conftest.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("skip", "skipif", "importorskip", "xfail"), f"{path.name}:{node.lineno}: use conftest.need"
