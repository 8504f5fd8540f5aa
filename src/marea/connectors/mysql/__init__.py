"""Owns the entry point of the MariaDB and MySQL connector; drivers are imported when a system is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marea.config.declared import Declaration
from marea.config.settings import SystemSettings
from marea.connectors.base import address
from marea.connectors.mysql.options import PARAMETERS

if TYPE_CHECKING:
    from marea.ports import Source, Target


class MysqlConnector:
    """MariaDB from 10.6 and MySQL from 8.0.17, as a source and as a target."""

    declares = Declaration(("mysql", "mariadb"), parameters=tuple(PARAMETERS))

    def validate(self, options: Mapping[str, object]) -> list[str]:
        """What is wrong with a system's options."""
        from marea.connectors.mysql.options import faults

        return faults(options)

    def place(self, system: SystemSettings) -> str:
        """Host, port and database."""
        return address(system).place("mysql", 3306)

    def source(self, system: SystemSettings) -> Source:
        """The database of the system's url to read from. Raises ConfigurationError for a wrong url."""
        from marea.connectors.mysql.options import login
        from marea.connectors.mysql.source import MysqlSource

        return MysqlSource(login(system))

    def target(self, system: SystemSettings) -> Target:
        """The database of the system's url to write to. Raises ConfigurationError for a wrong url."""
        from marea.connectors.mysql.options import login
        from marea.connectors.mysql.target import mysql_target

        return mysql_target(login(system))
