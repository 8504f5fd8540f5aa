"""Owns what the scheme of a URL decides: which connector serves it, where a SQLite file lies."""

from __future__ import annotations

from pathlib import Path

from marea.config.mistake import Mistake
from marea.config.names import suggest

CONNECTORS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "mssql",
    "sqlserver": "mssql",
    "http": "rest",
    "https": "rest",
}
"""The connector of each URL scheme that is served without saying `connector:`."""

_STATES = ("sqlite", "postgresql", "postgres")


def known(named: str) -> str:
    """The name of a connector that is there. Raises Mistake where it is not."""
    if named != "sql" and named not in CONNECTORS.values() and named not in (found := _entry_points()):
        raise Mistake(f"there is no connector {named}", suggest(named, ["sql", *sorted(found)]))
    return named


def connector(url: str, named: str | None) -> str:
    """The connector that serves `url`, when `connector:` says `named`. Raises Mistake."""
    if named is not None and named != "sql" and named not in CONNECTORS.values():
        return known(named)
    scheme = _scheme(url)
    found = CONNECTORS.get(scheme)
    if found is None and named is None and scheme in _entry_points():
        return scheme
    schemes = [each for each, serves in CONNECTORS.items() if _suits(serves, named)]
    if found is None or not _suits(found, named):
        served = "no connector serves" if named is None else f"the connector {named} does not serve"
        raise Mistake(f"{served} a URL that begins with {scheme}://", suggest(scheme, schemes))
    return found


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
    return named in (None, serves) or (named == "sql" and serves != "rest")


def _entry_points() -> set[str]:
    from importlib.metadata import entry_points

    return {point.name for point in entry_points(group="marea.connectors")} | set(CONNECTORS.values())
