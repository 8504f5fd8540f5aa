"""Owns the facts about one record that a verdict is made of, and the verdict's form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from shlex import quote
from typing import TYPE_CHECKING

from marea.config.settings import EntitySettings
from marea.engine.entity.keys import shown
from marea.model import FirstLoad, Presence

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
    due: bool = False
    """Whether the next run tries it again, whatever its last-edit date says."""
    by_dates: bool = True
    """Whether its changes are found by last-edit dates alone."""
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
        """Whether the next run takes it up."""
        return self.due or self.now is None or self.now.read

    @property
    def undated(self) -> bool:
        """Whether no date tells of a change in its root table, and runs go by the dates of others."""
        return self.by_dates and self.entity.source.modified is None and self.entity.source.dated

    @property
    def touchable(self) -> bool:
        """Whether its last-edit date is a column, and no expression, which `marea touch` cannot set."""
        return (self.entity.source.modified or "").isidentifier()

    @property
    def silence(self) -> str:
        """Why the source says nothing."""
        did = "was not asked" if self.found is Presence.NOT_ASKED else "did not answer"
        return f"the source {self.entity.source.system} {did}: {self.message}"

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
