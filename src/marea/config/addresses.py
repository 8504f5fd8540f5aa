"""Owns what a URL decides: whether it can be read, which connector serves it, where a SQLite file lies.

A URL may hold a password, and one that cannot be told from the rest of it: no message repeats
more of it than its scheme.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from marea.config.mistake import Mistake
from marea.config.names import suggest

ALIASES = {
    "postgres": "postgresql",
    "mariadb": "mysql",
    "sqlserver": "mssql",
    "http": "rest",
    "https": "rest",
}
"""URL schemes that are served by a connector of another name; all others are named like theirs."""

_NO_SCHEME = "rest"
"""The one connector that is named like none of its schemes."""

_FOLDER = Path(__file__).parents[1] / "connectors"
_STATES = ("sqlite", "postgresql", "postgres")

_AUTHORITY = re.compile(r"[^/?#]*")
_STRAY = re.compile(r"[\x00-\x20\x7f]")
_UNENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_ENCODE = (
    "write the password as ${VARIABLE}, which is encoded on its way in, or percent-encode it: %23 for #, "
    "%2F for /, %3F for ?, %40 for @, %25 for %; a SQL system also takes `password:` beside its url"
)


def built_in(name: str) -> bool:
    """Whether it is a connector that Marea brings: a folder among its connectors."""
    return name.isidentifier() and (_FOLDER / name / "__init__.py").is_file()


def connectors() -> list[str]:
    """The names of all connectors, those that other packages bring included, sorted."""
    own = (folder.name for folder in _FOLDER.iterdir() if built_in(folder.name))
    return sorted({*own, *_installed()})


def known(named: str) -> str:
    """The name of a connector that is there. Raises Mistake where it is not."""
    if named != "sql" and not _is_there(named):
        raise Mistake(f"there is no connector {named}", suggest(named, ["sql", *connectors()]))
    return named


def connector(url: str, named: str | None) -> str:
    """The connector that serves `url`, when `connector:` says `named`. Raises Mistake."""
    check(url)
    if named is not None and named != "sql" and not built_in(named):
        return known(named)
    scheme = _scheme(url)
    found = ALIASES.get(scheme, scheme)
    if scheme == _NO_SCHEME or not _is_there(found) or not _suits(found, named):
        schemes = [name for name in (*connectors(), *ALIASES) if _suits(ALIASES.get(name, name), named)]
        schemes = [name for name in schemes if name != _NO_SCHEME]
        served = "no connector serves" if named is None else f"the connector {named} does not serve"
        raise Mistake(f"{served} a URL that begins with {scheme}://", suggest(scheme, schemes))
    return found


def check(url: str) -> None:
    """Raises Mistake where a URL is ambiguous: where one reader's password is another one's host.

    A login ends at the first `/`, `?` or `#` for some and at the last `@` for others. So one `@`
    is allowed, right before the host, and a `#`, which no database or application is sent, nowhere.
    """
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() == "sqlite":  # a path is taken as it is
        return
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
    """The URL, a relative path of a SQLite file made absolute. Raises Mistake."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "sqlite":
        return url
    path, mark, parameters = rest.partition("?")
    if not path.startswith("/"):
        raise Mistake(
            "a SQLite address has three slashes before its path",
            "sqlite:///erp.db lies beside this file; sqlite:////data/erp.db is an absolute path",
        )
    if path == "/:memory:":
        return url
    return f"sqlite:///{(folder / path[1:]).resolve()}{mark}{parameters}"


def state(url: str, folder: Path) -> str:
    """The URL of the state database, located. Raises Mistake."""
    check(url)
    scheme = _scheme(url)
    if scheme not in _STATES:
        raise Mistake(f"the state is not kept behind {scheme}://", suggest(scheme, _STATES[:2]))
    return located(url, folder)


def _scheme(url: str) -> str:
    scheme, mark, _ = url.partition("://")
    if not mark or not scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        raise Mistake("is no URL", "begin with its scheme: sqlite:///erp.db, postgresql://user@host/database")
    return scheme.lower()


def _suits(serves: str, named: str | None) -> bool:
    return named in (None, serves) or (named == "sql" and serves != _NO_SCHEME)


def _is_there(name: str) -> bool:
    return built_in(name) or name in _installed()


def _installed() -> set[str]:
    from importlib.metadata import entry_points  # slow: what Marea brings is found without it

    return {point.name for point in entry_points(group="marea.connectors")}
