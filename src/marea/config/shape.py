"""Owns the words for what is wrong with a file's shape: plain English instead of the validator's."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from marea.config.file import EXPRESSION, LIST, REFERENCE, MareaFile
from marea.config.mistake import NOTHING_WRITTEN, Mistake
from marea.config.names import closest, suggest
from marea.config.tree import Document, Path
from marea.errors import Fault

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_TAGS = {EXPRESSION: "", REFERENCE: "ReferenceFile", LIST: "ListFile", "[key]": ""}
_MUST = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
}
_EMPTY = ("string_pattern_mismatch", "too_short")
_FIELD_FORMS = (
    "write an expression, `{reference: entity, value: expression}` or `{list: relation, fields: {…}}`"
)


def validated(document: Document) -> tuple[MareaFile | None, list[Fault]]:
    """The file as a model, or None and every fault of its shape."""
    if document.values is None:
        return None, [
            document.fault((), "holds nothing", "`marea init` reads your database and writes a first one")
        ]
    try:
        return MareaFile.model_validate(document.values), []
    except ValidationError as error:
        return None, _Translator(document).faults(error.errors(include_url=False))


@cache
def _schema() -> dict[str, Any]:
    return MareaFile.model_json_schema()


class _Translator:
    """Turns the errors of one validation into faults."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._schema = _schema()

    def faults(self, errors: list[ErrorDetails]) -> list[Fault]:
        """A fault for each mistake: a misspelled key is one, though it is also a missing key."""
        unknown = [error for error in errors if error["type"] == "extra_forbidden"]
        meant = {(*error["loc"][:-1], self._meant(error)) for error in unknown}
        return [
            self._fault(error) for error in errors if error["type"] != "missing" or error["loc"] not in meant
        ]

    def _fault(self, error: ErrorDetails) -> Fault:
        path = tuple(part for part in error["loc"] if part not in _TAGS)
        return self._document.fault(path, *self._words(error, path))

    def _words(self, error: ErrorDetails, path: Path) -> tuple[str, str]:
        kind, context = error["type"], error.get("ctx", {})
        mistake = context.get("error")
        if isinstance(mistake, Mistake):
            return mistake.message, mistake.hint
        if kind == "extra_forbidden":
            return "there is no such key", self._placed(error) or suggest(str(path[-1]), self._unused(error))
        if kind == "missing":
            return "is missing", self._misspelled(error)
        if kind == "literal_error":
            return _literal(error["input"], str(context["expected"]))
        if kind == "union_tag_not_found":
            return "is no field", _FIELD_FORMS
        if kind == "greater_than_equal":
            return f"must be {context['ge']} or more", ""
        return ("must not be empty", "") if kind in _EMPTY else _must(kind, error["input"])

    def _placed(self, error: ErrorDetails) -> str:
        """The hint for a key that the mapping around this one knows."""
        *place, within, name = error["loc"] if len(error["loc"]) > 1 else (None, None)
        if self._meant(error) is None and place and name in self._keys(tuple(place)):
            return f"it belongs one level up, beside `{within}`"
        return ""

    def _meant(self, error: ErrorDetails) -> str | None:
        return closest(str(error["loc"][-1]), self._unused(error))

    def _unused(self, error: ErrorDetails) -> list[str]:
        given = _at(self._document.values, error["loc"][:-1])
        return [key for key in self._keys(error["loc"][:-1]) if key not in given]

    def _misspelled(self, error: ErrorDetails) -> str:
        *place, name = error["loc"]
        known = self._keys(tuple(place))
        others = (
            [key for key in error["input"] if key not in known] if isinstance(error["input"], dict) else []
        )
        near = closest(str(name), others)
        if near is not None:
            return f'is "{near}" meant to be it?'
        return str(self._into(self._node(tuple(place)), name).get("description", "")).rstrip(".")

    def _keys(self, place: Path) -> list[str]:
        """The keys that the models know at a place."""
        return list(self._plain(self._node(place)).get("properties", {}))

    def _node(self, place: Path) -> dict[str, Any]:
        node = self._schema
        for part in place:
            node = self._into(node, part)
        return node

    def _into(self, node: dict[str, Any], part: str | int) -> dict[str, Any]:
        if part in _TAGS:
            return {"$ref": f"#/$defs/{_TAGS[str(part)]}"}
        node = self._plain(node)
        within = node.get("items", {}) if isinstance(part, int) else node.get("additionalProperties", {})
        found: dict[str, Any] = node.get("properties", {}).get(part, within)
        return found

    def _plain(self, node: dict[str, Any]) -> dict[str, Any]:
        """The schema itself, where the node only refers to it or also allows nothing."""
        for choice in node.get("anyOf", ()):
            if "$ref" in choice:
                node = choice
        reference = str(node.get("$ref", "")).rpartition("/")[2]
        found: dict[str, Any] = self._schema["$defs"].get(reference, node)
        return found


def _at(values: Any, place: Path) -> dict[str, Any]:
    for part in place:
        values = values if part in _TAGS else values[part]
    return dict(values)


def _literal(given: object, expected: str) -> tuple[str, str]:
    possible = re.findall(r"'([^']*)'", expected)
    if not isinstance(given, str) or not possible:
        return f"must be {expected.replace(chr(39), '')}", ""
    return f'"{given}" is not possible here', suggest(given, possible)


def _must(kind: str, given: object) -> tuple[str, str]:
    if given is None:
        return NOTHING_WRITTEN
    hint = "put it in quotes" if kind == "string_type" and isinstance(given, int | float) else ""
    return f"{_MUST.get(kind, 'is not valid')}, not {_kind(given)}", hint


def _kind(given: object) -> str:
    if isinstance(given, bool):
        return "true or false"
    if isinstance(given, int | float):
        return "a number"
    if isinstance(given, str):
        return "text"
    return "a list" if isinstance(given, list) else "a mapping"
