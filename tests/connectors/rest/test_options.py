"""The options of a REST system: every fault at once, in words that help; secrets out of sight."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from connectors.rest.tools import OWN_IDS, Targets, shape
from marea.config.settings import SystemSettings
from marea.connectors.rest import RestConnector
from marea.connectors.rest.options import parse
from marea.errors import ConfigurationError

pytestmark = pytest.mark.unit

PUT = {"path": "/{object}/{key}"}


def faults(**options: Any) -> list[str]:
    return RestConnector().validate(options)


def test_the_whole_example_is_valid() -> None:
    assert not faults(
        auth={"bearer": "t0ken"},
        upsert={"method": "PUT", "path": "/{object}/{key}", "wrap": "record"},
        delete={"method": "DELETE", "path": "/{object}/{key}"},
        read={"method": "GET", "path": "/{object}/{key}"},
        batch={"method": "POST", "path": "/{object}/batch", "size": 500},
        headers={"X-Tenant": "north", "X-Version": 3},
        concurrency=8,
        rate="50/s",
        timeout="30s",
        maintenance=["Sun 02:00-04:00"],
    )
    assert not faults(**OWN_IDS, login={"path": "/auth", "json": {"user": "u"}, "token": "token"})
    assert not faults()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"upsrt": PUT}, ['upsrt: unknown option (did you mean "upsert"?)']),
        ({"zzz": 1}, ["zzz: unknown option (known here: upsert,"]),
        ({"upsert": {"pth": "/x"}}, ['upsert.pth: unknown option (did you mean "path"?)', "path is missing"]),
        ({"upsert": "/x"}, ["upsert: must be a mapping of method, path, id, wrap"]),
        ({"upsert": {"path": "/{object}"}}, ["upsert.path: names no record"]),
        ({"upsert": {"path": "{key}"}}, ["upsert.path: must begin with /"]),
        ({"upsert": {"path": "/{key} x"}}, ["upsert.path: must not hold blanks"]),
        ({"upsert": {**PUT, "method": "FETCH"}}, ["upsert.method: must be one of GET"]),
        ({"upsert": {"path": "/{object}/{id}"}}, ["upsert.path: {id} is not known yet"]),
        ({**OWN_IDS, "upsert": PUT}, ["upsert and create exclude each other"]),
        ({**OWN_IDS, "batch": {"path": "/b"}}, ["batch and create exclude each other"]),
        ({"create": {"path": "/{object}"}}, ["create needs update"]),
        ({"update": {"path": "/{id}"}}, ["update needs create"]),
        ({"find": {"path": "/?x={key}"}}, ["find needs create"]),
        ({"batch": {"path": "/{object}/{key}"}}, ["batch.path: can name {object} alone"]),
        ({"batch": {"path": "/b", "size": 0}}, ["batch.size: must be a whole number, 1 or more"]),
        ({"batch": {"path": "/b", "results": "r"}}, ["batch: key is missing"]),
        ({"batch": {"path": "/b", "error": "e"}}, ["batch: key, error and id need results or errors"]),
        (
            {"batch": {"path": "/b", "results": "r", "errors": "e", "key": "k"}},
            ["batch: results and errors exclude each other"],
        ),
        (
            {"batch": {"path": "/b", "results": "r", "key": "k", "id": "id"}, "upsert": PUT},
            ["batch.id and upsert.id go together"],
        ),
        ({"auth": {}}, ["auth: must hold one of bearer, basic, header"]),
        ({"auth": {"bearer": "a", "basic": {}}}, ["auth: must hold one of"]),
        ({"auth": {"basic": {"user": "u"}}}, ["auth.basic: password is missing"]),
        ({"auth": {"beaer": "a"}}, ['auth.beaer: unknown option (did you mean "bearer"?)']),
        ({"auth": {"bearer": "two words"}}, ["auth.bearer: is empty or holds blanks"]),
        (
            {"auth": {"bearer": "a"}, "login": {"path": "/l", "form": {}}},
            ["auth and login exclude each other"],
        ),
        ({"login": {"path": "/l"}}, ["login: needs one of json, form"]),
        ({"login": {"path": "l", "json": {}}}, ["login.path: must begin with /"]),
        ({"headers": {"X": "a\nb"}}, ["headers: X holds a line break"]),
        ({"headers": ["X"]}, ["headers: must be a mapping of names to texts"]),
        ({"concurrency": "many"}, ["concurrency: must be a whole number"]),
        ({"concurrency": True}, ["concurrency: must be a whole number"]),
        ({"rate": "fast"}, ["rate: must be a rate above zero; write calls"]),
        ({"rate": "0/s"}, ["rate: must be a rate"]),
        ({"timeout": "soon"}, ["timeout: must be a duration; write a number"]),
        ({"timeout": "999999999d"}, ["timeout: must be no longer than 3650d"]),
        ({"timeout": 10**400}, ["timeout: must be above zero, and no more than 315360000"]),
        ({"timeout": float("inf")}, ["timeout: must be above zero, and no more than"]),
        ({"rate": float("nan")}, ["rate: must be above zero, and no more than 1000000000"]),
        ({"verify": "no"}, ["verify: must be true or false"]),
        ({"verify": False, "ca": "x.pem"}, ["ca and verify: false exclude each other"]),
    ],
)
def test_faults_help(options: dict[str, Any], words: list[str]) -> None:
    found = faults(**options)
    for word in words:
        assert any(word in fault for fault in found), found
    assert len(found) == len(words)


def test_all_faults_are_told_at_once() -> None:
    found = faults(upsrt=PUT, concurrency=0, auth={"token": "x"}, rate="x", update={"path": "/{id}"})
    assert len(found) == 5


@pytest.mark.parametrize(
    ("rate", "seconds"), [("50/s", 50.0), ("3000/min", 50.0), ("600/min", 10.0), ("36/h", 0.01), (7.5, 7.5)]
)
def test_rates(rate: object, seconds: float) -> None:
    assert parse({"rate": rate}, []).rate == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("2m", 120.0), (45, 45.0)])
def test_timeouts(text: object, seconds: float) -> None:
    assert parse({"timeout": text}, []).timeout == seconds


def test_secrets_are_not_in_the_repr() -> None:
    options = parse(
        {
            "login": {"path": "/l", "json": {"user": "me", "password": "pa55word", "deep": {"pin": "4711"}}},
            "headers": {"X-Api-Key": "s3cret"},
        },
        [],
    )
    assert options.secrets == {"pa55word", "4711", "s3cret"}
    for secret in options.secrets:
        assert secret not in repr(options)
    basic = parse({"auth": {"basic": {"user": "me", "password": "pa55word"}}}, [])
    assert basic.headers == {"Authorization": "Basic bWU6cGE1NXdvcmQ="}
    assert "bWU6cGE1NXdvcmQ=" in basic.secrets
    assert "pa55" not in repr(basic)


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "http://", "https://host/api?key=pa55word", "https://host:port/", "https://host/#pa55word"],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RestConnector().target(SystemSettings("crm", "rest", url, line=7))
    assert caught.value.faults[0].line == 7
    assert "pa55word" not in str(caught.value)


def test_a_rest_system_is_no_source() -> None:
    with pytest.raises(ConfigurationError, match="target only"):
        RestConnector().source(SystemSettings("crm", "rest", "https://host"))


@pytest.mark.parametrize(
    ("options", "key", "word"),
    [
        ({"upsrt": PUT}, ("code",), 'did you mean "upsert"'),
        ({"upsert": {"path": "/{object}/{cod}"}}, ("code",), 'there is no {cod} (did you mean "code"?)'),
        ({"upsert": {"path": "/{object}?k={key}"}}, ("a", "b"), "name each: a={a}&b={b}"),
        ({"batch": {"path": "/b", "results": "r", "key": "a"}}, ("a", "b"), "must name 2 fields"),
    ],
)
def test_an_entity_s_own_routes_are_checked(
    targets: Targets, options: dict[str, Any], key: tuple[str, ...], word: str
) -> None:
    target = targets.at("http://localhost:1")
    with pytest.raises(ConfigurationError) as caught:
        target.prepare(shape("accounts", key, **options))
    assert word in str(caught.value)
    assert caught.value.faults[0].entity == "accounts"


def test_certificates_that_cannot_be_read(targets: Targets, tmp_path: Any) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            targets.at("https://localhost:1", ca=str(file)).prepare(shape())


def test_a_target_at_rest_costs_no_import() -> None:
    code = (
        "import sys; from marea.config.settings import SystemSettings;"
        "from marea.connectors.rest import RestConnector;"
        "RestConnector().target(SystemSettings('crm', 'rest', 'http://localhost')).close();"
        "print(*{'aiohttp', 'asyncio', 'pyarrow', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
