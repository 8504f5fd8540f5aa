"""Owns the entry point of the SQL Server connector, which has never been run against a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marea.config.declared import Declaration
from marea.config.settings import SystemSettings
from marea.connectors.base import LOGIN_OPTIONS, address, unknown_options
from marea.connectors.mssql.options import PARAMETERS

if TYPE_CHECKING:
    from marea.ports import Source, Target


class MssqlConnector:
    """SQL Server 2016 and later, as a source and as a target.

    **Never run against a server.** No SQL Server was at hand where Marea is built: its SQL is
    checked by a parser and by golden texts, its driver by nothing. Try it on a copy first.
    """

    declares = Declaration(("mssql", "sqlserver"), parameters=tuple(PARAMETERS))

    def validate(self, options: Mapping[str, object]) -> list[str]:
        """Options it does not know."""
        return unknown_options(options, LOGIN_OPTIONS)

    def place(self, system: SystemSettings) -> str:
        """Host, port and database."""
        return address(system).place("mssql", 1433)

    def source(self, system: SystemSettings) -> Source:
        """The database to read from. Raises ConfigurationError for a wrong url, or without the driver."""
        from marea.connectors.mssql.options import login
        from marea.connectors.mssql.source import MssqlSource

        return MssqlSource(login(system))

    def target(self, system: SystemSettings) -> Target:
        """The database to write to. Raises ConfigurationError for a wrong url, or without the driver."""
        from marea.connectors.mssql.options import login
        from marea.connectors.mssql.target import mssql_target

        return mssql_target(login(system))
