"""Where tests start other processes: each has a bound, after which it is killed and the test that
waits for it goes on, and fails.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable

from framebuffer import _forks

BOUND = 120.0  # s; no child of a test takes a tenth of it on an idle machine

# Children start with the default of each signal that this process was started to ignore, by nohup(1)
# or as a script's job in the background: a test that ends them by it would wait for the bound. A
# handler, unlike that, is not inherited.
for _signal in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(_signal) == signal.SIG_IGN:
        signal.signal(_signal, lambda *_: None)


class Watchdog:
    """Calls what was left with it when its time is over, from a thread of its own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[object, tuple[float, Callable[[], object]]] = {}
        self._thread: threading.Thread | None = None

    def watch(self, what: object, seconds: float, end: Callable[[], object]) -> None:
        with self._changed:
            self._due[what] = time.monotonic() + seconds, end
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, what: object) -> None:
        with self._changed:
            self._due.pop(what, None)

    def end_all(self) -> None:
        """Ends at once what is still watched."""
        with self._changed:
            due, self._due = self._due, {}
        for _, end in due.values():
            end()

    def after_fork(self) -> None:
        """The parent's children are not the child's."""
        self.__init__()  # type: ignore[misc]

    def _work(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                over = [what for what, (when, _) in self._due.items() if when <= now]
                ends = [self._due.pop(what)[1] for what in over]
                if not ends:
                    first = min((when for when, _ in self._due.values()), default=None)
                    self._changed.wait(None if first is None else first - now)
            for end in ends:
                end()


watchdog = Watchdog()
_forks.register(watchdog)
atexit.register(watchdog.end_all)


class Child(subprocess.Popen):  # type: ignore[type-arg]
    """A process with a bound, which its own children share: it leads a session."""

    def __init__(self, command: Any, bound: float = BOUND, **how: Any) -> None:
        super().__init__(command, start_new_session=True, **how)
        watchdog.watch(self, bound, self._end)

    def _end(self) -> None:
        print(f"killed, since its time was over: {self.args}", file=sys.stderr)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _handle_exitstatus(self, sts: int, *rest: Any) -> None:
        watchdog.forget(self)  # before its number can be another's
        super()._handle_exitstatus(sts, *rest)  # type: ignore[misc]


def run(command: Any, input: Any = None, check: bool = False, capture_output: bool = False, bound: float = BOUND, **how: Any) -> Any:
    """As subprocess.run, with a bound."""
    if input is not None:
        how["stdin"] = subprocess.PIPE
    if capture_output:
        how["stdout"] = how["stderr"] = subprocess.PIPE
    with Child(command, bound, **how) as child:
        out, err = child.communicate(input)
    done = subprocess.CompletedProcess(child.args, child.returncode, out, err)
    if check:
        assert child.returncode == 0, f"{command} ended with {child.returncode}: {out!r} {err!r}"
    return done


def python(code: str, *arguments: Any, **how: Any) -> Child:
    """Starts a program in Python."""
    return Child([sys.executable, "-c", code, *map(str, arguments)], **how)


def fork(do: Callable[[], int], bound: float = BOUND) -> int:
    """The pid of a forked child, which ends with what do returns; 99 if it raises."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            signal.setitimer(signal.ITIMER_REAL, bound)  # whose signal ends the process
            status = do()
        finally:
            os._exit(status)
    return pid


def status(pid: int) -> int:
    """The exit status of a forked child, when it has ended; the negative number of a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forked(do: Callable[[], int], bound: float = BOUND) -> int:
    """The exit status of a forked child that does that."""
    return status(fork(do, bound))


def kill_multiprocessing() -> None:
    """Kills the children that multiprocessing has started."""
    for child in multiprocessing.active_children():
        child.kill()
