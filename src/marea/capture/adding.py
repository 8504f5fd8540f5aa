"""Owns the digests of records that were read: the hashes of all their rows added up, as their source does."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from marea.ports import DIGEST, KEY
from marea.sql.arrays import among, put
from marea.sql.dialect import HASHES
from marea.sql.pages import PARENT

if TYPE_CHECKING:
    import pyarrow as pa


def beside(above: pa.Table, links: pa.Array, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows above with what their related rows add up to added to their own, and those without theirs.

    `links` tells for each row above the PARENT that its related rows name.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    totals = rows.group_by(PARENT).aggregate([(DIGEST, "sum")])
    place = pc.index_in(links.cast(pa.int64()), totals.column(PARENT))
    added = pc.fill_null(totals.column(f"{DIGEST}_sum").take(place), 0)
    return put(above, DIGEST, _sum(above.column(DIGEST), added)), rows.drop_columns([DIGEST])


def whole(root: pa.Table, repeated: Collection[str]) -> tuple[pa.Table, pa.Array]:
    """The root rows without their digests, and these: each in the bucket of its key."""
    import pyarrow as pa
    import pyarrow.compute as pc

    digests = root.column(DIGEST)
    if repeated:
        digests = pc.if_else(among(root.column(KEY), repeated), pa.scalar(None, pa.int64()), digests)
    return root.drop_columns([DIGEST]), digests.combine_chunks()


def _sum(digests: Any, hashes: Any) -> Any:
    """Digests with hashes added to their contents; the sum of any number of these may have wrapped around."""
    import pyarrow.compute as pc

    content = pc.bit_wise_and(pc.add(pc.bit_wise_and(digests, HASHES - 1), hashes), HASHES - 1)
    return pc.add(pc.subtract(digests, pc.bit_wise_and(digests, HASHES - 1)), content)
