"""Owns the order in which entities are delivered, parents before what refers to them, and who does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from marea.config.settings import EntitySettings


def in_order(entities: Mapping[str, EntitySettings], wanted: Iterable[str]) -> list[str]:
    """The wanted entities, each after those it refers to, else in the order of the configuration.

    Entities that refer to each other come in the order of the configuration: their records
    wait for one another and are released when the parent is delivered.
    """
    chosen = set(wanted)
    done: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in done or name in visiting:
            return
        visiting.add(name)
        for reference in entities[name].references():
            visit(reference.entity)
        visiting.discard(name)
        done.append(name)

    for name in entities:
        visit(name)
    return [name for name in done if name in chosen]


def referring_to_later(entities: Mapping[str, EntitySettings], names: Sequence[str]) -> list[str]:
    """Of entities in their order those whose parents come after them, because they refer to each other."""
    place = {name: index for index, name in enumerate(names)}
    return [
        name
        for name in names
        if any(place.get(item.entity, -1) > place[name] for item in entities[name].references())
    ]


def referrers(entities: Mapping[str, EntitySettings]) -> dict[str, list[str]]:
    """Entity -> those that refer to it, itself perhaps among them; only where there are any."""
    found: dict[str, list[str]] = {}
    for name, entity in entities.items():
        for referred in dict.fromkeys(item.entity for item in entity.references()):
            found.setdefault(referred, []).append(name)
    return found


def waking(entities: Mapping[str, EntitySettings], names: Sequence[str], quiet: Set[str]) -> list[str]:
    """Of entities in their order those that may deliver.

    Those with something new, and those whose records these may release or rename, and so on:
    in a circle a quiet entity is woken by one that comes after it.
    """
    following = referrers({name: entities[name] for name in names})
    awake: set[str] = set()
    reached = [name for name in names if name not in quiet]
    while reached:
        awake.update(reached)
        reached = [one for name in reached for one in following.get(name, ()) if one not in awake]
    return [name for name in names if name in awake]
