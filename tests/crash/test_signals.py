"""A signal ends a run early: what is being delivered is settled, and the next run sends nothing twice."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from marea.config.load import load
from marea.store.state import open_state

pytestmark = pytest.mark.crash

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

CONFIG = """
version: 1
systems:
  erp: {{url: "{source}"}}
  crm: {crm}
entities:
  accounts:
    source: {{system: erp, table: accounts, key: code, modified: modified}}
    target: {{system: crm, object: accounts, key: code{create}}}
    fields: {{code: code, name: name}}
"""
ROWS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO accounts SELECT printf('%06d', i), 'Name ' || i, '2020-01-01 00:00:00' FROM n
"""
SERIES = """
INSERT INTO accounts SELECT lpad(i::text, 6, '0'), 'Name ' || i, '2020-01-01 00:00:00'
FROM generate_series(1, {rows}) i
"""
MANY = 100_000


class Shop:
    """An ERP of so many accounts, a CRM, and `marea` in processes of its own."""

    def __init__(self, folder: Path, source: str, crm: dict[str, Any], create: str = "") -> None:
        self.file = folder / "marea.yaml"
        self.file.write_text(CONFIG.format(source=source, crm=json.dumps(crm), create=create), "utf-8")

    def start(self, *words: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "marea", *words, "-c", str(self.file)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)

    def sync(self) -> dict[str, int]:
        """Another run to its end; the counts of its accounts."""
        process = self.start("sync", "--json")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        found: dict[str, int] = json.loads(out)["entities"]["accounts"]
        return found

    def in_doubt(self) -> set[str]:
        state = open_state(load(self.file).state)
        try:
            return set(state.ledger.in_doubt(state.entity("accounts", "crm").id))
        finally:
            state.close()


def table(folder: Path, rows: int) -> str:
    url = f"sqlite:///{folder / 'erp.db'}"
    run_sql(url, "CREATE TABLE accounts (code TEXT PRIMARY KEY, name TEXT, modified DATETIME NOT NULL)")
    run_sql(url, ROWS.format(rows=rows))
    return url


@pytest.fixture
def rest(tmp_path: Path, application: Application) -> Callable[..., Shop]:
    """A shop whose CRM is the application; `rows` accounts and options of the system."""

    def make(rows: int, **options: Any) -> Shop:
        return Shop(tmp_path, table(tmp_path, rows), {"url": application.address, **options})

    return make


class Killer:
    """A script of the application that sends signals to the process when so many calls are there."""

    def __init__(self, at: int, *numbers: signal.Signals, reply: Callable[[], Reply] = Reply) -> None:
        self.process: subprocess.Popen[str] | None = None
        self._at, self._numbers, self._reply, self._calls = at, numbers, reply, 0

    def __call__(self, call: Call) -> Reply:
        self._calls += 1
        if self._calls == self._at:
            assert self.process is not None
            for number in self._numbers:
                self.process.send_signal(number)
        return self._reply()


def run_until_it_ends(shop: Shop, application: Application, killer: Killer) -> tuple[int, Any, str]:
    application.script = killer
    killer.process = shop.start("sync", "--json")
    out, err = killer.process.communicate(timeout=60)
    return killer.process.returncode, json.loads(out), err


def sent(application: Application) -> list[str]:
    return [call.value["code"] for call in application.calls]


@pytest.mark.parametrize("number", SIGNALS)
def test_what_is_being_delivered_is_settled(
    rest: Callable[..., Shop],
    application: Application,
    number: signal.Signals,
) -> None:
    shop = rest(1000)
    code, document, err = run_until_it_ends(shop, application, Killer(20, number))
    first = sent(application)
    counts = document["entities"]["accounts"]
    assert (code, document["status"]) == (3, "interrupted")
    assert counts["created"] == len(first) < 1000
    assert counts["created"] + counts["deferred"] == counts["detected"]
    assert err == (
        f"stopped by {number.name}: {len(first):,} records are settled, nothing is lost; "
        "the next run goes on from here\n"
    )
    assert shop.in_doubt() == set()
    counts = shop.sync()
    assert (counts["created"], counts["unchanged"]) == (1000 - len(first), len(first))
    assert sorted(sent(application)) == [f"{n:06d}" for n in range(1, 1001)]


def test_what_was_not_sent_is_no_attempt(rest: Callable[..., Shop], application: Application) -> None:
    shop = rest(2000)
    run_until_it_ends(shop, application, Killer(1, signal.SIGTERM))
    state = open_state(load(shop.file).state)
    record = state.ledger.record(state.entity("accounts", "crm").id, '"002000"')
    state.close()
    assert record is not None
    assert record.trouble is not None
    assert (record.trouble.code, record.trouble.attempts) == ("interrupted", 0)


@pytest.mark.parametrize(
    "reply",
    [lambda: Reply(429, headers={"Retry-After": "50"}), lambda: Reply(503, headers={"Retry-After": "4"})],
)
def test_a_wait_that_the_application_asked_for_is_not_waited_out(
    rest: Callable[..., Shop],
    application: Application,
    reply: Callable[[], Reply],
) -> None:
    shop = rest(20, concurrency=4)
    code, document, _ = run_until_it_ends(shop, application, Killer(2, signal.SIGTERM, reply=reply))
    assert (code, document["entities"]["accounts"]["deferred"]) == (3, 20)
    application.script = lambda call: Reply()
    assert shop.sync()["created"] == 20


def test_the_second_signal_ends_at_once_and_the_next_run_heals(
    rest: Callable[..., Shop],
    application: Application,
) -> None:
    shop = rest(20, concurrency=1)

    def never() -> Reply:
        if len(application.calls) > 5:
            assert killer.process is not None
            killer.process.wait(60)
        return Reply()

    killer = Killer(6, signal.SIGTERM, signal.SIGINT, reply=never)
    code, document, err = run_until_it_ends(shop, application, killer)
    assert (code, document["error"]["code"]) == (3, "interrupted")
    assert err == "stopped; nothing is lost, run again to go on\n"
    assert len(shop.in_doubt()) == 20
    application.script = lambda call: Reply()
    assert shop.sync()["created"] == 20
    assert shop.in_doubt() == set()


def test_a_terminal_that_goes_away_is_one_signal(
    rest: Callable[..., Shop],
    application: Application,
) -> None:
    killer = Killer(5, signal.SIGHUP, signal.SIGHUP)
    code, document, _ = run_until_it_ends(rest(2000), application, killer)
    assert (code, document["status"]) == (3, "interrupted")


@pytest.fixture(params=["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Shop, str]:
    """A shop between databases of one kind, PostgreSQL with the state, and the address of its CRM."""
    if request.param == "sqlite":
        crm = f"sqlite:///{tmp_path / 'crm.db'}"
        return Shop(tmp_path, table(tmp_path, MANY), {"url": crm}, ", create: true"), crm
    erp, crm = (request.getfixturevalue(f"{name}postgresql_url") for name in ("", "other_"))
    run_sql(erp, "CREATE TABLE accounts (code varchar(9) PRIMARY KEY, name text, modified timestamp)")
    run_sql(erp, SERIES.format(rows=MANY))
    shop = Shop(tmp_path, erp, {"url": crm}, ", create: true")
    shop.file.write_text(shop.file.read_text() + f'state: "{crm}"\n', "utf-8")
    return shop, crm


def test_batches_of_a_database_are_committed_whole(base: tuple[Shop, str]) -> None:
    shop, crm = base
    ours, theirs = pty.openpty()
    process = shop.start("sync", "--json", stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"records" not in shown:  # the first batch is committed
        shown += os.read(ours, 1000)
    process.terminate()
    shown += b"".join(iter(lambda: _rest(ours), b""))
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    counts = json.loads(out)["entities"]["accounts"]
    assert process.returncode == 3
    assert b"once more ends at once" in shown
    assert b"records are settled" in shown
    assert 0 < counts["detected"] == counts["created"] < MANY
    assert run_sql(crm, "SELECT count(*) FROM accounts") == [(counts["created"],)]
    assert shop.in_doubt() == set()
    assert shop.sync()["created"] == MANY - counts["created"]


def test_runs_that_are_asked_to_end_at_any_moment_deliver_each_record_once(base: tuple[Shop, str]) -> None:
    check_random_ends(*base, random.Random(1), rounds=4)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_runs_that_are_asked_to_end(base: tuple[Shop, str], seed: int) -> None:
    check_random_ends(*base, random.Random(seed), rounds=30)


def check_random_ends(shop: Shop, crm: str, chance: random.Random, rounds: int) -> None:
    created = 0
    for _ in range(rounds):
        process = shop.start("sync", "--json")
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.2, 1.5))
        process.send_signal(chance.choice(SIGNALS))
        out, err = process.communicate(timeout=60)
        if process.returncode < 0:
            continue  # before Python had begun
        assert process.returncode in (0, 3), err
        document = json.loads(out)
        created += document["entities"]["accounts"]["created"] if "entities" in document else 0
        assert shop.in_doubt() == set()
    created += shop.sync()["created"]
    assert run_sql(crm, "SELECT count(*) FROM accounts") == [(MANY,)] == [(created,)]


def _rest(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1000)
    except OSError:  # Linux says so where nobody has the other end any more
        return b""


# -- a source that does not answer ----------------------------------------------------------------

SLOW = """
CREATE TABLE base (code varchar(12) PRIMARY KEY, name varchar(80), modified timestamp NOT NULL);
INSERT INTO base VALUES ('1', 'one', '2020-01-01 00:00:00');
CREATE VIEW accounts AS SELECT base.* FROM base, (SELECT pg_advisory_lock_shared(7)) AS slow;
"""


@pytest.fixture
def slow(tmp_path: Path, postgresql_url: str) -> Shop:
    """A shop whose ERP answers no query for accounts while somebody has the lock 7."""
    for statement in SLOW.split(";\n"):
        run_sql(postgresql_url, statement)
    return Shop(tmp_path, postgresql_url, {"url": f"sqlite:///{tmp_path / 'crm.db'}"}, ", create: true")


@pytest.fixture
def locked(postgresql_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        yield connection


def until_it_waits(connection: psycopg.Connection, process: subprocess.Popen[str]) -> None:
    asked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while connection.execute(asked).fetchone() == (0,):
        assert process.poll() is None


def test_a_source_that_does_not_answer_is_not_waited_for(slow: Shop, locked: psycopg.Connection) -> None:
    locked.execute("SELECT pg_advisory_lock(7)")
    process = slow.start("sync", "--json")
    until_it_waits(locked, process)
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, json.loads(out)["status"]) == (3, "interrupted")
    assert err.startswith("stopped by SIGTERM: 0 records are settled")
    locked.execute("SELECT pg_advisory_unlock(7)")
    assert slow.sync()["created"] == 1


def test_before_a_run_begins_the_first_signal_ends_it(slow: Shop, locked: psycopg.Connection) -> None:
    slow.sync()
    locked.execute("SELECT pg_advisory_lock(7)")
    process = slow.start("sync", "--json")  # asks whether anything is new
    until_it_waits(locked, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, json.loads(out)["error"]["code"]) == (3, "interrupted")
    assert err == "stopped; nothing is lost, run again to go on\n"


# -- other commands -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_other_commands_end_with_a_word_too(rest: Callable[..., Shop], number: signal.Signals) -> None:
    shop = rest(1000)
    shop.sync()
    process = shop.start("log", "--limit", "1000")
    assert process.stdout is not None
    process.stdout.read(1)  # and then nobody reads on
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (3, "stopped; nothing is lost, run again to go on\n")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "words", ["plan", "explain accounts 1", "check accounts", "touch accounts --where 1=1 --dry-run"]
)
def test_other_commands_end_while_a_source_waits_for_a_lock(
    slow: Shop, locked: psycopg.Connection, words: str, number: signal.Signals
) -> None:
    locked.execute("SELECT pg_advisory_lock(7)")
    process = slow.start(*words.split(), "--json")
    until_it_waits(locked, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=15)  # a lock is waited for twice as long
    assert (process.returncode, json.loads(out)["error"]["code"]) == (3, "interrupted")
    assert err == "stopped; nothing is lost, run again to go on\n"
