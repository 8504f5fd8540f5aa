"""Owns what the ERP of the scenario holds at first, made by calls as a client of Tryton makes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scenarios.tryton.program import Tryton

PARTIES = 600
TEMPLATES = 60
RATES = ("0.04", "0.10", "0.22")
COUNTRIES = {"IT": "Italia", "DE": "Deutschland", "FR": "France"}


def found(tryton: Tryton) -> None:
    """A company with taxes, products of three categories, and parties in three countries."""
    currency = tryton.call("currency.currency.search", [["code", "=", "EUR"]]) or tryton.call(
        "currency.currency.create",
        [{"name": "Euro", "code": "EUR", "symbol": "€", "rounding": Decimal("0.01"), "digits": 2}],
    )
    (own,) = tryton.call("party.party.create", [{"name": "Marea S.p.A."}])
    (company,) = tryton.call("company.company.create", [{"party": own, "currency": currency[0]}])
    (admin,) = tryton.call("res.user.search", [["login", "=", "admin"]])
    tryton.call("res.user.write", [admin], {"companies": [["add", [company]]], "company": company})
    tryton.log_in()
    products(tryton, taxes(tryton, company))
    parties(tryton)


def taxes(tryton: Tryton, company: int) -> list[int]:
    """A tax for each rate, on an account of its own kind; their ids."""
    (kind,) = tryton.call(
        "account.account.type.create", [{"name": "Taxes", "statement": "balance", "company": company}]
    )
    (account,) = tryton.call(
        "account.account.create", [{"name": "VAT", "code": "VAT", "type": kind, "company": company}]
    )
    made = [
        {
            "name": f"VAT {rate}",
            "description": f"IVA {Decimal(rate):.0%}",
            "type": "percentage",
            "rate": Decimal(rate),
            "invoice_account": account,
            "credit_note_account": account,
            "company": company,
        }
        for rate in RATES
    ]
    return list(tryton.call("account.tax.create", made))


def products(tryton: Tryton, taxes: list[int]) -> None:
    """Templates with a list price and one variant or two, in categories by tax."""
    categories = tryton.call(
        "product.category.create",
        [{"name": f"Tax {tax}", "accounting": True, "customer_taxes": [["add", [tax]]]} for tax in taxes],
    )
    (unit,) = tryton.call("product.uom.search", [["symbol", "=", "u"]])
    made = [
        {
            "name": f"Prodotto {number}",
            "code": f"P{number:03d}",
            "type": "goods",
            "default_uom": unit,
            "list_price": Decimal(f"{number + 1}.50"),
            "account_category": categories[number % len(categories)],
            "products": [["create", [{"suffix_code": each} for each in ("A", "B")[: 1 + number % 2]]]],
        }
        for number in range(TEMPLATES)
    ]
    tryton.call("product.template.create", made)


def parties(tryton: Tryton) -> None:
    """Parties with an Italian VAT number each, an address each, and a second one for every fourth."""
    made = [{"name": name, "code": code} for code, name in COUNTRIES.items()]
    countries = tryton.call("country.country.create", made)
    tryton.call("party.party.create", [_party(number, countries) for number in range(PARTIES)])


def _party(number: int, countries: list[int]) -> dict[str, Any]:
    first = {
        "street_name": "Via Città",
        "building_number": str(number),
        "postal_code": f"{20000 + number}",
        "city": "Forlì",
        "country": countries[number % len(countries)],
    }
    second = {"street_name": "Königstraße", "city": "Köln", "country": countries[1]}
    return {
        "name": f"Società {number}",
        "addresses": [["create", [first, second][: 1 + (number % 4 == 0)]]],
        "identifiers": [["create", [{"type": "it_vat", "code": vat_number(number)}]]],
    }


def vat_number(number: int) -> str:
    """A VAT number as Italy gives them: Tryton checks the last digit, and the office before it."""
    body = f"{1000000 + number}012"
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(body)]
    return f"{body}{-sum(value - 9 * (value > 9) for value in doubled) % 10}"
