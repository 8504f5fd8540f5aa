"""Owns the demo CRM as a process of its own: started, asked, stopped, killed by lesson and tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from marea.errors import SystemUnreachable


class CrmProcess:
    """A running demo CRM; leaving the context stops it. Its records stay in `storage`."""

    def __init__(self, storage: Path, port: int = 0, token: str = "demo") -> None:  # noqa: S107
        self._storage = storage
        self._token = token
        self._process: subprocess.Popen[str] | None = None
        self.port = port
        self.start()

    @property
    def address(self) -> str:
        """Its url, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, at the same port once it had one; returns when it answers."""
        command = [sys.executable, "-m", "marea.demo.crm", "--attended"]
        command += ["--storage", str(self._storage), "--port", str(self.port)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "CRM_TOKEN": self._token},
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        line = self._process.stdout.readline().strip()
        if not line:
            self.stop()
            raise SystemUnreachable("demo CRM", f"it did not start with {self._storage}")
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        """Ends it as an administrator does. Repeatable."""
        self._end(lambda process: process.terminate())

    def kill(self) -> None:
        """Ends it without warning. Repeatable."""
        self._end(lambda process: process.kill())

    def ask(self, method: str, path: str, value: object = None) -> Any:
        """One call; the JSON of the answer, whatever its status; None for an empty one."""
        body = None if value is None else json.dumps(value).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = Request(self.address + path, body, headers, method=method)  # noqa: S310 - our own address
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                text = answer.read()
        except HTTPError as error:
            with error:
                text = error.read()
        return json.loads(text) if text else None

    def records(self, name: str) -> list[Any]:
        """Every record of an object, page by page."""
        found: list[Any] = []
        after = ""
        while True:
            page = self.ask("GET", f"/api/{quote(name)}?limit=5000&after={quote(after)}")
            found += page["items"]
            if page["next"] is None:
                return found
            after = page["next"]

    def _end(self, how: Any) -> None:
        if self._process is None:
            return
        how(self._process)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def __enter__(self) -> CrmProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
