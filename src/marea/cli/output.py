"""Owns what is written to stdout: JSON documents whose numbers are exact, and plain aligned tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any, TextIO

GAP = "  "
WIDTH = 60
"""Letters shown of one value."""


def show_json(value: object) -> None:
    """One document, on one line."""
    print(encode(value))


def show_json_list(values: Iterable[object]) -> None:
    """A list of any length as one document, an element a line, without holding it in memory."""
    separator = "["
    for value in values:
        sys.stdout.write(f"{separator}{encode(value)}")
        separator = ",\n "
    print("[]" if separator == "[" else "]")


def encode(value: Any) -> str:
    """A value as JSON text; a Decimal keeps every digit, which json.dumps cannot do."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(str(key), ensure_ascii=False)}: {encode(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(encode(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else json.dumps(str(value))
    return json.dumps(_simple(value), ensure_ascii=False, allow_nan=False)


def _simple(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a table: texts to the left, numbers to the right; a header only where one is given."""
    cells = [[cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(row[index]) for row in cells) for index in range(len(headers))]
    lines = [list(headers), *cells] if any(headers) else cells
    widths = [max((len(line[index]) for line in lines), default=0) for index in range(len(headers))]
    return [_line(line, widths, numeric).rstrip() for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    fitted = zip(cells, widths, numeric, strict=True)
    return GAP.join(text.rjust(width) if right else text.ljust(width) for text, width, right in fitted)


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").isdigit() or text in ("", "-")


def cell(value: object) -> str:
    """A value as a table shows it: counts with commas, moments in local time, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return moment(value) if isinstance(value, datetime) else clean(str(value))


def moment(value: datetime | None) -> str:
    """A moment in local time, to the second."""
    return f"{value.astimezone():%Y-%m-%d %H:%M:%S}" if value else ""


def clean(text: str) -> str:
    """A text on one line that cannot steer the terminal it is shown on."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def say(line: str, stream: TextIO | None = None) -> None:
    """Writes one line of text, to stdout unless a stream is given, cleaned whatever it holds."""
    print(clean(line), file=stream)


def shorten(text: str) -> str:
    """A text cut to the width of a value, with a mark where it was cut."""
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def plain(value: object) -> str:
    """A field's value as people read it: texts bare, everything else as JSON, and so an empty text."""
    return value if isinstance(value, str) and value else encode(value)


def value_text(value: object) -> str:
    """A field's value on one line, as far as there is room."""
    return shorten(clean(plain(value)))


def plural(number: int, one: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"
