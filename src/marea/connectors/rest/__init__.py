"""Owns the REST connector: any application that takes records over HTTP, as a target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from marea.config.declared import Declaration
from marea.errors import ConfigurationError

if TYPE_CHECKING:
    from marea.config.settings import EntitySettings, SystemSettings
    from marea.connectors.rest.retry import Policy
    from marea.ports import Source, Target


_STARTER = (
    "# How the application takes a record. One that gives its own ids needs create, update and find.",
    'upsert: {method: PUT, path: "/{object}/{key}"}',
    'delete: {method: DELETE, path: "/{object}/{key}"}',
    '# auth: {bearer: "${TARGET_TOKEN}"}',
    "# concurrency: 8",
)


_PARAMETERS = re.compile(r"\?\S*")


class RestConnector:
    """Serves systems with an http or https url; docs/rest.md lists its options."""

    declares = Declaration(("http", "https"), database=False, starter=_STARTER)

    def __init__(self, policy: Policy | None = None) -> None:
        """`policy` says how long a record is insisted on."""
        self._policy = policy

    def validate(self, options: Mapping[str, object]) -> list[str]:
        """What is wrong with a system's options, one sentence each; touches no network."""
        from marea.connectors.rest.options import parse

        faults: list[str] = []
        parse(options, faults)
        return faults

    def place(self, system: SystemSettings) -> str:
        """Scheme, host, port and path."""
        from urllib.parse import urlsplit

        from marea.config.scrub import told_apart
        from marea.connectors.base import place
        from marea.connectors.rest.options import split_url

        try:
            parts = urlsplit(split_url(system.url)[0])
        except ValueError as error:
            raise ConfigurationError.single(f"system {system.name}: {error}", line=system.line) from None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return place(parts.scheme, parts.hostname or "", port, told_apart(parts.path, system.secrets))

    def addressing(self, system: SystemSettings, entity: EntitySettings) -> Mapping[str, str]:
        """By what the application knows the records, and the paths they are written to."""
        from marea.config.scrub import scrubbed, told_apart
        from marea.connectors.rest.options import in_paths
        from marea.connectors.rest.routes import of_entity

        own = entity.target.options
        found = of_entity(system.options, own, entity.name, entity.target.key).addressing
        secrets = in_paths(system.options) | in_paths(own) | {*system.secrets}
        # Another token among the parameters moves no record; another folder does.
        hidden = {
            name: _PARAMETERS.sub(lambda it: scrubbed(it[0], secrets), it) for name, it in found.items()
        }
        return {name: told_apart(value, system.secrets) for name, value in hidden.items()}

    def source(self, system: SystemSettings) -> Source:
        """Raises ConfigurationError: an application is written to, not read from."""
        raise ConfigurationError.single(
            f"system {system.name} cannot be a source: a rest system is a target only", line=system.line
        )

    def target(self, system: SystemSettings) -> Target:
        """The application as a target; calls nothing yet. Raises ConfigurationError."""
        from marea.connectors.base import option_faults
        from marea.connectors.rest.options import parse, split_url
        from marea.connectors.rest.retry import Policy
        from marea.connectors.rest.target import RestTarget

        faults: list[str] = []
        options = parse(system.options, faults)
        try:
            address, headers, secrets = split_url(system.url)
        except ValueError as error:
            faults.append(str(error))
        if faults:
            raise ConfigurationError(option_faults(system, faults))
        options = replace(
            options,
            headers={**headers, **options.headers},
            secrets=options.secrets | secrets | {*system.secrets},
        )
        return RestTarget(system, address, options, self._policy or Policy())
