"""Owns finding entries of the log by what people name: an entity, even a former one, a key as written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from marea.config.names import suggest
from marea.engine.entity.keys import Key, likely_texts
from marea.engine.entity.neighbours import remembered
from marea.engine.entity.private import hidden
from marea.errors import ConfigurationError
from marea.store.journal import EntryFilter

if TYPE_CHECKING:
    from marea.config.settings import Settings
    from marea.store.journal import Entry
    from marea.store.state import State


def newest(
    settings: Settings, state: State, wanted: EntryFilter, key: Key | None, limit: int | None
) -> Iterator[Entry]:
    """The entries that fit, newest first, values of private fields hidden.

    Raises ConfigurationError for an entity that is neither configured nor remembered.
    """
    if wanted.entity is not None and wanted.entity not in settings.entities:
        _refuse_unheard(settings, state, wanted.entity)
    if key is not None:
        wanted = replace(wanted, key=_key_text(settings, state, wanted.entity, key))
    return hidden(settings, state.journal.entries(wanted, limit))


def of_run(settings: Settings, state: State, run: int) -> Iterator[Entry]:
    """The entries of a run in their order, values of private fields hidden."""
    return hidden(settings, state.journal.entries(EntryFilter(run=run), newest_first=False))


def _refuse_unheard(settings: Settings, state: State, name: str) -> None:
    """Raises ConfigurationError unless the state remembers an entity of that name."""
    names = {known.name for known in remembered(state)}
    if name not in names:
        known = dict.fromkeys([*settings.entities, *sorted(names)])
        raise ConfigurationError.single(f"there is no entity {name}", hint=suggest(name, known))


def _key_text(settings: Settings, state: State, name: str | None, key: Key) -> str:
    """The first form of the key that the journal has: the source need not be there to look it up."""
    entity = settings.entities.get(name) if name else None
    width = len(entity.source.key) if entity else str(key).count(",") + 1
    texts = likely_texts(key, width)
    found = (text for text in texts if any(state.journal.entries(EntryFilter(name, text), 1)))
    return next(found, texts[0])
