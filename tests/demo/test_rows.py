import time

import pytest

from marea.demo.rows import (
    CUSTOMER,
    NEW_CATEGORY,
    NEW_CODE,
    OLD_CODE,
    SUPPLIER,
    WRONG,
    Size,
    check_digit,
    data,
    tables,
)

pytestmark = pytest.mark.unit

SMALL = Size(customers=300, items=120, suppliers=20, outdated=60)


def rows(size: Size = SMALL) -> dict[str, list[dict]]:
    return dict(tables(size))


def test_the_same_size_gives_the_same_rows():
    assert rows() == rows()


def test_there_are_as_many_rows_as_asked_for():
    found = rows()
    kinds = [row["CustSuppType"] for row in found["MA_CustSupp"]]
    assert kinds.count(CUSTOMER) == 300
    assert kinds.count(SUPPLIER) == 20
    assert len(found["MA_Items"]) == 120
    assert len(found["MA_CustSuppCustomerOptions"]) == 300
    assert [row["TaxCode"] for row in found["MA_CustSuppCustomerOptions"]].count(OLD_CODE) == 60


def test_known_vat_numbers_have_the_digit_that_the_tax_office_gave_them():
    # Numbers that companies publish on their own pages.
    for number in ("00488410010", "07973780013", "00905811006"):
        assert check_digit(number[:10]) == number[10]


def test_italian_vat_numbers_are_valid_but_those_that_were_mistyped():
    for row in rows()["MA_CustSupp"]:
        number = row["TaxIdNumber"]
        if row["ISOCountryCode"] != "IT":
            continue
        valid = len(number) == 11 and number.isdecimal() and check_digit(number[:10]) == number[10]
        assert valid == (row["CustSuppType"] == SUPPLIER or row["CustSupp"] not in WRONG)


def test_mistyped_customers_are_none_of_those_whose_code_changes():
    options = {row["Customer"]: row["TaxCode"] for row in rows()["MA_CustSuppCustomerOptions"]}
    assert {options[code] for code in WRONG} == {NEW_CODE}


def test_every_code_names_a_row():
    found = rows()
    codes = {row["TaxCode"] for row in found["MA_TaxCodes"]}
    categories = {row["Category"] for row in found["MA_ProductCtg"]}
    assert {row["TaxCode"] for row in found["MA_CustSuppCustomerOptions"]} <= codes
    assert {row["ProductCtg"] for row in found["MA_Items"]} <= categories - {NEW_CATEGORY}
    assert len(codes) == len(found["MA_TaxCodes"])
    assert all(len(code) <= 4 for code in codes)


def test_one_rate_of_a_country_is_in_force():
    current = [row["country"] for row in data("vat_rates") if not row["until"]]
    assert len(current) == len(set(current))
    assert {row["country"] for row in data("places")} <= set(current)


def test_the_whole_erp_is_made_up_quickly():
    start = time.process_time()
    count = sum(len(rows) for _, rows in tables(Size()))
    assert count > 20_000
    assert time.process_time() - start < 5
