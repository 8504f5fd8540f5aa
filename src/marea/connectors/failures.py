"""Owns what a driver's error asks of the caller, and the error of ours that says so."""

from __future__ import annotations

from enum import Enum, auto

from marea.config.settings import SystemSettings
from marea.connectors.base import Address
from marea.connectors.session import Contended, DuplicateKey
from marea.errors import BatchRefused, ConfigurationError, MareaError, SystemUnreachable


class Kind(Enum):
    """What an error asks of the caller."""

    LOST = auto()
    """The connection is gone."""
    AWAY = auto()
    """The server cannot serve now; the connection may still be good."""
    CONTENDED = auto()
    DUPLICATE = auto()
    DATA = auto()
    STATEMENT = auto()
    """The SQL is wrong, or the login may not run it."""


def translated(
    kind: Kind, system: str, where: Address, words: str, *, code: str, field: str = "", writing: bool
) -> MareaError:
    """The error for a kind, with the server's words; data can only be refused where it is written."""
    if kind in (Kind.LOST, Kind.AWAY):
        return unreachable(system, where, words)
    if kind is Kind.CONTENDED:
        return Contended(
            system, words, hint="another transaction stood in the way: run again; nothing is lost"
        )
    if writing and kind in (Kind.DUPLICATE, Kind.DATA):
        refusal = DuplicateKey if kind is Kind.DUPLICATE else BatchRefused
        return refusal(words, code=code, field=field)
    hint = "check the SQL of the configuration and the rights of the login"
    return ConfigurationError.single(f"system {system} says: {words}", hint=hint)


def turned_away(system: SystemSettings, words: str, hint: str, place: str = "url") -> ConfigurationError:
    """The server is there, and has no such database or lets no such login in: no further run mends that."""
    return ConfigurationError([system.fault(words, place if place in system.options else "url", hint)])


def unreachable(system: str, where: Address, words: str) -> SystemUnreachable:
    """The system is away, in one sentence with the next step."""
    hint = f"check that {where.shown} is up and that its login is right, then run again"
    return SystemUnreachable(system, words, hint=hint)
