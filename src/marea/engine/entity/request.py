"""Owns what a run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from marea.engine.entity.condition import check_whole
from marea.errors import ConfigurationError
from marea.model import RunKind

_TOGETHER = frozenset({"--key", "--only-failed"})
"""What may stand side by side, as `retry` of one record does; `--resend` goes with all of them."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to synchronize; the default is everything changed since the last execution."""

    full: bool = False
    resend: bool = False
    where: str | None = None
    keys: tuple[str, ...] = ()
    """Keys as JSON text."""
    only_failed: bool = False
    moved: bool = False
    """Whether an entity's source may be at another place: all records are read there, the ledger is kept."""
    reconcile: bool = False
    """Compare all records with what is known of them by their digests, whatever the capture is."""
    approves: int | None = None
    """The run whose deletes that were held back are let pass."""

    def check(self) -> None:
        """Raises ConfigurationError where a word would be dropped for another, or a condition is none."""
        if self.where is not None:
            check_whole(self.where)
        words = self.words
        choosing = [word for word in words if word != "--resend"]
        if len(choosing) > 1 and set(choosing) != _TOGETHER:
            raise ConfigurationError.single(
                f"{' and '.join(choosing)} do not go together",
                hint="--full is for all records, the others each choose some: run one after the other",
            )

    @property
    def words(self) -> list[str]:
        """What was asked for, in the words of the command line."""
        given = {
            "--full": self.full and not self.moved,
            "--moved": self.moved,
            "--resend": self.resend,
            "--where": self.where,
            "--key": self.keys,
            "--only-failed": self.only_failed,
            "scan": self.reconcile,
        }
        return [word for word, value in given.items() if value or value == ""]

    @property
    def command(self) -> str:
        """What starts the run, as it is called on the command line."""
        if self.reconcile:
            return "scan"
        if self.approves is not None:
            return f"approve {self.approves}"
        words = ["sync", *(word for word in self.words if word not in ("--where", "--key"))]
        words += [f"--where {self.where}"] if self.where else []
        words += [f"--key {key}" for key in self.keys]
        return " ".join(words)

    @property
    def kind(self) -> RunKind:
        """What a run that is asked for this is called."""
        if self.reconcile:
            return RunKind.RECONCILE
        return RunKind.FULL if self.full else RunKind.INCREMENTAL

    @property
    def selects(self) -> bool:
        """Whether it names records, and so leaves the position alone."""
        return bool(self.where or self.keys or self.only_failed or self.approves is not None)

    @property
    def anew(self) -> bool:
        """Whether an entity may begin anew at another place, or at one that is gone."""
        return self.resend and not self.selects and not self.moved
