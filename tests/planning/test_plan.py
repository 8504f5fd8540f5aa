from __future__ import annotations

import json
from zlib import crc32

import pyarrow as pa
import pytest

from marea.flow import CAUSE, FINGERPRINT, FOLLOW, MISSING, NEW_FORM, OUTCOME, PROBLEMS
from marea.model import Cause
from marea.planning.plan import SAME, SAME_REMAPPED, SAME_TOUCHED, Planner
from marea.ports import CHANGES, KEY, OPERATION, PAYLOAD, STAMP

pytestmark = pytest.mark.unit

FORM = 7


def record(key: str, name: str | None, stamp: str = "s1", **extra: object) -> dict[str, object]:
    payload = json.dumps({"name": name}, separators=(",", ":"))
    row = {KEY: key, STAMP: stamp, "name": name, PAYLOAD: payload, FINGERPRINT: crc32(payload.encode())}
    return {**row, MISSING: extra.get("missing"), PROBLEMS: extra.get("problems")}


def known(name: str | None, stamp: str = "s1", state: str = "aligned", form: int = FORM) -> dict[str, object]:
    payload = json.dumps({"name": name}, separators=(",", ":")) if name is not None else None
    fingerprint = crc32(payload.encode()) if payload else None
    attempts = 0 if state == "aligned" else 2
    row = {"state": state, "target_id": "t1", "fingerprint": fingerprint, "form": form, "stamp": stamp}
    told = {"attempts": attempts, "doubt": None, "unsent": 0}
    return {**row, "payload": 1 if payload else None, **told, "text": payload}


UNKNOWN: dict[str, object] = dict.fromkeys(known("x"))

RECORDS = pa.schema(
    [
        (KEY, pa.string()),
        (STAMP, pa.string()),
        ("name", pa.string()),
        (PAYLOAD, pa.string()),
        (FINGERPRINT, pa.int64()),
        (MISSING, pa.struct([("entity", pa.string()), ("key", pa.string())])),
        (
            PROBLEMS,
            pa.list_(pa.struct([("code", pa.string()), ("text", pa.string()), ("field", pa.string())])),
        ),
    ]
)
LEDGER = pa.schema(
    [
        ("state", pa.string()),
        ("target_id", pa.string()),
        ("fingerprint", pa.int64()),
        ("form", pa.int64()),
        ("stamp", pa.string()),
        ("payload", pa.int64()),
        ("attempts", pa.int32()),
        ("doubt", pa.string()),
        ("unsent", pa.int32()),
    ]
)


def plan(pairs: list[tuple[dict, dict]], cause: Cause = Cause.LAST_EDIT, *, resend: bool = False):
    records = pa.Table.from_pylist([row for row, _ in pairs], RECORDS)
    ledger = pa.Table.from_pylist([{n: row[n] for n in LEDGER.names} for _, row in pairs], LEDGER)
    texts = [row["text"] for _, row in pairs if row["text"] is not None and row is not UNKNOWN]

    def payloads(ids: pa.Array) -> pa.Array:
        differing = [
            row["text"]
            for new, row in pairs
            if row["text"] and (row["text"] != new[PAYLOAD] or row["form"] != FORM)
        ]
        assert len(ids) == len(differing) <= len(texts)
        return pa.array(differing, pa.string())

    return Planner(["name"], ["name"], FORM, payloads, dated=True).plan(
        records, ledger, cause, detected=len(pairs), resend=resend
    )


def column(result, name: str) -> list[object]:
    return result.records.column(name).to_pylist()


def test_unknown_changed_and_equal_records() -> None:
    result = plan(
        [(record("1", "a"), UNKNOWN), (record("2", "b", "s2"), known("a")), (record("3", "c"), known("c"))]
    )
    assert column(result, OPERATION) == ["create", "update", "none"]
    assert column(result, OUTCOME) == ["created", "updated", "unchanged"]
    assert column(result, CHANGES) == [None, '{"name":["a","b"]}', None]
    assert column(result, FOLLOW) == [False, False, False]
    assert result.skipped == {SAME: 1}


def test_equal_content_with_a_newer_date_follows_without_a_delivery() -> None:
    result = plan([(record("1", "a", "s2"), known("a", "s1"))])
    assert column(result, OUTCOME) == ["unchanged"]
    assert column(result, FOLLOW) == [True]
    assert result.skipped == {SAME_TOUCHED: 1}


def test_equal_content_of_another_mapping_says_so_unless_its_date_is_newer_too() -> None:
    other = known("a", form=FORM + 1)
    result = plan([(record("1", "a"), other), (record("1", "a", "s2"), other)])
    assert column(result, OUTCOME) == ["unchanged", "unchanged"]
    assert column(result, FOLLOW) == [True, True]
    assert result.skipped == {SAME_REMAPPED: 1, SAME_TOUCHED: 1}


def test_content_that_changed_while_its_date_did_not_is_direct_sql() -> None:
    result = plan([(record("1", "b"), known("a")), (record("2", "b", "s2"), known("a"))], Cause.FULL)
    assert column(result, CAUSE) == ["direct SQL", "last-edit date"]


def test_a_request_keeps_its_cause_and_resends_what_is_equal() -> None:
    result = plan([(record("1", "a"), known("a"))], Cause.REQUEST, resend=True)
    assert column(result, OPERATION) == ["update"]
    assert column(result, CAUSE) == ["request"]


def test_another_form_is_compared_by_value() -> None:
    result = plan([(record("1", "a"), known("a", form=1)), (record("2", "b"), known("a", form=1))])
    assert column(result, OUTCOME) == ["unchanged", "updated"]
    assert column(result, FOLLOW) == [True, False]
    assert column(result, NEW_FORM) == [True, True]


def test_broken_rules_come_before_missing_parents_and_name_all_reasons() -> None:
    problems = [
        {"code": "required", "text": "name", "field": "name"},
        {"code": "check", "text": "x", "field": ""},
    ]
    missing = {"entity": "tax", "key": '"22"'}
    result = plan(
        [
            (record("1", "a", problems=problems, missing=missing), UNKNOWN),
            (record("2", "a", missing=missing), UNKNOWN),
        ]
    )
    assert column(result, OUTCOME) == ["rejected", "waiting"]
    assert result.problems[0].text == "name; x"


def test_a_record_without_a_key_at_the_target_is_rejected_unless_a_rule_says_more() -> None:
    problems = [{"code": "required", "text": "name is required and empty", "field": "name"}]
    result = plan(
        [
            (record("1", "a"), UNKNOWN),
            (record("2", None, missing={"entity": "tax", "key": '"22"'}), UNKNOWN),
            (record("3", None, problems=problems), UNKNOWN),
            (record("4", ""), UNKNOWN),
        ]
    )
    assert column(result, OUTCOME) == ["created", "rejected", "rejected", "created"]
    assert {row: problem.code for row, problem in result.problems.items()} == {1: "key", 2: "required"}
    assert (result.problems[1].text, result.problems[1].field) == ("the key field name is empty", "name")


def test_a_record_that_cannot_be_computed_tells_no_changes() -> None:
    problems = [{"code": "expression", "text": "not a number", "field": "name"}]
    result = plan([(record("1", "b", problems=problems), known("a")), (record("2", "b"), known("a"))])
    assert column(result, OUTCOME) == ["rejected", "updated"]
    assert column(result, CHANGES) == [None, '{"name":["a","b"]}']


def test_a_record_in_trouble_is_sent_again_even_when_it_is_equal() -> None:
    """Its last delivery may have reached the target though its answer was lost."""
    result = plan([(record("1", "a"), known("a", state="due"))])
    assert column(result, OUTCOME) == ["updated"]


def test_a_record_rejected_at_its_creation_is_still_to_be_created() -> None:
    result = plan([(record("1", "a"), known(None, state="due"))])
    assert column(result, OPERATION) == ["create"]
    assert column(result, "$attempt") == [3]
