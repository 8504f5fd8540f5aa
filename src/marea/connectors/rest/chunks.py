"""Owns the delivery of many records in one call, down to the single record that is at fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from marea.config.scrub import one_line
from marea.connectors.rest.answers import Answer, Unreadable, dig, refusal
from marea.connectors.rest.course import Applied, Failed, Refused, Verdict
from marea.connectors.rest.operations import wrapped
from marea.connectors.rest.records import Record, identity
from marea.connectors.rest.retry import Failure
from marea.connectors.rest.routes import Batch
from marea.connectors.rest.words import text_of, told
from marea.model import Operation, Problem

BODY_BYTES = 4 * 1024 * 1024
"""A call holds no more than this, however many records its size allows; one record may be larger."""

_NAMES, _NAME = 12, 40
"""How many names of an answer are told, and how much of each."""


def chunks(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """Records in order, as many together as one call takes; a delete stands alone."""
    chunk: list[Record] = []
    room = BODY_BYTES
    for record in records:
        if alone(record):
            yield [record]
            continue
        if chunk and (len(chunk) == size or len(record.payload) > room):
            yield chunk
            chunk, room = [], BODY_BYTES
        chunk.append(record)
        room -= len(record.payload) + 1
    if chunk:
        yield chunk


def alone(record: Record) -> bool:
    """Whether a record cannot travel with others."""
    return record.operation not in (Operation.CREATE, Operation.UPDATE)


def body(batch: Batch, chunk: list[Record]) -> bytes:
    """The payloads as one JSON array, their bytes untouched."""
    return wrapped(batch.wrap, b"[" + b",".join(record.payload for record in chunk) + b"]")


def verdicts(batch: Batch, chunk: list[Record], answer: Answer) -> list[Verdict] | Problem:
    """One verdict a record, in the chunk's order; a problem when the call was refused as a whole."""
    if not answer.good:
        return refusal(answer)
    if batch.results is None and batch.errors is None:
        return [_applied(batch, record, None) for record in chunk]
    try:
        value = answer.value()
    except Unreadable as error:
        return [_unread(str(error)) for _ in chunk]
    items = dig(value, batch.errors or batch.results or "")
    if not isinstance(items, list):
        if batch.results is not None:
            return [_unlisted(batch.results, value) for _ in chunk]
        items = []  # none was refused
    named = _by_key(items, batch.key)
    if nameless := _nameless(batch, items, named):
        return [nameless for _ in chunk]
    return [_verdict(batch, record, named.get(record.key)) for record in chunk]


_Key = tuple[str | None, ...]


def _by_key(items: list[object], fields: tuple[str, ...]) -> dict[_Key, list[object]]:
    named: dict[_Key, list[object]] = {}
    for item in items:
        if isinstance(item, Mapping):
            named.setdefault(tuple(text_of(dig(item, field)) for field in fields), []).append(item)
    return named


def _nameless(batch: Batch, items: list[object], named: Mapping[_Key, list[object]]) -> Failed | None:
    """That the items are not named by `key`: of a list of the refused, one that names none may be anybody."""
    unnamed = [key for key in named if None in key]
    if not unnamed or (batch.errors is None and len(unnamed) < len(named)):
        return None
    lacking = next(field for field, text in zip(batch.key, unnamed[0], strict=True) if text is None)
    listed = batch.results if batch.errors is None else batch.errors
    where = f'of "{listed}"' if listed else "of the answer"
    return _misread(
        f'no "{lacking}" in an item {where}, which has: {_names(named[unnamed[0]][0])}', "batch.key"
    )


def _unlisted(results: str, value: object) -> Failed:
    text = f'no list "{results}" in the answer' if results else "the answer is no list"
    return _misread(f"{text}, which has: {_names(value)}", "batch.results")


def _names(value: object) -> str:
    """What there is at the top of an answer; its own words are scrubbed where they are told."""
    if not isinstance(value, Mapping):
        return "no names" if value is not None else "nothing"
    shown = [one_line(str(name), ())[:_NAME] for name in list(value)[:_NAMES]]
    return ", ".join([*shown, *(["…"] if len(value) > _NAMES else [])]) or "nothing"


def _verdict(batch: Batch, record: Record, items: list[object] | None) -> Verdict:
    if items is None:
        return _applied(batch, record, None) if batch.results is None else _untold("it names it nowhere")
    errors = [error for item in items if (error := dig(item, batch.error))]
    if errors:
        text, field = told(errors[0])
        return Refused(Problem("refused", text or "refused in a batch, without a word", field))
    if batch.results is None:  # a list of the refused names it, though without a reason
        return Refused(Problem("refused", told(items[0])[0] or "refused in a batch, without a word"))
    return _applied(batch, record, items[0])


def _applied(batch: Batch, record: Record, item: object) -> Applied:
    return Applied(text_of(dig(item, batch.id)) if batch.id else identity(record.key))


def _untold(reason: str) -> Failed:
    return Failed(Failure("answer", f"the answer to the batch does not tell: {reason}"))


def _unread(reason: str) -> Failed:
    """A page for people, as in maintenance: it speaks of no record, whatever became of them."""
    return Failed(Failure("answer", f"the answer to the batch does not tell: {reason}", away=True, lost=True))


def _misread(reason: str, option: str) -> Failed:
    """Nothing was found where the option says; asked again, the application would answer the same."""
    return Failed(Failure("answer", reason, again=False, option=option))
