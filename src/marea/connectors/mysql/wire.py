"""Owns the reading of rows from the server's packets, their values left as bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_END = 0xFE
_NULL = 0xFB
_LENGTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}


def take(result: Any, read: Callable[[], Any], size: int) -> list[list[bytes | None]]:
    """Up to `size` rows; fewer only at the end, which the result then knows.

    The driver's own cursor decodes value by value; half of its time is saved here by leaving
    the bytes as they are for whole columns to be converted at once.
    """
    rows: list[list[bytes | None]] = []
    width = result.field_count
    while len(rows) < size:
        packet = read()
        data = packet._data
        if data[0] == _END and result._check_packet_is_eof(packet):
            result.unbuffered_active = False
            result.connection = None
            break
        rows.append(_values(data, width))
    return rows


def _values(data: bytes, width: int) -> list[bytes | None]:
    """The values of a row packet: each behind its length, which takes one byte up to 250."""
    found: list[bytes | None] = []
    position = 0
    for _ in range(width):
        length = data[position]
        position += 1
        if length >= _NULL:
            if length == _NULL:
                found.append(None)
                continue
            size = _LENGTHS[length]
            length = int.from_bytes(data[position : position + size], "little")
            position += size
        end = position + length
        found.append(data[position:end])
        position = end
    return found
