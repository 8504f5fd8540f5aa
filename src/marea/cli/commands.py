"""Owns the commands that texts name, made to be pasted: they go on with the configuration that was given."""

from __future__ import annotations

import re
from shlex import quote

_COMMAND = re.compile(r"\bmarea (?=(?:check|plan|sync|touch|status|runs|log|explain|retry)\b)")


def pasteable(text: str, config: str | None) -> str:
    """A text of ours, its commands with the `-c FILE` of this command line, None where it named none.

    The layers below name commands without knowing which words began the process.
    """
    return text if config is None else _COMMAND.sub(lambda _: f"marea -c {quote(config)} ", text)
