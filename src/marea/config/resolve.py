"""Owns the last step of loading: a configuration as written meets the environment of this run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from marea.config import addresses
from marea.config.declared import declared
from marea.config.mistake import Mistake
from marea.config.secrets import Secrets
from marea.config.settings import Settings, SystemSettings
from marea.errors import ConfigurationError


def resolved(settings: Settings, environment: Mapping[str, str], *, systems: bool = True) -> Settings:
    """The settings with secrets filled in, connectors found and paths of files made absolute.

    Without `systems` these are left out: nothing can be asked but the state. Raises
    ConfigurationError, without a line, where the environment lacks something: what a line holds,
    only a load can tell.
    """
    try:
        return _resolved(settings if systems else replace(settings, systems={}), environment)
    except Mistake as mistake:
        raise ConfigurationError.single(mistake.message, file=settings.file, hint=mistake.hint) from None


def _resolved(settings: Settings, environment: Mapping[str, str]) -> Settings:
    folder = Path(settings.file).parent
    secrets = Secrets(environment, folder)
    return replace(
        settings,
        state=addresses.state(secrets.fill_url(settings.state), folder),
        systems={name: _system(system, secrets) for name, system in settings.systems.items()},
    )


def _system(system: SystemSettings, secrets: Secrets) -> SystemSettings:
    url = secrets.fill_url(system.url)
    connector, url = addresses.reached(url, system.connector or None, secrets.folder)
    options = cast("dict[str, Any]", secrets.fill_all(system.options))
    path = not declared(connector).database  # the name of a database or file is none
    hidden = (*secrets.hidden(system.options), *secrets.hidden_url(system.url, path=path))
    return replace(system, url=url, connector=connector, options=options, secrets=hidden)
