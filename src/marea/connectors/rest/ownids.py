"""Owns how one record is delivered to an application that gives its own ids, without ever making two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from marea.connectors.rest.answers import Answer, Unreadable, dig, refusal
from marea.connectors.rest.course import Applied, InDoubt, Refused, Verdict
from marea.connectors.rest.operations import GONE, Calls, id_in, removed
from marea.connectors.rest.records import Record, identity
from marea.connectors.rest.retry import Failure
from marea.connectors.rest.routes import Call
from marea.connectors.rest.wire import Interrupted
from marea.connectors.rest.words import text_of
from marea.model import Operation, Problem

_SHOWN = 10


class OwnIds:
    """Records that are created once and addressed by id from then on.

    A create asks first whether the record is there, and asks again before every further
    attempt: an answer that was lost makes no second record (I6).
    """

    def __init__(
        self,
        calls: Calls,
        create: Call,
        update: Call,
        find: Call | None,
        delete: Call | None,
        known: Callable[[str], bool],
    ) -> None:
        """`known` says whether a record was given an id."""
        self._calls = calls
        self._create_call = create
        self._update_call = update
        self._find_call = find
        self._delete_call = delete
        self._known = known
        self._needs_id = "id" in update.path.names

    async def attempt(self, record: Record) -> Verdict:
        """Updates by the id at hand; else finds and adopts the record, or creates it."""
        if record.operation == Operation.DELETE:
            return await self._delete(record)
        if record.operation == Operation.UPDATE and (record.target_id is not None or not self._needs_id):
            verdict = await self._update(record, record.target_id)
            if verdict is not None:
                return verdict
        found = await self._found(record)
        if isinstance(found, Refused):
            return found
        return await self._create(record) if found is None else await self._adopt(record, found)

    async def _found(self, record: Record) -> str | Refused | None:
        """What `_find` finds under its key, else under one that it may have been created with."""
        for key in (record.key, *record.tried):
            found = await self._find(replace(record, key=key))
            if found is not None:
                return found
        return None

    async def _update(self, record: Record, target_id: str | None) -> Verdict | None:
        """None when there is no such record any more."""
        answer = await self._calls.send(self._update_call, record, target_id)
        if answer.status in GONE:
            return None
        return Applied(target_id or identity(record.key)) if answer.good else Refused(refusal(answer))

    async def _adopt(self, record: Record, target_id: str) -> Verdict:
        verdict = await self._update(record, target_id)
        if verdict is not None:
            return verdict
        gone = f"record {target_id} was found by its key, but was gone when it was updated"
        return Refused(Problem("gone", gone))

    async def _create(self, record: Record) -> Verdict:
        try:
            answer = await self._calls.send(self._create_call, record)
        except Interrupted as interrupted:
            if interrupted.failure.sent and self._find_call is None:
                text = f"whether it was created is not known: {interrupted.failure.text}"
                return InDoubt(Problem.made_once(text))
            raise  # the next attempt begins with find
        if answer.status == 409:
            return await self._conflict(record, answer)
        if not answer.good:
            return Refused(refusal(answer))
        target_id = id_in(answer, self._create_call.id)
        if target_id is None and self._needs_id:
            return await self._learn(record)
        return Applied(target_id or identity(record.key))

    async def _conflict(self, record: Record, answer: Answer) -> Verdict:
        """The application says that the record is there already: take it over, if it is found."""
        found = await self._find(record)
        if found is None:
            return Refused(refusal(answer))
        return found if isinstance(found, Refused) else await self._adopt(record, found)

    async def _learn(self, record: Record) -> Verdict:
        """Asks for the id of a record just created, whose answer did not hold it."""
        found = await self._find(record)
        if isinstance(found, Refused):
            return found
        if found is not None:
            return Applied(found)
        text = f"it was created, but the answer holds no id at {self._create_call.id}"
        problem = Problem("no id", text, hint="set create.id to where the answer has it; declare find")
        return Refused(problem) if self._find_call is not None else InDoubt(problem)

    async def _delete(self, record: Record) -> Verdict:
        if self._delete_call is None:
            return Refused(Problem("delete", "the system declares no delete", hint="declare delete: for it"))
        target_id = record.target_id
        if target_id is None and "id" in self._delete_call.path.names:
            found = await self._find(record)
            if found is None:
                return Applied()
            if isinstance(found, Refused):
                return found
            target_id = found
        return await removed(self._calls, self._delete_call, record, target_id)

    async def _find(self, record: Record) -> str | Refused | None:
        """The id of the one record with this key, None for none; two are never chosen between."""
        call = self._find_call
        if call is None:
            return None
        answer = await self._calls.ask(call, record)
        if answer.status in GONE:
            return None
        if not answer.good:
            return Refused(refusal(answer))
        items, exact = _same(_items(answer, call.items), self._calls.shape.key, record.key)
        ids = [_id_of(item, call.id) for item in items]
        others = [] if exact else [one for one in ids if one and self._known(one)]
        if others:
            text = f"another record, {others[0]}, has this key there in another spelling"
            return Refused(Problem("equal-key", text, hint="give one of them another key in the source"))
        if len(ids) > 1:
            shown = ", ".join(str(target_id) for target_id in ids[:_SHOWN])
            text = f"{len(ids)} records with this key are there already: {shown}"
            return Refused(Problem("ambiguous", text, hint="leave one of them in the application"))
        if ids and not ids[0]:
            text = f"the record found by its key shows no id at {call.id}"
            return Refused(Problem("no id", text, hint="set find.id to where the answer has it"))
        return ids[0] if ids else None


def _items(answer: Answer, path: str) -> list[object]:
    try:
        value = dig(answer.value(), path)
    except Unreadable as error:
        raise Interrupted(Failure("answer", f"find: {error}", again=False)) from None
    if value is None or value == {}:
        return []
    return value if isinstance(value, list) else [value]


def _id_of(item: object, path: str) -> str | None:
    return text_of(dig(item, path)) if isinstance(item, Mapping) else text_of(item)


def _same(items: list[object], fields: Sequence[str], key: Sequence[str]) -> tuple[list[object], bool]:
    """The records that show no other key, and whether they show this very one.

    A search may answer with similar ones, or with all; an application may write keys in a case of its own.
    """
    exact = [item for item in items if _agrees(item, fields, key, str)]
    return (exact, True) if exact else ([i for i in items if _agrees(i, fields, key, str.casefold)], False)


def _agrees(item: object, fields: Sequence[str], key: Sequence[str], form: Callable[[str], str]) -> bool:
    if not isinstance(item, Mapping):
        return True
    shown = (text_of(item.get(field)) for field in fields)
    return all(text is None or form(text) == form(part) for text, part in zip(shown, key, strict=True))
