"""Who calls: tokens, logins renewed once, certificates; and secrets that appear nowhere."""

from __future__ import annotations

import logging
import ssl
from base64 import b64decode
from itertools import count
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING, Any

import pytest

from connectors.rest.application import Application, Call, Reply
from connectors.rest.tools import Targets, accounts, batch, ids, shape
from marea.connectors.rest.target import RestTarget
from marea.errors import SystemUnreachable

if TYPE_CHECKING:
    import pyarrow as pa

pytestmark = pytest.mark.integration

PASSWORD = "pa55word&more"
LOGIN: dict[str, Any] = {
    "path": "/auth",
    "json": {"user": "marea", "password": PASSWORD},
    "token": "data.token",
}


def session(lives: int = 1_000_000, status: int = 200) -> tuple[list[str], Any]:
    """Tokens given so far, and a script of an application whose tokens serve `lives` calls each."""
    given: list[str] = []
    served = count(1)

    def script(call: Call) -> Reply:
        if call.path == "/auth":
            given.append(f"t0ken-{len(given)}")
            return Reply(status, {"data": {"token": given[-1]}})
        if call.headers.get("Authorization") != f"Bearer {given[-1]}" or next(served) % lives == 0:
            return Reply(401, {"error": f"expired: {call.headers.get('Authorization')}"})
        return Reply()

    return given, script


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"bearer": "t0ken"}, "Authorization", "Bearer t0ken"),
        ({"bearer": "t0ken\n"}, "Authorization", "Bearer t0ken"),
        ({"basic": {"user": "mè", "password": "p:w"}}, "Authorization", "mè:p:w"),
        ({"header": {"X-Api-Key": "k3y"}}, "X-Api-Key", "k3y"),
    ],
)
def test_authorizations(
    application: Application, targets: Targets, auth: Any, header: str, value: str
) -> None:
    target = targets.at(application.address, auth=auth, headers={"X-Tenant": "north"})
    target.deliver(shape(), batch(shape(), accounts("a")))
    sent = application.calls[0].headers[header]
    assert (b64decode(sent[6:]).decode() if sent.startswith("Basic ") else sent) == value
    assert application.calls[0].headers["X-Tenant"] == "north"


def test_user_and_password_in_the_url(application: Application, targets: Targets) -> None:
    address = application.address.replace("//", "//user:p%40ss@")
    targets.at(address + "/api/").deliver(shape(), batch(shape(), accounts("a")))
    (call,) = application.calls
    assert b64decode(call.headers["Authorization"][6:]) == b"user:p@ss"
    assert call.path == "/api/accounts/a"


@pytest.mark.parametrize("body", ["json", "form"])
def test_one_login_serves_all_calls(application: Application, targets: Targets, body: str) -> None:
    given, application.script = session()
    login = {**LOGIN, "json": None, body: LOGIN["json"]}
    target = targets.at(application.address, login=login, concurrency=5)
    for _ in range(2):
        receipt = target.deliver(shape(), batch(shape(), accounts(*"abcdefgh")))
        assert not receipt.rejected
    assert len(given) == 1
    sent = application.calls[0].body
    assert sent == (
        b'{"user": "marea", "password": "pa55word&more"}'
        if body == "json"
        else b"user=marea&password=pa55word%26more"
    )


def test_a_token_in_another_header(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(200, {"data": {"token": 7}})
    login = {**LOGIN, "headers": {"Authorization": "Session {token}", "X-Token": "{token}"}}
    targets.at(application.address, login=login).deliver(shape(), batch(shape(), accounts("a")))
    headers = application.calls[1].headers
    assert (headers["Authorization"], headers["X-Token"]) == ("Session 7", "7")


def test_a_token_that_expires_is_renewed_once_for_all(application: Application, targets: Targets) -> None:
    given, application.script = session(lives=7)
    target = targets.at(application.address, login=LOGIN, concurrency=1)
    rows = accounts(*map(str, range(20)))
    receipt = target.deliver(shape(), batch(shape(), rows))
    assert ids(receipt) == [row["code"] for row in rows]
    assert len(given) == 4


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_that_is_refused(application: Application, targets: Targets, status: int) -> None:
    application.script = lambda call: Reply(status, {"error": f"wrong password {PASSWORD}"})
    with pytest.raises(SystemUnreachable, match="login was refused with http") as caught:
        targets.at(application.address, login=LOGIN).deliver(shape(), batch(shape(), accounts(*"abc")))
    assert "wrong password ***" in str(caught.value)
    assert "mend `login` of system crm" in caught.value.hint
    assert PASSWORD not in str(caught.value)
    assert set(application.paths("PUT")) == set()


@pytest.mark.parametrize(
    "reply",
    [Reply(200, {}), Reply(200, text="<p>"), Reply(200, {"data": {"token": ""}})],
)
def test_a_login_without_a_token(application: Application, targets: Targets, reply: Reply) -> None:
    application.script = lambda call: reply
    with pytest.raises(SystemUnreachable, match="gave no token"):
        targets.at(application.address, login=LOGIN).deliver(shape(), batch(shape(), accounts("a")))


def test_a_token_that_is_refused_names_its_entry(application: Application, targets: Targets) -> None:
    application.script = lambda call: Reply(401, {"error": "no"})
    with pytest.raises(SystemUnreachable) as caught:
        targets.at(application.address, auth={"bearer": "wrong"}).deliver(
            shape(), batch(shape(), accounts("a"))
        )
    assert "mend `auth` of system crm" in caught.value.hint


def test_a_new_token_that_is_refused_too_ends_it(application: Application, targets: Targets) -> None:
    application.script = lambda call: (
        Reply(200, {"data": {"token": "t0ken"}}) if call.path == "/auth" else Reply(401, {"error": "no"})
    )
    with pytest.raises(SystemUnreachable, match="login was refused with http 401: no"):
        targets.at(application.address, login=LOGIN).deliver(shape(), batch(shape(), accounts("a")))
    assert len(application.paths("POST")) == 2
    assert len(application.paths("PUT")) == 2


def everything_said(target: RestTarget, table: pa.Table) -> str:
    """The receipt, or the error with all that it was caused by."""
    try:
        return repr(target.deliver(shape(), table))
    except SystemUnreachable as error:
        return "".join(format_exception(error))


@pytest.mark.parametrize("status", [401, 403, 422, 500, 503, 302])
def test_no_secret_in_any_error(
    application: Application, targets: Targets, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    application.script = lambda call: Reply(
        status,
        {"error": f"no {dict(call.headers)} {call.body.decode()}"},
        {"Location": f"http://u:{PASSWORD}@x/{PASSWORD}"},
    )
    address = application.address.replace("//", f"//user:{PASSWORD.replace('&', '%26')}@")
    target = targets.at(address, headers={"X-Api-Key": "s3cret"})
    said = everything_said(target, batch(shape(), accounts("a", text=PASSWORD)))
    for secret in (PASSWORD, "pa55word", "s3cret", application.calls[0].headers["Authorization"][6:]):
        assert secret not in said + caplog.text + repr(target) + repr(vars(target)["_options"])


def test_no_token_of_a_login_in_any_error(application: Application, targets: Targets) -> None:
    application.script = lambda call: (
        Reply(200, {"data": {"token": "t0ken-0"}})
        if call.path == "/auth"
        else Reply(422, {"error": f"bad {call.headers['Authorization']}"})
    )
    target = targets.at(application.address, login=LOGIN)
    receipt = target.deliver(shape(), batch(shape(), accounts("a")))
    assert receipt.rejected[0].text == "bad Bearer ***"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost that signs itself, with its key."""
    import subprocess

    file = tmp_path / "localhost.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    )
    command += f" -addext subjectAltName=DNS:localhost -keyout {file} -out {tmp_path}/certificate"
    subprocess.run(command.split(), check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "certificate").read_text())
    return file


def test_certificates_are_verified(targets: Targets, certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with Application(context) as application:
        strict = targets.at(application.address)
        with pytest.raises(SystemUnreachable, match="certificate of https://localhost"):
            strict.deliver(shape(), batch(shape(), accounts("a")))
        assert not application.calls
        for options in ({"ca": str(certificate)}, {"verify": False}):
            receipt = targets.at(application.address, **options).deliver(
                shape(), batch(shape(), accounts("a"))
            )
            assert not receipt.rejected
        assert len(application.calls) == 2
        targets.close()
