"""Any history of edits, runs and stops ends with the target holding what the mapping makes of the source.

A model keeps, beside the real databases, which records were changed behind the back of their
last-edit dates: of those an incremental run promises nothing, of all others everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from by_hand import run_sql
from marea.capture.batch import Batch, BatchReader
from marea.config.load import load
from marea.connectors.relational import RelationalTarget
from marea.engine.entity.clock import system_clock
from marea.engine.run.ended import Run
from marea.engine.run.stages import Planning
from marea.flow import Plan
from marea.model import DELIVERED, KEYLESS, TROUBLED, Outcome, RecordState, RunStatus
from marea.ports import KEY
from marea.store.state import State, open_state
from worlds import journal, synchronize, write_project

SCHEMA = """
CREATE TABLE parents (code TEXT PRIMARY KEY, rate INTEGER, modified DATETIME);
CREATE TABLE things (id INTEGER PRIMARY KEY, tag TEXT, name TEXT, amount TEXT, parent TEXT, boss INTEGER,
  active INTEGER, modified DATETIME);
CREATE TABLE extras (thing INTEGER PRIMARY KEY, color TEXT, modified DATETIME);
CREATE TABLE details (thing INTEGER, line INTEGER, text TEXT, modified DATETIME, PRIMARY KEY (thing, line));
"""

TARGET = """
CREATE TABLE parents (code TEXT PRIMARY KEY, rate INTEGER);
CREATE TABLE things (tag TEXT PRIMARY KEY, id INTEGER, name TEXT CHECK (name NOT IN ('BAD', 'bad')),
  amount INTEGER, parent TEXT, boss TEXT, color TEXT, details TEXT);
"""

ENTITIES = """
  things:
    source:
      system: erp
      table: things
      key: id
      where: active = 1
      modified: modified
      related:
        extra: {table: extras, on: {thing: id}, modified: modified}
        details: {table: details, on: {thing: id}, modified: modified, many: true, order: line}
    target: {system: crm, object: things, key: tag}
    fields:
      id: id
      tag: tag
      name: NAME
      amount: cast(amount as integer)
      parent: {reference: parents, value: parent}
      boss: {reference: things, value: boss}
      color: extra.color
      details: {list: details, fields: {line: line, text: text}}
    require: [name]
    checks: [{that: "amount >= 0", say: The amount is negative}]
  parents:
    source: {system: erp, table: parents, key: code, modified: modified}
    target: {system: crm, object: parents, key: code}
    fields: {code: code, rate: rate}
    checks: [{that: "rate >= 0", say: The rate is negative}]
"""

MAPPINGS: dict[str, Callable[[str], str]] = {
    "trim(name)": str.strip,
    "upper(trim(name))": lambda name: name.strip().upper(),
}
NAMES = ("a", "b", " a ", "bad", "", None)
AMOUNTS = ("1", "2", "-1", "x", None)
PARENTS = ("p", "q", "r")
IDS = (1, 2, 3, 4, 5)
TAGS = st.sampled_from("xyz")
BOSSES = st.none() | st.sampled_from(IDS)
STAMPED = st.sampled_from([True, True, True, False])
PAGES = st.integers(1, 3)
DAY = 24 * 3600 * 1_000_000


class Stopped(Exception):
    """The process ends here."""


@dataclass(frozen=True)
class Stop:
    """A place where a process ends, before what is done there or just after it, the n-th time it comes by."""

    place: str
    after: bool
    time: int

    def at(self, real: Callable[..., Any]) -> Callable[..., Any]:
        times = count(1)

        @wraps(real)
        def stopping(*parts: Any, **words: Any) -> Any:
            ends = next(times) == self.time
            if ends and not self.after:
                raise Stopped
            done = real(*parts, **words)
            if ends:
                raise Stopped
            return done

        return stopping


PLACES = {
    "read": (BatchReader, "_batch"),
    "deliver": (RelationalTarget, "deliver"),
    "commit": (State, "commit"),
}
STOPS = st.none() | st.builds(Stop, st.sampled_from(sorted(PLACES)), st.booleans(), st.integers(1, 4))

UNTOLD = st.builds(Stop, st.just("commit"), st.just(False), st.integers(1, 2))
"""Something was delivered, and no state knows it."""


@contextmanager
def stopped(stop: Stop | None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if stop is not None:
            owner, name = PLACES[stop.place]
            patch.setattr(owner, name, stop.at(getattr(owner, name)))
        yield


@contextmanager
def met() -> Iterator[dict[str, set[str]]]:
    """Entity -> the keys of records that are planned meanwhile, those that are not there included."""
    keys: dict[str, set[str]] = {}
    real = Planning._plan

    def noting(self: Planning, batch: Batch) -> Plan:
        found = {*batch.root.column(KEY).to_pylist(), *batch.absent}
        keys.setdefault(self._alignment.entity.name, set()).update(found)
        return real(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Planning, "_plan", noting)
        yield keys


class History(RuleBasedStateMachine):
    """An ERP with parents and things that refer to them and to each other; a CRM that follows."""

    @initialize(mapping=st.sampled_from(sorted(MAPPINGS)))
    def begin(self, mapping: str) -> None:
        self.folder = TemporaryDirectory()
        self.source, self.target = (f"sqlite:///{self.folder.name}/{name}.db" for name in ("erp", "crm"))
        self.file = Path(self.folder.name) / "marea.yaml"
        run_sql(self.source, SCHEMA)
        run_sql(self.target, TARGET)
        self.now = 0
        self.skew = 0
        self.silent: set[tuple[str, Any]] = set()
        self.write(mapping)

    def teardown(self) -> None:
        self.folder.cleanup()

    def write(self, mapping: str) -> None:
        self.mapping = mapping
        write_project(self.file.parent, ENTITIES.replace("NAME", mapping), self.source, self.target)

    def clock(self) -> int:
        return system_clock() + self.skew

    # -- edits -------------------------------------------------------------------------------

    def stamp(self) -> str:
        return f"2020-01-01 {self.now // 3600:02}:{self.now // 60 % 60:02}:{self.now % 60:02}"

    def put(self, table: str, row: dict[str, Any], key: int, stamped: bool) -> None:
        """Write a row as the ERP does, or behind the back of its date; one that is new has then none."""
        names = list(row)
        place = " AND ".join(f"{name} = ?" for name in names[:key])
        old = run_sql(self.source, f"SELECT modified FROM {table} WHERE {place}", tuple(row.values())[:key])
        modified = self.stamp() if stamped else old[0][0] if old else None
        marks = ", ".join("?" * (len(names) + 1))
        run_sql(
            self.source,
            f"INSERT OR REPLACE INTO {table} ({', '.join(names)}, modified) VALUES ({marks})",
            (*row.values(), modified),
        )

    def changed(self, record: tuple[str, Any], stamped: bool) -> None:
        """A stamped change brings the record as it is now, with whatever was done to it unseen."""
        (self.silent.discard if stamped else self.silent.add)(record)

    @rule(
        number=st.sampled_from(IDS), tag=TAGS, name=st.sampled_from(NAMES), amount=st.sampled_from(AMOUNTS),
        parent=st.none() | st.sampled_from(PARENTS), boss=BOSSES,
        active=st.sampled_from([1, 1, 1, 0]), stamped=STAMPED,
    )  # fmt: skip
    def thing(
        self, number: int, tag: str, name: str | None, amount: str | None, parent: str | None,
        boss: int | None, active: int, stamped: bool,
    ) -> None:  # fmt: skip
        row = {"id": number, "tag": f"{tag}{number}", "name": name, "amount": amount}
        row |= {"parent": parent, "boss": boss, "active": active}
        self.put("things", row, 1, stamped)
        self.changed(("things", number), stamped)

    @rule(number=st.sampled_from(IDS), tag=TAGS, name=st.sampled_from(NAMES[:3]), boss=BOSSES)
    def good_thing(self, number: int, tag: str, name: str, boss: int | None) -> None:
        self.thing(number, tag, name, "1", None, boss, 1, True)

    @rule(numbers=st.lists(st.sampled_from(IDS), min_size=2, unique=True), tag=TAGS)
    def followed(self, numbers: list[int], tag: str) -> None:
        """Good things, each the boss of the next: another tag of one is another reference to it."""
        for boss, number in zip([None, *numbers], numbers, strict=False):
            self.good_thing(number, tag, "a", boss)

    @rule(numbers=st.lists(st.sampled_from(IDS), min_size=2, unique=True), page=PAGES, stop=STOPS)
    def boss_renamed(self, numbers: list[int], page: int, stop: Stop | None) -> None:
        """Who refers to a boss of another tag is looked at once more in the run that has brought it."""
        self.followed(numbers, "x")
        self.run(page=page)
        self.good_thing(numbers[0], "y", "a", None)
        self.incremental(page, stop)

    @rule(number=st.sampled_from(IDS), tags=st.permutations("xyz"), page=PAGES, stop=UNTOLD)
    def renamed_twice(self, number: int, tags: list[str], page: int, stop: Stop) -> None:
        """The run that brings one tag ends before that is known, and another tag is due then."""
        self.good_thing(number, tags[0], "a", None)
        self.run(page=page)
        self.good_thing(number, tags[1], "a", None)
        self.incremental(page, stop)
        self.good_thing(number, tags[2], "a", None)
        self.incremental(page, None)

    @rule(code=st.sampled_from(PARENTS), rate=st.sampled_from([1, 2, 2, -1]), stamped=STAMPED)
    def parent(self, code: str, rate: int, stamped: bool) -> None:
        self.put("parents", {"code": code, "rate": rate}, 1, stamped)
        self.changed(("parents", code), stamped)

    @rule(number=st.sampled_from(IDS), color=st.sampled_from(["red", "blue", None]), stamped=STAMPED)
    def extra(self, number: int, color: str | None, stamped: bool) -> None:
        self.put("extras", {"thing": number, "color": color}, 1, stamped)
        self.changed(("things", number), stamped)

    @rule(number=st.sampled_from(IDS), line=st.integers(1, 2), text=st.sampled_from("xy"), stamped=STAMPED)
    def detail(self, number: int, line: int, text: str, stamped: bool) -> None:
        self.put("details", {"thing": number, "line": line, "text": text}, 2, stamped)
        self.changed(("things", number), stamped)

    @rule(number=st.sampled_from(IDS), table=st.sampled_from(["extras", "details"]))
    def related_gone(self, number: int, table: str) -> None:
        run_sql(self.source, f"DELETE FROM {table} WHERE thing = {number}")
        self.changed(("things", number), False)

    @rule(number=st.sampled_from(IDS))
    def thing_gone(self, number: int) -> None:
        run_sql(self.source, f"DELETE FROM things WHERE id = {number}")
        self.changed(("things", number), False)

    @rule()
    def time_passes(self) -> None:
        """Without it the next edits have the same stamp: a tie."""
        self.now += 1

    @rule()
    def days_pass(self) -> None:
        self.skew += 3 * DAY

    @rule(mapping=st.sampled_from(sorted(MAPPINGS)))
    def another_mapping(self, mapping: str) -> None:
        self.write(mapping)

    # -- runs --------------------------------------------------------------------------------

    def run(self, *names: str, stop: Stop | None = None, **words: Any) -> Run | None:
        """One run in a process of its own; None when it was stopped. Later edits have later stamps."""
        self.now += 1
        with stopped(stop), met() as records:
            try:
                result = synchronize(self.file, *names, clock=self.clock, **words)
            except Stopped:
                return None
        assert result.status in (RunStatus.SUCCEEDED, RunStatus.PARTIAL), result.messages
        outcomes = [books.counts for books in result.entities.values()]
        assert all(books.balanced for books in result.entities.values())
        self.check_books(result, records)
        assert all(number >= 0 for one in outcomes for number in one.values())
        assert (result.status is RunStatus.PARTIAL) == any(
            one[outcome] for one in outcomes for outcome in TROUBLED
        )
        return result

    def check_books(self, result: Run, records: dict[str, set[str]]) -> None:
        """Each record that a run has met is in its books, once, as it ended (I5)."""
        with self.state() as state:
            for name, books in result.entities.items():
                entity = state.entity(name, "crm").id
                ends = dict.fromkeys(records.get(name, ()), Outcome.UNCHANGED)
                written = journal(self.file, entity=name, run=result.id)
                ends |= {json.dumps(one.key): one.outcome for one in written if one.outcome in DELIVERED}
                for key in ends:
                    known = state.ledger.record(entity, key)
                    if known and known.trouble and known.trouble.run == result.id:
                        ends[key] = known.trouble.outcome
                assert books.counts == {one: list(ends.values()).count(one) for one in Outcome}, name
                reasons = {reason: number for reason, number in books.skipped.items() if reason != KEYLESS}
                assert sum(reasons.values()) == books.counts[Outcome.UNCHANGED]

    @rule(page=PAGES, stop=STOPS)
    def incremental(self, page: int, stop: Stop | None) -> None:
        if self.run(page=page, stop=stop) is not None:
            self.check()

    @rule(page=PAGES, stop=STOPS)
    def full(self, page: int, stop: Stop | None) -> None:
        if self.run(page=page, stop=stop, full=True) is not None:
            self.silent.clear()
            self.check()
            self.check_troubles()

    @rule(page=PAGES, stop=STOPS, numbers=st.lists(st.sampled_from(IDS), min_size=1, unique=True))
    def asked(self, page: int, stop: Stop | None, numbers: list[int]) -> None:
        result = self.run("things", page=page, stop=stop, keys=tuple(map(str, numbers)))
        if result is not None:
            assert result.entities["things"].detected == len(numbers)

    @rule(page=PAGES, stop=STOPS)
    def retried(self, page: int, stop: Stop | None) -> None:
        self.run(page=page, stop=stop, only_failed=True)

    # -- what must hold ------------------------------------------------------------------------

    def expected(self, tags: dict[Any, Any]) -> dict[tuple[str, Any], tuple[Any, ...]]:
        """What the target must hold of every record that can be delivered, by the model's own mapping.

        `tags` are those that things have there: a boss who is refused is referred to by the one he had.
        """
        erp = lambda text: run_sql(self.source, text)  # noqa: E731
        found: dict[tuple[str, Any], tuple[Any, ...]] = {
            ("parents", code): (rate,) for code, rate in erp("SELECT code, rate FROM parents") if rate >= 0
        }
        colors = dict(erp("SELECT thing, color FROM extras"))
        details: dict[Any, list[dict[str, Any]]] = {}
        for number, line, text in erp("SELECT thing, line, text FROM details ORDER BY line"):
            details.setdefault(number, []).append({"line": line, "text": text})
        for number, tag, name, amount, parent, boss in erp(
            "SELECT id, tag, name, amount, parent, boss FROM things WHERE active = 1"
        ):
            mapped = MAPPINGS[self.mapping](name) if name is not None else ""
            if mapped and mapped.lower() != "bad" and amount not in ("-1", "x"):
                values = (tag, mapped, amount and int(amount), parent, tags.get(boss, boss))
                found["things", number] = (*values, colors.get(number), details.get(number, []))
        return found

    def delivered(self) -> dict[tuple[str, Any], tuple[Any, ...]]:
        crm = lambda text: run_sql(self.target, text)  # noqa: E731
        things = crm("SELECT id, tag, name, amount, parent, boss, color, details FROM things")
        assert len({thing[0] for thing in things}) == len(things), "a thing stands under two keys"
        return {
            **{("parents", code): (rate,) for code, rate in crm("SELECT code, rate FROM parents")},
            **{("things", row[0]): (*row[1:7], json.loads(str(row[7]))) for row in things},
        }

    def check(self) -> None:
        """After a run that went through the target holds every record whose dates told of its changes."""
        target = self.delivered()
        tags = {number: values[0] for (entity, number), values in target.items() if entity == "things"}
        for record, values in self.expected(tags).items():
            parents, bosses = ((values[3],), (values[4],)) if record[0] == "things" else ((), ())
            there = {("parents", code) in target for code in parents if code is not None}
            there |= {tag in tags.values() for tag in bosses if tag is not None}
            if all(there) and record not in self.silent:
                assert target.get(record) == values, record
        self.check_ledger(target)
        entries = len(journal(self.file))
        again = self.run()
        assert again is not None
        assert {name: books.detected for name, books in again.entities.items()} == {"things": 0, "parents": 0}
        assert (len(journal(self.file)), self.delivered()) == (entries, target)

    def check_ledger(self, target: dict[tuple[str, Any], tuple[Any, ...]]) -> None:
        """What the ledger calls delivered is in the target, and word for word where it calls it aligned."""
        with self.state() as state:
            for entity in ("things", "parents"):
                number = state.entity(entity, "crm").id
                held = {record[1] for record in target if record[0] == entity}
                for key in IDS if entity == "things" else PARENTS:
                    known = state.ledger.record(number, json.dumps(key))
                    assert known is None or known.fingerprint is None or key in held
                    if known is not None and known.state is RecordState.ALIGNED:
                        payload = json.loads(known.payload or "")
                        assert tuple(payload.values())[1:] == target[entity, key]

    def check_troubles(self) -> None:
        """A run that read everything leaves in trouble only what is in the source, or in doubt."""
        present = {str(row[0]) for row in run_sql(self.source, "SELECT id FROM things WHERE active = 1")}
        with self.state() as state:
            number = state.entity("things", "crm").id
            for key in state.ledger.troubled(number).column("key").to_pylist():
                trouble = state.ledger.record(number, key)
                assert trouble is not None
                assert trouble.trouble is not None
                assert key in present or trouble.trouble.outcome is Outcome.DEFERRED

    @contextmanager
    def state(self) -> Iterator[State]:
        state = open_state(load(self.file).state)
        try:
            yield state
        finally:
            state.close()


def play(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=(Phase.reuse, Phase.generate, Phase.shrink),  # to explain takes longer than to read
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(900)  # twenty seconds of work, on a loaded machine many times that
@pytest.mark.property
def test_any_history_ends_with_the_target_as_the_source() -> None:
    play(examples=25, steps=20)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.property
def test_a_great_many_histories() -> None:
    play(examples=2000, steps=50)
