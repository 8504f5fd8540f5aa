"""Owns what a user may set for a SQL Server system, and the check that its driver is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from marea.config.settings import SystemSettings
from marea.connectors.base import Address, address, parameter_faults
from marea.errors import ConfigurationError, Fault

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "encrypt": ("yes", "no", "strict"),
    "trust_certificate": ("yes", "no"),
}
"""Parameters of the url and the values they may have."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach one database."""

    system: str
    address: Address
    encrypt: str = "yes"
    trust_certificate: str = "no"

    @property
    def connection_string(self) -> str:
        """The driver's own form; it holds the password and is never shown."""
        where = self.address
        parts = {
            "SERVER": f"{where.host},{where.port}" if where.port else where.host,
            "DATABASE": where.database,
            "UID": where.user,
            "PWD": where.password,
            "Encrypt": self.encrypt,
            "TrustServerCertificate": self.trust_certificate,
        }
        return "".join(f"{name}={_braced(value)};" for name, value in parts.items())


def login(system: SystemSettings) -> Login:
    """The settings of a system put together. Raises ConfigurationError that names every fault."""
    where = address(system)
    given = dict(where.parameters)
    found = [] if where.database else ["the url names no database: write mssql://user@host:port/database"]
    found += parameter_faults(given, PARAMETERS)
    faults = [Fault(f"system {system.name}: {text}", line=system.line) for text in found]
    if not find_spec("mssql_python"):
        text = f"system {system.name}: the driver for SQL Server is not installed"
        faults.append(Fault(text, line=system.line, hint="pip install 'marea[mssql]'"))
    if faults:
        raise ConfigurationError(faults)
    return Login(system.name, where, **{name: given[name] for name in PARAMETERS if name in given})


def _braced(value: str) -> str:
    return "{" + value.replace("}", "}}") + "}"
