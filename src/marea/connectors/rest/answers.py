"""Owns what an answer says: the values in it, whether it decides, and how it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from marea.config.scrub import scrubbed
from marea.connectors.rest import words
from marea.connectors.rest.retry import Failure, retry_after
from marea.model import Problem

_AGAIN_LATER = (408, 425, 429)
_NOT_THERE = (404, 405)
"""Answers of one that knows no such address, or not to call it so: as likely our mistake as the record's."""
_GATEWAY = (502, 504)
"""Answers of what stands before the application, which the call may have reached."""


class Unreadable(ValueError):
    """An answer that is no JSON, or longer than is read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one call."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    complete: bool = True
    """Whether `body` is all of it; an answer is read up to a bound."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Texts in it that must never be shown."""
    call: str = "the call"
    """What it answers: method and address, in quotes, without the query, which may hold a secret."""

    @property
    def good(self) -> bool:
        """Whether the application did what was asked."""
        return 200 <= self.status < 300

    def value(self) -> object:
        """The JSON in it, decimals as their text; None for an empty body. Raises Unreadable."""
        if not self.complete:
            raise Unreadable("the answer is longer than is read")
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body, parse_float=str)
        except (ValueError, RecursionError):
            raise Unreadable("the answer is no JSON") from None

    def said(self) -> tuple[str, str]:
        """The application's own words, and the field they are about where it says so."""
        try:
            return words.told(self.value())
        except Unreadable:
            # Before it is cut and its markup left out: what is left of a secret then is not known as one.
            return words.plain(scrubbed(self.body.decode("utf-8", "replace"), self.secrets)), ""


def dig(value: object, path: str) -> object:
    """What stands at a dotted path, a number being a place in a list; None where there is nothing."""
    for name in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def failure(answer: Answer, now: datetime) -> Failure | None:
    """Why the answer decides nothing about its record; None when it does."""
    status = answer.status
    if 200 <= status < 300 or (400 <= status < 500 and status not in _AGAIN_LATER):
        return None
    code = f"http {status}"
    if status < 400:
        return Failure(code, _moved(answer), again=False)
    said = answer.said()[0]
    asked = retry_after(answer.headers.get("Retry-After"), now)
    away = status == 503
    return Failure(
        code,
        f"{code}: {said}" if said else code,
        away=away,
        sent=not away and status not in _AGAIN_LATER,
        lost=status in _GATEWAY,
        asked=asked,
    )


def refusal(answer: Answer) -> Problem:
    """The problem an application named with a 4xx answer."""
    said, field = answer.said()
    if answer.status in _NOT_THERE:
        return _not_there(answer, said, field)
    return Problem(f"http {answer.status}", said or f"refused with http {answer.status} and no words", field)


def _not_there(answer: Answer, said: str, field: str) -> Problem:
    words = said.removeprefix(f"{answer.status}:").strip()
    text = f"{answer.call} answered {answer.status}"
    hint = "is `url`, `object` or the path right?"
    return Problem(f"http {answer.status}", f"{text}: {words}" if words else text, field, hint)


def _moved(answer: Answer) -> str:
    """A redirect, its query and user left out: either may hold a secret."""
    to = re.split(r"[?#]", answer.headers.get("Location", ""))[0]
    place = re.sub(r"//[^/@]*@", "//", to) or "nowhere"
    return f"http {answer.status}: the address leads on to {place}; redirects are not followed"
