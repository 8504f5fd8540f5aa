"""Owns what connectors share: the check of their options, and the reading of database addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from marea.config.addresses import check
from marea.config.mistake import Mistake, placed
from marea.config.names import suggest
from marea.config.scrub import one_line
from marea.config.settings import SystemSettings
from marea.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from marea.ports import Shape

LOGIN_OPTIONS = frozenset({"user", "password"})
"""Options every SQL connector knows: a login that need not be spelled inside the address."""

_HERE = ("", "localhost", "127.0.0.1", "::1")
"""Names of this machine; a path of a socket is another."""


def unknown_options(options: Mapping[str, object], known: Iterable[str]) -> list[str]:
    """A sentence for every option that is not known, its place first, with the nearest one that is."""
    names = sorted(known)
    return [
        f"{option}: unknown option ({suggest(option, names) or 'none is known here'})"
        for option in options
        if option not in names
    ]


def option_faults(system: SystemSettings, said: Iterable[str]) -> list[Fault]:
    """The sentences of a connector about options of a system, each where its option is written."""
    return [system.fault(text, place) for place, text in (placed(each, system.lines) for each in said)]


def parameter_faults(given: Mapping[str, str], known: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for every parameter of a url whose value is none of those allowed.

    `known` has the values that each may have; none for one that may have any.
    """
    wrong = [
        name for name, allowed in known.items() if allowed and given.get(name, allowed[0]) not in allowed
    ]
    return [
        f"the url parameter {name} is one of {', '.join(known[name])}, not {given[name]!r}" for name in wrong
    ]


def lost(shape: Shape) -> str:
    """The next step where a place is gone with what was delivered to it."""
    return f"put it back, or have everything delivered again: marea sync {shape.entity} --resend"


@dataclass(frozen=True, slots=True)
class Address:
    """A database's address taken apart; `shown` is how a message names it, without the password."""

    scheme: str
    host: str
    port: int | None
    database: str
    user: str
    password: str = field(repr=False)
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    filled: tuple[str, ...] = field(default=(), repr=False)
    """What placeholders brought into it that is not to be shown."""

    @property
    def secrets(self) -> frozenset[str]:
        """The password, and what else of the address is one."""
        hidden = (value for name, value in self.parameters if "password" in name.lower())
        return frozenset({self.password, *hidden, *self.filled} - {""})

    @property
    def shown(self) -> str:
        """The address without login and parameters."""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host}{port}/{self.database}"

    def place(self, scheme: str, port: int) -> str:
        """The address in one spelling: `port` is the one meant where none is named."""
        return place(scheme, self.host, self.port or port, f"/{self.database}")

    def clean(self, message: str) -> str:
        """A driver's message on one line, without the password should it repeat it."""
        return one_line(message, self.secrets)


def place(scheme: str, host: str, port: int, path: str) -> str:
    """An address in one spelling: `scheme://host:port/path`, this machine as localhost."""
    host = host.casefold()
    return f"{scheme}://{'localhost' if host in _HERE or host.startswith('/') else host}:{port}{path}"


def address(system: SystemSettings) -> Address:
    """The address of a system whose url is `scheme://user:password@host:port/database?name=value`.

    The options `user` and `password` win over those in the url. Raises ConfigurationError.
    """
    try:
        check(system.url)
    except Mistake as mistake:
        raise ConfigurationError.single(
            f"the url of system {system.name} {mistake.message}", line=system.line, hint=mistake.hint
        ) from None
    parts = urlsplit(system.url)
    return Address(
        scheme=parts.scheme,
        host=unquote(parts.hostname or ""),
        port=parts.port,
        database=unquote(parts.path.lstrip("/")),
        user=str(system.options.get("user") or unquote(parts.username or "")),
        password=str(system.options.get("password") or unquote(parts.password or "")),
        parameters=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        filled=system.secrets,
    )
