"""The decoder of PostgreSQL's log: every message comes back as it was written, anything else is refused."""

from __future__ import annotations

from contextlib import suppress
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from by_hand import run_sql
from marea.connectors.postgresql.messages import (
    UNCHANGED,
    Absent,
    Begin,
    Column,
    Commit,
    Delete,
    Identity,
    Insert,
    Message,
    Note,
    Origin,
    Relation,
    Truncate,
    Type,
    Update,
    Values,
)
from marea.connectors.postgresql.pgoutput import Malformed, message


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _values(values: Values) -> bytes:
    return pack(">H", len(values)) + b"".join(_value(value) for value in values)


def _value(value: bytes | Absent | None) -> bytes:
    if isinstance(value, bytes):
        return b"t" + pack(">i", len(value)) + value
    return b"n" if value is None else b"u"


def _before(key: Values | None, old: Values | None) -> bytes:
    return b"K" + _values(key) if key is not None else b"O" + _values(old) if old is not None else b""


def encoded(one: Message) -> bytes:
    """The bytes of a message, as the documentation of the protocol has them."""
    match one:
        case Begin(commit, at, xid):
            return b"B" + pack(">QqI", commit, at, xid)
        case Commit(commit, end, at):
            return b"C" + pack(">BQQq", 0, commit, end, at)
        case Origin(commit, name):
            return b"O" + pack(">Q", commit) + _text(name)
        case Relation(id_, schema, name, identity, columns):
            head = pack(">I", id_) + _text(schema) + _text(name) + identity.value.encode()
            parts = [
                bytes([it.identity]) + _text(it.name) + pack(">Ii", it.type, it.modifier) for it in columns
            ]
            return b"R" + head + pack(">H", len(columns)) + b"".join(parts)
        case Type(id_, schema, name):
            return b"Y" + pack(">I", id_) + _text(schema) + _text(name)
        case Note(transactional, at, prefix, content):
            return b"M" + pack(">BQ", transactional, at) + _text(prefix) + pack(">i", len(content)) + content
        case _:
            return _change(one)


def _change(one: Message) -> bytes:
    match one:
        case Insert(relation, new):
            return b"I" + pack(">I", relation) + b"N" + _values(new)
        case Update(relation, new, key, old):
            return b"U" + pack(">I", relation) + _before(key, old) + b"N" + _values(new)
        case Delete(relation, key, old):
            return b"D" + pack(">I", relation) + _before(key, old)
        case Truncate(relations, cascade, restart):
            return (
                b"T"
                + pack(">IB", len(relations), cascade + 2 * restart)
                + pack(f">{len(relations)}I", *relations)
            )
    raise AssertionError(one)


lsns = st.integers(0, 2**64 - 1)
moments = st.integers(-(2**63), 2**63 - 1)
numbers = st.integers(0, 2**32 - 1)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=9)
rows = st.lists(st.none() | st.just(UNCHANGED) | st.binary(max_size=9), max_size=5).map(tuple)
columns = st.builds(Column, names, numbers, st.integers(-1, 2**31 - 1), st.booleans())
commits = (
    st.tuples(lsns, lsns)
    .map(sorted)
    .flatmap(lambda ends: st.builds(Commit, st.just(ends[0]), st.just(ends[1]), moments))
)
messages = st.one_of(
    st.builds(Begin, lsns, moments, numbers),
    commits,
    st.builds(Origin, lsns, names),
    st.builds(
        Relation, numbers, names, names, st.sampled_from(Identity), st.lists(columns, max_size=4).map(tuple)
    ),
    st.builds(Type, numbers, names, names),
    st.builds(Insert, numbers, rows),
    st.builds(Update, numbers, rows),
    st.builds(Update, numbers, rows, key=rows),
    st.builds(Update, numbers, rows, old=rows),
    st.builds(Delete, numbers, key=rows),
    st.builds(Delete, numbers, old=rows),
    st.builds(Truncate, st.lists(numbers, max_size=4).map(tuple), st.booleans(), st.booleans()),
    st.builds(Note, st.booleans(), lsns, names, st.binary(max_size=9)),
)


@pytest.mark.property
@given(messages)
def test_a_message_comes_back_as_it_was_written(one: Message) -> None:
    assert message(encoded(one)) == one


@pytest.mark.property
@given(st.binary(max_size=64))
def test_what_is_read_of_any_bytes_is_exactly_what_they_say(data: bytes) -> None:
    with suppress(Malformed):
        found = message(data)
        again = encoded(found)
        # A schema without a name is the server's own, and stands for it.
        assert again == data or getattr(found, "schema", "") == "pg_catalog"


@pytest.mark.property
@given(messages, st.data())
def test_a_message_that_was_cut_is_refused(one: Message, data: st.DataObject) -> None:
    whole = encoded(one)
    with pytest.raises(Malformed):
        message(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.property
@given(messages, st.binary(min_size=1, max_size=4))
def test_a_message_that_goes_on_is_refused(one: Message, more: bytes) -> None:
    with pytest.raises(Malformed):
        message(encoded(one) + more)


@pytest.mark.property
@given(messages, st.data())
def test_a_changed_byte_gives_another_message_or_none(one: Message, data: st.DataObject) -> None:
    whole = bytearray(encoded(one))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with suppress(Malformed):
        assert message(bytes(whole)) != one


def test_a_number_that_is_none_makes_no_room() -> None:
    with pytest.raises(Malformed, match="too many"):
        message(b"T" + pack(">IB", 2**32 - 1, 0))
    with pytest.raises(Malformed, match="early"):
        message(b"I" + pack(">I", 1) + b"N" + pack(">H", 65535))
    with pytest.raises(Malformed, match="early"):
        message(b"I" + pack(">I", 1) + b"N" + pack(">H", 1) + b"t" + pack(">i", -1))


@pytest.mark.integration
def test_what_a_server_writes_is_read(postgresql_url: str) -> None:
    run_sql(
        postgresql_url,
        "CREATE TYPE mood AS ENUM ('glad'); CREATE TABLE full_rows (a int, b text, c mood);"
        "ALTER TABLE full_rows REPLICA IDENTITY FULL; CREATE TABLE keyed (id int PRIMARY KEY, long text);"
        "ALTER TABLE keyed ALTER long SET STORAGE EXTERNAL; CREATE PUBLICATION p FOR TABLE full_rows, keyed",
    )
    run_sql(postgresql_url, "SELECT pg_create_logical_replication_slot('pgoutput_test', 'pgoutput')")
    try:
        run_sql(
            postgresql_url,
            "INSERT INTO keyed VALUES (1, repeat('ä', 9000)); UPDATE keyed SET id = 2;"
            "UPDATE keyed SET long = NULL; DELETE FROM keyed;"
            "INSERT INTO full_rows VALUES (1, '', 'glad'); UPDATE full_rows SET a = 2;"
            "DELETE FROM full_rows; TRUNCATE keyed, full_rows RESTART IDENTITY CASCADE",
        )
        raw = run_sql(
            postgresql_url,
            "SELECT data FROM pg_logical_slot_peek_binary_changes('pgoutput_test', NULL, NULL, "
            "'proto_version', '1', 'publication_names', 'p')",
        )
    finally:
        run_sql(postgresql_url, "SELECT pg_drop_replication_slot('pgoutput_test')")
    found = [message(bytes(row[0])) for row in raw]  # type: ignore[arg-type]
    assert all(encoded(one) == bytes(row[0]) for one, row in zip(found, raw, strict=True))  # type: ignore[arg-type]
    changes = [one for one in found if not isinstance(one, Begin | Commit | Relation | Type)]
    keyed, full = (
        next(one.id for one in found if isinstance(one, Relation) and one.name == name)
        for name in ("keyed", "full_rows")
    )
    assert changes == [
        Insert(keyed, (b"1", "ä".encode() * 9000)),
        Update(keyed, (b"2", UNCHANGED), key=(b"1", None)),
        Update(keyed, (b"2", None)),
        Delete(keyed, key=(b"2", None)),
        Insert(full, (b"1", b"", b"glad")),
        Update(full, (b"2", b"", b"glad"), old=(b"1", b"", b"glad")),
        Delete(full, old=(b"2", b"", b"glad")),
        Truncate((keyed, full), cascade=True, restart=True),
    ]
    identity = {one.name: one.identity for one in found if isinstance(one, Relation)}
    assert identity == {"keyed": Identity.DEFAULT, "full_rows": Identity.FULL}
