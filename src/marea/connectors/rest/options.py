"""Owns the options of a REST system: typed, checked, every fault at once, secrets kept out of sight."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from marea.config.secrets import OPEN
from marea.connectors.rest import routes
from marea.connectors.rest.section import Section

NAMES = (
    *routes.NAMES,
    "auth",
    "login",
    "headers",
    "concurrency",
    "rate",
    "timeout",
    "verify",
    "ca",
    "maintenance",
)
_SPEAKING = ("auth", "key", "token", "secret", "cookie", "pass", "pwd", "sign")
"""What the name of a header or parameter holds when its value is a secret."""


@dataclass(frozen=True, slots=True)
class Login:
    """A call that gives a token for all others; renewed once when the application answers 401."""

    method: str
    path: str
    json: Mapping[str, object] | None = field(repr=False)
    form: Mapping[str, str] | None = field(repr=False)
    token: str
    """Dotted path to the token in the answer."""
    headers: Mapping[str, str]
    """Sent with every other call, `{token}` replaced."""


@dataclass(frozen=True, slots=True)
class Options:
    """Everything under the system's name but its url."""

    routes: routes.Routes
    headers: Mapping[str, str] = field(repr=False)
    """Sent with every call, the authorization included."""
    login: Login | None
    concurrency: int
    rate: float | None
    """Calls a second."""
    timeout: float
    """Seconds for one call, from asking to the last byte of the answer."""
    verify: bool
    ca: str
    """File of certificates to trust beside the system's own."""
    secrets: frozenset[str] = field(repr=False)
    """Texts that must never be shown."""


def parse(options: Mapping[str, object], faults: list[str]) -> Options:
    """The options as written; whatever is wrong is added to `faults`, each as one sentence."""
    section = Section(options, "", NAMES, faults)
    headers, secrets = _authorization(section, faults)
    more = section.pairs("headers")
    login = _login(section.get("login"), secrets, faults) if section.has("login") else None
    if login is not None and section.has("auth"):
        section.fault("auth and login exclude each other")
    if section.has("ca") and section.get("verify") is False:
        section.fault("ca and verify: false exclude each other")
    secrets.update(_speaking(more.items()))
    secrets.update(in_paths(options))
    return Options(
        routes.parse(options, faults),
        {**more, **headers},
        login,
        section.whole("concurrency", 8),
        section.rate("rate"),
        section.seconds("timeout", 30.0),
        section.flag("verify", True),
        section.text("ca"),
        frozenset(secret for secret in secrets if secret),
    )


def split_url(url: str) -> tuple[str, dict[str, str], set[str]]:
    """The url without user and password, the header they make, and the secrets in it.

    Raises ValueError, with words fit to show, for what is no http(s) address.
    """
    parts = urlsplit(url)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the url's port is no number") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the url must be an http or https address")
    if parts.query or parts.fragment:
        raise ValueError("the url must end before ? and #; put them into the paths")
    host = parts.netloc.rpartition("@")[2]
    address = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
    if parts.username is None:
        return address, {}, set()
    user, password = unquote(parts.username), unquote(parts.password or "")
    header = _basic(user, password)
    return address, {"Authorization": header}, {password, header.removeprefix("Basic ")} - {""}


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _authorization(section: Section, faults: list[str]) -> tuple[dict[str, str], set[str]]:
    if not section.has("auth"):
        return {}, set()
    auth = Section(section.get("auth"), "auth", ("bearer", "basic", "header"), faults)
    given = [name for name in ("bearer", "basic", "header") if auth.has(name)]
    if len(given) != 1:
        if given or not auth.strange:
            section.fault("must hold one of bearer, basic, header", "auth")
        return {}, set()
    if given == ["basic"]:
        return _basic_auth(auth, faults)
    if given == ["header"]:
        pairs = auth.pairs("header")
        return pairs, {part for value in pairs.values() for part in _parts(value)}
    bearer = auth.text("bearer")
    if not bearer or any(ord(char) <= 32 for char in bearer):
        auth.fault("is empty or holds blanks", "bearer")
        return {}, {bearer}
    return {"Authorization": f"Bearer {bearer}"}, {bearer}


def _basic_auth(auth: Section, faults: list[str]) -> tuple[dict[str, str], set[str]]:
    basic = Section(auth.get("basic"), "auth.basic", ("user", "password"), faults)
    user, password = basic.text("user", required=True), basic.text("password", required=True)
    header = _basic(user, password)
    return {"Authorization": header}, {password, header.removeprefix("Basic ")}


def _login(value: object, secrets: set[str], faults: list[str]) -> Login:
    section = Section(value, "login", ("method", "path", "json", "form", "token", "headers"), faults)
    if section.has("json") == section.has("form"):
        section.fault("needs one of json, form: what is sent")
    body = section.get("json")
    if body is not None and not isinstance(body, Mapping):
        section.fault("must be a mapping", "json")
    form = section.pairs("form") if section.has("form") else None
    secrets.update(_hidden(body))
    secrets.update(_hidden(form))
    path = section.text("path", required=True)
    if path and not path.startswith("/"):
        section.fault("must begin with /, it is added to the system's url", "path")
    headers = section.pairs("headers") or {"Authorization": "Bearer {token}"}
    secrets.update(_speaking((name, text) for name, text in headers.items() if "{token}" not in text))
    return Login(
        section.text("method", "POST").upper(),
        path,
        body if isinstance(body, Mapping) else None,
        form,
        section.text("token", "token"),
        headers,
    )


def _hidden(value: object, name: str = "") -> set[str]:
    """Every text and number in `value` but those under a name that is no secret."""
    if isinstance(value, Mapping):
        return {text for key, item in value.items() for text in _hidden(item, str(key))}
    if isinstance(value, list):
        return {text for item in value for text in _hidden(item, name)}
    secret = isinstance(value, str | int | float) and not isinstance(value, bool)
    return {str(value)} if secret and name.lower() not in OPEN else set()


def _speaking(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The values whose name says that they are secrets."""
    found = (value for name, value in pairs if any(word in name.lower() for word in _SPEAKING))
    return {part for value in found for part in _parts(value)}


def _parts(value: str) -> set[str]:
    """A header's value, and without the word before it that says its kind: `Token abc`, `abc`."""
    return {value, value.rpartition(" ")[2]}


def in_paths(value: object, name: str = "") -> set[str]:
    """The secrets among the parameters of every `path`."""
    if isinstance(value, Mapping):
        return {text for key, item in value.items() for text in in_paths(item, str(key))}
    if name != "path" or not isinstance(value, str):
        return set()
    return _speaking(pair for pair in parse_qsl(value.partition("?")[2]) if "{" not in pair[1])
