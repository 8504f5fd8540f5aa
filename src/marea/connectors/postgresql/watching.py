"""Owns what captures need in a PostgreSQL source: told, made and removed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from marea.connectors.postgresql.noter import PostgresqlNoter
from marea.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from marea.capabilities import Watched
    from marea.connectors.postgresql.link import Link
    from marea.connectors.postgresql.log import PostgresqlLog
    from marea.connectors.postgresql.slots import Kept

_LOG = "log"


class Watching(PostgresqlNoter):
    """The part of a source that watches tables for captures, by the log or by triggers."""

    def __init__(self, system: str) -> None:
        self.system = system

    @abstractmethod
    def take(self) -> Link:
        """An idle connection, or a new one."""

    @abstractmethod
    def give(self, link: Link) -> None:
        """Keeps a connection that is in order for the next one who needs it."""

    def captures(self) -> tuple[str, ...]:
        """The log costs the source less."""
        return (_LOG, *super().captures())

    def log(self, watched: Sequence[Watched]) -> PostgresqlLog:
        """By a slot and a publication of the entity's own."""
        # Imported where a log is read: most runs follow none.
        from marea.connectors.postgresql.log import PostgresqlLog

        return PostgresqlLog(self, watched)

    def lacking(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """Without the slots, which runs make themselves."""
        if capture != _LOG:
            return super().lacking(capture, watched)
        return [text for one in self._kept(watched) for text in one.lacking()]

    def installing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """By what is there now."""
        if capture != _LOG:
            return super().installing(capture, watched)
        return list(dict.fromkeys(text for one in self._kept(watched) for text in one.installing()))

    def removing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """By what is there now."""
        if capture != _LOG:
            return super().removing(capture, watched)
        return [text for one in self._logs(watched) for text in one.kept().removing()]

    def carry_out(self, statements: Sequence[str]) -> None:
        """Together where that can be: a slot is not made in a transaction that has written."""
        if not _any_of_slots(statements):
            super().carry_out(statements)
            return
        for statement in statements:
            self.ask(statement)

    def script(self, statements: Sequence[str]) -> str:
        """For psql."""
        if not _any_of_slots(statements):
            return super().script(statements)
        return "\n".join(f"{statement};" for statement in statements)

    def _kept(self, watched: Sequence[Watched]) -> Iterator[Kept]:
        for one in self._logs(watched):
            kept = one.kept()
            if unfit := kept.unfit():
                raise ConfigurationError([Fault(text, hint="choose another capture") for text in unfit])
            yield kept

    def _logs(self, watched: Sequence[Watched]) -> Iterator[PostgresqlLog]:
        for entity in dict.fromkeys(it.entity for it in watched):
            yield self.log([it for it in watched if it.entity == entity])


def _any_of_slots(statements: Sequence[str]) -> bool:
    from marea.connectors.postgresql.slots import is_of_slot

    return any(map(is_of_slot, statements))
