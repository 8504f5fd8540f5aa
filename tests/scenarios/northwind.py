"""Owns Northwind as an ERP: its tables in PostgreSQL, and what a target must hold of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

DATA = Path(__file__).parent.parent / "data" / "northwind"

TABLES = {
    "categories": "category_id int PRIMARY KEY, category_name varchar(15), description text",
    "suppliers": """supplier_id int PRIMARY KEY, company_name varchar(40), contact_name varchar(30),
        contact_title varchar(30), address varchar(60), city varchar(15), region varchar(15),
        postal_code varchar(10), country varchar(15), phone varchar(24), fax varchar(24), homepage text""",
    "products": """product_id int PRIMARY KEY, product_name varchar(40), supplier_id int, category_id int,
        quantity_per_unit varchar(20), unit_price numeric(12,4), units_in_stock smallint,
        units_on_order smallint, reorder_level smallint, discontinued int""",
    "customers": """customer_id varchar(5) PRIMARY KEY, company_name varchar(40), contact_name varchar(30),
        contact_title varchar(30), address varchar(60), city varchar(15), region varchar(15),
        postal_code varchar(10), country varchar(15), phone varchar(24), fax varchar(24)""",
    "orders": """order_id int PRIMARY KEY, customer_id varchar(5), employee_id int, order_date date,
        required_date date, shipped_date date, ship_via int, freight real, ship_name varchar(40),
        ship_address varchar(60), ship_city varchar(15), ship_region varchar(15),
        ship_postal_code varchar(10), ship_country varchar(15)""",
    "order_details": """order_id int, product_id int, unit_price numeric(12,8), quantity smallint,
        discount real, PRIMARY KEY (order_id, product_id)""",
}

ENTITIES = """
  categories:
    source: {{system: erp, table: categories, key: category_id, modified: modified}}
    target: {{system: crm, object: categories, key: external_id{create}}}
    fields: {{external_id: category_id, name: category_name, description: description}}
  suppliers:
    source: {{system: erp, table: suppliers, key: supplier_id, modified: modified}}
    target: {{system: crm, object: suppliers, key: external_id{create}}}
    fields: {{external_id: supplier_id, name: company_name, city: city, region: region, country: country}}
  products:
    source: {{system: erp, table: products, key: product_id, modified: modified}}
    target: {{system: crm, object: products, key: external_id{create}}}
    fields:
      external_id: product_id
      name: product_name
      category: {{reference: categories, value: category_id}}
      supplier: {{reference: suppliers, value: supplier_id}}
      price: unit_price
      stock: units_in_stock
      discontinued: discontinued = 1
  customers:
    source:
      system: erp
      table: customers
      key: customer_id
      modified: modified
      related:
        orders:
          table: orders
          on: {{customer_id: customer_id}}
          modified: modified
          many: true
          order: order_id
          related:
            lines:
              table: order_details
              on: {{order_id: order_id}}
              modified: modified
              many: true
              order: product_id
    target: {{system: crm, object: customers, key: external_id{create}}}
    fields:
      external_id: customer_id
      name: company_name
      contact: contact_name
      region: region
      orders:
        list: orders
        fields:
          number: order_id
          date: order_date
          shipped: shipped_date
          freight: freight
          lines:
            list: lines
            fields:
              product: {{reference: products, value: product_id}}
              price: unit_price
              quantity: quantity
              discount: discount
"""


def load_northwind(url: str) -> None:
    """The tables with their rows and a last-edit date that an edit has to set itself."""
    with psycopg.connect(url) as connection:
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
            with connection.cursor().copy(f"COPY {name} FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write((DATA / f"{name}.csv").read_bytes())
            connection.execute(f"ALTER TABLE {name} ADD modified timestamptz NOT NULL DEFAULT '2020-01-01'")


def rows(url: str, query: str) -> list[dict[str, Any]]:
    """Rows of the ERP as dictionaries."""
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(query).fetchall()


def expected_products(url: str) -> dict[str, dict[str, Any]]:
    """What a target must hold of products, references by the key of the record they name."""
    found = rows(url, "SELECT * FROM products")
    return {
        str(row["product_id"]): {
            "name": row["product_name"],
            "category": str(row["category_id"]),
            "supplier": str(row["supplier_id"]),
            "price": row["unit_price"],
            "stock": row["units_in_stock"],
            "discontinued": row["discontinued"] == 1,
        }
        for row in found
    }


def expected_customers(url: str) -> dict[str, dict[str, Any]]:
    """What a target must hold of customers, with their orders and lines; floats as their text says."""
    lines: dict[int, list[dict[str, Any]]] = {}
    for row in rows(url, "SELECT * FROM order_details ORDER BY order_id, product_id"):
        line = {
            "product": str(row["product_id"]),
            "price": row["unit_price"],
            "quantity": row["quantity"],
            "discount": Decimal(str(row["discount"])),
        }
        lines.setdefault(row["order_id"], []).append(line)
    orders: dict[str, list[dict[str, Any]]] = {}
    for row in rows(url, "SELECT * FROM orders ORDER BY order_id"):
        order = {
            "number": row["order_id"],
            "date": row["order_date"].isoformat(),
            "shipped": row["shipped_date"].isoformat() if row["shipped_date"] else None,
            "freight": Decimal(str(row["freight"])),
            "lines": lines.get(row["order_id"], []),
        }
        orders.setdefault(row["customer_id"], []).append(order)
    return {
        row["customer_id"]: {
            "name": row["company_name"],
            "contact": row["contact_name"],
            "region": row["region"],
            "orders": orders.get(row["customer_id"], []),
        }
        for row in rows(url, "SELECT * FROM customers")
    }
