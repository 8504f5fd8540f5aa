"""Owns what a run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """What to synchronize; the default is everything changed since the last execution."""

    full: bool = False
    resend: bool = False
    where: str | None = None
    keys: tuple[str, ...] = ()
    """Keys as JSON text."""
    only_failed: bool = False

    @property
    def selects(self) -> bool:
        """Whether it names records, and so leaves the position alone."""
        return bool(self.where or self.keys or self.only_failed)

    @property
    def anew(self) -> bool:
        """Whether an entity may begin anew at another place, or at one that is gone."""
        return self.resend and not self.selects
