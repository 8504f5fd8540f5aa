"""Owns the placeholders of a configuration: `${NAME}` from the environment, `${file:/path}` from a file.

No message of this module holds a value: only names of variables and files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from marea.config.mistake import Lacking, Mistake
from marea.config.scrub import SHORTEST

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOGIN = re.compile(r"[^/?#]*://[^/?#]*@")
_AUTHORITY = re.compile(r"[^/?#]*://[^/?#]*")

OPEN = ("user", "username", "login", "email", "client_id", "grant_type", "scope")
"""Names of options whose value is no secret."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where placeholders find their values; relative files are sought in `folder`.

    What fills them raises Lacking for a value that is not there.
    """

    environment: Mapping[str, str]
    folder: Path
    standing_in: bool = False
    """Whether a placeholder stands in for its value where that is not there."""

    def fill(self, text: str) -> str:
        """The text, its placeholders replaced and `$${` made `${`. Raises Mistake."""
        return _PLACEHOLDER.sub(self._value, text)

    def fill_url(self, text: str) -> str:
        """As `fill`; what stands in the user or password part is percent-encoded on the way in."""
        login = _LOGIN.match(_blanked(text))
        end = login.end() if login else 0
        return _PLACEHOLDER.sub(
            lambda match: quote(self._value(match), safe="") if match.start() < end else self._value(match),
            text,
        )

    def fill_all(self, value: object) -> object:
        """As `fill`, for every text inside mappings and lists."""
        return walk(value, self.fill)

    def hidden(self, value: object, name: str = "") -> Iterator[str]:
        """The secrets among what `fill_all` fills in: all of it but short values and those of open names."""
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from self.hidden(item, str(key))
        elif isinstance(value, list):
            for item in value:
                yield from self.hidden(item, name)
        elif isinstance(value, str) and name.lower() not in OPEN:
            yield from self._long(value, 0)

    def hidden_url(self, url: str, *, path: bool) -> Iterator[str]:
        """The secrets among what `fill_url` fills in behind the host; `path` says that one may stand there.

        Not those of the login, which is taken apart where the url is read.
        """
        blanked = _blanked(url)
        authority = _AUTHORITY.match(blanked)
        parameters = blanked.find("?") if "?" in blanked else len(url)
        yield from self._long(url, (authority.end() if authority else len(url)) if path else parameters)

    def _long(self, text: str, start: int) -> Iterator[str]:
        found = (self._value(match) for match in _PLACEHOLDER.finditer(text, start) if match[0] != "$${")
        yield from (value for value in found if len(value) >= SHORTEST)

    def _value(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if name is None or not (name.startswith("file:") or _NAME.fullmatch(name)):
            raise Mistake(
                "holds `${` that begins no placeholder",
                "write ${NAME} or ${file:/path}; where the characters themselves are meant, write $${",
            )
        try:
            return (
                self._file(name.removeprefix("file:")) if name.startswith("file:") else self._variable(name)
            )
        except Lacking:
            if not self.standing_in:
                raise
            return match[0]

    def _variable(self, name: str) -> str:
        if name not in self.environment:
            raise Lacking(f"the environment variable {name} is not set", f"set {name} before starting marea")
        return self.environment[name]

    def _file(self, name: str) -> str:
        try:
            return (self.folder / name).read_text("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise Lacking(f"the file {name} cannot be read: {reason}", "put the secret there") from None


def _blanked(text: str) -> str:
    """The text as long as it is, without the characters in placeholders that end a part of a url."""
    return _PLACEHOLDER.sub(lambda match: "x" * len(match[0]), text)


def named(text: str) -> list[str]:
    """The variables that placeholders of a text name, each once, in order."""
    found = (match[1] for match in _PLACEHOLDER.finditer(text))
    return list(dict.fromkeys(name for name in found if name and _NAME.fullmatch(name)))


def walk(value: object, change: Callable[[str], str]) -> object:
    """A copy of `value` with every text inside it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: walk(item, change) for name, item in value.items()}
    return [walk(item, change) for item in value] if isinstance(value, list) else value
