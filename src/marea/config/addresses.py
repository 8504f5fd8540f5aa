"""Owns what a URL decides: whether it can be read, which connector serves it, where a file lies.

A URL may hold a password, and one that cannot be told from the rest of it: no message repeats
more of it than its scheme.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from marea.config.declared import declared, known, schemes, serving, unusable
from marea.config.mistake import Mistake
from marea.config.names import nearest, suggest

_STATES = ("sqlite", "postgresql", "postgres")

_AUTHORITY = re.compile(r"[^/?#]*")
_STRAY = re.compile(r"[\x00-\x20\x7f]")
_UNENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_ENCODE = (
    "write the password as ${VARIABLE}, which is encoded on its way in, or percent-encode it: %23 for #, "
    "%2F for /, %3F for ?, %40 for @, %25 for %; a SQL system also takes `password:` beside its url"
)


def connector(url: str, named: str | None) -> str:
    """The connector that serves `url`, when `connector:` says `named`. Raises Mistake."""
    scheme = _scheme(url)
    if named is None or named == "sql":
        found = serving(scheme, named)
    else:
        found = named if declared(known(named)).serves(scheme, named) else None
    if found is None:
        served = "no connector serves" if named is None else f"the connector {named} does not serve"
        hint = "; ".join([*unusable(named), suggest(scheme, schemes(named))])
        raise Mistake(f"{served} a URL that begins with {scheme}://", hint)
    says = declared(found)
    if not says.file:  # a path is taken as it is
        check(url)
    if says.parameters is not None:
        _check_parameters(url, says.parameters)
    return found


def _check_parameters(url: str, known: Sequence[str]) -> None:
    """Raises Mistake for parameters that are not known; repeats none, which could be part of a secret."""
    given = [name for name, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True)]
    if unknown := [name for name in given if name not in known]:
        hints = dict.fromkeys(filter(None, (nearest(name, known) for name in unknown)))
        hint = "; ".join(hints) or suggest("", known) or "none is known here"
        raise Mistake("has a parameter behind `?` that is not known", hint)


def check(url: str) -> None:
    """Raises Mistake where a URL is ambiguous: where one reader's password is another one's host.

    A login ends at the first `/`, `?` or `#` for some and at the last `@` for others. So one `@`
    is allowed, right before the host, and a `#`, which no database or application is sent, nowhere.
    """
    rest = url.partition("://")[2]
    authority = _AUTHORITY.match(rest)
    behind = rest[authority.end() :] if authority else ""
    if "@" in behind or "#" in behind or rest.count("@") > 1:
        raise Mistake("holds `#`, `/`, `?` or `@` where it cannot be told what they mean", _ENCODE)
    if _STRAY.search(rest):
        raise Mistake("holds a blank or a control character", f"write %20 for a blank; {_ENCODE}")
    if _UNENCODED.search(rest):
        raise Mistake("holds a `%` that begins no character in percent-encoding", _ENCODE)
    try:
        _ = urlsplit(url).port
    except ValueError:  # its words may repeat the password
        raise Mistake("has a host or a port that cannot be read", _ENCODE) from None


def located(url: str, folder: Path) -> str:
    """The URL of a file, its path made absolute where it is relative to a folder. Raises Mistake."""
    scheme = _scheme(url)
    path, mark, parameters = url.partition("://")[2].partition("?")
    if not path.startswith("/"):
        raise Mistake(
            "the URL of a file has three slashes before its path",
            f"{scheme}:///erp.db lies beside this file; {scheme}:////data/erp.db is an absolute path",
        )
    if path == "/:memory:":
        return url
    return f"{scheme}:///{(folder / path[1:]).resolve()}{mark}{parameters}"


def reached(url: str, named: str | None, folder: Path) -> tuple[str, str]:
    """The connector that serves a system, and its URL, a file's with its whole path. Raises Mistake."""
    found = connector(url, named)
    return found, located(url, folder) if declared(found).file else url


def path(url: str) -> Path:
    """The file of a located URL."""
    return Path(url.partition(":///")[2].partition("?")[0])


def state(url: str, folder: Path) -> str:
    """The URL of the state database, located. Raises Mistake."""
    scheme = _scheme(url)
    if scheme not in _STATES:
        raise Mistake(f"the state is not kept behind {scheme}://", suggest(scheme, _STATES[:2]))
    if scheme == "sqlite":
        return located(url, folder)
    check(url)
    return url


def beside(folder: Path, url: str) -> str:
    """A URL; that of a file in a folder as it is written from there."""
    scheme, mark, path = url.partition(":///")
    inside = mark and Path(path).is_relative_to(folder)
    return f"{scheme}:///{Path(path).relative_to(folder)}" if inside else url


def shown_state(url: str, folder: Path) -> str:
    """The URL of a state as it may be shown: without its login, and of its parameters the schema alone."""
    parts = urlsplit(url)
    schema = dict(parse_qsl(parts.query)).get("schema")
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return beside(folder, place) + (f"?schema={schema}" if schema else "")


def _scheme(url: str) -> str:
    scheme, mark, _ = url.partition("://")
    if not mark or not scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        raise Mistake("is no URL", "begin with its scheme: sqlite:///erp.db, postgresql://user@host/database")
    return scheme.lower()
