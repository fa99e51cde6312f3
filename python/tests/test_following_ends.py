"""The ends of connections and of what waits at them, while there is a server and while there is none."""

import asyncio
import gc
import pathlib
import subprocess
import threading
from typing import Any

import children
import pytest
from conftest import environment
from servers import Named, until

import framebuffer
from framebuffer import errors


def test_subscriptions_that_are_dropped_leave_no_thread() -> None:
    """Also while there is no server, when the thread that waits for a task is of another kind."""
    named = Named(pathlib.Path(), "python").start()
    with framebuffer.connect(named.name) as c:
        sub = c.subscribe("cam")
        named.end()
        until(lambda: c.error is not None)

        async def wait(of: Any) -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(of.anext(), 0.1)

        def waits() -> bool:
            gc.collect()  # what asyncio ties together
            return any(t.name == "framebuffer-follow-topic" for t in threading.enumerate())

        asyncio.run(wait(sub))
        assert waits()
        del sub
        until(lambda: not waits())


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("what", ["connection", "subscription"])
def test_closing_ends_waiting(named: Named, there: bool, what: str) -> None:
    c = framebuffer.connect(named.name)
    sub, told = c.subscribe("cam"), []
    if not there:
        named.end()
        until(lambda: c.error is not None)

    def wait() -> None:
        try:
            sub.next()
        except errors.FrameBufferError as e:
            told.append(type(e))

    waiter = threading.Thread(target=wait)
    waiter.start()
    (c.stop if what == "connection" else sub.close)()
    waiter.join(children.BOUND)
    assert told == [errors.Closed]
    c.stop()
    assert type(c.error) is errors.Closed
    with pytest.raises(errors.Closed):
        c.put(b"1")


WAITS = """
import asyncio, framebuffer, sys
async def waits(c):
    async for message in c.subscribe("cam"):
        pass
async def main():
    asyncio.create_task(waits(c))
    await asyncio.sleep(0.05)
c = framebuffer.connect(sys.argv[1])
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
print("over")
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_program_with_a_connection_ends(named: Named, there: bool) -> None:
    code = WAITS if there else WAITS.replace("asyncio.sleep(0.05)", "loop.run_in_executor(None, gone)").replace(
        "async def main", "def gone():\n    print(flush=True); sys.stdin.readline()\n    while c.error is None: pass\n    import time; time.sleep(0.7)\nasync def main"
    )
    with children.python(code, named.name, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        if not there:
            child.stdout.readline()
            named.end()
        out, err = child.communicate("\n")
    assert (child.returncode, out) == (0, "over\n"), err
    assert "Traceback" not in err and ("waiting for the server" in err) == (not there)
