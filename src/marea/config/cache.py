"""Owns the memory of a checked configuration, so that a file that did not change is not checked again.

What is kept is the configuration as written, its placeholders unfilled, sealed with the bytes of
the file itself: who cannot read the file learns nothing from it, not even a password that should
not stand there, and a file with one byte changed no longer opens it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from hashlib import blake2b, shake_256
from pathlib import Path
from typing import Any

from marea.config import settings as values
from marea.config.load import as_written, content
from marea.config.resolve import resolved
from marea.config.settings import Settings
from marea.errors import ConfigurationError

_SALT = _TAG = 16
_MAKERS: dict[str, Any] = {
    "tuple": tuple,
    "dict": dict,
    **{name: kind for name, kind in vars(values).items() if is_dataclass(kind)},
}


def load_cached(
    path: str | os.PathLike[str], environment: Mapping[str, str] = os.environ, *, systems: bool = True
) -> Settings:
    """As `marea.config.load.load`, remembering the file's checked content in the user's cache folder.

    Without `systems` `environment` need not have what these need. A memory
    that is missing, damaged or of another program version is as good as none.
    """
    file = os.fspath(path)
    written = content(file)
    memory = _Memory(file, written, environment)
    remembered = memory.recall()
    if remembered is not None:
        with suppress(ConfigurationError):  # a full load says what the environment lacks, and where
            return resolved(replace(remembered, file=file), environment, systems=systems)
    checked = as_written(file, written, environment, systems=systems)
    if systems:  # else it may not be checked as a whole
        memory.keep(checked)
    return resolved(checked, environment, systems=systems)


class _Memory:
    """What is remembered of one file."""

    def __init__(self, file: str, written: bytes, environment: Mapping[str, str]) -> None:
        self._written = written
        self._place: Path | None = None
        home = environment.get("HOME")
        folder = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else None)
        if folder:
            # Two digits: however many files there are, the folder stays small. Files that share a
            # place only forget each other.
            place = blake2b(os.fsencode(Path(file).resolve()), digest_size=1).hexdigest()
            self._place = Path(folder, "marea", f"configuration-{place}")

    def recall(self) -> Settings | None:
        """The settings kept for exactly these bytes by this program; None for any other reason."""
        if self._place is None:
            return None
        try:
            with self._place.open("rb") as kept:
                sealed = kept.read() if _own(os.fstat(kept.fileno())) else b""
            found = json.loads(self._opened(sealed), object_hook=_made)
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        return found if isinstance(found, Settings) else None

    def keep(self, settings: Settings) -> None:
        """Remember the settings; where nothing can be written, nothing is remembered."""
        if self._place is None:
            return
        import tempfile

        sealed = self._sealed(json.dumps(_plain(settings), separators=(",", ":")).encode())
        with suppress(OSError):
            self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made with mode 0600, and moved into place whole.
            with tempfile.NamedTemporaryFile(dir=self._place.parent, delete=False) as kept:
                kept.write(sealed)
            Path(kept.name).replace(self._place)

    def _key(self, salt: bytes) -> bytes:
        from marea import __version__

        shape = [(name, getattr(kind, "__slots__", ())) for name, kind in _MAKERS.items()]
        return blake2b(f"{__version__} {shape}".encode() + salt + self._written).digest()

    def _sealed(self, plain: bytes) -> bytes:
        salt = os.urandom(_SALT)
        key = self._key(salt)
        return salt + blake2b(plain, key=key, digest_size=_TAG).digest() + _mixed(key, plain)

    def _opened(self, sealed: bytes) -> bytes:
        salt, tag, mixed = sealed[:_SALT], sealed[_SALT : _SALT + _TAG], sealed[_SALT + _TAG :]
        key = self._key(salt)
        plain = _mixed(key, mixed)
        if blake2b(plain, key=key, digest_size=_TAG).digest() != tag:
            raise ValueError("kept for another file or program")
        return plain


def _own(status: os.stat_result) -> bool:
    """Whether nobody else could have written it."""
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _mixed(key: bytes, data: bytes) -> bytes:
    stream = shake_256(key).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple):
        return {"$": "tuple", "of": [[_plain(item) for item in value]]}
    if isinstance(value, dict):
        return {"$": "dict", "of": [[[name, _plain(item)] for name, item in value.items()]]}
    if is_dataclass(value):
        return {
            "$": type(value).__name__,
            "of": [_plain(getattr(value, each.name)) for each in fields(value)],
        }
    return value


def _made(kept: dict[str, Any]) -> Any:
    return _MAKERS[kept["$"]](*kept["of"])
