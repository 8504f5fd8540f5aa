"""Owns what differs between the databases' SQL: quoting, casts, clocks, row sets of keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.ports import Column

Parameter = str | int | None

HASHES = 2**52
"""How many hashes there are: 13 hexadecimal digits, whose arithmetic no database's integers overflow."""


NO_DATE = "no date"
"""The form of a stamp that is none."""


@dataclass(frozen=True, slots=True)
class Query:
    """SQL text in a database's own placeholders, with the values bound to them in order."""

    text: str
    parameters: tuple[Parameter, ...] = ()


class Dialect(ABC):
    """The SQL of one kind of database, as pure text.

    Expressions given and returned are SQL text; values are never written into it, they
    travel as parameters in text form and are cast to the native type in the database,
    which keeps their precision and the database's own comparison.
    """

    name: str
    text_type: str
    """A type any value's text fits, for CAST."""
    login: str | None = None
    """An expression for who is logged in, as a GRANT takes it; None where the database knows no logins."""

    unnoted: tuple[str, ...] = ()
    """Changes that fire no trigger there."""
    unlogged: tuple[str, ...] = ()
    """Changes that its log does not tell, where it has one that is followed."""

    @abstractmethod
    def quote(self, name: str) -> str:
        """An identifier, quoted."""

    def table(self, name: str) -> str:
        """A table name, `schema.name` taken apart and each part quoted."""
        return ".".join(self.quote(part) for part in name.split("."))

    @abstractmethod
    def placeholder(self, position: int) -> str:
        """The placeholder of the parameter at `position`, counted from 1."""

    def escape(self, text: str) -> str:
        """SQL text made safe from the driver's own placeholder signs (MySQL's percent)."""
        return text

    def cast(self, expression: str, native: str) -> str:
        """The expression as a value of a native type."""
        return f"CAST({expression} AS {native})"

    def read(self, expression: str, column: Column) -> str:
        """How a column is selected so that its driver hands over `column.type` unharmed."""
        return expression

    @abstractmethod
    def stamp_out(self, expression: str, native: str) -> str:
        """A stamp as text that loses nothing and that `stamp_in` takes back; NULL for none."""

    def stamp_in(self, placeholder: str, native: str) -> str:
        """A parameter holding a stamp's text, as a value of the stamp's own type."""
        return self.cast(placeholder, native)

    @abstractmethod
    def moment(self, native: str, seconds: str) -> str | None:
        """A moment in the type of a stamp; `seconds` since 1970 are an SQL expression, whole.

        It is never later than the stamp that a transaction which begins after that moment writes.
        None for stamps that are no times (numbers, row versions): they know no moments.
        """

    @abstractmethod
    def now(self, native: str) -> str | None:
        """The database's own time as its defaults write it into a column of a stamp's type.

        Never earlier than `moment` has it; None where that is None.
        """

    @abstractmethod
    def ahead(self, native: str) -> str | None:
        """A time that no stamp has yet, however it is spelt, where clock and zone of its writer are right.

        A minute and more from now; None where `now` is None.
        """

    def transactions(self) -> Query | None:
        """One row (oldest, next, server): transactions as they are numbered, at the moment it is read.

        `oldest` is the number of the oldest that is still open, or `next`, the first number that none has
        yet; both have 64 bits and only grow. `server` names whose numbers they are: another one, or one that
        was put back, has another name. None where rows do not tell which transaction wrote them.
        """
        return None

    def transaction(self, row: str, next_: int) -> str | None:
        """The number of the transaction that wrote a row of an alias; `next_` as `transactions` has it.

        Never less than it was, for a row that others see since. None as `transactions`.
        """
        return None

    def key_value(self, value: object) -> str:
        """A part of a key, as read from its JSON text, in the form `key_in` takes."""
        return str(value)

    def key_in(self, placeholder: str, column: Column) -> str:
        """A parameter holding a key part, as a value of its column's type."""
        return self.cast(placeholder, column.native)

    @abstractmethod
    def key_rows(self, placeholder: str, columns: Sequence[Column]) -> str:
        """A table expression with columns marea_n, marea_k0, marea_k1, … from one JSON parameter.

        The parameter is a JSON array of keys: scalars for one column, arrays for several;
        marea_n is a key's place in it, counted from 0 (an integer). A filter that somebody wrote
        may name columns of its table without their alias, which these must not be taken for.
        Values come back in the columns' own types and collations, so that an index serves.
        """

    def looked_up(self, rows: str, keys: str, on: str) -> str:
        """What follows FROM to keep the rows of a table that are in a key list (`key_rows`).

        The rows are looked up key by key: a filter on a part of the key that most rows pass must not be
        what they are searched by, which would compare them all with every key.
        """
        return f"{rows} JOIN {keys} ON {on}"

    @abstractmethod
    def leading_columns(self, table: str) -> Query:
        """The first column of every index of a table that serves all of its rows: one text a row.

        `table` is as `marea.ports.Table.name` has it.
        """

    def form(self, expression: str) -> str | None:
        """How a stamp is written, as text, where stamps written in two ways do not sort together.

        `NO_DATE` for what is no date at all. None where the type of the column sees to it that they do.
        """
        return None

    @abstractmethod
    def hashed(self, values: Sequence[tuple[str, str]], salt: int) -> str:
        """A hash of values, each given with its native type: a whole number from 0, below `HASHES`.

        Values that differ in a byte, in their order or in being NULL have other hashes, whatever their
        types and collations take for equal; with another salt (below `HASHES`) all have.
        """

    @abstractmethod
    def hash_total(self, expression: str) -> str:
        """The sum of hashes over a group of any size, modulo `HASHES`; NULL of none."""

    @abstractmethod
    def limit(self, select: str, rows: int) -> str:
        """A SELECT cut to its first `rows` rows."""

    @abstractmethod
    def native(self, type_: pa.DataType, *, key: bool) -> str:
        """The type of a column made for values of an Arrow type (`create: true`).

        `key` asks for one that an index can hold. Raises ValueError where there is none.
        """
