"""Finds the server on this host, as package service of the Go library does: the server listens at an
abstract Unix socket, @framebuffer-UID-NAME, and answers with the address of its NATS."""

import ctypes
import dataclasses
import json
import os
import pathlib
import secrets
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time


@dataclasses.dataclass
class Access:
    """How to reach a server's NATS."""

    url: str
    user: str = ""
    password: str = ""
    id: str = ""
    key: str = ""
    pid: int = 0
    embedded: bool = False


def _name() -> str:
    return f"\0framebuffer-{os.geteuid()}-{os.environ.get('FRAMEBUFFER_NAME', 'examples')}"


def find() -> Access:
    """The NATS that FRAMEBUFFER_NATS names, or that of the server on this host. Exits without a server."""
    if url := os.environ.get("FRAMEBUFFER_NATS"):
        return Access(url)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        try:
            s.connect(_name())
        except OSError as e:
            raise SystemExit(f"no server found on this host for uid {os.geteuid()}: start one, in Python or in Go ({e})") from e
        if _peer(s) not in (0, os.geteuid()):
            raise SystemExit("the server's name is taken by another user")
        text = b"".join(iter(lambda: s.recv(4096), b""))
    known = {f.name for f in dataclasses.fields(Access)}
    return Access(**{k: v for k, v in json.loads(text).items() if k in known})


def _taken_by() -> str:
    """Which user's process has the name. (A server in Go listens at a path if that is another user's.)"""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        try:
            s.connect(_name())
            return f"by a process of uid {_peer(s)}"
        except OSError:
            return "by a process of an unknown user"


def _peer(s: socket.socket) -> int:
    _, uid, _ = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)


class host:
    """The server's side; close it at the end. It uses the NATS that FRAMEBUFFER_NATS names, or starts a
    nats-server (Debian: nats-server) on loopback."""

    def __init__(self, key: str) -> None:
        self._server: "subprocess.Popen[bytes] | None" = None
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.bind(_name())
        except OSError as e:
            raise SystemExit(f"the server's name is taken, {_taken_by()}: stop it, or set FRAMEBUFFER_NAME ({e})") from e
        if url := os.environ.get("FRAMEBUFFER_NATS"):
            self.access = Access(url)
        else:
            self.access = self._start_nats()
        self.access.id, self.access.key, self.access.pid = secrets.token_hex(11).upper(), key, os.getpid()

    def open(self) -> None:
        """Answers this user's processes from now on."""
        self._socket.listen()
        threading.Thread(target=self._tell, daemon=True).start()

    def close(self) -> None:
        self._socket.close()
        if self._server is not None:
            self._server.terminate()
            self._server.wait()

    def _tell(self) -> None:
        while True:
            try:
                s, _ = self._socket.accept()
            except OSError:
                return
            with s:
                if _peer(s) in (0, os.geteuid()):
                    s.sendall(json.dumps(dataclasses.asdict(self.access)).encode())

    def _start_nats(self) -> Access:
        user, password = "framebuffer", secrets.token_hex(32)
        with tempfile.TemporaryDirectory(prefix="framebuffer-nats-") as directory:  # for this user only
            config = pathlib.Path(directory, "nats.conf")
            config.write_text(
                f'listen: "127.0.0.1:-1"\nports_file_dir: "{directory}"\nauthorization {{ user: "{user}", password: "{password}" }}\n'
            )
            prctl, parent_dies = ctypes.CDLL(None).prctl, 1
            self._server = subprocess.Popen(
                ["nats-server", "-c", str(config)], stderr=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=lambda: prctl(parent_dies, signal.SIGKILL),
            )
            ports = pathlib.Path(directory, f"nats-server_{self._server.pid}.ports")
            while not (ports.exists() and ports.read_text().endswith("}")):
                if self._server.poll() is not None:
                    raise SystemExit("nats-server did not start")
                time.sleep(0.01)
            return Access(json.loads(ports.read_text())["nats"][0], user, password, embedded=True)
