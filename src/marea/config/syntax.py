"""Owns what is said about text that is no YAML: plain English instead of the parser's words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from marea.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    import yaml

_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTE = "put the whole value in quotes"
_MESSAGES = {
    "mapping values are not allowed": (
        "a colon stands where none can stand",
        f"check the indentation; where a value holds a colon and a blank, {_QUOTE}",
    ),
    "did not find expected key": (
        "does not fit the lines above it",
        "check the indentation: keys of one mapping stand under each other",
    ),
    "did not find expected ',' or '}'": (
        "a `{` is not closed",
        "close it with `}`, and put values that hold a colon or a comma in quotes",
    ),
    "did not find expected ',' or ']'": (
        "a `[` is not closed",
        "close it with `]`, and put values that hold a comma in quotes",
    ),
    "did not find expected '-' indicator": (
        "a list ends here without its indentation ending",
        "begin each item with `- `, or indent as the lines above",
    ),
    "could not find expected ':'": ("a key has no colon after it", "write `key: value`"),
    "found unexpected end of stream": ("a quote is not closed", "close it, on the line where it was opened"),
    "found unknown escape character": (
        "a backslash in double quotes begins an escape that does not exist",
        "use single quotes: they take a backslash as it is",
    ),
    "cannot start any token": ("a value begins with a character that YAML keeps for itself", _QUOTE),
    "did not find expected node content": (
        "a value is missing, or a bracket is closed that was not opened",
        "",
    ),
    "expected <document start>": (
        "something stands after the end of the document",
        "check the brackets above",
    ),
}


def decoded(file: str, content: bytes) -> str:
    """The text of a file. Raises ConfigurationError where it is not readable text in UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError.single(
            "is not text in UTF-8", file=file, line=line, hint="save the file in the encoding UTF-8"
        ) from None
    if found := _UNREADABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ConfigurationError.single("holds a control character", file=file, line=line, hint="remove it")
    return text


def fault(file: str, text: str, error: yaml.YAMLError) -> Fault:
    """What the parser complains of. Never repeats a value: it could be a password."""
    problem = str(getattr(error, "problem", None) or "")
    mark = getattr(error, "problem_mark", None)
    line = min(mark.line, text.count("\n")) + 1 if mark else 1
    found = Fault("this is no valid YAML", file, line)
    if _tab(text, line):
        return replace(found, message="a tab stands in the indentation", hint="indent with blanks")
    for words, (message, hint) in _MESSAGES.items():
        if words in problem:
            return replace(found, message=message + _opened(error, line), hint=hint)
    return found


def _tab(text: str, line: int) -> bool:
    written = text.split("\n")[line - 1]
    return "\t" in written[: len(written) - len(written.lstrip())]


def _opened(error: yaml.YAMLError, line: int) -> str:
    mark = getattr(error, "context_mark", None)
    kind = str(getattr(error, "context", None) or "")
    if mark is None or mark.line + 1 == line or not ("flow" in kind or "quoted" in kind):
        return ""
    return f"; it was opened on line {mark.line + 1}"
