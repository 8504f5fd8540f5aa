"""Owns how an error is told: sentences on stderr, and with `--json` a document on stdout."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict

from marea.cli.commands import pasteable, pasteable_throughout
from marea.cli.output import say, show_json
from marea.errors import ConfigurationError, MareaError, SystemUnreachable

_LOGIN = re.compile(r"://[^\s/]*@")
SAFE = "nothing is lost: run again when it is back"


def tell(error: Exception, *, json: bool, debug: bool, config: str | None = None) -> None:
    """Says what happened; the traceback only on request, passwords never.

    `config` is the configuration that the command line named.
    """
    if debug:
        import traceback

        print(_scrubbed("".join(traceback.format_exception(error))), file=sys.stderr)
    for line in _words(error).splitlines():
        say(pasteable(line, config), sys.stderr)
    if json:
        show_json(pasteable_throughout({"error": _document(error)}, config))


def _words(error: Exception) -> str:
    if isinstance(error, SystemUnreachable):
        return f"{error.system} is away: {error.message}; {error.hint or SAFE}"
    if isinstance(error, MareaError):
        return str(error)
    return f"internal error: {_plainly(error)} (please report this; --debug shows where it arose)"


def _scrubbed(text: str) -> str:
    """The text without the logins of addresses, which a foreign error may repeat."""
    return _LOGIN.sub("://***@", text)


def _plainly(error: Exception) -> str:
    lines = _scrubbed(str(error)).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _document(error: Exception) -> dict[str, object]:
    if not isinstance(error, MareaError):
        return {"code": "internal", "message": _plainly(error), "where": "", "hint": ""}
    found: dict[str, object] = {
        "code": error.code,
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
    }
    if isinstance(error, ConfigurationError):
        found["faults"] = [asdict(fault) for fault in error.faults]
    return found
