"""Owns path templates: how `{object}`, `{key}`, `{id}` and key fields become an address no value can bend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

_PLACE = re.compile(r"\{([^{}]*)\}")
_AS_WRITTEN = "/?&=:@!$'()*+,;~%-._"


class Unaddressable(ValueError):
    """A value that cannot stand in an address: empty, or a step to another folder."""


@dataclass(frozen=True, slots=True)
class Template:
    """A path with places; literals and places alternate, a literal first and last."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    asked: tuple[bool, ...]
    """For each place, whether it stands after the question mark."""

    @classmethod
    def parse(cls, text: str) -> Template:
        """The template written as `text`; what is outside of places is kept, unsafe characters encoded."""
        parts = _PLACE.split(text)
        literals = tuple(quote(part, safe=_AS_WRITTEN) for part in parts[::2])
        asked = tuple("?" in "".join(literals[: place + 1]) for place in range(len(literals) - 1))
        return cls(literals, tuple(parts[1::2]), asked)

    @property
    def text(self) -> str:
        """The path with its places by name."""
        places = zip(self.names, self.literals[1:], strict=True)
        return self.literals[0] + "".join(f"{{{name}}}{literal}" for name, literal in places)

    @property
    def empty(self) -> bool:
        """Whether nothing was written."""
        return self.literals == ("",)

    def render(self, values: Mapping[str, Sequence[str]]) -> str:
        """The path with each place filled by its value's parts, encoded and joined by `/`.

        Raises Unaddressable for an empty part, and before the question mark for `.` and
        `..`, which servers take as a step to another address however they are encoded.
        """
        out = [self.literals[0]]
        for name, asked, literal in zip(self.names, self.asked, self.literals[1:], strict=True):
            out.append("/".join(_encoded(part, asked) for part in values[name]))
            out.append(literal)
        return "".join(out)


def _encoded(part: str, asked: bool) -> str:
    if not part:
        raise Unaddressable("an empty key cannot stand in an address")
    if part in (".", "..") and not asked:
        raise Unaddressable(f"the key {part} cannot stand in an address: it would name another one")
    return quote(part, safe="")
