"""Owns which call serves which operation: read from the system's entries and an entity's own, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marea.config.names import suggest
from marea.connectors.rest.section import Section
from marea.connectors.rest.template import Template
from marea.errors import ConfigurationError, Fault

OWN_IDS = ("create", "update", "find")
NAMES = ("upsert", *OWN_IDS, "delete", "read", "batch")
"""What may stand at the system and, overriding it, at an entity's `target:`."""

_WORDS = {
    "upsert": ("method", "path", "id", "wrap"),
    "create": ("method", "path", "id", "wrap"),
    "update": ("method", "path", "wrap"),
    "find": ("method", "path", "items", "id"),
    "delete": ("method", "path"),
    "read": ("method", "path", "items"),
    "batch": ("method", "path", "size", "wrap", "results", "errors", "key", "error", "id"),
}
_METHODS = {
    "upsert": "PUT",
    "create": "POST",
    "update": "PUT",
    "find": "GET",
    "delete": "DELETE",
    "read": "GET",
}
_BY_KEY = {"upsert": "/{object}/{key}", "delete": "/{object}/{key}", "read": "/{object}/{key}"}
_ALLOWED = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Call:
    """One operation: how it is asked, and where its answer holds what is needed."""

    method: str
    path: Template
    id: str = ""
    """Dotted path to the record's id in the answer; in `find`, in one item."""
    items: str = ""
    """Dotted path to the list of records found; empty: the answer itself."""
    wrap: str = ""
    """Name the body is put under; empty: the payload is the body."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One call for many records."""

    method: str
    path: Template
    size: int = 500
    wrap: str = ""
    """Name the array of records is put under; empty: the array is the body."""
    results: str | None = None
    """Dotted path to a list that names every record."""
    errors: str | None = None
    """Dotted path to a list that names the refused records alone."""
    key: tuple[str, ...] = ()
    """Fields of a list item that name its record, as many as the key has."""
    error: str = "error"
    """Dotted path to an item's error."""
    id: str = ""
    """Dotted path to an item's record id."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Every operation the application offers; `create` decides that it gives its own ids."""

    upsert: Call | None = None
    create: Call | None = None
    update: Call | None = None
    find: Call | None = None
    delete: Call | None = None
    read: Call | None = None
    batch: Batch | None = None

    @property
    def keyed(self) -> bool:
        """Whether the key itself is what a record is known by; else the application gives an id."""
        given = (self.upsert is not None and self.upsert.id) or (self.batch is not None and self.batch.id)
        return self.create is None and not given

    @property
    def repeats(self) -> bool:
        """Whether a create may come twice: it is found by its key, or put under it."""
        return self.create is None or self.find is not None

    @property
    def addressing(self) -> dict[str, str]:
        """By what records are known, and where those are that are written: what a ledger depends on.

        How they are looked up, read or wrapped, and with which method, moves none of them.
        """
        writing = {
            n: call for n, call in self.calls().items() if n in ("upsert", "create", "update", "batch")
        }
        ids = [] if self.keyed else [f"{n}.id {call.id}" for n, call in writing.items() if n != "update"]
        paths = [f"{name} {call.path.text}" for name, call in writing.items()]
        return {"records known by": ", ".join(ids) or "key", "record paths": ", ".join(paths)}

    def calls(self) -> dict[str, Call | Batch]:
        """The operations declared, by name."""
        named = {name: getattr(self, name) for name in NAMES}
        return {name: call for name, call in named.items() if call is not None}


def parse(options: Mapping[str, object], faults: list[str]) -> Routes:
    """The routes that `options` declare, by key where they declare nothing; adds to `faults`."""
    own = [name for name in OWN_IDS if options.get(name) is not None]
    if own:
        _check_own(options, own, faults)
    declared = {name: options[name] for name in NAMES if options.get(name) is not None}
    if not own:
        defaults = {name: {"path": path} for name, path in _BY_KEY.items() if _default(name, declared)}
        declared = defaults | declared
    calls = {name: _call(name, value, faults) for name, value in declared.items() if name != "batch"}
    batch = _batch(declared["batch"], faults) if "batch" in declared else None
    routes = Routes(**calls, batch=batch)
    for name, call in calls.items():
        _check_places(name, call, faults)
    if batch is not None and set(batch.path.names) - {"object"}:
        faults.append("batch.path: can name {object} alone; its records are in the body")
    if batch is not None and routes.upsert is not None and bool(batch.id) != bool(routes.upsert.id):
        faults.append("batch.id and upsert.id go together: a record has one id, however it was sent")
    return routes


def merge(system: Mapping[str, object], entity: Mapping[str, object]) -> dict[str, object]:
    """The system's entries with an entity's laid over them; its own form of upsert replaces the other."""
    base = {name: system[name] for name in NAMES if system.get(name) is not None}
    if entity.get("create") is not None and "create" not in base:
        base = {}
    elif entity.get("upsert") is not None and "create" in base:
        base = {name: value for name, value in base.items() if name not in OWN_IDS}
    for name, value in entity.items():
        below = base.get(name)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        base[name] = {**below, **value} if both else value  # type: ignore[dict-item]
    return base


def of_entity(
    system: Mapping[str, object], own: Mapping[str, object], entity: str, key: tuple[str, ...]
) -> Routes:
    """The routes of an entity with this key at its target. Raises ConfigurationError with all faults."""
    faults = [f"{name}: unknown option ({suggest(str(name), NAMES)})" for name in own if name not in NAMES]
    found = parse(merge(system, own), faults)
    faults += _places(found, key)
    if faults:
        raise ConfigurationError([Fault(fault, entity=entity, field="target") for fault in faults])
    return found


def _default(name: str, declared: Mapping[str, object]) -> bool:
    # An application declared by `batch` alone has no other way to upsert.
    return name not in declared and not (name == "upsert" and "batch" in declared)


def _check_own(options: Mapping[str, object], own: list[str], faults: list[str]) -> None:
    if "create" not in own:
        faults.append(f"{own[0]} needs create: it belongs to an application that gives its own ids")
    elif "update" not in own:
        faults.append("create needs update: a record that is there is changed by it")
    faults.extend(
        f"{other} and {own[0]} exclude each other: records are addressed by key, or by id"
        for other in ("upsert", "batch")
        if options.get(other) is not None
    )


def _section(name: str, value: object, faults: list[str]) -> Section:
    return Section(value, name, _WORDS[name], faults)


def _method(section: Section, default: str) -> str:
    method = section.text("method", default).upper()
    if method not in _ALLOWED:
        section.fault(f"must be one of {', '.join(_ALLOWED)}", "method")
    return method


def _path(section: Section) -> Template:
    text = section.text("path", required=True)
    if text and not text.startswith("/"):
        section.fault("must begin with /, it is added to the system's url", "path")
    if "#" in text or any(ord(char) <= 32 for char in text):
        section.fault("must not hold blanks or #", "path")
    return Template.parse(text)


def _call(name: str, value: object, faults: list[str]) -> Call:
    section = _section(name, value, faults)
    identity = "id" if name in ("create", "find") else ""
    return Call(
        _method(section, _METHODS[name]),
        _path(section),
        section.text("id", identity),
        section.text("items"),
        section.text("wrap"),
    )


def _batch(value: object, faults: list[str]) -> Batch:
    section = _section("batch", value, faults)
    results = section.text("results") if section.has("results") else None
    errors = section.text("errors") if section.has("errors") else None
    key = section.texts("key")
    if results is not None and errors is not None:
        section.fault("results and errors exclude each other: one lists every record, the other the refused")
    listed = results is not None or errors is not None
    if listed and not key:
        section.fault("key is missing: the fields of an answer's item that name its record")
    if not listed and (key or section.has("error") or section.has("id")):
        section.fault("key, error and id need results or errors: where the answer lists records")
    return Batch(
        _method(section, "POST"),
        _path(section),
        section.whole("size", 500),
        section.text("wrap"),
        results,
        errors,
        key,
        section.text("error", "error"),
        section.text("id"),
    )


def _check_places(name: str, call: Call, faults: list[str]) -> None:
    if call.path.empty:
        return  # it is missing, which is said already
    named = [place for place in call.path.names if place != "object"]
    if name in ("upsert", "create", "find") and "id" in named:
        faults.append(f"{name}.path: {{id}} is not known yet; use {{key}} or a key field")
    if name in ("upsert", "update", "find", "delete", "read") and not named:
        faults.append(f"{name}.path: names no record; use {{key}}, {{id}} or a key field")


def _places(found: Routes, key: tuple[str, ...]) -> list[str]:
    """What is wrong with the places of the paths for records with this key."""
    known = ("object", "key", "id", *key)
    faults = []
    for name, call in found.calls().items():
        places = zip(call.path.names, call.path.asked, strict=True)
        for place, asked in places:
            if place not in known:
                faults.append(f"{name}.path: there is no {{{place}}} ({suggest(place, known)})")
            elif place == "key" and asked and len(key) > 1:
                faults.append(f"{name}.path: {{key}} has several columns here; name each: {_each(key)}")
    if found.batch is not None and found.batch.key and len(found.batch.key) != len(key):
        faults.append(f"batch.key: must name {len(key)} fields, one for each of the key: {', '.join(key)}")
    return faults


def _each(key: tuple[str, ...]) -> str:
    return "&".join(f"{name}={{{name}}}" for name in key)
