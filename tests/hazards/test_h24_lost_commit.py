"""A database commits a batch and its answer is lost: the next run finds all of it there, once."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from marea.model import UNKNOWN, UNREACHABLE, Outcome, RunStatus
from worlds import World, counts

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

COMMIT = re.compile(rb"(?<!AUTO)COMMIT")
TABLE = """
CREATE TABLE accounts (code varchar(12), name varchar(80), category varchar(8), tax varchar(4),
  credit decimal(12,2), branches text)
"""


class Wire:
    """Stands between Marea and a server; lets one COMMIT through and its answer not."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
        self.lose_in = 0
        """Which COMMIT from now on is the one; 0 for none."""
        self._ends: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _start(self, work: Callable[..., None], *parts: socket.socket) -> None:
        thread = threading.Thread(target=work, args=parts, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._ends += [client, server]
                self._start(self._pump, client, server, client)
                self._start(self._pump, server, client, client)

    def _pump(self, source: socket.socket, sink: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if source is client and self._is_the_one(data):
                    client.shutdown(socket.SHUT_RDWR)  # before: the answer may come at once
                    sink.sendall(data)
                    break
                sink.sendall(data)
        # Towards Marea it breaks at once; the server reads what it was sent, and then the end.
        for end, how in ((client, socket.SHUT_RDWR), (sink, socket.SHUT_WR)):
            with suppress(OSError):
                end.shutdown(how)

    def _is_the_one(self, data: bytes) -> bool:
        if not self.lose_in or not COMMIT.search(data.upper()):
            return False
        self.lose_in -= 1
        return self.lose_in == 0


@pytest.fixture(params=["postgresql", "mariadb"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    suffix = {"postgresql": "?sslmode=disable", "mariadb": "?ssl=disabled"}[request.param]
    made = Wire(request.getfixturevalue(f"{request.param}_url") + suffix)
    yield made
    made.close()


@pytest.mark.parametrize("unique", [True, False], ids=["with a key", "without a key"])
def test_h24_a_commit_whose_answer_is_lost(wire: Wire, tmp_path: Path, unique: bool) -> None:
    world = World(f"sqlite:///{tmp_path / 'erp.db'}", wire.url, tmp_path)
    world.fill(20)
    if not unique:
        world.crm(TABLE)
    world.sync("tax_codes")
    deferred, codes = set(), set()
    for nth in range(1, 6):
        world.erp(f"UPDATE customers SET name = 'New {nth}', modified = '2021-01-0{nth} 00:00:00'")
        wire.lose_in = nth
        first = world.sync("customers", full=True)
        if wire.lose_in == 0:
            assert first.status is RunStatus.INTERRUPTED
            deferred.add(counts(first).get("deferred"))
            codes |= {entry.code for entry in world.log(run=first.id, outcome=Outcome.DEFERRED)}
        wire.lose_in = 0
        assert world.sync("customers", full=True).status is RunStatus.SUCCEEDED
        rows = world.crm(f"SELECT count(*), count(DISTINCT code) FROM accounts WHERE name = 'New {nth}'")
        assert rows == [(20, 20)]
    assert 20 in deferred, "none of these was the commit of a batch"
    # Lost over its commit it is in doubt, before that nothing was applied.
    assert UNKNOWN in codes
    assert codes <= {UNKNOWN, UNREACHABLE}
    assert not world.log(outcome=Outcome.REJECTED)
