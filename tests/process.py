"""Owns one server process of the tests: its folder, its user, its start and its end.

It works as root (the server then runs as another user) and not as root, in a folder of its own,
on a free port of 127.0.0.1. It also ends when this process is killed.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

LAUNCH = """
import ctypes, os, sys
user, death, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
if user:
    os.setgroups([])
    os.setgid(int(os.environ["MAREA_TEST_GROUP"]))
    os.setuid(user)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, death)
os.execv(program[0], program)
"""
"""Gives up root, asks to be stopped when the parent dies, then becomes the server."""

PORTS = range(10_000, 32_000)


class ServerMissing(Exception):
    """No binaries of this server were found on this machine."""


class Server(ABC):
    """One server process with its folder; `start` returns when it accepts connections."""

    label: str
    users: tuple[str, ...]
    stop_signal: signal.Signals
    seconds = 60

    def __init__(self) -> None:
        self.account = _account(self.users) if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"marea-{self.label}-"))
        self.log = self.folder / "server.log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        if self.account:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    @abstractmethod
    def initialise(self) -> None:
        """Makes the data folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """The server's command line."""

    @abstractmethod
    def url(self, database: str) -> str:
        """The address of one of its databases, as a configuration names it."""

    @abstractmethod
    def execute(self, statement: str) -> None:
        """Runs one statement as the server's administrator."""

    def start(self) -> None:
        try:
            self.initialise()
            self.launch()
        except BaseException:
            self.close()
            raise

    def launch(self) -> None:
        """Starts the process again on the same folder and port, e.g. after `halt`."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._as_account(self.stop_signal, self.command()),
                **self._environment(),
                stdout=log,
                stderr=log,
            )
        self._await()

    def halt(self) -> None:
        """Stops the process and keeps the data: an outage. `launch` ends it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self) -> None:
        """Stops the process and removes the folder. Repeatable."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self) -> str:
        """Makes an empty database; gives its name."""
        name = self._name()
        self.execute(self.create_statement(name))
        return name

    def _name(self) -> str:
        self._databases += 1
        return f"t{self._databases}"

    @abstractmethod
    def create_statement(self, name: str) -> str: ...

    @abstractmethod
    def drop(self, name: str) -> None:
        """Drops a database, whoever is connected to it."""

    def run(self, *command: str) -> None:
        """Runs a tool of the server to its end, as the server's user."""
        done = subprocess.run(
            self._as_account(signal.SIGKILL, list(command)),
            **self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout.decode(errors='replace')}")

    def _as_account(self, death: signal.Signals, command: list[str]) -> list[str]:
        user = self.account.pw_uid if self.account else 0
        return [sys.executable, "-I", "-S", "-c", LAUNCH, str(user), str(int(death)), *command]

    def _environment(self) -> dict[str, object]:
        group = str(self.account.pw_gid) if self.account else ""
        scrubbed = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MYSQL"))}
        return {
            "cwd": self.folder,
            "env": {**scrubbed, "MAREA_TEST_GROUP": group, "TMPDIR": str(self.folder), "LC_ALL": "C.UTF-8"},
            "stdin": subprocess.DEVNULL,
        }

    def _await(self) -> None:
        """Waits until the server answers; its log explains when it never does."""
        pause = threading.Event()
        assert self.process
        for _ in range(self.seconds * 50):
            if self.process.poll() is not None:
                break
            if self._answers():
                return
            pause.wait(0.02)
        raise RuntimeError(f"{self.label} did not start:\n{self.log.read_text(errors='replace')}")

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except Exception:
            return False
        return True


def free_port() -> int:
    """A TCP port nobody listens on, of those that no system gives to who asks for any.

    It may be used long after: by a server that is still to be made, or one that is out.
    """
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _account(names: tuple[str, ...]) -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in names:
        if name in known:
            return known[name]
    raise ServerMissing(f"no user to run a server as: none of {', '.join(names)} exists")


def program(*names: str) -> str:
    """The path of the first of these programs that is installed. Raises ServerMissing."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/bin"])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise ServerMissing(f"{names[0]} is not installed")
