"""Owns the checks that need more than one place of a file: names that refer to others, secrets, URLs.

They read the values as written and step over whatever has no usable shape, so that they find
every mistake they can in a file that has others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marea.config import addresses, relations
from marea.config.declared import declared, known
from marea.config.loose import leaves, mapping, names, texts
from marea.config.mistake import NOTHING_WRITTEN, Lacking, Mistake
from marea.config.names import closest, suggest
from marea.config.secrets import Secrets
from marea.config.tree import Document, Path
from marea.errors import Fault


def faults(document: Document, secrets: Secrets, *, systems: bool) -> list[Fault]:
    """Every fault that shows only when parts of the file are seen together.

    Without `systems` a value of a system that the environment lacks is none.
    """
    checks = _Checks(document, secrets, systems=systems)
    checks.run()
    return checks.found


class _Checks:
    def __init__(self, document: Document, secrets: Secrets, *, systems: bool) -> None:
        self.found: list[Fault] = []
        self._document = document
        self._secrets = secrets
        self._filled = systems
        root = mapping(document.values)
        self._systems = mapping(root.get("systems"))
        self._entities = mapping(root.get("entities"))
        self._root = root
        self._state = ""

    def run(self) -> None:
        """Check the whole file."""
        state = self._root.get("state")
        if isinstance(state, str) and state.strip():
            self._try(("state",), lambda: self._locate_state(state))
        for name, system in self._systems.items():
            self._system(("systems", name), name, mapping(system))
        if "defaults" in self._root:
            self._empty(("defaults",), self._root["defaults"])
        for name, entity in self._entities.items():
            self._entity(("entities", name), name, mapping(entity))

    def _fault(self, path: Path, message: str, hint: str = "") -> None:
        self.found.append(self._document.fault(path, message, hint))

    def _try(self, path: Path, check: Callable[[], object]) -> None:
        try:
            check()
        except Mistake as mistake:
            if self._filled or path[0] != "systems" or not isinstance(mistake, Lacking):
                self._fault(path, mistake.message, mistake.hint)

    def _locate_state(self, url: str) -> None:
        self._state = addresses.state(self._secrets.fill_url(url), self._secrets.folder)

    def _system(self, path: Path, name: str, system: dict[str, Any]) -> None:
        self._named(path, name)
        for key, value in system.items():
            if key in ("url", "connector"):
                continue
            for place, text in texts((*path, key), value):
                self._try(place, lambda text=text: self._secrets.fill(text))  # type: ignore[misc]
        self._reached(path, system.get("url"), system.get("connector"))
        for key in ("connector", "concurrency", "rate"):
            if key in system and system[key] is None:
                self._fault((*path, key), *NOTHING_WRITTEN)
        batch = system.get("batch")
        if isinstance(batch, dict) and "size" not in batch:
            self._sizeless((*path, "batch"), batch)

    def _sizeless(self, path: Path, batch: dict[str, Any]) -> None:
        """A batch without its size, which may be there and mistyped."""
        if meant := closest("size", batch):
            self._fault((*path, meant), "is no option of a batch", 'did you mean "size"?')
        else:
            hint = "add `size: 500`, the most records one call may hold"
            self._fault((*path, "size"), "is missing", hint)

    def _reached(self, path: Path, url: object, named: object) -> None:
        if isinstance(named, str) and named.strip():
            before = len(self.found)
            self._try((*path, "connector"), lambda: named == "sql" or known(named))
            if len(self.found) > before:
                return
        if isinstance(url, str) and url.strip() and isinstance(named, str | None):
            self._try((*path, "url"), lambda: self._url(path, url, named))

    def _url(self, path: Path, url: str, named: str | None) -> None:
        filled = self._secrets.fill_url(url)
        name, found = addresses.reached(filled, named, self._secrets.folder)
        if declared(name).file and found.partition("?")[0] == self._state.partition("?")[0]:
            self._fault(
                ("state",), f"is the file of system {path[-1]}", "keep the state in a file of its own"
            )

    def _entity(self, path: Path, name: str, entity: dict[str, Any]) -> None:
        self._named(path, name)
        source, target = mapping(entity.get("source")), mapping(entity.get("target"))
        self._empty(path, {key: value for key, value in entity.items() if key != "target"})
        for part, settings in (("source", source), ("target", target)):
            system = settings.get("system")
            if isinstance(system, str) and system.strip() and system not in self._systems:
                place = (*path, part, "system")
                self._fault(place, f'there is no system "{system}"', suggest(system, self._systems))
        fields = mapping(entity.get("fields"))
        self._same_but_for_case((*path, "fields"), fields)
        self._field_names((*path, "target", "key"), target.get("key"), fields)
        for key in ("require", "private"):
            self._field_names((*path, key), entity.get(key), fields)
        relations.check(self._fault, path, source, fields)
        self._references((*path, "fields"), fields, target)

    def _named(self, path: Path, name: str) -> None:
        if not name.replace("-", "_").isidentifier():
            self._fault(
                path, "is no usable name", "use letters, digits, `_` and `-`, and begin with a letter"
            )

    def _same_but_for_case(self, path: Path, fields: dict[str, Any]) -> None:
        seen: dict[str, str] = {}
        for name in fields:
            first = seen.setdefault(name.casefold(), name)
            if name.startswith("$"):
                self._fault(
                    (*path, name), "begins with `$`, which is kept for Marea's own columns", "rename it"
                )
            if first != name:
                self._fault(
                    (*path, name), f'differs from the field "{first}" in letter case only', "rename one"
                )

    def _field_names(self, path: Path, value: object, fields: dict[str, Any]) -> None:
        for place, name in names(path, value):
            if fields and name.strip() and name not in fields:
                self._fault(place, f'there is no field "{name}"', suggest(name, fields))

    def _references(self, path: Path, fields: dict[str, Any], target: dict[str, Any]) -> None:
        for name, field in fields.items():
            if not isinstance(field, dict):
                continue
            self._references((*path, name, "fields"), mapping(field.get("fields")), target)
            referred = field.get("reference")
            if isinstance(referred, str) and referred.strip():
                self._reference((*path, name), referred, field.get("value"), target)

    def _reference(self, path: Path, referred: str, value: object, target: dict[str, Any]) -> None:
        if referred not in self._entities:
            hint = suggest(referred, self._entities)
            self._fault((*path, "reference"), f'there is no entity "{referred}"', hint)
            return
        other = mapping(self._entities[referred])
        key = [name for _, name in names(path, mapping(other.get("source")).get("key"))]
        given = len(value) if isinstance(value, list) else 1
        if key and value is not None and given != len(key):
            here, there = _count(given, "expression"), _count(len(key), "column")
            message = f"{here} for the key of {referred}, which has {there}"
            self._fault((*path, "value"), message, f"give one expression for each: {', '.join(key)}")
        system, own = str(mapping(other.get("target")).get("system")), str(target.get("system"))
        if system != own and {system, own} <= self._systems.keys():
            message = f"{referred} is delivered to {system}, this entity to {own}: it has no id there"
            self._fault((*path, "reference"), message, "refer to an entity of the same target system")

    def _empty(self, path: Path, value: object) -> None:
        """Find keys with nothing after them, where no connector may give that a meaning."""
        for place, item in leaves(path, value):
            if item is None and "deactivate" not in place:
                self._fault(place, *NOTHING_WRITTEN)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
