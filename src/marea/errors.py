"""Owns every error Marea raises, grouped by what the caller does next.

    MareaError
    ├── ConfigurationError   fix the configuration; nothing was done           (exit 2)
    ├── SystemUnreachable    retry later: a system is away; nothing is lost    (exit 3)
    ├── EntityBusy           retry later: another run holds the entity         (exit 3)
    ├── RunInterrupted       run again: somebody asked the run to stop         (exit 3)
    ├── BatchRefused         split the batch: the target refused it as a whole
    └── RunStopped           stop the run: going on could lose or invent data  (exit 4)

A record that a target or a rule refuses is not an exception but a value:
`marea.model.Problem`. Errors of drivers and HTTP clients are translated by the
connector that caused them; none crosses a port.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class MareaError(Exception):
    """Base of all errors: what happened, where, and the next step.

    `code` is stable and documented in docs/errors.md; `where` names the file and
    line, the system, the entity or the key; `hint` is the next step.
    """

    code = "internal"

    def __init__(self, message: str, *, where: str = "", hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if code:
            self.code = code

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a configuration: where it stands and how to mend it."""

    message: str
    file: str = ""
    line: int = 0
    entity: str = ""
    field: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = ".".join(part for part in (self.entity, self.field) if part)
        head = ": ".join(part for part in (place, path) if part)
        text = f"{head}: {self.message}" if head else self.message
        return f"{text} ({self.hint})" if self.hint else text


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once, in the order of the file; those without a line last."""
    return sorted(dict.fromkeys(faults), key=lambda fault: fault.line or sys.maxsize)


class ConfigurationError(MareaError):
    """The configuration, or a command's words, cannot be carried out as written."""

    code = "configuration"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)

    @classmethod
    def single(cls, message: str, **place: str | int) -> ConfigurationError:
        """One fault; `place` takes the fields of `Fault`."""
        return cls([Fault(message, **place)])  # type: ignore[arg-type]


class SystemUnreachable(MareaError):
    """A system did not answer, said that it is in maintenance, or is an application that lets nobody in."""

    code = "unreachable"

    def __init__(self, system: str, message: str, *, hint: str = "", asked: bool = True) -> None:
        """`asked` is false where what is needed to ask it is not there."""
        super().__init__(message, where=system, hint=hint)
        self.system = system
        self.asked = asked


class EntityBusy(MareaError):
    """Another run holds the lease of this entity."""

    code = "busy"


class RunInterrupted(MareaError):
    """Somebody asked the run to stop; what was in delivery has been settled."""

    code = "interrupted"


class BatchRefused(MareaError):
    """A target refused a batch as a whole and applied none of it.

    Raised by `Target.deliver`; the delivery stage splits the batch until the
    records at fault stand alone, so that one bad record holds back no other (I8).
    """

    code = "refused"

    def __init__(self, message: str, *, code: str = "refused", field: str = "") -> None:
        super().__init__(message, code=code)
        self.field = field


class RunStopped(MareaError):
    """The run cannot go on safely: books that do not balance, a lost lease, a broken state."""

    code = "stopped"
