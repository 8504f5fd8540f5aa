"""Owns which entities keep claims, and the claims of records that were delivered while theirs kept none.

Where a mapping keeps the keys at the target apart, nothing is written to tell who has which. When another
mapping lets them meet, the ledger knows: every record stands under the key in its last agreed payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marea.config.digest import mapping_digest
from marea.engine.run.context import PAGE_ROWS

if TYPE_CHECKING:
    import pyarrow as pa

    from marea.engine.entity.alignment import Alignment
    from marea.store.custody import Custody
    from marea.store.ledger import Ledger
    from marea.store.state import EntityRow, State


def are_kept(alignment: Alignment, ledger: Ledger, entity: int) -> bool:
    """Whether claims tell who has which key; also while records may have those of an earlier mapping."""
    return not alignment.keys_apart or ledger.claiming(entity)


def keep_claims(state: State, alignment: Alignment, row: EntityRow, custody: Custody) -> None:
    """Before a run plans anything: writes the claims that an entity lacks, drops those it needs no more.

    Raises RunStopped when the lease was lost.
    """
    lacking = unclaimed(alignment, state.ledger, row.id)
    followed = row.mapping == mapping_digest(alignment.entity)
    if lacking is not None or (alignment.keys_apart and followed and state.ledger.claiming(row.id)):
        state.set_claims(custody, lacking)


def unclaimed(alignment: Alignment, ledger: Ledger, entity: int) -> pa.Table | None:
    """The claims (target_key, key: utf8) that an entity lacks; None where it has them or needs none."""
    if alignment.keys_apart or ledger.claiming(entity) or not ledger.delivered(entity):
        return None
    import pyarrow as pa

    from marea.planning.agreed import keys_in, latest
    from marea.sql import duck

    types = dict(alignment.mapper.mapping.fields)
    fields = [(name, types[name]) for name in alignment.entity.target.key]
    engine = duck.connect()
    pages = [
        page.set_column(1, "target_key", keys_in(engine, fields, page.column("body").combine_chunks()))
        for page in ledger.agreed(entity, PAGE_ROWS)
    ]
    return latest(pa.concat_tables(pages)) if pages else None
