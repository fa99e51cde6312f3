"""The RPC library of the examples: methods of services, over NATS. README.md says why it is
here, and what to use instead.

    @RPC_METHOD(service_name="reader")
    def send_data(offset, size, checksum): ...

    RUN_SERVICE()                                        # answers until SIGINT, SIGTERM, …
    RPC_CALL("reader", "send_data", args=frame)          # in any other program

A method is the subject SERVICE.METHOD. A message with an object of JSON, such as a frame, names
its arguments; any other is one argument, as text; an empty one is none. An answer is text. All
of that is as the Go service and the Go examples have it. Several arguments without names are a
list of JSON, which only Python's programs understand.
"""

import inspect
import json
import signal
from typing import Any, Callable

from rendezvous import Access, find, host
from nats import Nats, NatsError

_methods: dict[str, Callable[..., Any]] = {}


class RPCError(Exception):
    """The other program's error, or why there is no answer."""


def RPC_METHOD(service_name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function a method of a service, by its own name."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        _methods[f"{service_name}.{f.__name__}"] = f
        return f

    return register


def RPC_CALL(service_name: str, method: str, args: Any = ()) -> str:
    """Calls a method and returns its answer. args is one argument, or a tuple of them. Raises RPCError."""
    if isinstance(args, tuple) and not hasattr(args, "to_json"):
        args = json.dumps(args) if len(args) > 1 else "".join(map(str, args))
    with _connect(find()) as nats:
        try:
            answer = nats.request(f"{service_name}.{method}", str(args).encode())
        except NatsError as e:
            raise RPCError(f"{service_name}.{method}: {e}") from e
    if error := answer.headers.get("Nats-Service-Error"):
        raise RPCError(error)
    return answer.data.decode()


def RUN_SERVICE(ready: Callable[[], object] = lambda: None) -> None:
    """Answers calls of this program's methods until SIGINT, SIGTERM, SIGQUIT or SIGHUP. A program
    that serves "framebuffer", and knows of no NATS, starts one for all programs on this host."""
    for ends in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        if ends != signal.SIGHUP or signal.getsignal(ends) != signal.SIG_IGN:  # ignored under nohup
            signal.signal(ends, _asked_to_end)
    own = host(_methods["framebuffer.get_key"]()) if "framebuffer.get_key" in _methods else None
    try:
        with _connect(own.access if own else find()) as nats:
            for subject in _methods:
                nats.subscribe(subject)
                if own:
                    nats.subscribe(subject.replace("framebuffer.", f"framebuffer.{own.access.id}.", 1))
            nats.flush()  # from here on callers find this program
            if own:
                own.open()
            ready()
            while True:
                message = nats.next()
                service, _, method = message.subject.rpartition(".")
                try:
                    result = _answer(_methods[f"{service.partition('.')[0]}.{method}"], message.data)
                except Exception as e:  # the caller gets any error
                    text = " ".join(str(e).split())
                    nats.publish(message.reply, b"", {"Nats-Service-Error": text, "Nats-Service-Error-Code": "INTERNAL"})
                else:
                    nats.publish(message.reply, str(result).encode())
    except KeyboardInterrupt:
        pass
    finally:
        if own:
            own.close()


def _asked_to_end(number: int, frame: object) -> None:
    """Raises KeyboardInterrupt, once: the kernel and the shell both send SIGHUP when a terminal is
    closed, and the second one must not cut short what the first one began."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _answer(f: Callable[..., Any], data: bytes) -> Any:
    text = data.decode()
    if not text:
        return f()
    if text.startswith("["):
        return f(*json.loads(text))
    if not text.startswith("{"):
        return f(text)
    named = json.loads(text)
    return f(**{name: named[name] for name in inspect.signature(f).parameters})


def _connect(at: Access) -> Nats:
    return Nats(at.url, at.user, at.password)
