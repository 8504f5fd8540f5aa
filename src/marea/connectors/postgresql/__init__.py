"""Owns the PostgreSQL connector: what it knows of a system's options, and its two roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from marea.config.declared import Declaration
from marea.config.settings import SystemSettings
from marea.connectors.base import LOGIN_OPTIONS, address, unknown_options
from marea.connectors.postgresql.parameters import PARAMETERS

if TYPE_CHECKING:
    from marea.ports import Source, Target

OPTIONS = frozenset({*LOGIN_OPTIONS, "timezone"})


class PostgresqlConnector:
    """PostgreSQL 12 and later, as a source and as a target."""

    declares = Declaration(("postgresql", "postgres"), parameters=PARAMETERS)

    def validate(self, options: Mapping[str, object]) -> list[str]:
        """Options it does not know; the server itself checks the name of a time zone."""
        return unknown_options(options, OPTIONS)

    def place(self, system: SystemSettings) -> str:
        """Host, port and database, also where libpq's parameters name them."""
        where = address(system)
        given = dict(where.parameters)
        port = given.get("port", "")
        named = replace(
            where,
            host=given.get("host") or where.host,
            port=int(port) if port.isdecimal() else where.port,
            database=given.get("dbname") or where.database or where.user,
        )
        return named.place("postgresql", 5432)

    def source(self, system: SystemSettings) -> Source:
        """Reads through ADBC, which hands over Arrow."""
        from marea.connectors.postgresql.source import PostgresqlSource

        return PostgresqlSource(system)

    def target(self, system: SystemSettings) -> Target:
        """Writes through psycopg and COPY."""
        from marea.connectors.postgresql.target import postgresql_target

        return postgresql_target(system)
