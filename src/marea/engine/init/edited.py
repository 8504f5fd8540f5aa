"""Owns the finding of last-edit dates: by the names in use, and what may be one under another name."""

from __future__ import annotations

import re

from marea.ports import Column, Table

EDITED = (
    # English, and what systems of many countries have: Mago, Odoo and Tryton, Business Central, AX, X3, Sage.
    *("tbmodified", "writedate", "updatedat", "modifiedat", "lastmodified", "lastmodifiedat", "modified"),
    *("systemmodifiedat", "modifieddatetime", "upddattim", "cbmodification", "lastdatemodified"),
    *("updated", "lastupdate", "lastupdated", "lastupdatedat", "changedat", "changed", "updatedate"),
    *("modifieddate", "modificationdate", "datemodified", "dateupdated", "datechanged", "lastmodifieddate"),
    *("modifiedon", "updatedon", "changedon", "changedate", "lastedit", "lastedited", "editedat"),
    *("lastchange", "lastchanged", "lastchangedate", "mtime"),
    # Italian
    *("datamodifica", "ultimamodifica", "dataultimamodifica", "dataultmod", "dataultmodifica", "ultmodifica"),
    *("datamod", "modificato", "modificatoil", "dataaggiornamento", "ultimoaggiornamento", "dataagg"),
    *("dataultimoaggiornamento", "dataultagg", "ultagg", "dtagg", "dtmodifica", "aggiornato", "aggiornatoil"),
    # German, French, Spanish, Portuguese, Dutch
    *("geaendert", "geändert", "geaendertam", "geändertam", "aenderungsdatum", "änderungsdatum"),
    *("letzteaenderung", "letzteänderung", "aedat", "datemodification", "datemodif", "datemaj", "modifiele"),
    *("modifiéle", "fechamodificacion", "fechamodificación", "fechaactualizacion", "fechaactualización"),
    *("datamodificacao", "datamodificação", "dataalteracao", "dataalteração", "gewijzigd", "gewijzigdop"),
    "wijzigingsdatum",
)
"""Names of last-edit columns as they are found in the wild, as `_folded` has them, the surest first."""

CREATED = {"writedate": "createdate"}
"""Last-edit columns that stay empty until the first edit, and what holds until then (Tryton, Odoo)."""

_CREATION = re.compile("crea|inser|angelegt|erstellt")
"""Names of dates that no edit sets."""


def modified(table: Table) -> str | None:
    """The last-edit column or expression of a table, by the names in use; None where there is none."""
    column = edited(table)
    if column is None:
        return None
    before = CREATED.get(_folded(column.name))
    created = next((other for other in table.columns if _folded(other.name) == before), None)
    return f"coalesce({column.name}, {created.name})" if created and column.nullable else column.name


def edited(table: Table) -> Column | None:
    """The last-edit column of a table."""
    found = {_folded(column.name): column for column in table.columns if _is_time(column)}
    return next((found[name] for name in EDITED if name in found), None)


def dates(table: Table) -> tuple[str, ...]:
    """The dates with a time of a table whose last-edit date is not known by its name: one may be it."""
    if edited(table) is not None:
        return ()
    moments = (column.name for column in table.columns if _is_moment(column))
    return tuple(name for name in moments if not _CREATION.search(_folded(name)))


def _folded(name: str) -> str:
    """A name as it is compared: without letter case, `_`, blanks and signs."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _is_moment(column: Column) -> bool:
    import pyarrow as pa

    named = any(word in column.native.upper() for word in ("DATETIME", "TIMESTAMP"))
    return named or pa.types.is_timestamp(column.type)


def _is_time(column: Column) -> bool:
    import pyarrow as pa

    named = any(word in column.native.upper() for word in ("DATE", "TIME"))
    return named or pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)
