"""Owns what a user may set for a MariaDB or MySQL system: options of the entry, parameters of the url."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marea.config.settings import SystemSettings
from marea.connectors.base import (
    LOGIN_OPTIONS,
    Address,
    address,
    option_faults,
    parameter_faults,
    unknown_options,
)
from marea.errors import ConfigurationError

OPTIONS = frozenset({*LOGIN_OPTIONS, "timezone", "tinyint1"})
TINYINT1 = ("boolean", "integer")
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "charset": ("utf8mb4", "utf8mb3", "utf8"),
    "ssl": ("preferred", "required", "verify", "disabled"),
    "ssl_ca": (),
    "unix_socket": (),
}
"""Parameters of the url and the values they may have; () for a path.

Only UTF-8 carries every text unharmed, so no other charset can be named.
"""

_ZONE = re.compile(r"[+-]\d\d:\d\d|[A-Za-z][\w+/-]*")


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach one database, and how to read what its types leave open."""

    settings: SystemSettings
    address: Address
    charset: str = "utf8mb4"
    ssl: str = "preferred"
    ssl_ca: str | None = None
    unix_socket: str | None = None
    zone: str | None = None
    """The zone of naive DATETIME columns; None: the server's."""
    tiny_bool: bool = True
    """Whether TINYINT(1) is a truth value."""

    @property
    def system(self) -> str:
        """The name of its system."""
        return self.settings.name


def faults(options: Mapping[str, object]) -> list[str]:
    """What is wrong with a system's options, one sentence each."""
    found = unknown_options(options, OPTIONS)
    zone = options.get("timezone")
    if zone is not None and not (isinstance(zone, str) and _ZONE.fullmatch(zone)):
        found.append(f"timezone: must be a name like Europe/Rome or an offset like +01:00, not {zone!r}")
    tiny = options.get("tinyint1", TINYINT1[0])
    if tiny not in TINYINT1:
        found.append(f"tinyint1: must be one of {', '.join(TINYINT1)}, not {tiny!r}")
    return found


def login(system: SystemSettings) -> Login:
    """The settings of a system put together. Raises ConfigurationError that names every fault."""
    where = address(system)
    given = dict(where.parameters)
    found = [*faults(system.options), *_url_faults(where, given)]
    if found:
        raise ConfigurationError(option_faults(system, found))
    zone = system.options.get("timezone")
    return Login(
        settings=system,
        address=where,
        charset=given.get("charset", "utf8mb4"),
        ssl=given.get("ssl", "verify" if "ssl_ca" in given else "preferred"),
        ssl_ca=given.get("ssl_ca"),
        unix_socket=given.get("unix_socket"),
        zone=str(zone) if zone else None,
        tiny_bool=system.options.get("tinyint1", "boolean") == "boolean",
    )


def _url_faults(where: Address, given: Mapping[str, str]) -> list[str]:
    found = [] if where.database else ["the url names no database: write mariadb://user@host:port/database"]
    found += parameter_faults(given, PARAMETERS)
    certificates = given.get("ssl_ca")
    if certificates and not Path(certificates).is_file():
        found.append(f"the url parameter ssl_ca names a file that is not there: {certificates}")
    return found
