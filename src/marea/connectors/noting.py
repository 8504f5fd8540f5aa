"""Owns the part of a source that has triggers note what changes; their SQL is loaded when it is needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from marea.errors import ConfigurationError

if TYPE_CHECKING:
    from marea.capabilities import Watched
    from marea.connectors.triggers import Made, Triggers
    from marea.sql.noted import ChangeTable


class Noter(ABC):
    """The part of a source that has triggers note what changes there (`marea.capabilities.Noting`)."""

    def captures(self) -> tuple[str, ...]:
        """Triggers."""
        return ("trigger",)

    def change_table(self) -> ChangeTable:
        """Where they write, and what is there of them."""
        return self._triggers(()).change_table()

    def triggers(self, watched: Sequence[Watched]) -> list[str]:
        """The names that say what they note."""
        return self._triggers(watched).names(watched)

    def lacking(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """By what is there now."""
        triggers = self._triggers(watched)
        return triggers.lacking(watched, self._made(triggers))

    def installing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """By what is there now."""
        triggers = self._triggers(watched)
        return triggers.installing(watched, self._made(triggers))

    def removing(self, capture: str, watched: Sequence[Watched]) -> list[str]:
        """By what is there now."""
        triggers = self._triggers(())
        return triggers.removing(watched, self._made(triggers))

    @abstractmethod
    def _triggers(self, watched: Sequence[Watched]) -> Triggers:
        """Their SQL. Raises ConfigurationError where one of these tables cannot be watched."""

    @abstractmethod
    def _made(self, triggers: Triggers) -> dict[str, Made]:
        """What is there of ours, by name."""


def unwatchable(names: Sequence[str], why: str, hint: str) -> ConfigurationError:
    """The error for tables that triggers cannot watch."""
    return ConfigurationError.single(f"{', '.join(names)}: {why}", hint=hint)


VIEW = (
    "triggers do not see what changes behind a view",
    "name the tables that it reads, or choose another capture",
)
"""Why a view cannot be watched, and what instead."""
