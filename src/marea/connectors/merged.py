"""Owns what a table is asked after a merge: whether it holds what was sent, in rows of its own."""

from __future__ import annotations

from marea.connectors.session import Session
from marea.connectors.statements import Landing, Statements
from marea.errors import BatchRefused


def check(session: Session, statements: Statements, landing: Landing, *, whole: bool) -> None:
    """Raises BatchRefused where the table does not hold the rows of `stage`.

    `whole`: as many rows were changed as were staged, so that none needs looking for.
    """
    _check_spelling(session, statements, landing)
    if not whole and not session.empty(f"({statements.unwritten(landing)}) AS x"):
        raise BatchRefused(
            f'table "{landing.table.name}" gave no error and yet does not hold the record: '
            "a trigger or a rule there may ignore it or change its key",
            code="ignored",
        )


def _check_spelling(session: Session, statements: Statements, landing: Landing) -> None:
    """Raises BatchRefused where a record was merged into a row whose key is spelt otherwise."""
    if landing.folding and not session.empty(f"({statements.taken_for_equal(landing)}) AS x"):
        names = ", ".join(landing.folding)
        raise BatchRefused(
            f'table "{landing.table.name}" takes its key for that of another row, '
            f"which is spelt otherwise: give {names} an exact collation there, or the record another key",
            code="equal-key",
            field=names,
        )
