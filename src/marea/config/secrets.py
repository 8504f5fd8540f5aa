"""Owns the placeholders of a configuration: `${NAME}` from the environment, `${file:/path}` from a file.

No message of this module holds a value: only names of variables and files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from marea.config.mistake import Lacking, Mistake

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOGIN = re.compile(r"[^/?#]*://[^/?#]*@")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where placeholders find their values; relative files are sought in `folder`.

    What fills them raises Lacking for a value that is not there.
    """

    environment: Mapping[str, str]
    folder: Path

    def fill(self, text: str) -> str:
        """The text, its placeholders replaced and `$${` made `${`. Raises Mistake."""
        return _PLACEHOLDER.sub(self._value, text)

    def fill_url(self, text: str) -> str:
        """As `fill`; what stands in the user or password part is percent-encoded on the way in."""
        # Placeholders hold characters that end a login, so its end is sought with them blanked out.
        blanked = _PLACEHOLDER.sub(lambda match: "x" * len(match[0]), text)
        login = _LOGIN.match(blanked)
        end = login.end() if login else 0
        return _PLACEHOLDER.sub(
            lambda match: quote(self._value(match), safe="") if match.start() < end else self._value(match),
            text,
        )

    def fill_all(self, value: object) -> object:
        """As `fill`, for every text inside mappings and lists."""
        return walk(value, self.fill)

    def _value(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if name is None or not (name.startswith("file:") or _NAME.fullmatch(name)):
            raise Mistake(
                "holds `${` that begins no placeholder",
                "write ${NAME} or ${file:/path}; where the characters themselves are meant, write $${",
            )
        return self._file(name.removeprefix("file:")) if name.startswith("file:") else self._variable(name)

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
