"""The demo CRM as a process: it keeps what it took, refuses what it must, and fails on request."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from marea.demo.crm_process import CrmProcess
from marea.demo.crm_rules import refusals
from marea.errors import SystemUnreachable

pytestmark = pytest.mark.integration

ACCOUNT = {"code": "a", "name": "A", "vat_number": "12345678901"}


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CrmProcess]:
    with CrmProcess(tmp_path / "crm.db") as running:
        yield running


def status(crm: CrmProcess, path: str, token: str = "demo") -> tuple[int, str | None]:
    request = Request(crm.address + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request) as answer:
            return answer.status, None
    except HTTPError as error:
        with error:
            return error.code, error.headers.get("Retry-After")


def test_records_survive_a_kill(crm: CrmProcess) -> None:
    crm.ask("PUT", "/api/accounts/a", ACCOUNT)
    made = crm.ask("POST", "/api/v2/items", {"code": "i"})
    port = crm.port
    crm.kill()
    with pytest.raises(URLError):
        crm.ask("GET", "/api/accounts/a")
    crm.start()
    assert crm.port == port
    assert crm.ask("GET", "/api/accounts/a") == ACCOUNT
    assert crm.ask("GET", f"/api/v2/items/{made['id']}") == {"id": made["id"], "code": "i"}
    assert crm.ask("GET", "/admin/records") == {"accounts": 1, "items": 1}
    crm.stop()
    crm.stop()


STARTER = """
import sys
from pathlib import Path
from marea.demo.crm_process import CrmProcess
with CrmProcess(Path(sys.argv[1])) as crm:
    print(crm.address, flush=True)
    sys.stdin.read()
"""


def test_it_ends_with_whoever_started_it_even_by_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path / "crm.db")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as starter:
        assert starter.stdout
        assert starter.stderr
        address = starter.stdout.readline().strip()
        with pytest.raises(HTTPError), urlopen(address):
            pass
        starter.kill()
        # The CRM has inherited this pipe: it ends when the last of both has.
        assert starter.stderr.read() == ""
    with pytest.raises(URLError, match="refused"):
        urlopen(address)


def test_a_start_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemUnreachable, match="demo CRM"):
        CrmProcess(tmp_path / "missing" / "crm.db")


def test_records_by_key(crm: CrmProcess) -> None:
    assert crm.ask("PUT", "/api/accounts/a", ACCOUNT)["status"] == "created"
    assert crm.ask("PUT", "/api/accounts/a", ACCOUNT)["status"] == "unchanged"
    assert crm.ask("PUT", "/api/accounts/a", {**ACCOUNT, "name": "B"})["status"] == "updated"
    crm.ask("PUT", "/api/lines/x%2Fy/1", {"code": "x/y"})
    assert crm.ask("GET", "/api/lines/x%2fy/%31") == {"code": "x/y"}
    assert status(crm, "/api/lines/x/y/1")[0] == 404
    crm.ask("DELETE", "/api/accounts/a")
    assert crm.ask("DELETE", "/api/accounts/a") == {"error": "There is no such record"}
    counts = crm.ask("GET", "/admin/calls")
    assert counts["records"]["accounts"] == {"created": 1, "unchanged": 1, "updated": 1, "deleted": 1}
    assert counts["calls"] == {"PUT key": 4, "GET key": 2, "DELETE key": 2}
    assert crm.ask("DELETE", "/admin/calls") == {"calls": {}, "records": {}, "peak": 0}


def test_pages(crm: CrmProcess) -> None:
    rows = [{"code": f"{row:03d}"} for row in range(25)]
    assert len(crm.ask("POST", "/api/items/batch", rows)["results"]) == 25
    first = crm.ask("GET", "/api/items?limit=20")
    assert (first["items"], first["next"]) == (rows[:20], "019")
    assert crm.ask("GET", "/api/items?limit=20&after=019") == {"items": rows[20:], "next": None}
    for row in rows:
        crm.ask("POST", "/api/v2/items", row)
    page = crm.ask("GET", "/api/v2/items?limit=20")
    rest = crm.ask("GET", f"/api/v2/items?limit=20&after={page['next']}")
    assert [item["code"] for item in page["items"] + rest["items"]] == [row["code"] for row in rows]


def test_records_with_ids_of_its_own(crm: CrmProcess) -> None:
    first = crm.ask("POST", "/api/v2/items", {"external_id": "x", "name": "n", "price": 1.5})
    second = crm.ask("POST", "/api/v2/items", {"code": "x"})
    assert first["id"] != second["id"]
    found = crm.ask("GET", "/api/v2/items?external_id=x")["items"]
    assert [item["id"] for item in found] == [first["id"], second["id"]]
    patched = crm.ask("PATCH", f"/api/v2/items/{first['id']}", {"name": "m"})
    assert patched == {**first, "name": "m"}
    put = crm.ask("PUT", f"/api/v2/items/{first['id']}", {"name": "o"})
    assert put == {"id": first["id"], "name": "o"}
    assert status(crm, "/api/v2/items/99")[0] == 404
    crm.ask("DELETE", f"/api/v2/items/{first['id']}")
    assert crm.ask("DELETE", f"/api/v2/items/{first['id']}")["error"]


def test_numbers_are_kept_as_written(crm: CrmProcess) -> None:
    body = b'{"code":"p","price":1.10,"big":123456789012345678901234567890.123}'
    for path, sent in (("/api/items/p", body), ("/api/items/batch", b'{"records": [' + body + b" ]}")):
        request = Request(
            crm.address + path,
            sent,
            {"Authorization": "Bearer demo"},
            method="POST" if path.endswith("batch") else "PUT",
        )
        urlopen(request).close()
        with urlopen(
            Request(f"{crm.address}/api/items/p", headers={"Authorization": "Bearer demo"})
        ) as answer:
            assert answer.read() == body


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (ACCOUNT, ""),
        ({"code": "a"}, ""),
        ({**ACCOUNT, "vat_number": None}, ""),
        ({**ACCOUNT, "vat_number": "1234"}, "vat_number"),
        ({**ACCOUNT, "vat_number": "1234", "country": "CH"}, ""),
        ({**ACCOUNT, "vat_number": "123", "country": "CH"}, "vat_number"),
        ({**ACCOUNT, "name": " "}, "name"),
        ({**ACCOUNT, "tax_code": "IVA22"}, ""),
        ({**ACCOUNT, "tax_code": "IVA99"}, "tax_code"),
    ],
)
def test_rules(record: dict[str, str], field: str) -> None:
    found = refusals("accounts", record, lambda name, key: (name, key) == ("tax-codes", "IVA22"))
    assert [refusal["field"] for refusal in found] == ([field] if field else [])
    assert all(refusal["message"] for refusal in found)


def test_a_reference_is_a_key_or_an_id(crm: CrmProcess) -> None:
    crm.ask("PUT", "/api/tax-codes/IVA%2022", {"code": "IVA 22"})
    made = crm.ask("POST", "/api/v2/tax-codes", {"code": "T"})
    for code in ("IVA 22", made["id"], str(made["id"])):
        assert "status" in crm.ask("PUT", "/api/accounts/a", {**ACCOUNT, "tax_code": code})
    refused = crm.ask("PUT", "/api/accounts/a", {**ACCOUNT, "tax_code": "T"})
    assert refused["error"] == "There is no tax code T"
    assert refused["errors"] == [{"field": "tax_code", "message": "There is no tax code T"}]


def test_what_is_no_record_is_refused(crm: CrmProcess) -> None:
    for path, value in (("/api/items/a", [1]), ("/api/items/a", "text"), ("/api/items/batch", {"x": []})):
        method = "POST" if path.endswith("batch") else "PUT"
        assert crm.ask(method, path, value)["errors"]
    assert "at most 1000" in crm.ask("POST", "/api/items/batch", [{"code": "a"}] * 1001)["error"]


def test_maintenance_is_everywhere_but_in_its_own_switch(crm: CrmProcess) -> None:
    crm.ask("POST", "/admin/maintenance", {"on": True})
    assert status(crm, "/api/items") == (503, "30")
    assert status(crm, "/admin/calls") == (200, None)
    crm.ask("POST", "/admin/maintenance", {"on": False})
    assert status(crm, "/api/items") == (200, None)


def test_tokens(crm: CrmProcess) -> None:
    assert status(crm, "/api/items", "wrong")[0] == 401
    assert status(crm, "/admin/calls", "wrong")[0] == 401


def test_faults_on_request(crm: CrmProcess) -> None:
    crm.ask("POST", "/admin/faults", {"lose": 2, "fail": ["bad"], "throttle": 1, "throttle_after": "7"})
    assert status(crm, "/api/items") == (429, "7")
    assert status(crm, "/api/items") == (200, None)
    crm.ask("PUT", "/api/items/a", {"code": "a"})
    with pytest.raises(OSError, match=r"closed connection|reset by peer"):
        crm.ask("PUT", "/api/items/b", {"code": "b"})
    assert [record["code"] for record in crm.records("items")] == ["a", "b"]
    request = Request(crm.address + "/api/items/bad", b"{}", {"Authorization": "Bearer demo"}, method="PUT")
    with pytest.raises(HTTPError, match="500") as caught:
        urlopen(request)
    caught.value.close()
    assert "lsoe" in crm.ask("POST", "/admin/faults", {"lsoe": 1})["error"]
    crm.ask("DELETE", "/admin/records")
    assert crm.ask("GET", "/admin/records") == {}
