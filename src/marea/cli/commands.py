"""Owns the commands that texts name, made to be pasted: they go on with the configuration that was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

_NAMES = "check|plan|sync|scan|touch|status|runs|log|explain|retry|approve|capture"
_COMMAND = re.compile(rf"\bmarea (?=(?:{_NAMES})\b)")


def pasteable(text: str, config: str | None) -> str:
    """A text of ours, its commands with the `-c FILE` of this command line, None where it named none.

    The layers below name commands without knowing which words began the process.
    """
    return text if config is None else _COMMAND.sub(lambda _: f"marea -c {quote(config)} ", text)


def pasteable_throughout(document: Any, config: str | None) -> Any:
    """A document that holds no values of records, each of its texts as `pasteable` makes it."""
    if isinstance(document, str):
        return pasteable(document, config)
    if isinstance(document, Mapping):
        return {name: pasteable_throughout(value, config) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [pasteable_throughout(value, config) for value in document]
    return document
