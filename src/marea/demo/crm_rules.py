"""Owns what the demo CRM demands of a record before it takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Known = Callable[[str, str], bool]
"""Whether a record of that object (`tax-codes`) with that key or id is there."""

_VAT_LENGTHS = {"": (11, 11), "IT": (11, 11)}
_VAT_ABROAD = (4, 15)


def refusals(name: str, record: Mapping[str, object], known: Known) -> list[dict[str, str]]:
    """Everything that is wrong with a record, as `{field, message}`; empty when it is taken."""
    found = [_name, _vat_number] if name == "accounts" else []
    messages = [message for rule in found if (message := rule(record))]
    tax_code = _tax_code(record, known)
    return [*messages, tax_code] if tax_code else messages


def _name(record: Mapping[str, object]) -> dict[str, str] | None:
    if "name" in record and not str(record["name"] or "").strip():
        return {"field": "name", "message": "An account needs a name"}
    return None


def _vat_number(record: Mapping[str, object]) -> dict[str, str] | None:
    number = str(record.get("vat_number") or "")
    least, most = _VAT_LENGTHS.get(str(record.get("country") or ""), _VAT_ABROAD)
    if not number or least <= len(number) <= most:
        return None
    length = str(most) if least == most else f"{least} to {most}"
    return {"field": "vat_number", "message": f"A VAT number has {length} digits, {number} has {len(number)}"}


def _tax_code(record: Mapping[str, object], known: Known) -> dict[str, str] | None:
    code = record.get("tax_code")
    if code is None or known("tax-codes", str(code)):
        return None
    return {"field": "tax_code", "message": f"There is no tax code {code}"}
