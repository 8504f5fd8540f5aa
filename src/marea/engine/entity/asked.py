"""Owns the keys that a run is asked for: in the ledger's form, and none that nobody knows."""

from __future__ import annotations

from collections.abc import Sequence

from marea.config.settings import EntitySettings
from marea.engine.entity.alignment import Alignment
from marea.engine.entity.keys import Key, key_text, shown
from marea.engine.entity.present import present
from marea.errors import ConfigurationError, Fault, SystemUnreachable
from marea.model import Presence
from marea.store.ledger import Ledger


def asked(alignment: Alignment, ledger: Ledger, entity: int, keys: Sequence[Key]) -> tuple[str, ...]:
    """The keys as JSON text, one that is named twice once (I5).

    Only for keys that the ledger does not know is the source asked. Raises ConfigurationError
    for those that are in neither, SystemUnreachable.
    """
    columns = alignment.aggregate.key
    texts = tuple(dict.fromkeys(key_text(key, alignment.entity.name, columns) for key in keys))
    strange = [text for text in texts if ledger.record(entity, text) is None]
    faults = [fault for text in strange for fault in _faults(alignment, text)]
    if faults:
        raise ConfigurationError(faults)
    return texts


def _faults(alignment: Alignment, key: str) -> list[Fault]:
    entity = alignment.entity
    there = present(alignment, key)
    if there.found in (Presence.AWAY, Presence.NOT_ASKED):
        raise SystemUnreachable(there.system, there.message)
    if there.found is Presence.THERE and there.key == key:
        return []
    said = f"{shown(key)} is not in the source, and no run has ever seen it"
    return [Fault(said, entity=entity.name, hint=_hint(entity, there.found, there.key))]


def _hint(entity: EntitySettings, found: Presence, spelled: str | None) -> str:
    if found is Presence.OUTSIDE:
        return f"its row is in table {entity.source.table}, outside the filter `{entity.source.where}`"
    if spelled is not None:
        return f"the source spells it {shown(spelled)}"
    return f"is it spelled as in table {entity.source.table}?"
