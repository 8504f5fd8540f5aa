"""Owns Tryton as a program: its environment, its command line, trytond as a process, and its JSON-RPC."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from environments import install
from process import LAUNCH, free_port

HOME = Path(__file__).parent
PACKAGES = HOME / "packages.txt"
BUILD = HOME.parents[2] / "build" / "tryton"
"""What is kept from run to run: the environment, and the first content of the ERP."""

MODULES = ("party", "product", "account", "account_product")
PASSWORD = "as long as Tryton wants it"
SECONDS = 60


class Refused(Exception):
    """Tryton's answer to a call that it does not carry out."""


def programs() -> Path:
    """The folder of Tryton's commands, installed where they are not there. Raises NotInstalled."""
    return install(BUILD / "environment", PACKAGES).parent


def activate(url: str, folder: Path) -> None:
    """Makes Tryton's tables in an empty database, and `admin` with the password."""
    secret = folder / "password"
    secret.write_text(PASSWORD)
    server, _, database = url.rpartition("/")
    command = [*_command("trytond-admin", _configure(folder, server)), "-d", database, "--all"]
    command += ["-u", *MODULES, "--activate-dependencies", "--email", "admin@example.com", "--password"]
    environment = {**_environment(), "TRYTONPASSFILE": str(secret)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=600)


class Tryton:
    """A running trytond on one database, asked as its own clients ask it; leaving the context stops it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        server, _, self._database = url.rpartition("/")
        self._address = f"127.0.0.1:{free_port()}"
        self._log = folder / "trytond.log"
        self._context: dict[str, Any] = {}
        self._session: dict[str, str] = {}
        command = _command("trytond", _configure(folder, server, self._address))
        launch = [sys.executable, "-I", "-S", "-c", LAUNCH, "0", str(int(signal.SIGKILL))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*launch, *command, "-d", self._database], env=_environment(), stdout=log, stderr=log
            )

    def __enter__(self) -> Tryton:
        try:
            self._await()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it; what it was doing is rolled back by the database."""
        self._process.kill()
        self._process.wait()

    def log_in(self) -> None:
        """Begins a session as `admin`; calls then have the context of that user's company."""
        user, token, *_ = self._ask("common.db.login", "admin", {"password": PASSWORD})
        secret = base64.b64encode(f"admin:{user}:{token}".encode()).decode()
        self._session = {"Authorization": f"Session {secret}"}
        self._context = self.call("res.user.get_preferences", True)

    def call(self, method: str, *arguments: object) -> Any:
        """What a method of a model gives, e.g. `call("party.party.write", [4], {"name": "New"})`.

        One call is one transaction. Raises Refused.
        """
        return self._ask(f"model.{method}", *arguments, self._context)

    def _ask(self, method: str, *arguments: object) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": arguments}, default=_as_tryton_writes_it)
        headers = {"Content-Type": "application/json", **self._session}
        request = Request(f"http://{self._address}/{self._database}/rpc/", body.encode(), headers)
        with urlopen(request, timeout=SECONDS) as answer:
            given = json.loads(answer.read())
        if "error" in given:
            raise Refused(method, given["error"])
        return given["result"]

    def _await(self) -> None:
        pause = threading.Event()
        for _ in range(SECONDS * 20):
            if self._process.poll() is not None:
                break
            try:
                return self.log_in()
            except URLError:
                pause.wait(0.05)
        raise RuntimeError(f"trytond did not start:\n{self._log.read_text(errors='replace')}")


def _command(program: str, configuration: Path) -> list[str]:
    return [str(programs() / program), "-c", str(configuration)]


def _configure(folder: Path, server: str, address: str = "127.0.0.1:0") -> Path:
    file = folder / "trytond.conf"
    file.write_text(f"[database]\nuri = {server}/\npath = {folder}\n[web]\nlisten = {address}\n")
    return file


def _environment() -> dict[str, str]:
    """Ours without what would lead Tryton or its driver elsewhere, or them to what belongs to others."""
    ours = os.environ.items()
    kept = {name: value for name, value in ours if not name.startswith(("PG", "TRYTON", "PYTHON"))}
    return {**kept, "MAREA_TEST_GROUP": ""}


def _as_tryton_writes_it(value: object) -> object:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    raise TypeError(f"a {type(value).__name__} in a call")
