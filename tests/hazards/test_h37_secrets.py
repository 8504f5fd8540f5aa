"""Nothing that Marea says shows a password, whatever is in it and whoever repeats it."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from by_hand import run_sql
from cli.conftest import Marea
from connectors.rest.application import Application, Call, Reply
from connectors.rest.tools import QUICK
from marea.config.load import load
from marea.config.secrets import Secrets
from marea.config.settings import SystemSettings
from marea.connectors.base import address
from marea.connectors.rest import RestConnector
from marea.errors import ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.testing import batch, shape

pytestmark = [pytest.mark.hazard, pytest.mark.integration]

MARK = "Hunter2"
SPECIAL = "#?/@:%&=+'\"\\ \t{}[]<>;,!*$`é€\u2100日"
PASSWORDS = st.lists(st.sampled_from(SPECIAL) | st.just(MARK), min_size=1, max_size=6).map(
    lambda parts: MARK + "".join(parts) + MARK
)
WORST = [f"{MARK}{special}{MARK}" for special in [*SPECIAL, "  two  ", "${", "%41"]]
URLS = {
    "postgresql": "postgresql://me:{}@127.0.0.1:1/erp",
    "mysql": "mariadb://me:{}@127.0.0.1:1/erp",
    "rest": "https://me:{}@127.0.0.1:1/api",
}
CONFIG = """
version: 1
state: {state}
systems:
  erp: {{url: {source}}}
  crm: {{url: {target}, {options}}}
entities:
  codes:
    source: {{system: erp, table: codes, key: code}}
    target: {{system: crm, object: codes, key: code}}
    fields: {{code: code}}
"""
COMMANDS = ("check", "plan", "sync", "status", "log", "explain codes a")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run_sql(f"sqlite:///{tmp_path}/erp.db", "CREATE TABLE codes (code TEXT PRIMARY KEY)")
    run_sql(f"sqlite:///{tmp_path}/erp.db", "INSERT INTO codes VALUES ('a')")
    return tmp_path / "marea.yaml"


def write(file: Path, options: str = "", **urls: str) -> None:
    own = {"source": "sqlite:///erp.db", "target": "sqlite:///crm.db", "state": "sqlite:///marea.db"}
    named = {name: json.dumps(url) for name, url in {**own, **urls}.items()}
    file.write_text(CONFIG.format(**named, options=options), "utf-8")


def said(marea: Marea, words: str) -> str:
    done = marea(*words.split(), "--json", "--debug")
    return done.out + done.err


@pytest.mark.parametrize("role", ["source", "target", "state"])
@pytest.mark.parametrize("kind", URLS)
def test_h37_no_command_shows_a_password_written_raw(marea: Marea, file: Path, kind: str, role: str) -> None:
    for password in WORST:
        write(file, **{role: URLS[kind].format(password)})
        assert MARK not in said(marea, "check"), password


@pytest.mark.parametrize("kind", URLS)
def test_h37_no_command_shows_a_password_of_a_system_that_is_away(
    marea: Marea, file: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "".join(WORST))
    for role in ("source", "target", "state"):
        if role != "source" or kind != "rest":
            write(file, **{role: URLS[kind].format("${PASSWORD}")})
            for command in COMMANDS:
                assert MARK not in said(marea, command), (role, command)


def test_h37_init_shows_no_password(marea: Marea, file: Path) -> None:
    for password in WORST[::2]:
        for option, url in (("--source", URLS["postgresql"]), ("--target", URLS["rest"])):
            given = {"--source": "sqlite:///erp.db", option: url.format(password)}
            done = marea("init", *(word for pair in given.items() for word in pair), "--force", "--debug")
            assert MARK not in done.out + done.err
            assert not file.exists() or MARK not in file.read_text("utf-8")


@pytest.mark.property
@settings(max_examples=60)
@given(password=PASSWORDS, kind=st.sampled_from(sorted(URLS)))
def test_h37_a_raw_password_is_refused_or_understood(
    tmp_path_factory: pytest.TempPathFactory, password: str, kind: str
) -> None:
    file = tmp_path_factory.mktemp("h37") / "marea.yaml"
    write(file, target=URLS[kind].format(password))
    try:
        system = load(file, {}).systems["crm"]
    except ConfigurationError as error:
        told = str(error) + repr(error)
    else:
        assert address(system).password == unquote(password)
        assert address(system).host == "127.0.0.1"
        told = repr(system) + repr(address(system))
    assert MARK not in told


@pytest.mark.property
@settings(max_examples=60)
@given(password=PASSWORDS)
def test_h37_a_password_from_the_environment_arrives_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    file = tmp_path_factory.mktemp("h37") / "marea.yaml"
    write(file, target=URLS["postgresql"].format("${PASSWORD}"))
    assert address(load(file, {"PASSWORD": password}).systems["crm"]).password == password


# -- what placeholders bring in ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("", {"headers": {"X-Api": "${SEC}"}}),
        ("", {"headers": {"X-Api": "v1 ${SEC} end"}}),
        ("", {"upsert": {"path": "/{object}/{key}?k=${SEC}"}}),
        ("", {"upsert": {"path": "/${SEC}/{object}/{key}"}}),
        ("/hook/${SEC}/in", {}),
        ("/hook/${SEC}/in", {"login": {"path": "/login", "json": {"ask": ["${SEC}"]}}}),
    ],
)
@pytest.mark.parametrize("secret", [f"{MARK}<i>\"'é{MARK}", f"{MARK}/of/all", MARK])
def test_h37_what_a_placeholder_brings_in_is_shown_nowhere(
    marea: Marea,
    file: Path,
    gossip: Application,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    options: dict[str, object],
    secret: str,
) -> None:
    monkeypatch.setenv("SEC", secret)
    write(file, target=gossip.address + path, options=json.dumps(options)[1:-1])
    for command in COMMANDS:
        told = said(marea, command)
        assert MARK not in told, (command, told[max(0, told.find(MARK) - 40) : told.find(MARK) + 60])
    assert gossip.calls or path  # a server may refuse an address that holds such a value
    assert MARK.encode() not in b"".join(kept.read_bytes() for kept in file.parent.glob("marea.db*"))


def test_h37_a_hidden_folder_still_tells_one_place_from_another(
    marea: Marea, file: Path, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, target=application.address + "/${FOLDER}", options='"upsert": {"path": "/{key}?k=${TOKEN}"}')
    monkeypatch.setenv("FOLDER", "one-shop")
    monkeypatch.setenv("TOKEN", "the-first-token")
    assert marea("sync").code == 0
    monkeypatch.setenv("TOKEN", "the-second-token")
    assert marea("sync", "--full").code == 0
    monkeypatch.setenv("FOLDER", "another-shop")
    assert marea("sync", "--full").code == 2


def test_h37_hosts_users_databases_and_short_values_stay_readable() -> None:
    secrets = Secrets({"HOST": "db.example.com", "NAME": "production", "K": "eu-1"}, Path())
    url = "postgresql://${NAME}:${NAME}@${HOST}/${NAME}"
    assert [*secrets.hidden_url(url, path=False)] == []
    assert [*secrets.hidden_url("https://${HOST}/${NAME}/${K}", path=True)] == ["production"]
    assert [*secrets.hidden({"user": "${NAME}", "x": ["${K}", "a ${HOST}"]})] == ["db.example.com"]


# -- an application that repeats what it was sent --------------------------------------------------


@pytest.fixture
def gossip(application: Application) -> Application:
    """It repeats every header and body it ever got, in every way of writing."""
    heard: list[str] = []

    def answer(call: Call) -> Reply:
        body = call.body.decode()
        heard.extend([*call.headers.values(), body, unquote(body), str(call.query)])
        heard.extend(base64.b64decode(word + "==").decode("utf-8", "replace") for word in basic(call))
        if call.path == "/login" and "token" in body:
            return Reply(200, {"token": f"{MARK}-of-the-login"})
        told = " ".join(heard)
        ways = (told, json.dumps(told), html.escape(told), quote(told), f"<b>{told}</b>")
        return [Reply(422, {"error": " ".join(ways), told: told}), Reply(500, text=" ".join(ways))][
            len(heard) % 2
        ]

    application.script = answer
    return application


def basic(call: Call) -> list[str]:
    kind, _, word = call.headers.get("Authorization", "").partition(" ")
    return [word] if kind == "Basic" else []


@pytest.mark.parametrize(
    "options",
    [
        {"auth": {"bearer": f"{MARK}.{MARK}"}},
        {"auth": {"basic": {"user": "me", "password": f"{MARK}<i>\"'&{MARK}"}}},
        {"auth": {"header": {"Authorization": f"Token {MARK}=="}}},
        {"headers": {"X-Api-Key": f"{MARK}%41"}},
        {
            "login": {
                "path": "/login",
                "json": {"user": "me", "password": f'{MARK}"\\é{MARK}', "ask": "token"},
            }
        },
        {"login": {"path": "/login", "form": {"user": "me", "password": f"{MARK} &+{MARK}", "ask": "token"}}},
        {"login": {"path": "/login", "json": {"pins": [f"{MARK}1", f"{MARK}2"]}}},
        {"upsert": {"path": f"/{{object}}/{{key}}?api_key={MARK}"}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_h37_an_application_that_repeats_what_it_was_sent(
    gossip: Application, options: dict[str, object]
) -> None:
    settings = SystemSettings("crm", "rest", gossip.address, options)
    target = RestConnector(QUICK).target(settings)
    codes = shape()
    rows = [{"code": code, "name": "x", "amount": None} for code in "abc"]
    try:
        receipt = target.deliver(codes, batch(codes, rows, Operation.CREATE))
        told = str(receipt)
    except SystemUnreachable as error:
        told = str(error)
    finally:
        target.close()
    assert gossip.calls
    assert MARK not in told
    assert MARK not in repr(settings)
