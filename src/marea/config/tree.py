"""Owns the reading of YAML text into plain values that remember the line each was written on.

Booleans and numbers are those of YAML 1.2, so that `no`, `on` and `03:00` stay text. The text
is read event by event, never recursing in the C parser: hostile nesting cannot crash it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from marea.config import syntax
from marea.errors import ConfigurationError, Fault

Path = tuple[str | int, ...]

_DEPTH = 50
_SIZE = 200_000  # values; far above any real file, far below what exhausts memory
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class WrittenFloat(float):
    """A number with a fraction, and how it was written: `22.50` keeps its last zero."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        """The number that `text` is."""
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass(slots=True)
class Document:
    """A file's values, the line of each, and what is wrong with the way it is written."""

    file: str
    values: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def keys(self, path: Path) -> dict[str, int]:
        """The keys of the mapping at `path`, each with its line."""
        found = self.values
        for part in path:
            found = found[part]
        return {name: self.line((*path, name)) for name in found}

    def below(self, path: Path) -> dict[str, int]:
        """The line of everything below `path`, by the dotted rest of its own."""
        deeper = ((own[len(path) :], line) for own, line in self.lines.items() if own[: len(path)] == path)
        return {".".join(map(str, rest)): line for rest, line in deeper if rest}

    def fault(self, path: Path, message: str, hint: str = "") -> Fault:
        """A fault at `path`."""
        names = [part for part in path if isinstance(part, str)]
        entity = ""
        if path[:1] == ("entities",) and len(names) > 1:
            entity, names = names[1], names[2:]
        return Fault(message, self.file, self.line(path), entity, ".".join(names), hint)


def read(file: str, content: bytes) -> Document:
    """The document in `content`.

    Raises ConfigurationError, with one fault, for what is no YAML: reading cannot go on
    after it. A key given twice is a fault of the document; the first one counts.
    """
    text = syntax.decoded(file, content)
    document = Document(file)
    try:
        events = yaml.parse(text, Loader=_LOADER)
        document.values = _Reader(document, events).root()
    except yaml.YAMLError as error:
        raise ConfigurationError([syntax.fault(file, text, error)]) from None
    return document


class _Reader:
    """Turns the parser's events into values, `document.lines` and faults."""

    def __init__(self, document: Document, events: Iterator[yaml.Event]) -> None:
        self._document = document
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._size = 0

    def root(self) -> Any:
        """The one document of the text; None where it holds nothing."""
        next(self._events)  # the stream begins
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), ())
        next(self._events)  # the document ends
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise self._stop(more, "a second document begins here; a configuration is one document")
        return value

    def _value(self, event: Any, path: Path) -> Any:
        self._document.lines.setdefault(path, _line(event))
        before = self._size
        self._grow(event, 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if len(path) > _DEPTH:
            raise self._stop(event, f"values are nested more than {_DEPTH} deep")
        if event.tag and not event.tag.startswith("tag:yaml.org,2002:"):
            raise self._stop(event, "tags (words that begin with `!`) have no meaning here")
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self._mapping(path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path)
        else:
            value = _scalar(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._size - before)
        return value

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stop(event, "a key must be a name")
            name = event.value
            if name == "<<" and event.implicit[0]:
                merged = {**self._merged(event, path), **merged}
            elif name in values:
                self._twice(event, (*path, name))
            else:
                self._document.lines[*path, name] = _line(event)
                values[name] = self._value(next(self._events), (*path, name))
        return {**values, **{name: value for name, value in merged.items() if name not in values}}

    def _merged(self, key: yaml.ScalarEvent, path: Path) -> dict[str, Any]:
        value = self._value(next(self._events), (*path, "<<"))
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise self._stop(key, "`<<` takes over the keys of a mapping, and this is none")
        return {name: item for part in reversed(parts) for name, item in part.items()}

    def _twice(self, event: yaml.ScalarEvent, path: Path) -> None:
        message = f"stands here again; it is on line {self._document.line(path)} already"
        again: Path = (*path[:-1], f"{path[-1]} (again)")
        self._document.lines[again] = _line(event)
        self._document.faults.append(self._document.fault(again, message, "keep one of them"))
        self._value(next(self._events), again)

    def _sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _alias(self, event: yaml.AliasEvent) -> Any:
        if event.anchor not in self._anchors:
            raise self._stop(event, "an alias stands for something that is not written above it")
        value, size = self._anchors[event.anchor]
        self._grow(event, size)
        return value

    def _grow(self, event: yaml.Event, values: int) -> None:
        self._size += values
        if self._size > _SIZE:
            raise self._stop(event, f"the file holds more than {_SIZE} values")

    def _stop(self, event: yaml.Event, message: str) -> ConfigurationError:
        return ConfigurationError.single(message, file=self._document.file, line=_line(event))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = event.value
    if not event.implicit[0]:  # quoted, a block, or tagged
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) <= 40:  # longer ones are no number anyone computes with
        return int(text, 16 if text.startswith("0x") else 10)
    return WrittenFloat(text) if _DECIMAL.fullmatch(text) else text
