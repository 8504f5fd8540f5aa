"""Owns the application's own words: found however an answer nests them, in one line, free of secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from marea.config.scrub import one_line, scrubbed

LONGEST = 2000
"""Characters of an application's words that are kept."""

_READ = 65_536
"""Characters that are looked at, however long the answer is."""
_SPOKEN = (
    *("message", "msg", "error_description", "detail", "details", "title", "reason", "description", "error"),
    *("errors", "violations", "non_field_errors"),
)
_DEPTH = 6
_ITEMS = 50
_LETTER = re.compile(r"\w")
_MARKUP = re.compile(r"(?s)<(script|style)\b.*?</\1>|<[^>]*>")


def told(value: object) -> tuple[str, str]:
    """The words in a JSON value, and the field they are about where it is one and named."""
    pairs = _once(dict.fromkeys(_tell(value, "", _DEPTH)))
    fields = {field for field, _ in pairs}
    if len(fields) == 1:
        return "; ".join(text for _, text in pairs), fields.pop()
    named = {field for field in fields if field}
    text = "; ".join(f"{field}: {text}" if field else text for field, text in pairs)
    return text, named.pop() if len(named) == 1 else ""


def _once(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs without a text of no field that only repeats what is told of fields."""
    found = list(pairs)
    of_fields = sorted((text for field, text in found if field), key=len, reverse=True)
    return [(field, text) for field, text in found if field or not _repeats(text, of_fields)]


def _repeats(text: str, others: Iterable[str]) -> bool:
    rest = text
    for other in others:
        rest = rest.replace(other, "")
    return rest != text and not _LETTER.search(rest)


def plain(text: str) -> str:
    """The words of an answer that is no JSON, markup left out."""
    return _MARKUP.sub(" ", text[:_READ]).strip()


def clean(text: str, secrets: Iterable[str]) -> str:
    """The text fit to show: one line, no control characters, no secret, at most LONGEST characters."""
    hidden = frozenset(secrets)
    kept = scrubbed(text, hidden)[:_READ]  # before it is shortened: half a secret is one too
    kept = one_line(kept, hidden)
    return kept if len(kept) <= LONGEST else kept[: LONGEST - 1] + "…"


def text_of(value: object) -> str | None:
    """A JSON scalar as text, None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _tell(value: object, field: str, depth: int) -> Iterator[tuple[str, str]]:
    """Pairs of field and words; what is nested deeper than `depth` is left out."""
    if depth == 0 or isinstance(value, bool):
        return
    if isinstance(value, list):
        for item in value[:_ITEMS]:
            yield from _tell(item, field, depth - 1)
    elif isinstance(value, Mapping):
        about = _about(value) or field
        spoken = [value[name] for name in _SPOKEN if value.get(name)]
        for item in spoken:
            yield from _tell(item, about, depth - 1)
        if not spoken:
            for name, item in list(value.items())[:_ITEMS]:
                yield from _tell(item, str(name), depth - 1)
    elif text := text_of(value):
        yield field, text


def _about(value: Mapping[str, object]) -> str:
    """The field an error says it is about: `field`, `loc` (its last step) or `source.pointer`."""
    source = value.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    for place in (value.get("field"), value.get("property"), value.get("loc"), pointer):
        last = place[-1] if isinstance(place, list) and place else place
        if isinstance(last, str) and last:
            return last.rpartition("/")[2]
    return ""
