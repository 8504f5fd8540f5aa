"""Owns the column types of MariaDB and MySQL: taken apart, and what each statement calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "integer", "bigint"})
TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"})
BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
FLOATS = frozenset({"float", "double", "real"})
DECIMALS = frozenset({"decimal", "numeric"})
INSTANTS = frozenset({"datetime", "timestamp"})
SHAPES = frozenset(
    {
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
    }
)

_WORDS = re.compile(r"\s*(\w+)\s*(\((?:[^()']|'(?:[^']|'')*')*\))?\s*(.*)", re.DOTALL)
_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Native:
    """A column type in the server's words, taken apart: `varchar (12) character set …`."""

    word: str
    size: str
    """The parenthesis behind the word, or nothing."""
    rest: str

    @classmethod
    def parse(cls, text: str) -> Native:
        """The parts of a type as `SHOW CREATE TABLE` writes it."""
        match = _WORDS.match(text)
        return cls(match[1].lower(), match[2] or "", match[3]) if match else cls("", "", text)

    @property
    def unsigned(self) -> bool:
        """Whether a number has no sign."""
        return bool(re.search(r"\b(unsigned|zerofill)\b", self.rest, re.IGNORECASE))

    @property
    def length(self) -> int | None:
        """The first number in the parenthesis."""
        match = re.match(r"\((\d+)", self.size)
        return int(match[1]) if match else None

    @property
    def charset(self) -> str:
        """` CHARACTER SET x`, or nothing."""
        match = re.search(r"character set (\w+)", self.rest, re.IGNORECASE)
        return f" CHARACTER SET {match[1]}" if match else ""

    @property
    def collation(self) -> str:
        """` COLLATE x`, or nothing."""
        match = re.search(r"collate (\w+)", self.rest, re.IGNORECASE)
        return f" COLLATE {match[1]}" if match else ""


def castable(kind: Native) -> str:
    """What CAST calls a column type, or nothing where it is the same."""
    if kind.word in INTEGERS:
        return "UNSIGNED" if kind.unsigned else "SIGNED"
    if kind.word in TEXTS or kind.word in SHAPES:
        return f"CHAR{kind.charset}"
    if kind.word in DECIMALS:
        return f"DECIMAL{kind.size}"
    if kind.word in INSTANTS:
        return f"DATETIME{kind.size}"
    families = ((BYTES, "BINARY"), (FLOATS, "DOUBLE"), (frozenset({"bit", "year"}), "UNSIGNED"))
    return next((name for words, name in families if kind.word in words), "")


def json_type(kind: Native) -> str:
    """The type of a JSON_TABLE column that takes every value of a column type, and wider ones."""
    if kind.word in INTEGERS:
        return "BIGINT UNSIGNED" if kind.unsigned else "BIGINT"
    if kind.word in TEXTS:
        longest = 255 if kind.word in ("enum", "set") else kind.length
        size = f"VARCHAR({longest + 1})" if longest else "LONGTEXT"
        return f"{size}{kind.charset}{kind.collation}"
    if kind.word in BYTES:
        return "VARCHAR(6144) CHARACTER SET ascii"
    families = (
        (DECIMALS, "DECIMAL(65,30)"),
        (INSTANTS, "DATETIME(6)"),
        (FLOATS, "DOUBLE"),
        (frozenset({"bit", "year"}), "BIGINT UNSIGNED"),
        (frozenset({"date"}), "DATE"),
        (frozenset({"time"}), "TIME(6)"),
    )
    return next((name for words, name in families if kind.word in words), "VARCHAR(255)")


def created(type_: pa.DataType, *, key: bool) -> str:
    """The column type that holds every value of an Arrow type unchanged.

    Texts compare byte by byte, blanks included. Instants become DATETIME(6) in UTC: TIMESTAMP ends
    in 2038 and begins in 1970. Raises ValueError where there is none.
    """
    import pyarrow as pa

    checks = pa.types
    if checks.is_string(type_) or checks.is_large_string(type_):
        return f"VARCHAR({_KEY_LENGTH}){_EXACT}" if key else f"LONGTEXT{_EXACT}"
    if checks.is_binary(type_) or checks.is_large_binary(type_):
        return f"VARBINARY({_KEY_LENGTH})" if key else "LONGBLOB"
    if checks.is_decimal128(type_):
        return _decimal(type_.precision, type_.scale)
    for test, native in (
        (checks.is_timestamp, "DATETIME(6)"),
        (checks.is_date, "DATE"),
        (checks.is_time, "TIME(6)"),
    ):
        if test(type_):
            return native
    if str(type_) in _PLAIN:
        return _PLAIN[str(type_)]
    raise ValueError(f"MySQL has no column type for {type_}")


def _decimal(precision: int, scale: int) -> str:
    if not 0 <= scale <= 30:
        raise ValueError(f"MySQL has no DECIMAL with {scale} places: at most 30")
    return f"DECIMAL({precision},{scale})"


_EXACT = " CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */"
"""Byte by byte, blanks at the end included. Each server reads the comment that is meant for it, because
neither knows the other's collation of that kind."""

_PLAIN = {
    "bool": "TINYINT(1)",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "uint8": "TINYINT UNSIGNED",
    "uint16": "SMALLINT UNSIGNED",
    "uint32": "INT UNSIGNED",
    "uint64": "BIGINT UNSIGNED",
    "float": "FLOAT",
    "double": "DOUBLE",
}
