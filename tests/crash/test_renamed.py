"""A run dies while it gives a record another key at its target, and the source gives it yet another one."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from crash.started import start
from crash.test_doubt import die
from marea.model import RunStatus
from worlds import World, copied, counts, synchronize, write_project

pytestmark = pytest.mark.crash

ENTITIES = """
  customers:
    source: {system: erp, table: customers, key: [kind, code], modified: modified}
    target: {system: crm, object: accounts, key: name, create: true}
    fields: {name: name, code: code}
"""


class Names(World):
    """Customers that are known to the CRM by their names."""

    def rename(self, **names: str) -> None:
        for code, name in names.items():
            self.change("customers", f"name = '{name}'", f"code = '{code}'")

    @property
    def known(self) -> dict[object, object]:
        return dict(self.crm("SELECT name, code FROM accounts"))


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Names:
    if request.param == "sqlite":
        made = Names(f"sqlite:///{tmp_path}/erp.db", f"sqlite:///{tmp_path}/crm.db", tmp_path, ENTITIES)
    else:
        source, target = (request.getfixturevalue(f"{name}postgresql_url") for name in ("", "other_"))
        made = Names(source, target, tmp_path, ENTITIES)
        made.file.write_text(made.file.read_text() + f'\nstate: "{target}"\n')
    for code in "ab":
        made.erp(
            f"INSERT INTO customers (kind, code, name, modified) VALUES (1, '{code}', '{code}', '2020-01-01')"
        )
    return made


def test_h24_the_row_under_the_key_in_doubt_moves_on(world: Names) -> None:
    world.sync()
    world.crm("ALTER TABLE accounts ADD COLUMN theirs integer")
    world.crm("UPDATE accounts SET theirs = 7 WHERE name = 'a'")
    for name in ("first", "second"):
        world.rename(a=name)
        die(world)
        assert world.known == {name: "a", "b": "b"}
    world.rename(a="third")
    assert world.sync().status is RunStatus.SUCCEEDED
    assert world.known == {"third": "a", "b": "b"}
    assert world.crm("SELECT theirs FROM accounts WHERE name = 'third'") == [(7,)]
    world.rename(b="first")
    world.rename(a="fourth")
    world.sync()
    assert world.known == {"fourth": "a", "first": "b"}


def test_h24_the_old_key_that_comes_back_leaves_nothing_under_the_other(world: Names) -> None:
    world.sync()
    world.rename(a="first")
    die(world)
    world.rename(a="a")
    world.sync()
    assert world.known == {"a": "a", "b": "b"}


def test_h24_a_create_in_doubt_gets_another_key(world: Names) -> None:
    die(world)
    assert world.known == {"a": "a", "b": "b"}
    world.rename(a="first")
    world.sync()
    assert world.known == {"first": "a", "b": "b"}


@pytest.mark.parametrize(("one", "other"), ["ab", "ba"])
def test_h24_another_record_that_wants_the_key_in_doubt_gets_it_and_is_not_harmed(
    world: Names, one: str, other: str
) -> None:
    world.sync()
    world.rename(**{one: "wanted"})
    die(world, rows=1)
    world.rename(**{one: "other"})
    world.rename(**{other: "wanted"})
    world.sync()
    assert world.known == {"other": one, "wanted": other}
    world.sync(full=True, resend=True)
    assert world.known == {"other": one, "wanted": other}


KEYED: dict[str, Any] = {}
PUT: dict[str, Any] = {"upsert": {"path": "/{object}/{key}", "id": "id"}}
BATCH: dict[str, Any] = {
    "batch": {"path": "/{object}/batch", "size": 5, "results": "", "key": "code", "id": "id"}
}
FOUND: dict[str, Any] = {
    "create": {"path": "/{object}"},
    "update": {"path": "/{object}/by-id/{id}"},
    "find": {"path": "/{object}?code={key}"},
}


class Crm:
    """Keeps accounts by their code, and gives each an id; kills who brings a code, when it has it."""

    def __init__(self, folder: Path, application: Application, options: dict[str, Any]) -> None:
        self._erp = f"sqlite:///{folder / 'erp.db'}"
        self._application = application
        self.records: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        entities = copied("accounts", "code", "name", key="id", at_target="code", create=False)
        self.file = write_project(folder, entities, target=application.address, **options)
        self.erp("CREATE TABLE accounts (id INTEGER PRIMARY KEY, code TEXT, name TEXT, modified TIMESTAMP)")
        self.erp("INSERT INTO accounts VALUES (1, 'a', 'A', '2020-01-01'), (2, 'b', 'B', '2020-01-01')")
        application.script = self._answer

    def erp(self, text: str) -> None:
        run_sql(self._erp, text)

    def rename(self, code: str) -> None:
        self.erp(f"UPDATE accounts SET code = '{code}', modified = CURRENT_TIMESTAMP WHERE id = 1")

    def killed_over(self, code: str) -> None:
        process = start(self.file, out=subprocess.DEVNULL)

        def kill(call: Call) -> Reply:
            reply = self._answer(call)
            if f'"code":"{code}"'.encode() in call.body:
                process.kill()
                process.wait()
            return reply

        self._application.script = kill
        assert process.wait(60) == -signal.SIGKILL
        self._application.script = self._answer

    def unheard_over(self, code: str) -> None:
        """Every answer to a call that brings a code is lost."""

        def lose(call: Call) -> Reply:
            reply = self._answer(call)
            return Reply(lost=True) if f'"code":"{code}"'.encode() in call.body else reply

        self._application.script = lose
        assert counts(synchronize(self.file), "accounts")["deferred"]
        self._application.script = self._answer

    def _answer(self, call: Call) -> Reply:
        place = call.path.rpartition("/")[2]
        if call.method == "GET":
            code = call.query["code"]
            return Reply(200, [self._shown(code)] if code in self.records else [])
        if call.method == "DELETE":
            return Reply() if self.records.pop(place, None) else Reply(404)
        made = call.value if isinstance(call.value, list) else [call.value]
        if "by-id" in call.path:
            (known,) = (code for code, number in self._ids.items() if number == place)
            self._ids[made[0]["code"]] = self._ids.pop(known)
            del self.records[known]
        self.records |= {record["code"]: record["name"] for record in made}
        answers = [self._shown(record["code"]) for record in made]
        return Reply(value=answers if isinstance(call.value, list) else answers[0])

    def _shown(self, code: str) -> dict[str, str]:
        return {"code": code, "id": self._ids.setdefault(code, f"id-{code}")}


@pytest.fixture(params=[KEYED, PUT, BATCH, FOUND], ids=["keyed", "put", "batch", "found"])
def crm(request: pytest.FixtureRequest, tmp_path: Path, application: Application) -> Crm:
    return Crm(tmp_path, application, request.param)


@pytest.mark.integration
@pytest.mark.parametrize("ends", [Crm.killed_over, Crm.unheard_over])
def test_h24_an_application_keeps_no_record_under_a_key_in_doubt(
    crm: Crm, ends: Callable[[Crm, str], None]
) -> None:
    synchronize(crm.file)
    for code in ("first", "second"):
        crm.rename(code)
        ends(crm, code)
        assert crm.records[code] == "A"
    crm.rename("third")
    synchronize(crm.file)
    assert crm.records == {"b": "B", "third": "A"}, json.dumps(crm.records)


@pytest.mark.integration
def test_h24_an_application_keeps_no_record_created_under_a_key_in_doubt(crm: Crm) -> None:
    crm.killed_over("a")
    assert "a" in crm.records
    crm.rename("first")
    synchronize(crm.file)
    assert crm.records == {"b": "B", "first": "A"}
