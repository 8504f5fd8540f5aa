"""Owns what is kept aligned of Tryton: the entities, and what a target must then hold of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from by_hand import run_sql
from scenarios.application import Holding

MODIFIED = "coalesce(write_date, create_date)"
"""Tryton leaves `write_date` empty until a row is first edited."""

ENTITIES = """
  taxes:
    source: {{system: erp, table: account_tax, key: id, modified: "{modified}"}}
    target: {{system: crm, object: taxes, key: external_id{create}}}
    fields: {{external_id: id, name: name, rate: rate, active: active}}
  products:
    source:
      system: erp
      table: product_template
      key: id
      modified: {modified}
      related:
        price:
          table: product_list_price
          on: {{template: id}}
          where: product IS NULL
          modified: {modified}
        taxes:
          table: product_category-customer-account_tax
          on: {{category: account_category}}
          modified: {modified}
          many: true
          order: tax
        variants:
          table: product_product
          on: {{template: id}}
          modified: {modified}
          many: true
          order: id
    target: {{system: crm, object: products, key: external_id{create}}}
    fields:
      external_id: id
      code: code
      name: name
      list_price: price.list_price
      taxes: {{list: taxes, fields: {{tax: {{reference: taxes, value: tax}}}}}}
      variants: {{list: variants, fields: {{code: code, active: active}}}}
  parties:
    source:
      system: erp
      table: party_party
      key: id
      modified: {modified}
      related:
        vat:
          table: party_identifier
          on: {{party: id}}
          where: type = 'it_vat'
          modified: {modified}
        addresses:
          table: party_address
          on: {{party: id}}
          modified: {modified}
          many: true
          order: [sequence, id]
          related:
            nation: {{table: country_country, on: {{id: country}}, modified: "{modified}"}}
    target: {{system: crm, object: parties, key: external_id{create}}}
    fields:
      external_id: code
      name: name
      active: active
      vat: vat.code
      addresses:
        list: addresses
        fields:
          street: concat_ws(' ', street_name, building_number)
          postal_code: postal_code
          city: city
          country: nation.code
"""

PRODUCTS = """
SELECT t.id, t.code, t.name,
  (SELECT list_price FROM product_list_price WHERE template = t.id AND product IS NULL) AS list_price,
  (SELECT array_agg(tax ORDER BY tax) FROM "product_category-customer-account_tax"
    WHERE category = t.account_category) AS taxes,
  (SELECT array_agg(code || ' ' || active ORDER BY id) FROM product_product WHERE template = t.id) AS variants
FROM product_template t
"""

PARTIES = """
SELECT p.code, p.name, p.active,
  (SELECT code FROM party_identifier WHERE party = p.id AND type = 'it_vat') AS vat,
  (SELECT coalesce(json_agg(json_build_object(
      'street', concat_ws(' ', a.street_name, a.building_number),
      'postal_code', a.postal_code, 'city', a.city,
      'country', (SELECT code FROM country_country WHERE id = a.country)
    ) ORDER BY a.sequence, a.id), '[]') FROM party_address a WHERE a.party = p.id) AS addresses
FROM party_party p
"""


def expected_taxes(url: str) -> Holding:
    """What a target must hold of taxes, by their key in Tryton."""
    rows = run_sql(url, "SELECT id, name, rate, active FROM account_tax")
    return {str(key): {"name": name, "rate": rate, "active": active} for key, name, rate, active in rows}


def expected_products(url: str) -> Holding:
    """What a target must hold of products, their taxes by the tax's key in Tryton."""
    return {str(row[0]): _product(*row[1:]) for row in run_sql(url, PRODUCTS)}


def _product(code: str, name: str, price: Decimal, taxes: list[int], variants: list[str]) -> dict[str, Any]:
    parted = [each.split() for each in variants]
    return {
        "code": code,
        "name": name,
        "list_price": price,
        "taxes": [{"tax": str(tax)} for tax in taxes],
        "variants": [{"code": variant, "active": active == "true"} for variant, active in parted],
    }


def expected_parties(url: str) -> Holding:
    """What a target must hold of parties, by their code."""
    names = ("name", "active", "vat", "addresses")
    return {str(row[0]): dict(zip(names, row[1:], strict=True)) for row in run_sql(url, PARTIES)}
