from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from marea.delivery.chosen import to_deliver
from marea.delivery.deliver import Delivered
from marea.delivery.retry import next_attempt
from marea.delivery.settle import settle
from marea.errors import SystemUnreachable
from marea.flow import (
    ATTEMPT,
    CAUSE,
    FINGERPRINT,
    FOLLOW,
    MISSING,
    NEW_FORM,
    OUTCOME,
    SKIP,
    STATE,
    Plan,
)
from marea.model import INTERRUPTED, NOTHING_APPLIED, UNKNOWN, UNREACHABLE, Cause, Outcome, Problem
from marea.ports import CHANGES, KEY, OPERATION, PAYLOAD, STAMP, TARGET_ID, Receipt

pytestmark = pytest.mark.unit

NOW = 1_000_000_000
OPERATIONS = {
    "created": "create",
    "updated": "update",
    "unchanged": "none",
    "waiting": "create",
    "rejected": "create",
}


def plan(
    *outcomes: str, follow: bool = False, new_form: bool = False, state: str | None = None, **more: object
) -> Plan:
    rows = len(outcomes)
    missing = [{"entity": "tax", "key": '"4"'} if outcome == "waiting" else None for outcome in outcomes]
    records = pa.table(
        {
            KEY: [f'"{row}"' for row in range(rows)],
            STAMP: ["s"] * rows,
            TARGET_ID: pa.array(["old"] * rows, pa.string()),
            OPERATION: [OPERATIONS[outcome] for outcome in outcomes],
            OUTCOME: list(outcomes),
            CAUSE: ["last-edit date"] * rows,
            CHANGES: pa.nulls(rows, pa.string()),
            STATE: pa.array([state] * rows, pa.string()),
            ATTEMPT: pa.array([2] * rows, pa.int32()),
            NEW_FORM: [new_form] * rows,
            SKIP: ["same content" if outcome == "unchanged" else None for outcome in outcomes],
            FOLLOW: [follow] * rows,
            PAYLOAD: ["{}"] * rows,
            FINGERPRINT: pa.array([8] * rows, pa.int64()),
            MISSING: pa.array(missing, pa.struct([("entity", pa.string()), ("key", pa.string())])),
        }
    )
    return Plan(records, Cause.LAST_EDIT, rows, form=5, **more)  # type: ignore[arg-type]


def settled(made: Plan, receipt: Receipt | None = None):
    delivery = Delivered("crm", receipt) if receipt else None
    return settle(made, delivery, {"tax": 9}, NOW)


def test_what_was_applied_carries_its_payload_and_new_id() -> None:
    made = plan("created", "unchanged", "updated")
    assert to_deliver(made).column(KEY).to_pylist() == ['"0"', '"2"']
    result = settled(made, Receipt(target_ids=pa.array(["new", None]), durations=pa.array([3, 4])))
    assert result.rows.column("target_id").to_pylist() == ["new", "old"]
    assert result.rows.column("duration_ms").to_pylist() == [3, 4]
    assert result.rows.column("payload").to_pylist() == ["{}", "{}"]
    assert result.counts == {Outcome.CREATED: 1, Outcome.UNCHANGED: 1, Outcome.UPDATED: 1}


def test_an_unchanged_record_is_written_only_to_follow() -> None:
    assert settled(plan("unchanged", follow=True)).rows.column("key").to_pylist() == ['"0"']
    assert settled(plan("unchanged")).rows.num_rows == 0


@pytest.mark.parametrize(("new_form", "agreed"), [(True, ("{}", 8, 5)), (False, (None, None, None))])
def test_payload_fingerprint_and_form_follow_together(new_form: bool, agreed: tuple[object, ...]) -> None:
    (row,) = settled(plan("unchanged", follow=True, new_form=new_form)).rows.to_pylist()
    assert (row["payload"], row["fingerprint"], row["form"]) == agreed


def test_a_refusal_keeps_no_payload_and_is_tried_again_later() -> None:
    made = plan("created", "created")
    (ok, bad) = settled(made, Receipt(rejected={1: Problem("422", "no", "name")})).rows.to_pylist()
    assert (ok["outcome"], ok["payload"], ok["error"]) == ("created", "{}", None)
    assert (bad["outcome"], bad["payload"], bad["code"], bad["error"], bad["field"], bad["log"]) == (
        "rejected",
        None,
        "422",
        "no",
        "name",
        True,
    )
    assert bad["next_attempt"] == NOW + 60 * 60 * 1_000_000


def test_a_broken_rule_waits_for_a_change_in_the_source() -> None:
    made = plan("rejected", problems={0: Problem("check", "wrong")})
    (row,) = settled(made).rows.to_pylist()
    assert (row["outcome"], row["next_attempt"]) == ("rejected", None)


def test_a_waiting_record_names_its_parent_and_is_logged_once() -> None:
    (first,) = settled(plan("waiting")).rows.to_pylist()
    assert (first["blocked_entity"], first["blocked_key"], first["log"]) == (9, '"4"', True)
    (again,) = settled(plan("waiting", state="due")).rows.to_pylist()
    assert again["log"] is False


def test_what_an_absent_target_left_is_due_at_once() -> None:
    (row,) = settled(plan("created"), Receipt(deferred={0: Problem("unreachable", "gone")})).rows.to_pylist()
    assert (row["outcome"], row["next_attempt"]) == ("deferred", NOW)


@pytest.mark.parametrize(
    ("code", "attempts"), [(UNREACHABLE, 1), (INTERRUPTED, 1), (UNKNOWN, 2), ("other", 2)]
)
def test_only_what_may_have_arrived_counts_as_an_attempt(code: str, attempts: int) -> None:
    (row,) = settled(plan("created"), Receipt(deferred={0: Problem(code, "no")})).rows.to_pylist()
    assert row["attempt"] == attempts


def test_to_wait_for_another_record_is_no_attempt() -> None:
    assert settled(plan("waiting")).rows.column("attempt").to_pylist() == [1]


def test_the_code_of_an_absent_target_is_that_of_the_error() -> None:
    assert SystemUnreachable.code in NOTHING_APPLIED


def test_an_id_that_changed_is_told_and_one_that_only_came_is_not() -> None:
    assert settled(plan("updated"), Receipt(target_ids=pa.array(["other"]))).renamed
    assert not settled(plan("updated"), Receipt(target_ids=pa.array(["old"]))).renamed
    assert not settled(plan("updated"), Receipt(rejected={0: Problem("422", "no")})).renamed
    made = plan("created")
    none = pa.nulls(1, pa.string())
    records = made.records.set_column(made.records.column_names.index(TARGET_ID), TARGET_ID, none)
    assert not settled(replace(made, records=records), Receipt(target_ids=pa.array(["new"]))).renamed


def test_what_is_created_is_sent_without_the_id_it_had_once() -> None:
    assert to_deliver(plan("created", "updated")).column(TARGET_ID).to_pylist() == [None, "old"]


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (50, 60)])
def test_what_may_have_arrived_is_due_soon(attempt: int, minutes: int) -> None:
    lost = Problem(UNKNOWN, "no answer")
    assert next_attempt(Outcome.DEFERRED, lost, attempt, NOW) == NOW + minutes * 60 * 1_000_000
