"""Owns the verdict on a record that is not in order: what keeps it back, what would bring it back; pure."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from marea.delivery.retry import NEVER_ALONE
from marea.engine.entity.keys import shown
from marea.engine.look.finding import Finding, Parent, Verdict
from marea.model import CIRCLE, INTERRUPTED, Outcome, Presence

if TYPE_CHECKING:
    from marea.model import Problem
    from marea.store.ledger import Trouble


def troubled(finding: Finding) -> Verdict | None:
    """The verdict on a record that is not in order, or would not be when it was delivered now."""
    if finding.now is not None and finding.now.problem is not None:
        return _rejected(finding, finding.now.problem)
    if finding.in_doubt:
        text = f"{finding.name} is being delivered, or a run ended before it knew what became of that"
        return Verdict(text, ("the next run delivers it as it is then: marea sync",))
    trouble = finding.ledger.trouble if finding.ledger else None
    if finding.parent is not None:
        return _waiting(finding, finding.parent, trouble)
    return _stopped(finding, trouble) if trouble else None


def _waiting(finding: Finding, parent: Parent, trouble: Trouble | None) -> Verdict:
    blocked = (parent.entity.name, parent.key)
    if trouble is not None and trouble.code == CIRCLE and trouble.blocked_on == blocked:
        return Verdict(f"{finding.name} waits for ever: {trouble.error}", (trouble.hint or "",))
    why, *steps = _hindrance(finding, parent)
    text = f"{finding.name} waits for {parent.name}, which was not delivered to {finding.target}: {why}"
    known = finding.met or (trouble is not None and trouble.blocked_on == blocked)
    then = (
        "it is delivered by the run that delivers that record"
        if known
        else f"then deliver it, for no last-edit date tells what it refers to now: {finding.command('sync')}"
    )
    return Verdict(text, (*steps, then))


def _hindrance(finding: Finding, parent: Parent) -> tuple[str, ...]:
    """Why the record waited for is not delivered, then what to do."""
    source = parent.entity.source
    if parent.found is Presence.NOT_THERE:
        empty = " (an empty text is a key as any other: nullif(…, '') makes it none)"
        hint = empty if '""' in parent.key else ""
        mend = f"add it to table {source.table}, or correct what {finding.name} refers to{hint}"
        return "it is not in the source", mend
    if parent.found is Presence.OUTSIDE:
        mend = f"change its row in table {source.table}, or `where` of {parent.entity.name}"
        why = f"it is in the source but outside the filter `{source.where}`, and not meant to be delivered"
        return why, mend, f"or refer to another record in {finding.name}"
    if parent.spelled != parent.key:
        why = f"the source spells it {shown(parent.spelled)}, and case and blanks count"
        return why, f"correct what {finding.name} refers to, or bring both to one form in the mapping"
    explain = f"marea explain {parent.entity.name} {quote(shown(parent.key))}"
    if parent.trouble is None:
        return "no run has delivered it yet", f"deliver it: marea sync {parent.entity.name}", explain
    why = f"it is {parent.trouble.outcome} itself: {parent.trouble.error}"
    return (why, parent.trouble.hint, explain) if parent.trouble.hint else (why, explain)


def _rejected(finding: Finding, problem: Problem) -> Verdict:
    """The verdict on what would be rejected as the source has it now."""
    mend = problem.hint or "mend it in the source"
    text = f"{finding.name} is rejected: {problem.text}"
    if finding.undated:
        return Verdict(text, (f"{mend}; then deliver it: {finding.command('sync')}",))
    if not finding.by_dates or not finding.entity.source.dated or (finding.ledger is None and finding.met):
        return Verdict(text, (f"{mend}; the next run delivers it then",))
    moved = f"{mend}; the next run delivers it then, if its last-edit date has moved"
    return Verdict(text, (moved, f"if it has not: {finding.command('retry')}"))


def _stopped(finding: Finding, trouble: Trouble) -> Verdict:
    """The verdict on what an earlier run did not deliver, and what nothing in the source keeps back now."""
    if trouble.outcome is Outcome.DEFERRED:
        why = trouble.error if trouble.code == INTERRUPTED else f"{finding.target} was away ({trouble.error})"
        text = f"{finding.name} is still to be delivered: {why}"
        return Verdict(text, ("the next run delivers it: marea sync",))
    if trouble.outcome is Outcome.WAITING:
        entity, key = trouble.blocked_on or ("another record", '""')
        return _mended(finding, f"{finding.name} waited for {entity} {shown(key)}")
    if trouble.code in NEVER_ALONE:
        return _mended(finding, f"{finding.name} was rejected: {trouble.error}")
    return _refused(finding, trouble)


def _mended(finding: Finding, was: str) -> Verdict:
    """The verdict on what the source has in order again; a run knows of that by its last-edit date alone."""
    same = finding.now is not None and finding.now.outcome is Outcome.UNCHANGED
    text = f"{was}; {'it is now as it was last delivered' if same else 'it can be delivered now'}"
    retry = finding.command("retry")
    if finding.met:
        return Verdict(text, ("the next run delivers it: marea sync", f"or at once: {retry}"))
    touch = f"marea touch {finding.entity.name} --where …"
    others = (
        f"or set the date of all such records: {touch}"
        if finding.touchable
        else f"or all such records: marea sync {finding.entity.name} --full"
    )
    unseen = f"its last-edit date did not move, so that no incremental run sees it: {retry}"
    return Verdict(text, (unseen, others))


def _refused(finding: Finding, trouble: Trouble) -> Verdict:
    """The verdict on what the target did not take: only another attempt tells whether it does now."""
    if finding.met:
        then = "it is tried again by the next run: marea sync"
    elif trouble.next_attempt:
        then = f"it is tried again by the first run after {finding.when(trouble.next_attempt)}"
    else:
        then = "time alone does not bring it back"
    text = f"{finding.name} is {trouble.outcome}: {trouble.error}"
    retry = f"then {finding.command('retry')}"
    return Verdict(text, (trouble.hint or "mend what the message names", retry, then))
