"""Any sequence of commits leaves in both databases what a dictionary would hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marea.model import Outcome, RecordState
from marea.store.state import State
from store.desk import DONE, NOW, Desk, row

pytestmark = pytest.mark.property

KEYS = ['"a"', '"B"', '"é"', '["x",1]', "42", '" "']
TEXTS = st.sampled_from(["", "x", "a,b", '"', "\n", "\\N", "è"])


@dataclass
class Model:
    """What the state must know, in the simplest form there is."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    troubles: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: list[tuple[Any, ...]] = field(default_factory=list)

    def write(self, item: dict[str, Any], at: int) -> None:
        key, outcome = item["key"], item["outcome"]
        old = self.records.get(key)
        self._log(item, old)
        record = dict(old or dict.fromkeys(("target_id", "fingerprint", "form", "stamp", "payload")))
        if outcome == Outcome.DELETED:
            kept = {"target_id": record["target_id"], "stamp": item.get("stamp")}
            record = dict.fromkeys(record) | kept | {"state": RecordState.GONE}
        elif outcome in DONE:
            if item.get("target_id") is not None:
                record["target_id"] = item["target_id"]
            if item.get("payload") is not None:
                record |= {name: item[name] for name in ("payload", "fingerprint", "form")}
            record["stamp"] = item.get("stamp")
            record["state"] = RecordState.GONE if record["fingerprint"] is None else RecordState.ALIGNED
        else:
            record["state"] = RecordState.DUE
            if item.get("fingerprint") is not None:  # agreed all the same
                record |= {name: item[name] for name in ("payload", "fingerprint", "form")}
                given = item.get("target_id")
                record["target_id"] = record["target_id"] if given is None else given
            since = self.troubles.get(key, {"since": at})["since"]
            self.troubles[key] = {
                name: item.get(name) for name in ("outcome", "attempt", "error", "next_attempt")
            }
            self.troubles[key]["since"] = since
        if outcome in DONE:
            self.troubles.pop(key, None)
        self.records[key] = record

    def _log(self, item: dict[str, Any], old: dict[str, Any] | None) -> None:
        outcome = item["outcome"]
        if outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED) or item.get("log"):
            body = old and old["payload"] if item["operation"] == "delete" else item.get("payload")
            values = json.loads(body) if body and item["operation"] in ("create", "delete") else {}
            sides = {
                name: (None, v) if item["operation"] == "create" else (v, None) for name, v in values.items()
            }
            self.entries.append((json.loads(item["key"]), outcome, item.get("error"), sides))


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = []
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=4)):
        outcome = draw(st.sampled_from(list(Outcome)))
        more: dict[str, Any] = {"target_id": draw(st.none() | TEXTS), "stamp": draw(st.none() | TEXTS)}
        if outcome in (Outcome.CREATED, Outcome.UPDATED) or draw(st.booleans()):
            more |= {
                "payload": json.dumps({"v": draw(TEXTS)}),
                "fingerprint": draw(st.integers(0, 2**63 - 1)),
                "form": draw(st.integers(1, 3)),
            }
        if outcome not in DONE:
            more |= {"error": draw(TEXTS), "attempt": draw(st.integers(1, 9)), "log": draw(st.booleans())}
            more["next_attempt"] = draw(st.none() | st.integers(NOW, NOW + 10**9))
        made.append(row(key, outcome, **more))
    return made


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=st.lists(rows(), max_size=6))
def test_a_sequence_of_commits_equals_the_model(state: State, commits: list[list[dict[str, Any]]]) -> None:
    desk = Desk(state, f"entity {len(state.entities())}")
    model = Model()
    for commit in commits:
        made = desk.commit(*commit)
        for item in commit:
            model.write(item, made.at)
    _check(desk, model)


def _check(desk: Desk, model: Model) -> None:
    for key in KEYS:
        found = desk.record(key)
        expected = model.records.get(key)
        assert (found is None) == (expected is None)
        if expected is not None:
            assert {name: getattr(found, name) for name in expected} == expected
            assert _plain(found.trouble) == model.troubles.get(key)
    entries = desk.entries(run=desk.run)
    assert [(e.key, e.outcome, e.error, e.changes) for e in entries] == model.entries
    counts = desk.state.runs.books(desk.run, desk.entity)
    assert counts.balanced
    for now in (NOW, NOW + 5 * 10**8, NOW + 10**9):
        due = {key for key, item in model.troubles.items() if (item["next_attempt"] or 10**18) <= now}
        assert desk.due(now).keys() == due


def _plain(trouble: Any) -> dict[str, Any] | None:
    if trouble is None:
        return None
    times = {
        "since": _micros(trouble.since),
        "next_attempt": trouble.next_attempt and _micros(trouble.next_attempt),
    }
    return {"outcome": trouble.outcome, "attempt": trouble.attempts, "error": trouble.error, **times}


def _micros(moment: Any) -> int:
    return int(moment.timestamp()) * 10**6 + moment.microsecond
