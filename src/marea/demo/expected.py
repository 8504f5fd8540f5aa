"""Owns what the CRM must hold: the ERP's rows in the CRM's shape, worked out without Marea."""

from __future__ import annotations

from collections.abc import Mapping

from marea.demo.erp import Erp, Value
from marea.demo.rows import CUSTOMER

Record = Mapping[str, object]


def expected(erp: Erp) -> dict[str, dict[str, Record]]:
    """Object -> code -> record, for everything the CRM should have; wrong customers are left out."""
    return {
        "tax-codes": {str(row["TaxCode"]): _tax_code(row) for row in erp.rows("SELECT * FROM MA_TaxCodes")},
        "product-categories": {
            str(row["Category"]): {"code": row["Category"], "name": row["Description"]}
            for row in erp.rows("SELECT * FROM MA_ProductCtg")
        },
        "products": _products(erp),
        "accounts": _accounts(erp),
    }


def differences(wanted: Mapping[str, Record], found: Mapping[str, Record]) -> list[str]:
    """What differs between two sets of records, one sentence a record."""
    texts = [f"{code} is missing" for code in wanted.keys() - found.keys()]
    texts += [f"{code} should not be there" for code in found.keys() - wanted.keys()]
    for code in wanted.keys() & found.keys():
        want, have = wanted[code], found[code]
        if want != have:
            fields = [name for name in {**want, **have} if want.get(name, ...) != have.get(name, ...)]
            texts.append(f"{code} differs in {', '.join(fields)}: {_pair(want, have, fields[0])}")
    return sorted(texts)


def _pair(want: Record, have: Record, name: str) -> str:
    return f"{name} should be {want.get(name)!r}, is {have.get(name)!r}"


def _tax_code(row: Mapping[str, Value]) -> Record:
    return {
        "code": row["TaxCode"],
        "description": row["Description"],
        "rate": row["Perc"],
        "active": row["Disabled"] == "0",
    }


def _products(erp: Erp) -> dict[str, Record]:
    prices = _grouped(erp.rows("SELECT * FROM MA_ItemsPriceLists ORDER BY PriceList"), "Item")
    return {
        str(row["Item"]): {
            "code": row["Item"],
            "name": row["Description"],
            "unit": row["BaseUoM"],
            "barcode": row["SaleBarCode"],
            "active": row["Disabled"] == "0",
            "category": row["ProductCtg"],
            "tax_code": row["TaxCode"],
            "prices": [
                {"list": price["PriceList"], "price": price["Price"]} for price in prices.get(row["Item"], [])
            ],
        }
        for row in erp.rows("SELECT * FROM MA_Items")
    }


def _accounts(erp: Erp) -> dict[str, Record]:
    branches = _grouped(erp.rows("SELECT * FROM MA_CustSuppBranches ORDER BY Branch"), "CustSupp")
    rows = erp.rows(
        "SELECT c.*, o.TaxCode, o.Blocked, o.MaximumCredit FROM MA_CustSupp c"
        " JOIN MA_CustSuppCustomerOptions o ON o.CustSuppType = c.CustSuppType AND o.Customer = c.CustSupp"
        " WHERE c.CustSuppType = :customer",
        {"customer": CUSTOMER},
    )
    return {
        str(row["CustSupp"]): _account(row, branches.get(row["CustSupp"], [])) for row in rows if _right(row)
    }


def _right(row: Mapping[str, Value]) -> bool:
    number = str(row["TaxIdNumber"])
    return row["ISOCountryCode"] != "IT" or (len(number) == 11 and number.isdecimal())


def _account(row: Mapping[str, Value], branches: list[dict[str, Value]]) -> Record:
    return {
        "code": row["CustSupp"],
        "name": row["CompanyName"],
        "vat_number": row["TaxIdNumber"],
        "address": row["Address"],
        "zip": row["ZIPCode"],
        "city": row["City"],
        "country": row["ISOCountryCode"],
        "email": str(row["EMail"]).lower(),
        "phone": row["Telephone1"],
        "price_list": row["PriceList"],
        "credit_limit": row["MaximumCredit"],
        "active": row["Disabled"] == "0" and row["Blocked"] == "0",
        "tax_code": row["TaxCode"],
        "branches": [
            {
                "code": branch["Branch"],
                "address": branch["Address"],
                "city": branch["City"],
                "email": str(branch["EMail"]).lower(),
            }
            for branch in branches
        ],
    }


def _grouped(rows: list[dict[str, Value]], column: str) -> dict[Value, list[dict[str, Value]]]:
    groups: dict[Value, list[dict[str, Value]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups
