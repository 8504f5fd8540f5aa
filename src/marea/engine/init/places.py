"""Owns where a starter configuration reads, writes and remembers: names, and addresses without secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from marea.config import addresses
from marea.engine.init.discovery import free, snake

SECRET = re.compile(r"pass|pwd|token|secret", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\{[^{}]+\}")
_NUMERIC = re.compile(r"[\d.:\[\]]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A system as the file has it."""

    name: str
    url: str
    """As it reads from the folder of the file, without its password."""
    variable: str
    """The variable that its password is to be taken from; empty where it has none to hide."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where records come from, where they go, and where what is remembered of them is."""

    source: Place
    target: Place
    state: str


def places(source: str, target: str, file: Path) -> Places:
    """The places of a configuration that will lie at `file`; urls are as the working directory reads them."""
    name = _called(source, "source", ())
    folder = file.parent
    return Places(
        _place(name, source, folder),
        _place(_called(target, "target", (name,)), target, folder),
        _state(file, (source, target)),
    )


def _place(name: str, url: str, folder: Path) -> Place:
    variable = f"{name.upper().replace('-', '_')}_PASSWORD"
    shown, secret = masked(_located(url, folder), variable)
    return Place(name, shown, variable if secret else "")


def _called(url: str, otherwise: str, taken: Collection[str]) -> str:
    """The name of the database, of its file, or of an application's host; else its role."""
    parts = urlsplit(_PLACEHOLDER.sub("", url))
    last = parts.path.rstrip("/").rpartition("/")[2]
    host = parts.hostname or ""
    known = last if parts.scheme not in ("http", "https") else "" if _NUMERIC.fullmatch(host) else host
    name = snake(known.partition(".")[0]) if known and not _PLACEHOLDER.search(url.rpartition("/")[2]) else ""
    return free(name if name.isidentifier() and name.isascii() else otherwise, taken)


def _located(url: str, folder: Path) -> str:
    """The URL, a file's relative path as it reads from the folder of the configuration."""
    if folder.resolve() == Path.cwd() or _PLACEHOLDER.search(url):
        return url
    return addresses.reached(url, None, Path.cwd())[1]


def _state(file: Path, urls: Collection[str]) -> str:
    """A file of the configuration's own name beside it, unless a system is that file."""
    told = [url for url in urls if not _PLACEHOLDER.search(url)]
    taken = {addresses.reached(url, None, Path.cwd())[1] for url in told}
    names = (f"{file.stem}.db", f"{file.stem}-state.db", f"{file.stem}-marea-state.db")
    located = {name: addresses.located(f"sqlite:///{name}", file.parent) for name in names}
    return next(f"sqlite:///{name}" for name, url in located.items() if url not in taken)


def masked(url: str, variable: str) -> tuple[str, bool]:
    """The URL with its password, and what else looks like a secret, as `${VARIABLE}`.

    What is a placeholder already stays the one it is.
    """
    place = f"${{{variable}}}"
    netloc, query = urlsplit(url)[1], urlsplit(url)[3]
    user, colon, password = netloc.rpartition("@")[0].partition(":")
    shown = f"{user}:{_masked(password, place)}@{netloc.rpartition('@')[2]}" if colon else netloc
    pairs = [pair.partition("=") for pair in query.split("&")]
    hidden = "&".join(
        name + mark + (_masked(value, place) if SECRET.search(name) else value) for name, mark, value in pairs
    )
    text = url.replace(netloc, shown, 1) if colon else url
    text = text.replace(query, hidden, 1) if query else text
    return text, place in text


def _masked(secret: str, place: str) -> str:
    return secret if _PLACEHOLDER.fullmatch(secret) else place
