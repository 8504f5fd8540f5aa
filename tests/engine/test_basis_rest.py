"""A ledger holds for the way an application names its records: by another it would overwrite strangers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import marea
from by_hand import run_sql
from connectors.rest.application import Application, Call, Reply
from connectors.rest.conftest import application  # noqa: F401
from marea.errors import ConfigurationError
from worlds import copied, counts, synchronize, write_project

pytestmark = pytest.mark.integration

OWN_IDS = {
    "create": {"path": "/v2/{object}"},
    "update": {"path": "/v2/{object}/{id}"},
    "find": {"path": "/v2/{object}?code={key}"},
}

Configure = Callable[..., Path]


@pytest.fixture
def configure(tmp_path: Path, application: Application) -> Configure:  # noqa: F811
    """Writes the project anew, the CRM with these options."""
    url = f"sqlite:///{tmp_path / 'erp.db'}"
    run_sql(url, "CREATE TABLE accounts (code TEXT PRIMARY KEY, name TEXT, modified TIMESTAMP)")
    run_sql(url, "INSERT INTO accounts VALUES ('1', 'one', '2020-01-01 00:00:00')")
    entities = copied("accounts", "code", "name", create=False)

    def write(**options: Any) -> Path:
        return write_project(tmp_path, entities, target=application.address, **options)

    return write


def answer(call: Call) -> Reply:
    return Reply(value={"id": "7001"} if call.method == "POST" else [])


OTHERWISE: list[tuple[dict[str, Any], str]] = [
    (OWN_IDS, "records known by was key, now it is create.id id"),
    (
        {"upsert": {"path": "/archive-{object}/{key}"}},
        "was upsert /{object}/{key}, now it is upsert /archive-{object}/{key}",
    ),
    ({"upsert": {"path": "/{object}/{key}", "id": "id"}}, "records known by was key, now it is upsert.id id"),
]


@pytest.mark.parametrize(("options", "said"), OTHERWISE)
def test_records_named_otherwise_are_delivered_only_anew(
    configure: Configure,
    application: Application,  # noqa: F811
    options: dict[str, Any],
    said: str,
) -> None:
    application.script = answer
    synchronize(configure())
    run_sql(
        f"sqlite:///{configure(**options).parent / 'erp.db'}",
        "UPDATE accounts SET name = 'new', modified = CURRENT_TIMESTAMP",
    )
    calls = len(application.calls)
    for full in (False, True):
        with pytest.raises(ConfigurationError) as caught:
            synchronize(configure(**options), full=full)
        assert said in str(caught.value)
        assert "marea sync accounts --resend" in str(caught.value)
    assert len(application.calls) == calls
    assert counts(synchronize(configure(**options), resend=True), "accounts") == {"created": 1}
    assert all("/v2/accounts/1" not in call.path for call in application.calls)


def test_own_ids_are_given_anew(configure: Configure, application: Application) -> None:  # noqa: F811
    application.script = answer
    synchronize(configure())
    synchronize(configure(**OWN_IDS), resend=True)
    assert application.calls[-1].path == "/v2/accounts"
    with pytest.raises(ConfigurationError, match=r"records known by was create\.id id, now it is key"):
        synchronize(configure())


HARMLESS: list[dict[str, Any]] = [
    {"concurrency": 2, "rate": "100/s", "timeout": "5s"},
    {"auth": {"bearer": "another"}},
    {"delete": {"path": "/gone/{key}"}, "read": {"path": "/one/{key}"}},
    {"upsert": {"path": "/{object}/{key}", "method": "PATCH", "wrap": "record"}},
]


@pytest.mark.parametrize("options", HARMLESS)
def test_what_moves_no_record_is_not_part_of_it(
    configure: Configure,
    application: Application,  # noqa: F811
    options: dict[str, Any],
) -> None:
    synchronize(configure())
    assert counts(synchronize(configure(**options), full=True), "accounts") == {"unchanged": 1}


def test_a_secret_in_a_path_is_neither_kept_nor_counted(configure: Configure, tmp_path: Path) -> None:
    path = "/{object}/{key}?token="
    synchronize(configure(upsert={"path": path + "s3cret-one"}))
    assert b"s3cret" not in b"".join(file.read_bytes() for file in tmp_path.glob("marea.db*"))
    changed = configure(upsert={"path": path + "s3cret-two"})
    assert counts(synchronize(changed, full=True), "accounts") == {"unchanged": 1}


def test_a_fault_of_the_paths_is_told_once(configure: Configure) -> None:
    synchronize(configure())
    with marea.open(configure(upsert={"path": "/{object}/{kee}"}), {}) as project:
        faults = project.check().faults
    assert [fault.message for fault in faults] == ['upsert.path: there is no {kee} (did you mean "key"?)']


def test_a_mistyped_address_is_corrected_without_a_word(configure: Configure) -> None:
    file = configure()
    right = file.read_text()
    file.write_text(right.replace('crm: {url: "http://', 'crm: {url: "http://127.0.0.1:1/http'))
    assert file.read_text() != right
    assert counts(synchronize(file), "accounts") == {"deferred": 1}
    file.write_text(right)
    assert counts(synchronize(file), "accounts") == {"created": 1}


def test_a_wrong_path_is_corrected_without_a_word(
    configure: Configure,
    application: Application,  # noqa: F811
) -> None:
    application.script = lambda call: Reply(404 if "/appi/" in call.path else 200)
    assert counts(synchronize(configure(upsert={"path": "/appi/{object}/{key}"})), "accounts") == {
        "rejected": 1
    }
    assert counts(synchronize(configure()), "accounts") == {"created": 1}


def test_an_answer_that_was_lost_binds_to_its_address(
    configure: Configure,
    application: Application,  # noqa: F811
) -> None:
    application.script = lambda call: Reply(lost=True)
    assert counts(synchronize(configure()), "accounts") == {"deferred": 1}
    with pytest.raises(ConfigurationError, match="record paths"):
        synchronize(configure(upsert={"path": "/other/{object}/{key}"}))


ONCE = {name: call for name, call in OWN_IDS.items() if name != "find"}


def called_otherwise(file: Path, old: str) -> Path:
    """The project, its entity or its target called `other`."""
    text = file.read_text("utf-8")
    file.write_text(text.replace(f"  {old}:", "  other:").replace(f"system: {old}", "system: other"), "utf-8")
    return file


@pytest.mark.parametrize("old", ["accounts", "crm"])
def test_under_another_name_no_record_is_made_a_second_time(
    configure: Configure,
    application: Application,  # noqa: F811
    old: str,
) -> None:
    application.script = answer
    synchronize(configure(**ONCE))
    file = called_otherwise(configure(**ONCE), old)
    name = "other" if old == "accounts" else "accounts"
    with pytest.raises(ConfigurationError) as caught:
        synchronize(file)
    assert "accounts at crm, configured no longer" in str(caught.value)
    assert f"marea sync {name} --resend" in str(caught.value)
    with marea.open(file, {}) as project:
        assert [fault.message for fault in project.check().faults] == [caught.value.faults[0].message]
        with pytest.raises(ConfigurationError):
            project.plan()
    assert len(application.calls) == 1


def test_who_wants_every_record_again_says_so_once(
    configure: Configure,
    application: Application,  # noqa: F811
) -> None:
    application.script = answer
    synchronize(configure(**ONCE))
    file = called_otherwise(configure(**ONCE), "accounts")
    assert counts(synchronize(file, resend=True), "other") == {"created": 1}
    assert counts(synchronize(file, full=True), "other") == {"unchanged": 1}
    assert synchronize(configure(**ONCE), full=True).notes == ()


def test_what_finds_its_records_takes_them_over_and_is_told(
    configure: Configure,
    application: Application,  # noqa: F811
) -> None:
    application.script = answer
    synchronize(configure(**OWN_IDS))
    result = synchronize(called_otherwise(configure(**OWN_IDS), "accounts"))
    assert counts(result, "other") == {"created": 1}
    assert [note for note in result.notes if "accounts at crm, configured no longer" in note]
