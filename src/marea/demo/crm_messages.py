"""Owns what goes in and out of the demo CRM: what a call asks for, its body, the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

from aiohttp import web

_ARRAY = re.compile(r'\s*(?:\{\s*"records"\s*:\s*)?\[\s*')
_COMMA = re.compile(r"\s*,?\s*")


class Refused(Exception):
    """A record the CRM does not take."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = errors


def object_of(request: web.Request) -> str:
    """The object a call is about."""
    return request.match_info["object"]


def key_of(request: web.Request) -> str:
    """The key as one text: its parts, each encoded in one way however the caller encoded it."""
    raw = request.rel_url.raw_path.split("/", 3)[3]
    return "/".join(quote(unquote(part), safe="") for part in raw.split("/"))


def external_id_of(record: Mapping[str, object]) -> str | None:
    """What the sender calls the record."""
    value = record.get("external_id", record.get("code"))
    return None if value is None else str(value)


def limit_of(request: web.Request) -> int:
    """How many records a page holds."""
    return min(int(request.query.get("limit", "500")), 5000)


async def body_of(request: web.Request) -> str:
    """The body as text. Raises Refused."""
    try:
        return (await request.read()).decode()
    except UnicodeDecodeError:
        raise Refused([{"field": "", "message": "The body is not UTF-8"}]) from None


def record_in(body: str) -> Mapping[str, object]:
    """The JSON object a body is. Raises Refused."""
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused([{"field": "", "message": "The body is no JSON"}]) from None
    if not isinstance(record, dict):
        raise Refused([{"field": "", "message": "A record is a JSON object"}])
    return record


def records_in(body: str) -> list[str]:
    """The text of each record of a batch as it was written, so that no number is rounded."""
    decoder = json.JSONDecoder()
    head = _ARRAY.match(body)
    if head is None:
        raise Refused([{"field": "", "message": "A batch is an array, or one under `records`"}])
    place, records = head.end(), []
    try:
        while body[place] != "]":
            _, end = decoder.raw_decode(body, place)
            records.append(body[place:end])
            place = _COMMA.match(body, end).end()  # type: ignore[union-attr]
    except (ValueError, IndexError, RecursionError):
        raise Refused([{"field": "", "message": "The body is no JSON"}]) from None
    return records


def page_of(items: Sequence[str], after: str | int | None) -> web.Response:
    """A page of records; `after` is where the next begins."""
    return written(f'{{"items":[{",".join(items)}],"next":{json.dumps(after)}}}')


def written(text: str, status: int = 200) -> web.Response:
    """An answer of JSON text as it is."""
    return web.Response(body=text.encode(), status=status, content_type="application/json")


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer of a value."""
    return web.Response(
        body=json.dumps(value).encode(), status=status, headers=headers, content_type="application/json"
    )


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer that says why not."""
    return answer({"error": message}, status, headers)
