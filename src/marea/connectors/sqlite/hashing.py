"""Owns the hash function that SQLite lacks."""

from __future__ import annotations

import marshal
from hashlib import blake2b

_FORM = 2
"""The form of the bytes: each value by its type, with no regard to who else has the same object."""

_SURPLUS = 12
"""Bits of the eight bytes beyond `marea.sql.dialect.HASHES`."""


def hashed(*values: float | str | bytes | None) -> int:
    """A hash of whole numbers, floats, texts, bytes and None, told apart by type and value."""
    digest = blake2b(marshal.dumps(values, _FORM), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> _SURPLUS
