"""Owns the digest of a mapping: it changes exactly when what an entity delivers may change."""

from __future__ import annotations

from marea.config.settings import EntitySettings, Field, ListField, ReferenceField, RelationSettings

MIXED = "mixed"
"""Stands for the digest where records were delivered by several mappings."""

_VERSION = 1  # raised when the meaning of a mapping changes though its text does not


def mapping_digest(entity: EntitySettings) -> str:
    """32 hex digits over what decides the payloads of an entity and their keys: its source, fields and rules.

    The order of fields counts, because payloads keep it. What only decides when or how a
    record is read or sent does not count, nor do comments, lines and the order of other keys.
    """
    import hashlib
    import json

    source = entity.source
    parts = [
        _VERSION,
        [source.system, source.table, source.key, source.where, _relations(source.related)],
        entity.target.key,
        _fields(entity.fields),
        sorted(entity.require),
        sorted(check.that for check in entity.checks),
    ]
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def dates_digest(entity: EntitySettings) -> str:
    """32 hex digits over the last-edit dates an entity's changes are found by."""
    import hashlib
    import json

    text = json.dumps([entity.source.modified, _dates(entity.source.related)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def content_salt(entity: EntitySettings) -> int:
    """With what the digests of an entity's records are made: a number below 2^52.

    So those that were noted under another mapping, or of other dates, equal none of today.
    """
    import hashlib

    text = f"{_VERSION} {mapping_digest(entity)} {dates_digest(entity)}"
    return int(hashlib.blake2b(text.encode(), digest_size=8).hexdigest()[:13], 16)


def _dates(relations: tuple[RelationSettings, ...]) -> list[object]:
    return [[relation.name, relation.modified, _dates(relation.children)] for relation in relations]


def _relations(relations: tuple[RelationSettings, ...]) -> list[object]:
    return [
        [
            relation.name,
            relation.table,
            sorted(relation.on),
            relation.where,
            relation.many,
            relation.order,
            _relations(relation.children),
        ]
        for relation in sorted(relations, key=lambda relation: relation.name)
    ]


def _fields(fields: tuple[Field, ...]) -> list[object]:
    return [_field(field) for field in fields]


def _field(field: Field) -> list[object]:
    if isinstance(field, ReferenceField):
        return [field.name, "reference", field.entity, field.value]
    if isinstance(field, ListField):
        return [field.name, "list", field.relation, _fields(field.fields)]
    return [field.name, field.expression]
