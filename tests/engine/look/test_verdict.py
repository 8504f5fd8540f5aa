from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from marea.config.settings import EntitySettings, SourceSettings, TargetSettings
from marea.delivery.deliver import NOT_SENT
from marea.engine.look.explain import PlanNow
from marea.engine.look.finding import Finding, Parent
from marea.engine.look.verdict import judge
from marea.model import INTERRUPTED, LOOK, FirstLoad, Outcome, Presence, Problem, RecordState
from marea.store.ledger import RecordRow, Trouble

pytestmark = pytest.mark.unit

ENTITY = EntitySettings(
    "customers",
    SourceSettings("erp", "MA_CustSupp", ("CustSupp",), where="CustSuppType = 1", modified="TBModified"),
    TargetSettings("crm", "accounts", ("code",)),
    (),
)
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
SAME = PlanNow(Outcome.UNCHANGED, {}, {}, "2026")
CHANGED = PlanNow(Outcome.UPDATED, {}, {"name": ("a", "b")}, "2027")
UNREAD = replace(CHANGED, read=False)
UNDATED = replace(ENTITY, source=replace(ENTITY.source, modified=None))
EXPRESSED = replace(ENTITY, source=replace(ENTITY.source, modified="coalesce(TBModified, TBCreated)"))
KNOWN = RecordRow('"0815"', RecordState.ALIGNED, "7", 8, 1, "2026", "{}", 1, NOW, 0, None)
GONE = replace(KNOWN, state=RecordState.GONE, fingerprint=None)
TROUBLE = Trouble(Outcome.REJECTED, 2, NOW, "http", "422: no such country", None, None, None, NOW, 3)
FINDING = Finding(ENTITY, '"0815"', Presence.THERE, "", SAME, KNOWN, FirstLoad.THROUGH)
TAX_CODES = replace(
    ENTITY, name="tax_codes", source=SourceSettings("erp", "MA_TaxCodes", ("TaxCode",), where="Active = 1")
)
PARENT = Parent(TAX_CODES, '"22"', Presence.THERE, '"22"', None)


def troubled(outcome: Outcome, **changes: object) -> RecordRow:
    return replace(KNOWN, state=RecordState.DUE, trouble=replace(TROUBLE, outcome=outcome, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("finding", "text", "step"),
    [
        (FINDING, "was last delivered to crm as the source has it now", ""),
        (replace(FINDING, now=CHANGED), "has changed since it was delivered (name)", "marea sync"),
        (
            replace(FINDING, now=replace(CHANGED, read=False)),
            "was changed without a last-edit date (name)",
            "marea sync customers --key 0815",
        ),
        (
            replace(FINDING, found=Presence.NOT_THERE, now=None),
            "not in the source any more; it was last delivered to crm on 2026-11-05 12:00 UTC, and",
            "marea sync customers --key 0815",
        ),
        (
            replace(FINDING, found=Presence.NOT_THERE, now=None, ledger=None),
            "is not in the source",
            "MA_CustSupp",
        ),
        (
            replace(FINDING, found=Presence.OUTSIDE, now=None),
            "has left the filter `CustSuppType = 1`; it was last delivered to crm on 2026",
            "marea sync customers --key 0815",
        ),
        (
            replace(FINDING, found=Presence.OUTSIDE, now=None, ledger=None),
            "outside the filter `CustSuppType = 1`",
            "where",
        ),
        (
            replace(FINDING, found=Presence.AWAY, message="connection refused", now=None),
            "was last delivered to crm on 2026-11-05 12:00 UTC; the source erp did not answer: connection",
            "stands below",
        ),
        (
            replace(FINDING, found=Presence.NOT_ASKED, message="PW is not set", now=None, ledger=None),
            "no run has detected customers 0815; the source erp was not asked: PW is not set",
            "stands below",
        ),
        (
            replace(FINDING, found=Presence.NOT_ASKED, message="PW is not set", now=None, ledger=GONE),
            "crm has nothing of customers 0815 by Marea; the source erp was not asked: PW is not set",
            "stands below",
        ),
        (
            replace(
                FINDING,
                found=Presence.NOT_ASKED,
                message="PW is not set",
                now=None,
                ledger=troubled(Outcome.WAITING, blocked_on=("tax_codes", '"2 2"'), error="no such code"),
            ),
            "is waiting: no such code; the source erp was not asked: PW is not set",
            "marea explain tax_codes '2 2'",
        ),
        (
            replace(FINDING, now=replace(SAME, problem=Problem("check", "no VAT number"))),
            "is rejected: no VAT number",
            "then, if its last-edit date has moved if it has not: marea retry customers --key 0815",
        ),
        (
            replace(FINDING, entity=UNDATED, now=replace(SAME, problem=Problem("check", "no VAT number"))),
            "is rejected: no VAT number",
            "mend it in the source; the next run delivers it then",
        ),
        (
            replace(FINDING, parent=PARENT),
            "waits for tax_codes 22, which was not delivered to crm: no run has delivered it yet",
            "marea sync tax_codes",
        ),
        (
            replace(FINDING, parent=replace(PARENT, trouble=replace(TROUBLE, hint="Mend it"))),
            "tax_codes 22, which was not delivered to crm: it is rejected itself: 422: no such country",
            "Mend it marea explain tax_codes 22",
        ),
        (
            replace(FINDING, parent=replace(PARENT, found=Presence.NOT_THERE)),
            "it is not in the source",
            "add it to table MA_TaxCodes, or correct what customers 0815 refers to it is delivered",
        ),
        (
            replace(FINDING, parent=replace(PARENT, found=Presence.NOT_THERE, key='""')),
            "not in the source",
            "nullif",
        ),
        (
            replace(FINDING, parent=replace(PARENT, found=Presence.OUTSIDE)),
            "outside the filter `Active = 1`",
            "`where` of tax_codes",
        ),
        (
            replace(FINDING, parent=replace(PARENT, key='"2a"', spelled='"2A"')),
            "the source spells it 2A",
            "correct what customers 0815 refers to",
        ),
        (
            replace(
                FINDING,
                parent=PARENT,
                ledger=troubled(
                    Outcome.WAITING, code="circle", error="a circle: …", blocked_on=("tax_codes", '"22"')
                ),
            ),
            "customers 0815 waits for ever: a circle: …",
            "",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.REJECTED), now=UNREAD),
            "is rejected: 422: no such country",
            "marea retry customers --key 0815",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.DEFERRED, code="unreachable")),
            "crm was away",
            "marea sync",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.DEFERRED, code=INTERRUPTED, error=NOT_SENT.text)),
            "is still to be delivered: the run was ended before it was sent",
            "marea sync",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.DEFERRED, code="unknown", error="no answer in 30 s")),
            "may or may not have reached crm: no answer in 30 s",
            "by the first run after 2026-11-05 12:00 UTC",
        ),
        (replace(FINDING, now=CHANGED, in_doubt=True), "a run ended before it knew", "marea sync"),
        (replace(FINDING, ledger=None, in_doubt=True), "a run ended before it knew", "marea sync"),
        (
            replace(FINDING, ledger=troubled(Outcome.WAITING), now=CHANGED),
            "can be delivered now",
            "the next run delivers it: marea sync or at once: marea retry",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.WAITING), now=UNREAD, due=True),
            "can be delivered now",
            "the next run delivers it: marea sync",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.WAITING), now=UNREAD),
            "can be delivered now",
            "marea retry customers --key 0815 or set the date of all such records: marea touch customers",
        ),
        (
            replace(FINDING, entity=EXPRESSED, ledger=troubled(Outcome.WAITING), now=UNREAD),
            "can be delivered now",
            "or all such records: marea sync customers --full",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.REJECTED, code="check"), now=UNREAD),
            "was rejected: 422: no such country; it can be delivered now",
            "marea retry customers --key 0815",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.REJECTED, code="check")),
            "was rejected: 422: no such country; it is now as it was last delivered",
            "the next run delivers it: marea sync",
        ),
        (
            replace(FINDING, ledger=troubled(Outcome.REJECTED), now=CHANGED),
            "is rejected: 422: no such country",
            "by the next run: marea sync",
        ),
        (
            replace(
                FINDING,
                parent=PARENT,
                now=UNREAD,
                ledger=troubled(Outcome.WAITING, blocked_on=("tax_codes", '"99"')),
            ),
            "waits for tax_codes 22",
            "then deliver it, for no last-edit date tells what it refers to now: marea sync customers",
        ),
        (replace(FINDING, ledger=None), "it came after the last run", "marea sync"),
        (
            replace(FINDING, ledger=None, now=replace(CHANGED, read=False)),
            "so that no incremental run sees it",
            "marea sync customers --key 0815 or all such records: marea sync customers --full",
        ),
        (replace(FINDING, ledger=None, loaded=FirstLoad.NEVER), "has never been synchronized", "marea sync"),
        (replace(FINDING, ledger=None, loaded=FirstLoad.UNDERWAY), "is not through yet", "marea sync"),
        (
            replace(FINDING, ledger=GONE),
            "is in the source but no longer in crm: another record was given its key there",
            "marea sync",
        ),
        (
            replace(FINDING, ledger=replace(GONE, delivered_at=None)),
            "was never delivered: it had left the source while it was in trouble, and is there again",
            "marea sync",
        ),
    ],
)
def test_verdicts(finding: Finding, text: str, step: str) -> None:
    verdict = judge(finding)
    assert text in verdict.text
    assert step in " ".join(verdict.steps)


KEPT = replace(CHANGED, outcome=Outcome.DEFERRED, problem=Problem.made_once())
LOST = troubled(Outcome.DEFERRED, code="unknown", error="run 3 did not tell", next_attempt=None, hint=LOOK)


@pytest.mark.parametrize(
    ("finding", "first"),
    [
        (replace(FINDING, ledger=LOST, now=KEPT), LOOK),
        (replace(FINDING, ledger=LOST, now=KEPT, parent=PARENT), LOOK),
        (replace(FINDING, ledger=None, in_doubt=True, now=KEPT), LOOK),
        (replace(FINDING, ledger=LOST, now=CHANGED), "it can be sent without making a second record: marea"),
        (
            replace(FINDING, ledger=LOST, now=None, found=Presence.NOT_THERE),
            "look for it in the target, and delete it there",
        ),
        (replace(FINDING, ledger=LOST, now=None, found=Presence.AWAY, message="no route"), LOOK),
        (
            replace(FINDING, ledger=LOST, now=replace(CHANGED, problem=Problem("check", "no VAT number"))),
            "it can be sent",
        ),
    ],
)
def test_what_is_in_doubt_comes_first(finding: Finding, first: str) -> None:
    verdict = judge(finding)
    assert "may or may not have reached crm" in verdict.text
    assert verdict.steps[0].startswith(first)
    assert ("marea retry customers --key 0815" in " ".join(verdict.steps)) == (
        finding.found is not Presence.AWAY
    )


def test_when_it_is_tried_again() -> None:
    later = judge(replace(FINDING, now=UNREAD, ledger=troubled(Outcome.REJECTED))).steps
    assert any("2026-11-05 12:00 UTC" in step for step in later)
    never = judge(replace(FINDING, now=UNREAD, ledger=troubled(Outcome.REJECTED, next_attempt=None))).steps
    assert any("time alone" in step for step in never)


def test_what_was_not_sent_is_not_blamed_on_its_target() -> None:
    ledger = troubled(Outcome.DEFERRED, code=INTERRUPTED, error=NOT_SENT.text)
    assert "away" not in judge(replace(FINDING, ledger=ledger)).text
