from __future__ import annotations

from pathlib import Path

import pytest

from marea.config.digest import mapping_digest
from marea.config.load import load

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).parent / "documented.yaml").read_text()


def digest(tmp_path: Path, *edits: tuple[str, str]) -> str:
    text = TEXT
    for before, after in edits:
        assert before in text
        text = text.replace(before, after, 1)
    file = tmp_path / "marea.yaml"
    file.write_text(text)
    return mapping_digest(load(file, {"CRM_TOKEN": "x"}).entities["customers"])


@pytest.mark.parametrize(
    "edit",
    [
        ("version: 1", "# a comment\n\nversion: 1"),
        ("lag: 0s", "lag: 5m"),
        ("capture: auto", "capture: watermark"),
        ("[code, name]", "[name, code]"),
        (
            "{CustSuppType: CustSuppType, Customer: CustSupp}",
            "{Customer: CustSupp, CustSuppType: CustSuppType}",
        ),
        ("has 11 digits", "must have 11 digits"),
        ("      rate: Perc", "      rate: Perc / 100"),
        ("concurrency: 8", "concurrency: 9"),
        ("guard: {deletes: 10%", "guard: {deletes: 20%"),
    ],
)
def test_what_cannot_change_a_payload_leaves_the_digest(tmp_path: Path, edit: tuple[str, str]) -> None:
    assert digest(tmp_path, edit) == digest(tmp_path)


@pytest.mark.parametrize(
    "edit",
    [
        ("where: CustSuppType = 3211264", "where: CustSuppType = 3211265"),
        ("table: MA_CustSuppBranches", "table: MA_Branches"),
        ("Customer: CustSupp}", "Customer: Other}"),
        ("          order: Branch", "          order: City"),
        ("trim(CompanyName)", "upper(CompanyName)"),
        (
            "      name: trim(CompanyName)\n      vat_number: TaxIdNumber",
            "      vat_number: TaxIdNumber\n      name: trim(CompanyName)",
        ),
        ("value: options.TaxCode", "value: upper(options.TaxCode)"),
        ("city: City}", "town: City}"),
        ("[code, name]", "[code]"),
        ("object: accounts, key: code", "object: accounts, key: vat_number"),
        ("length(vat_number) = 11", "length(vat_number) > 11"),
    ],
)
def test_what_can_change_a_payload_changes_the_digest(tmp_path: Path, edit: tuple[str, str]) -> None:
    assert digest(tmp_path, edit) != digest(tmp_path)


def test_the_digest_of_a_mapping_is_kept_from_version_to_version(tmp_path: Path) -> None:
    assert digest(tmp_path) == "4b56d9d6791fa7ddd7bf8a66aa3dbc13"
