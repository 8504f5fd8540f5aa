"""Owns the loading of a configuration file: read, check everything, give settings or every fault at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from marea.config.settings import Settings
from marea.errors import ConfigurationError, in_order


def load(path: str | os.PathLike[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """The configuration in the file at `path`, secrets taken from `environment` and files.

    Raises ConfigurationError with every fault of the file, in the order of its lines.
    """
    from marea.config.resolve import resolved

    file = os.fspath(path)
    return resolved(as_written(file, content(file), environment), environment)


def content(file: str) -> bytes:
    """The bytes of a configuration file. Raises ConfigurationError where it cannot be read."""
    try:
        return Path(file).read_bytes()
    except FileNotFoundError:
        hint = "write one, or let `marea init` read your database and write it"
        raise ConfigurationError.single("there is no such file", file=file, hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not usable"
        raise ConfigurationError.single(f"cannot be read: {reason}", file=file) from None


def as_written(
    file: str, written: bytes, environment: Mapping[str, str], *, systems: bool = True
) -> Settings:
    """The settings with placeholders still in their place; `environment` is only looked into.

    Without `systems` it may lack what these need. Raises ConfigurationError with every fault, those
    the environment is to blame for included.
    """
    # Slow to import; a run whose file did not change since the last one never comes here.
    from marea.config import build, checks, options, shape, tree
    from marea.config.secrets import Secrets

    document = tree.read(file, written)
    model, faults = shape.validated(document)
    secrets = Secrets(environment, Path(file).parent)
    faults = [*document.faults, *faults, *checks.faults(document, secrets, systems=systems)]
    if model is None or faults:
        raise ConfigurationError(in_order([*faults, *options.faults(document, secrets, faults)]))
    return build.settings(document, model)
