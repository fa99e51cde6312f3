"""The part of NATS's text protocol that the examples need, over a socket. The protocol is at
https://docs.nats.io/reference/reference-protocols/nats-protocol."""

import json
import secrets
import socket
from types import TracebackType
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class NatsError(Exception):
    """An error of the connection to NATS, or no answer to a request."""


class Message(NamedTuple):
    subject: str
    reply: str
    headers: dict[str, str]
    data: bytes


class Nats:
    """A connection."""

    def __init__(self, url: str, user: str = "", password: str = "", limit: float = 10) -> None:
        at = urlsplit(url)
        self._socket = socket.create_connection((at.hostname, at.port or 4222), limit)
        self._limit = limit
        self._subscriptions = 0
        self._lines = self._socket.makefile("rb")
        self._lines.readline()  # INFO, of which nothing is needed
        hello = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "python", "version": "1", "protocol": 1}
        if user or at.username:
            hello["user"], hello["pass"] = user or unquote(at.username or ""), password or unquote(at.password or "")
        self._send(f"CONNECT {json.dumps(hello)}")
        self.flush()
        self._socket.settimeout(None)

    def __enter__(self) -> "Nats":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lines.close()
        self._socket.close()

    def subscribe(self, subject: str) -> None:
        """Receives messages to that subject from now on."""
        self._subscriptions += 1
        self._send(f"SUB {subject} {self._subscriptions}")

    def publish(self, subject: str, data: bytes, headers: "dict[str, str] | None" = None, reply: str = "") -> None:
        """Sends a message."""
        if not subject:
            return  # no answer is wanted
        to = f"{subject} {reply}" if reply else subject
        if headers:
            head = ("NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()
            self._send(f"HPUB {to} {len(head)} {len(head) + len(data)}", head + data)
        else:
            self._send(f"PUB {to} {len(data)}", data)

    def request(self, subject: str, data: bytes) -> Message:
        """Sends a message and waits for the answer."""
        inbox = f"_INBOX.{secrets.token_hex(11)}"
        self.subscribe(inbox)
        self.publish(subject, data, reply=inbox)
        self._socket.settimeout(self._limit)
        try:
            answer = self.next()
        except TimeoutError as e:
            raise NatsError(f"no answer within {self._limit:.0f} s") from e
        finally:
            self._socket.settimeout(None)
        if answer.headers.get("") == "503":
            raise NatsError("no program serves that name: start it first")
        return answer

    def flush(self) -> None:
        """Waits until NATS has read everything that was sent."""
        self._send("PING")
        while (line := self._line()) != "PONG":
            self._other(line)

    def next(self) -> Message:
        """The next message."""
        while True:
            verb, *words = self._line().split(" ")
            if verb == "MSG":  # subject, subscription, reply if there is one, size
                data = self._body(int(words[-1]))
                return Message(words[0], words[2] if len(words) == 4 else "", {}, data)
            if verb == "HMSG":  # the same, with the headers' size before
                data, head = self._body(int(words[-1])), int(words[-2])
                return Message(words[0], words[2] if len(words) == 5 else "", _headers(data[:head]), data[head:])
            self._other(" ".join([verb, *words]))

    def _other(self, line: str) -> None:
        if line == "PING":
            self._send("PONG")
        elif line.startswith("-ERR"):
            raise NatsError(line)

    def _line(self) -> str:
        line = self._lines.readline()
        if not line.endswith(b"\n"):
            raise NatsError("NATS has closed the connection")
        return line.decode().rstrip("\r\n")

    def _body(self, size: int) -> bytes:
        data = self._lines.read(size + 2)
        if len(data) != size + 2:
            raise NatsError("NATS has closed the connection")
        return data[:-2]

    def _send(self, line: str, data: "bytes | None" = None) -> None:
        self._socket.sendall(line.encode() + b"\r\n" + (b"" if data is None else data + b"\r\n"))


def _headers(raw: bytes) -> dict[str, str]:
    first, *lines = raw.decode().split("\r\n")
    headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    if status := first.removeprefix("NATS/1.0").strip():
        headers[""] = status.split(" ")[0]
    return headers
