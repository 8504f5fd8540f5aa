"""Owns the last step of loading: a configuration as written meets the environment of this run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from marea.config import addresses
from marea.config.declared import declared
from marea.config.mistake import Lacking, Mistake
from marea.config.secrets import Secrets
from marea.config.settings import Settings, SystemSettings
from marea.errors import ConfigurationError


def resolved(settings: Settings, environment: Mapping[str, str], *, systems: bool = True) -> Settings:
    """The settings with secrets filled in, connectors found and paths of files made absolute.

    Without `systems` the environment may lack what these need; those it does for say so. Raises
    ConfigurationError, without a line, where the environment lacks something else: what a line holds,
    only a load can tell.
    """
    try:
        return _resolved(settings, environment, _system if systems else _perhaps)
    except Mistake as mistake:
        raise ConfigurationError.single(mistake.message, file=settings.file, hint=mistake.hint) from None


def _resolved(
    settings: Settings,
    environment: Mapping[str, str],
    resolve: Callable[[SystemSettings, Secrets], SystemSettings],
) -> Settings:
    folder = Path(settings.file).parent
    secrets = Secrets(environment, folder)
    return replace(
        settings,
        state=addresses.state(secrets.fill_url(settings.state), folder),
        systems={name: resolve(system, secrets) for name, system in settings.systems.items()},
    )


def _perhaps(system: SystemSettings, secrets: Secrets) -> SystemSettings:
    """The system; where the environment lacks what it needs, what can be known of it without."""
    try:
        return _system(system, secrets)
    except Lacking as lacking:
        why = f"{lacking.message} ({lacking.hint})"
    known = replace(system, lacking=why)
    try:
        return _system(known, replace(secrets, standing_in=True))
    except Mistake:  # not even what kind of system it is
        return known


def _system(system: SystemSettings, secrets: Secrets) -> SystemSettings:
    url = secrets.fill_url(system.url)
    connector, url = addresses.reached(url, system.connector or None, secrets.folder)
    options = cast("dict[str, Any]", secrets.fill_all(system.options))
    path = not declared(connector).database  # the name of a database or file is none
    hidden = (*secrets.hidden(system.options), *secrets.hidden_url(system.url, path=path))
    return replace(system, url=url, connector=connector, options=options, secrets=hidden)
