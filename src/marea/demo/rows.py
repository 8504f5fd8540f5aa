"""Owns the rows the demo's ERP begins with: made up, plausible, and the same ones on every machine."""

from __future__ import annotations

import csv
import random
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources

CUSTOMER, SUPPLIER = 3211264, 3211265
OLD_CODE, NEW_CODE = "IT21", "IT22"
"""Italy's rate of 21 % ended in 2013; customers that still carry its code are what step 2 mends."""
NEW_CATEGORY = "EDILIZIA"
PRICE_LISTS = {"RETAIL": 1.0, "TRADE": 0.8}

WRONG = {"C00017": lambda number: number[:-1], "C00029": lambda number: number[:-1] + "O"}
"""Customers whose VAT number was mistyped: a digit is missing, a letter stands for a digit."""

Row = dict[str, str | int | float]

_VAT_FORMS = {
    "AT": "U########",
    "BE": "0#########",
    "CH": "CHE#########",
    "CZ": "########",
    "DE": "#########",
    "DK": "########",
    "ES": "B########",
    "FR": "###########",
    "GR": "#########",
    "HR": "###########",
    "NL": "#########B01",
    "PL": "##########",
    "PT": "#########",
    "SI": "########",
}
_UNITS = {"PZ": "Pieces", "KG": "Kilograms", "MT": "Metres", "LT": "Litres"}
_SYMBOLS = {"CH": "CHF", "CZ": "CZK", "DK": "DKK", "PL": "PLN"}


@dataclass(frozen=True, slots=True)
class Size:
    """How large the ERP is; `outdated` customers still carry `OLD_CODE`."""

    customers: int = 5_000
    items: int = 2_000
    suppliers: int = 500
    outdated: int = 1_200


def tables(size: Size, seed: int = 4) -> Iterator[tuple[str, list[Row]]]:
    """(table, rows) in an order that foreign keys allow; the same seed gives the same rows."""
    chance = random.Random(seed)  # noqa: S311 - names and addresses, nothing secret
    yield "MA_TaxCodes", [_tax_code(rate) for rate in data("vat_rates")]
    yield "MA_ProductCtg", _categories()
    yield (
        "MA_UnitsOfMeasure",
        [_dated({"BaseUoM": code, "Description": name}) for code, name in _UNITS.items()],
    )
    items = [_item(chance, number) for number in range(1, size.items + 1)]
    yield "MA_Items", items
    yield "MA_ItemsPriceLists", [_price(item, *entry) for item in items for entry in PRICE_LISTS.items()]
    companies = [_company(chance, CUSTOMER, f"C{number:05}") for number in range(1, size.customers + 1)]
    yield (
        "MA_CustSupp",
        companies + [_company(chance, SUPPLIER, f"C{number:05}") for number in range(1, size.suppliers + 1)],
    )
    yield "MA_CustSuppCustomerOptions", _options(chance, companies, size.outdated)
    yield "MA_CustSuppBranches", [row for company in companies for row in _branches(chance, company)]


@cache
def data(name: str) -> tuple[Mapping[str, str], ...]:
    """The rows of one of the demo's data files."""
    text = resources.files("marea.demo").joinpath("data", f"{name}.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def check_digit(digits: str) -> str:
    """The eleventh digit of an Italian VAT number, from its first ten."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[1::2])
    return str(-(sum(int(digit) for digit in digits[::2]) + doubled) % 10)


def _dated(row: Row, days: float = 0) -> Row:
    """A row with the dates the ERP's programs wrote: `days` after the system was set up."""
    stamp = (datetime(2019, 1, 7, 9) + timedelta(days=days)).isoformat(" ", "milliseconds")
    return {**row, "TBCreated": stamp, "TBModified": stamp}


def _tax_code(rate: Mapping[str, str]) -> Row:
    percent = float(rate["percent"])
    until = f" until {rate['until']}" if rate["until"] else ""
    return _dated(
        {
            "TaxCode": rate["code"],
            "Description": f"{rate['name']} {percent:g} %, since {rate['since']}{until}",
            "Perc": percent,
            "Disabled": "1" if rate["until"] else "0",
        }
    )


def _categories() -> list[Row]:
    named = {row["category"]: row["description"] for row in data("goods")} | {NEW_CATEGORY: "Building trade"}
    return [_dated({"Category": code, "Description": name}) for code, name in named.items()]


def _item(chance: random.Random, number: int) -> Row:
    kind = chance.choice(data("goods"))
    days = chance.uniform(0, 1800)
    created = _dated({}, days)["TBCreated"]
    return _dated(
        {
            "Item": f"{kind['category'][:3]}-{number:05}",
            "Description": f"{kind['noun']} {chance.choice('ABCDEFGH')}{chance.randrange(10, 99)}",
            "BaseUoM": chance.choice(list(_UNITS)),
            "TaxCode": NEW_CODE,
            "ProductCtg": kind["category"],
            "BasePrice": chance.randrange(50, 50_000) / 100,
            "SaleBarCode": f"80{chance.randrange(10**10):010}",
            "CreationDate": created,
            "TBGuid": _guid(chance),
        },
        days,
    )


def _price(item: Row, name: str, factor: float) -> Row:
    price = round(float(item["BasePrice"]) * factor, 2)
    return {
        "PriceList": name,
        "Item": item["Item"],
        "Price": price,
        "TBCreated": item["TBCreated"],
        "TBModified": item["TBModified"],
    }


def _company(chance: random.Random, kind: int, code: str) -> Row:
    words = _words()
    wrong = WRONG.get(code) if kind == CUSTOMER else None
    italian = [place for place in data("places") if place["country"] == "IT"]
    abroad = chance.random() < 0.15 and not wrong
    place = chance.choice(data("places")[len(italian) :] if abroad else italian)
    number = _vat_number(chance, place["country"])
    family = chance.choice(words["family"])
    name = f"{chance.choice(words['trade'])} {family} {chance.choice(words['form'])}"
    host = f"{_plain(family)}{chance.randrange(1000)}.example"
    return _dated(
        {
            "CustSuppType": kind,
            "CustSupp": code,
            "CompanyName": name,
            "TaxIdNumber": wrong(number) if wrong else number,
            "FiscalCode": number if place["country"] == "IT" else "",
            "Address": _address(chance),
            "ZIPCode": place["zip"],
            "City": place["city"],
            "County": place["county"],
            "ISOCountryCode": place["country"],
            "Telephone1": f"0{chance.randrange(10**8, 10**9)}",
            "EMail": f"info@{host}",
            "Internet": f"www.{host}",
            "ContactPerson": f"{chance.choice(words['given'])} {family}",
            "Currency": _SYMBOLS.get(place["country"], "EUR"),
            "Payment": chance.choice(("30GG", "60GG", "RIBA60")),
            "PriceList": chance.choice(list(PRICE_LISTS)),
            "Disabled": "1" if chance.random() < 0.02 else "0",
            "Discount1": chance.choice((0.0, 0.0, 2.5, 5.0, 10.0)),
            "TBGuid": _guid(chance),
        },
        chance.uniform(0, 1800),
    )


def _options(chance: random.Random, companies: list[Row], outdated: int) -> list[Row]:
    italian = [row for row in companies if row["ISOCountryCode"] == "IT" and row["CustSupp"] not in WRONG]
    old = {row["CustSupp"] for row in chance.sample(italian, outdated)}
    current = {rate["country"]: rate["code"] for rate in data("vat_rates") if not rate["until"]}
    return [
        {
            "CustSuppType": CUSTOMER,
            "Customer": row["CustSupp"],
            "Category": chance.choice(("SHOP", "TRADE", "PUBLIC")),
            "Area": row["County"] or row["ISOCountryCode"],
            "TaxCode": OLD_CODE if row["CustSupp"] in old else current[str(row["ISOCountryCode"])],
            "MaximumCredit": chance.randrange(0, 50) * 1000.0,
            "TBCreated": row["TBCreated"],
            "TBModified": row["TBModified"],
        }
        for row in companies
    ]


def _branches(chance: random.Random, company: Row) -> list[Row]:
    number = chance.choice((0, 0, 1, 1, 2, 4))
    return [
        {
            "CustSuppType": CUSTOMER,
            "CustSupp": company["CustSupp"],
            "Branch": f"B{index:02}",
            "CompanyName": company["CompanyName"],
            "Address": _address(chance),
            "City": chance.choice(data("places"))["city"],
            "EMail": f"branch{index}@{str(company['EMail']).partition('@')[2]}",
            "TBCreated": company["TBCreated"],
            "TBModified": company["TBModified"],
        }
        for index in range(1, number + 1)
    ]


@cache
def _words() -> Mapping[str, list[str]]:
    words: dict[str, list[str]] = {}
    for row in data("words"):
        words.setdefault(row["kind"], []).append(row["text"])
    return words


def _address(chance: random.Random) -> str:
    return f"{chance.choice(_words()['street'])} {chance.randrange(1, 200)}"


def _vat_number(chance: random.Random, country: str) -> str:
    if country == "IT":
        digits = f"{chance.randrange(1, 10**7):07}{chance.randrange(1, 101):03}"
        return digits + check_digit(digits)
    form = _VAT_FORMS[country]
    return "".join(str(chance.randrange(10)) if char == "#" else char for char in form)


def _plain(name: str) -> str:
    """A name as it can stand in an address of the Internet."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(char for char in ascii_.lower() if char.isalnum())


def _guid(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
