"""Owns `init`: a starter configuration written from what a database holds, ready to run as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from marea.capabilities import Catalogue
from marea.config import addresses
from marea.config.declared import declared
from marea.config.mistake import Mistake
from marea.config.secrets import Secrets, named
from marea.config.settings import SystemSettings
from marea.connectors.registry import connector
from marea.engine.init.discovery import Discovery, discover
from marea.engine.init.places import places
from marea.engine.init.text import Text
from marea.errors import ConfigurationError, Fault
from marea.ports import Source, Table

_GRANTS = 3  # more in one hint are noise


@dataclass(frozen=True, slots=True)
class Starter:
    """A configuration to begin with."""

    text: str
    found: Discovery
    """What it was made from."""
    lacks: tuple[str, ...]
    """Variables that it takes passwords from, and that are not set."""


def starter(source: str, target: str | None, file: Path, environment: Mapping[str, str]) -> Starter:
    """A configuration for the database at `source`.

    `file` is where it will lie, with a state of its own beside it; relative paths of files are taken
    from the working directory. Placeholders in both addresses stay as they are written, and are filled from
    `environment` to read the source; passwords do not appear in the text. Raises
    ConfigurationError, SystemUnreachable.
    """
    target = target or "sqlite:///target.db"
    secrets = Secrets(environment, Path.cwd())
    name, _ = _reached("--target", target, secrets)
    found = discover(_tables(source, secrets))
    if not found.drafts:
        raise ConfigurationError([_nothing(found)])
    text = "\n".join(Text(places(source, target, file), found, declared(name)).lines()) + "\n"
    return Starter(text, found, tuple(name for name in named(text) if name not in environment))


def _nothing(found: Discovery) -> Fault:
    """Why there is nothing to write."""
    if found.unreadable and not found.keyless:
        hint = "; ".join(list(found.unreadable.values())[:_GRANTS])
        return Fault("the login may read none of the tables there", hint=hint)
    hint = "give the tables keys, or let the login see them"
    return Fault("no table there has a primary key, so that nothing can be told apart", hint=hint)


def _tables(url: str, secrets: Secrets) -> list[Table]:
    opened = _source(url, secrets)
    try:
        return _described(opened)
    except ConfigurationError as error:
        raise ConfigurationError([_of_source(fault) for fault in error.faults]) from None
    finally:
        opened.close()


def _of_source(fault: Fault) -> Fault:
    """A fault of the system that is in no file yet, of the option that it was named by."""
    return replace(fault, field="--source") if fault.field.startswith("systems.") else fault


def _described(opened: Source) -> list[Table]:
    if not isinstance(opened, Catalogue):
        raise ConfigurationError.single("this source cannot list its tables", field="--source")
    described = [opened.describe(name) for name in opened.tables()]
    return [table for table in described if table is not None]


def _source(url: str, secrets: Secrets) -> Source:
    name, located = _reached("--source", url, secrets)
    return connector(name).source(SystemSettings("source", name, located))


def _reached(option: str, url: str, secrets: Secrets) -> tuple[str, str]:
    try:
        return addresses.reached(secrets.fill_url(url), None, secrets.folder)
    except Mistake as mistake:
        raise ConfigurationError.single(mistake.message, field=option, hint=mistake.hint) from None
