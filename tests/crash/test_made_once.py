"""An application that gives its own ids and has no `find`: no end of a run makes a record twice there."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import marea
from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from crash.started import start
from marea.cli.main import run
from marea.config.load import load
from marea.engine.entity.clock import system_clock
from marea.engine.run.ended import Run
from marea.model import LOOK, UNKNOWN, Operation, Outcome, RunStatus
from marea.planning.absent import DELETE
from marea.store.ledger import Trouble
from marea.store.state import open_state
from worlds import counts, journal, synchronize

pytestmark = [pytest.mark.crash, pytest.mark.integration]


CONFIG = """
version: 1
systems:
  erp: {{url: sqlite:///erp.db}}
  crm: {{url: "{crm}", connector: rest, {options}}}
entities:
  customers:
    source: {{system: erp, table: customers, key: code, modified: modified}}
    target: {{system: crm, object: customers, key: code}}
    fields: {{code: code, name: name}}
    require: [name]
"""
ONCE = 'create: {path: "/{object}"}, update: {path: "/{object}/{id}"}, concurrency: 1'
FOUND = ONCE + ', find: {path: "/{object}?code={key}"}'
KEYED = "concurrency: 1"
DAYS = 3 * 86_400


class Shop:
    """An ERP file and an application; `then` is what happens when a call has been applied there."""

    def __init__(self, folder: Path, application: Application) -> None:
        self._url = f"sqlite:///{folder / 'erp.db'}"
        self._address = application.address
        self.file = folder / "marea.yaml"
        self.offer(ONCE)
        self.erp("CREATE TABLE customers (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
        for code in "abcd":
            self.erp(f"INSERT INTO customers VALUES ('{code}', 'old', '2020-01-01 00:00:00')")
        self.made: list[dict[str, Any]] = []
        self._ids = itertools.count(1)  # an application gives an id once, also when its record is gone
        self.then: Callable[[Call], Reply | None] = lambda call: None
        application.script = self._answer

    def offer(self, options: str) -> None:
        self.file.write_text(CONFIG.format(crm=self._address, options=options), "utf-8")

    def erp(self, text: str) -> None:
        run_sql(self._url, text)

    def edit(self, name: str, code: str = "b") -> None:
        self.erp(f"UPDATE customers SET name = '{name}', modified = CURRENT_TIMESTAMP WHERE code = '{code}'")

    def sync(self, later: int = 0, **words: Any) -> Run:
        return synchronize(self.file, clock=lambda: system_clock() + later * 1_000_000, **words)

    def killed(self) -> None:
        """A run in a process of its own, which dies for good while the application makes b."""
        process = start(self.file, out=subprocess.DEVNULL)

        def kill(call: Call) -> None:
            if _makes_b(call):
                process.kill()
                process.wait()

        self.then = kill
        assert process.wait(60) == -signal.SIGKILL
        self.then = lambda call: None

    def codes(self) -> list[str]:
        return [record["code"] for record in self.made]

    def trouble(self, code: str = "b") -> Trouble | None:
        state = open_state(load(self.file).state)
        try:
            record = state.ledger.record(state.entity("customers", "crm").id, json.dumps(code))
            assert record is not None
            return record.trouble
        finally:
            state.close()

    def entries(self, code: str = "b") -> list[tuple[Operation, Outcome]]:
        return [(entry.operation, entry.outcome) for entry in journal(self.file) if entry.key == code]

    def _answer(self, call: Call) -> Reply:
        reply = self._applied(call)
        return self.then(call) or reply

    def _applied(self, call: Call) -> Reply:
        place = call.path.rpartition("/")[2]
        if call.method == "GET":
            return Reply(200, [record for record in self.made if record["code"] == call.query["code"]])
        if call.method == "POST":
            self.made.append({**call.value, "id": next(self._ids)})
            return Reply(201, self.made[-1])
        for record in self.made:
            if place in (str(record["id"]), record["code"]):
                record.update(call.value)
                return Reply()
        if place.isdecimal():
            return Reply(404)
        self.made.append({**call.value, "id": next(self._ids)})
        return Reply()


def _makes_b(call: Call) -> bool:
    return call.method in ("POST", "PUT") and b'"code":"b"' in call.body


@pytest.fixture
def application() -> Iterator[Application]:
    with Application() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, application: Application) -> Iterator[Shop]:
    made = Shop(tmp_path, application)
    yield made
    assert len(made.codes()) == len(set(made.codes())), "a record was made twice"


def interrupted(shop: Shop) -> None:
    """Ctrl-C while the application makes b."""

    def interrupt(call: Call) -> None:
        if _makes_b(call):
            os.kill(os.getpid(), signal.SIGINT)

    shop.then = interrupt
    with pytest.raises(KeyboardInterrupt):
        shop.sync()
    shop.then = lambda call: None


def unheard(shop: Shop) -> None:
    """The answer to the create of b is lost."""
    shop.then = lambda call: Reply(lost=True) if _makes_b(call) else None
    assert counts(shop.sync()) == {"created": 3, "deferred": 1}
    shop.then = lambda call: None


ENDS = {"killed": Shop.killed, "interrupted": interrupted, "unheard": unheard}


@pytest.mark.parametrize("ends", list(ENDS))
def test_h24_only_a_request_that_names_it_sends_a_create_in_doubt(shop: Shop, ends: str) -> None:
    ENDS[ends](shop)
    assert "b" in shop.codes()
    for later, words in (
        (0, {}),
        (DAYS, {}),
        (0, {"full": True}),
        (0, {"resend": True}),
        (0, {"only_failed": True}),
        (0, {"where": "code = 'b'"}),
    ):
        shop.sync(later, **words)
        assert shop.codes().count("b") == 1, words
    shop.edit("newer")
    shop.sync(DAYS)
    shop.erp("UPDATE customers SET name = NULL WHERE code = 'b'")
    shop.sync(full=True)  # refused by a rule: that does not end the doubt
    shop.edit("newest")
    assert shop.sync(full=True).status is RunStatus.PARTIAL
    trouble = shop.trouble()
    assert trouble is not None
    assert (trouble.outcome, trouble.code, trouble.next_attempt) == (Outcome.DEFERRED, UNKNOWN, None)
    assert trouble.hint == LOOK
    shop.made = [record for record in shop.made if record["code"] != "b"]
    assert counts(shop.sync(keys=('"b"',), only_failed=True)) == {"created": 1}
    assert {record["code"]: record["name"] for record in shop.made}["b"] == "newest"
    assert shop.trouble() is None


@pytest.mark.parametrize("ends", list(ENDS))
def test_h24_with_find_declared_it_is_asked_for_and_adopted(shop: Shop, ends: str) -> None:
    ENDS[ends](shop)
    shop.sync()
    shop.offer(FOUND)
    assert counts(shop.sync(only_failed=True))["created"] >= 1
    assert sorted(shop.codes()) == ["a", "b", "c", "d"]
    assert shop.trouble() is None


@pytest.mark.parametrize("options", [FOUND, KEYED])
def test_h24_what_can_be_created_twice_comes_again_by_itself(shop: Shop, options: str) -> None:
    shop.offer(options)
    shop.killed()
    assert shop.sync().status is RunStatus.SUCCEEDED
    assert sorted(shop.codes()) == ["a", "b", "c", "d"]


def test_the_run_that_finds_it_tells_it_once(shop: Shop) -> None:
    shop.killed()
    with marea.open(shop.file, {}) as project:
        planned = project.plan()["customers"].books.counts
    result = shop.sync()
    assert planned == result.entities["customers"].counts
    assert (result.status, counts(result)) == (RunStatus.PARTIAL, {"deferred": 4})
    assert shop.entries() == [(Operation.CREATE, Outcome.DEFERRED)]
    later = shop.sync(DAYS)
    assert (later.status, counts(later), later.left) == (RunStatus.SUCCEEDED, {}, 4)


def test_what_left_the_source_in_doubt_is_made_once_also_when_it_comes_back(shop: Shop) -> None:
    shop.killed()
    shop.erp("CREATE TABLE kept AS SELECT * FROM customers")
    shop.erp("DELETE FROM customers WHERE code = 'b'")
    assert counts(shop.sync()) == {"deferred": 4}
    with marea.open(shop.file, {}) as project:
        verdict = project.explain("customers", "b").verdict
    assert verdict.steps == (DELETE, "to end this: marea retry customers --key b")
    assert counts(shop.sync(keys=('"b"',), only_failed=True)) == {"unchanged": 1}
    assert shop.sync().left == 3
    shop.erp("INSERT INTO customers SELECT * FROM kept WHERE code = 'b'")
    assert shop.sync(full=True).entities["customers"].counts[Outcome.DEFERRED] == 4
    assert shop.codes().count("b") == 1


def test_another_record_with_its_key_waits_for_it(shop: Shop) -> None:
    """Keys at the target that are no keys of the source: none is given away while it may be taken there."""
    text = shop.file.read_text("utf-8")
    shop.file.write_text(text.replace("{code: code, name: name}", '{code: "substr(code, 1, 1)", name: name}'))
    shop.killed()
    shop.sync()
    shop.erp("INSERT INTO customers VALUES ('b2', 'other', '2021-01-01 00:00:00')")
    assert counts(shop.sync()) == {"rejected": 1}
    assert shop.codes().count("b") == 1


def test_sync_says_why_and_what_to_do(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.killed()
    assert run(["sync", "--config", str(shop.file)]) == 1
    told = capsys.readouterr().out
    assert "4 x customers: run 1 did not tell what became of this delivery" in told
    assert "explain customers a" in told


def test_sync_names_the_command_that_helps_what_earlier_runs_left(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.killed()
    shop.erp("DELETE FROM customers WHERE code = 'a'")
    shop.sync()
    shop.erp("INSERT INTO customers VALUES ('e', NULL, '2021-01-01 00:00:00')")
    shop.sync()
    capsys.readouterr()
    config = ["--config", str(shop.file)]
    assert run(["sync", *config, "--json"]) == 1
    out, err = capsys.readouterr()
    assert (json.loads(out)["left"], json.loads(out)["by_key"]) == (5, 4)
    marea_ = f"marea -c {shop.file}"
    said, *by_key = err.splitlines()
    assert said == f"1 record of earlier runs not in order: {marea_} status, {marea_} retry"
    looked = f"customers: 3 records of earlier runs are in doubt, and come by their keys alone: {LOOK} "
    gone = f"customers: 1 record of earlier runs is in doubt, and comes by its key alone: {DELETE} "
    assert by_key == [
        f"{looked}({marea_} retry customers --key b; why: {marea_} explain customers b)",
        f"{gone}({marea_} retry customers --key a; why: {marea_} explain customers a)",
    ]
    shop.offer(FOUND)
    assert run(["sync", *config, "--json"]) == 1
    out, err = capsys.readouterr()
    assert (json.loads(out)["left"], json.loads(out)["by_key"]) == (5, 1)
    assert err.startswith("4 records of earlier runs not in order: ")
    assert counts(shop.sync(only_failed=True)) == {"created": 3, "deferred": 1, "rejected": 1}
    assert run(["retry", "customers", "--key", "a", *config]) == 0


def test_explain_says_first_what_to_do(shop: Shop) -> None:
    shop.killed()
    for _ in range(2):  # before and after a run has taken note of it
        with marea.open(shop.file, {}) as project:
            verdict = project.explain("customers", "b").verdict
        assert "may or may not have reached crm" in verdict.text
        assert verdict.steps == (LOOK, "to send it: marea retry customers --key b")
        shop.sync()


def test_explain_needs_no_secret_of_the_application(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    shop.killed()
    shop.sync()
    shop.offer(ONCE + ', auth: {bearer: "${SHOP_TOKEN}"}')
    capsys.readouterr()
    assert run(["explain", "customers", "b", "--config", str(shop.file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0] == LOOK


def test_an_update_in_doubt_comes_again_by_itself(shop: Shop) -> None:
    shop.sync()
    shop.edit("newer")
    shop.killed()
    assert counts(shop.sync()) == {"updated": 1}
    assert {record["code"]: record["name"] for record in shop.made}["b"] == "newer"


def test_few_records_at_once_are_in_doubt(shop: Shop) -> None:
    shop.erp(
        "INSERT INTO customers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
        "SELECT 'n' || i, 'old', '2020-01-01 00:00:00' FROM n"
    )
    shop.killed()
    shop.sync()
    assert shop.sync().left <= 20
    assert shop.sync(full=True).entities["customers"].counts[Outcome.DEFERRED] <= 20
