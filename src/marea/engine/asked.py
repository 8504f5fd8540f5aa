"""Owns refusing keys that nobody knows, before a run is begun for them."""

from __future__ import annotations

from collections.abc import Sequence

from marea.config.settings import EntitySettings
from marea.engine.alignment import Alignment
from marea.engine.keys import shown
from marea.engine.present import present
from marea.errors import ConfigurationError, Fault, SystemUnreachable
from marea.store.ledger import Ledger


def refuse_unknown(alignment: Alignment, ledger: Ledger, entity: int, keys: Sequence[str]) -> None:
    """Raises ConfigurationError for keys (JSON text) that are neither in the ledger nor in the source.

    Only for keys that the ledger does not know is the source asked. Raises SystemUnreachable.
    """
    strange = [key for key in keys if ledger.record(entity, key) is None]
    faults = [fault for key in strange for fault in _faults(alignment, key)]
    if faults:
        raise ConfigurationError(faults)


def _faults(alignment: Alignment, key: str) -> list[Fault]:
    entity = alignment.entity
    there = present(alignment, key)
    if there.found == "away":
        raise SystemUnreachable(there.system, there.message)
    if there.found == "yes" and there.key == key:
        return []
    said = f"{entity.name} {shown(key)} is not in the source, and no run has ever seen it"
    return [Fault(said, entity=entity.name, hint=_hint(entity, there.found, there.key))]


def _hint(entity: EntitySettings, found: str, spelled: str | None) -> str:
    if found == "outside where":
        return f"its row is in table {entity.source.table}, outside the filter `{entity.source.where}`"
    if spelled is not None:
        return f"the source spells it {shown(spelled)}"
    return f"is it spelled as in table {entity.source.table}?"
