"""Owns the verdict on one record: a sentence that says where it stands and why, and what to do; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from shlex import quote
from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings
from marea.engine.entity.keys import shown
from marea.model import CIRCLE, INTERRUPTED, FirstLoad, Outcome, Presence, RecordState
from marea.planning.absent import DELETE

if TYPE_CHECKING:
    from marea.engine.look.explain import PlanNow
    from marea.store.ledger import RecordRow, Trouble


@dataclass(frozen=True, slots=True)
class Parent:
    """The record that another waits for."""

    entity: EntitySettings
    key: str
    found: Presence
    """In its source."""
    spelled: str
    """Its key as the source has it: some compare texts without regard to case or blanks."""
    trouble: Trouble | None

    @property
    def name(self) -> str:
        """The record as people name it."""
        return f"{self.entity.name} {shown(self.key)}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a record: the facts a verdict is made of."""

    entity: EntitySettings
    key: str
    found: Presence
    """In the source."""
    message: str
    now: PlanNow | None
    ledger: RecordRow | None
    loaded: FirstLoad
    """How far the first load of its entity is."""
    parent: Parent | None = None
    """The record it waits for, if any."""
    in_doubt: bool = False
    """Whether a run that began to deliver it has not said what became of that."""
    zone: tzinfo | None = UTC
    """The zone that moments are told in; None is the machine's own, which needs no name."""

    @property
    def name(self) -> str:
        """The record as people name it."""
        return f"{self.entity.name} {shown(self.key)}"

    @property
    def target(self) -> str:
        """The system it is delivered to."""
        return self.entity.target.system

    @property
    def delivered(self) -> bool:
        """Whether the target was given it and it was not deleted since."""
        return self.ledger is not None and self.ledger.fingerprint is not None

    @property
    def met(self) -> bool:
        """Whether the next run reads it."""
        return self.now is None or self.now.read

    @property
    def undated(self) -> bool:
        """Whether no date tells of a change in its root table, and runs go by the dates of others."""
        return self.entity.source.modified is None and self.entity.source.dated

    def when(self, moment: datetime) -> str:
        """A moment, to the minute."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}{' UTC' if self.zone is UTC else ''}"

    def command(self, verb: str) -> str:
        """A command line about this record."""
        return f"marea {verb} {self.entity.name} --key {quote(shown(self.key))}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a record stands in one sentence, and the next steps."""

    text: str
    steps: tuple[str, ...] = ()


def judge(finding: Finding) -> Verdict:
    """The verdict on what was found; what may be at the target unknown to the ledger comes first."""
    trouble = finding.ledger.trouble if finding.ledger else None
    if doubtful := _doubtful(finding, trouble if trouble and trouble.in_doubt else None):
        return doubtful
    if finding.found is Presence.AWAY:
        return _away(finding)
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
    return _troubled(finding) or (_known(finding) if finding.delivered else _unseen(finding))


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
        away = f"the source {finding.entity.source.system} did not answer: {finding.message}"
        hint = trouble.hint if trouble and trouble.hint else "it is delivered again when that is back"
        return Verdict(text, (hint, away))
    rejected = (f"it is rejected now: {now.problem.text}",) if now.problem else ()
    if trouble is not None and trouble.next_attempt:
        again = f"it is delivered again by the first run after {finding.when(trouble.next_attempt)}"
        return Verdict(text, (again, f"or at once: {retry}", *rejected))
    return Verdict(text, (f"it can be sent without making a second record: {retry}", *rejected))


def _away(finding: Finding) -> Verdict:
    text = f"the source {finding.entity.source.system} did not answer: {finding.message}"
    return Verdict(text, (f"what {finding.target} was last given stands below; ask again when it is back",))


def _lapsed(finding: Finding) -> Verdict:
    text = f"{finding.name} left the source while it was in doubt: {finding.target} may hold it"
    return Verdict(text, (f"deletes are not delivered by this version: {DELETE.partition(';')[0]}",))


def _absent(finding: Finding) -> Verdict:
    if finding.delivered:
        return Verdict(
            f"{finding.name} is not in the source any more; {_still(finding)}",
            ("deletes are not delivered by this version: delete it in the target by hand",),
        )
    if finding.ledger is not None:
        text = f"{finding.name} is not in the source any more, and {finding.target} has nothing of it"
        return Verdict(f"{text} by Marea")
    return Verdict(
        f"{finding.name} is not in the source",
        (f"look for the key in table {finding.entity.source.table}: is it spelled as there?",),
    )


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
            ("deletes are not delivered by this version: delete it in the target by hand",),
        )
    return Verdict(
        f"{finding.name} is in the source but outside the filter `{where}`: it is not meant to be delivered",
        (f"change the row in table {finding.entity.source.table}, or `where` of {finding.entity.name}",),
    )


def _troubled(finding: Finding) -> Verdict | None:
    """The verdict on a record that is not in order, or would not be when it was delivered now."""
    now = finding.now
    if now is not None and now.problem is not None:
        text = f"{finding.name} is rejected: {now.problem.text}"
        hint = now.problem.hint or "mend it in the source"
        then = (
            f"then deliver it: {finding.command('sync')}"
            if finding.undated
            else "the next run delivers it then"
        )
        return Verdict(text, (f"{hint}; {then}",))
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
    return Verdict(text, (*steps, "it is delivered by the run that delivers that record"))


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


def _stopped(finding: Finding, trouble: Trouble) -> Verdict:
    retry = finding.command("retry")
    when = finding.when(trouble.next_attempt) if trouble.next_attempt else ""
    if trouble.outcome is Outcome.DEFERRED:
        why = trouble.error if trouble.code == INTERRUPTED else f"{finding.target} was away ({trouble.error})"
        text = f"{finding.name} is still to be delivered: {why}"
        return Verdict(text, ("the next run delivers it: marea sync",))
    if trouble.outcome is Outcome.WAITING:
        entity, key = trouble.blocked_on or ("another record", '""')
        return Verdict(
            f"{finding.name} waited for {entity} {shown(key)}, and can be delivered now",
            ("the next run delivers it: marea sync", f"or at once: {retry}"),
        )
    then = f"it is tried again by the first run after {when}" if when else "time alone does not bring it back"
    text = f"{finding.name} is {trouble.outcome}: {trouble.error}"
    return Verdict(text, (trouble.hint or "mend what the message names", f"then {retry}", then))


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
