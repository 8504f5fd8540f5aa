"""Owns the verdict on one record: a sentence that says where it stands and why, and what to do; pure."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from marea.engine.entity.keys import shown
from marea.engine.look.finding import Finding, Verdict
from marea.engine.look.troubled import troubled
from marea.model import GUARD, LEAVING, FirstLoad, Outcome, Presence, RecordState
from marea.planning.absent import DELETE

if TYPE_CHECKING:
    from marea.store.ledger import RecordRow, Trouble


def judge(finding: Finding) -> Verdict:
    """The verdict on what was found; what may be at the target unknown to the ledger comes first."""
    trouble = finding.ledger.trouble if finding.ledger else None
    if doubtful := _doubtful(finding, trouble if trouble and trouble.in_doubt else None):
        return doubtful
    if finding.found in (Presence.AWAY, Presence.NOT_ASKED):
        return _unread(finding, trouble)
    if finding.found is not Presence.THERE and finding.ledger and finding.ledger.state is RecordState.LAPSED:
        return _lapsed(finding)
    if finding.found is Presence.NOT_THERE:
        return _absent(finding)
    if finding.found is Presence.OUTSIDE:
        return _outside(finding)
    if (
        finding.ledger is None
        and not finding.in_doubt
        and (finding.now is None or finding.now.problem is None)
    ):
        return _unseen(finding)
    return troubled(finding) or (_known(finding) if finding.delivered else _unseen(finding))


def _doubtful(finding: Finding, trouble: Trouble | None) -> Verdict | None:
    """The verdict on a record of which the target may hold what the ledger does not know."""
    now, retry = finding.now, finding.command("retry")
    kept = now.problem if now is not None and now.outcome is Outcome.DEFERRED else None
    why = trouble.error if trouble else kept.text if kept else None
    if why is None:
        return None
    text = f"{finding.name} may or may not have reached {finding.target}: {why}"
    if kept is not None:
        return Verdict(text, (kept.hint, f"to send it: {retry}"))
    if finding.found in (Presence.NOT_THERE, Presence.OUTSIDE):
        return Verdict(text, (DELETE, f"to end this: {retry}"))
    if now is None:
        hint = trouble.hint if trouble and trouble.hint else "it is delivered again when that is back"
        return Verdict(text, (hint, finding.silence))
    rejected = (f"it is rejected now: {now.problem.text}",) if now.problem else ()
    if trouble is not None and trouble.next_attempt:
        again = f"it is delivered again by the first run after {finding.when(trouble.next_attempt)}"
        return Verdict(text, (again, f"or at once: {retry}", *rejected))
    return Verdict(text, (f"it can be sent without making a second record: {retry}", *rejected))


def _unread(finding: Finding, trouble: Trouble | None) -> Verdict:
    """What the state alone knows."""
    steps = ("what it knows stands below; ask again where the source can be asked",)
    if trouble is None:
        return Verdict(f"{_remembered(finding)}; {finding.silence}", steps)
    parent, key = trouble.blocked_on or ("", "")
    hints = [trouble.hint or "", f"marea explain {parent} {quote(shown(key))}" if parent else ""]
    text = f"{finding.name} is {trouble.outcome}: {trouble.error}; {finding.silence}"
    return Verdict(text, (*filter(None, hints), *steps))


def _remembered(finding: Finding) -> str:
    """How a record stands in the ledger that is in no trouble there."""
    if finding.in_doubt:
        return f"{finding.name} is being delivered, or a run ended before it knew what became of that"
    if finding.ledger is None:
        return f"no run has detected {finding.name}"
    if finding.ledger.state is RecordState.LAPSED:
        return _lapsed(finding).text
    at = finding.ledger.delivered_at
    if not finding.delivered or at is None:
        return f"{finding.target} has nothing of {finding.name} by Marea"
    return f"{finding.name} was last delivered to {finding.target} on {finding.when(at)}"


def _lapsed(finding: Finding) -> Verdict:
    text = f"{finding.name} left the source while it was in doubt: {finding.target} may hold it"
    return Verdict(text, (DELETE.partition(";")[0],))


def _absent(finding: Finding) -> Verdict:
    if finding.delivered:
        return Verdict(
            f"{finding.name} is not in the source any more; {_still(finding)}",
            _deleted_by(finding),
        )
    if finding.ledger is not None:
        text = f"{finding.name} is not in the source any more, and {finding.target} has nothing of it"
        return Verdict(f"{text} by Marea")
    return Verdict(
        f"{finding.name} is not in the source",
        (f"look for the key in table {finding.entity.source.table}: is it spelled as there?",),
    )


def _deleted_by(finding: Finding) -> tuple[str, ...]:
    """What takes a record out of the target that it should not have any more."""
    trouble, action = finding.ledger.trouble if finding.ledger else None, finding.entity.deletes.action
    if trouble is not None and trouble.code == GUARD:
        return (f"{trouble.error}", f"if the source is whole: marea approve {trouble.run}")
    if trouble is not None and trouble.code == LEAVING:
        return ("the next run deletes it: marea sync",)
    if action == "propagate":
        return (f"to delete it now: {finding.command('sync')}",)
    return (f"`deletes: {action}` lets it stay there",)


def _still(finding: Finding) -> str:
    """What the target should not have any more, as far as the ledger knows."""
    at = finding.ledger.delivered_at if finding.ledger else None
    when = f" on {finding.when(at)}" if at else ""
    return f"it was last delivered to {finding.target}{when}, and not deleted there by Marea"


def _outside(finding: Finding) -> Verdict:
    where = finding.entity.source.where
    if finding.delivered:
        return Verdict(
            f"{finding.name} is in the source but has left the filter `{where}`; {_still(finding)}",
            _deleted_by(finding),
        )
    return Verdict(
        f"{finding.name} is in the source but outside the filter `{where}`: it is not meant to be delivered",
        (f"change the row in table {finding.entity.source.table}, or `where` of {finding.entity.name}",),
    )


def _known(finding: Finding) -> Verdict:
    now, ledger = finding.now, finding.ledger
    if now is None or now.outcome is Outcome.UNCHANGED or ledger is None:
        return Verdict(f"{finding.name} was last delivered to {finding.target} as the source has it now")
    differs = ", ".join(now.changes) or "its form"
    if not finding.met:
        text = f"{finding.name} was changed without a last-edit date ({differs}), so that no incremental run"
        return Verdict(f"{text} sees it", _asked_for(finding))
    return Verdict(
        f"{finding.name} has changed since it was delivered ({differs})",
        ("the next run delivers it: marea sync",),
    )


def _asked_for(finding: Finding) -> tuple[str, ...]:
    """How to deliver what no date tells of."""
    everything = f"marea sync {finding.entity.name} --full"
    return f"deliver it now: {finding.command('sync')}", f"or all such records: {everything}"


def _unseen(finding: Finding) -> Verdict:
    lacks = "was never delivered"
    if finding.ledger is not None and finding.ledger.state is RecordState.GONE:
        lacks, why = _gone(finding, finding.ledger)
    elif finding.ledger is not None and finding.ledger.state is RecordState.LAPSED:
        why = "it left the source while it was in doubt, and is there again"
    elif finding.loaded is FirstLoad.NEVER:
        why = f"{finding.entity.name} has never been synchronized"
    elif finding.loaded is FirstLoad.UNDERWAY:
        why = f"the first load of {finding.entity.name} is not through yet"
    elif finding.met:
        why = "it came after the last run"
    else:
        why = "it came without a last-edit date that runs go by, so that no incremental run sees it"
    steps = ("the next run delivers it: marea sync",) if finding.met else _asked_for(finding)
    return Verdict(f"{finding.name} is in the source but {lacks}: {why}", steps)


def _gone(finding: Finding, ledger: RecordRow) -> tuple[str, str]:
    if ledger.delivered_at is None:
        return "was never delivered", "it had left the source while it was in trouble, and is there again"
    return f"no longer in {finding.target}", "another record was given its key there"
