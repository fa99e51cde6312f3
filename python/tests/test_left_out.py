"""That a test is left out where that is listed, or on a developer's machine, and fails elsewhere."""

import pathlib
import sys

import children
import pytest
from conftest import environment

TESTS = """
import pytest
from conftest import need
def test_needs(): need(False, "a thing that is not there")
def test_skips(): pytest.skip("by itself")
@pytest.mark.skipif(True, reason="by a mark")
def test_marked(): pass
def test_runs(): need(True, "nothing")
"""


@pytest.mark.parametrize("where,fail", [((), False), (("CI", "FRAMEBUFFER_TEST_LEFT_OUT"), False), (("CI",), True), (("FRAMEBUFFER_TEST_EVERYTHING",), True)])
def test_where_tests_are_left_out(tmp_path: pathlib.Path, where: "tuple[str, ...]", fail: bool) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "list").touch()
    env = {name: value for name, value in environment().items() if name != "CI" and not name.startswith("FRAMEBUFFER_TEST_")}
    env["PYTHONPATH"] += f":{pathlib.Path(__file__).parent}"
    for name in where:
        env[name] = str(tmp_path / "list") if name.endswith("OUT") else "1"
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = children.run(command, env=env, capture_output=True)
    said = done.stdout.decode().splitlines()[-1]
    assert ("2 failed, 1 passed, 1 error" if fail else "1 passed, 3 skipped") in said, done.stdout
    listed = (tmp_path / "list").read_text().splitlines()
    assert [line.split("\t")[0] for line in listed] == (["a thing that is not there", "by itself", "by a mark"] if len(where) == 2 else [])
