"""Owns the taking out of secrets from what others said: a driver, a server, an application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote, quote_plus

SHOWN_INSTEAD = "***"

SHORTEST = 6
"""Characters of the shortest value that is a secret wherever it stands: a shorter one is part of words."""


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, however whoever wrote it has encoded them."""
    for pattern in _patterns(frozenset(secrets)):
        text = pattern.sub(SHOWN_INSTEAD, text)
    return text


def told_apart(text: str, secrets: Iterable[str]) -> str:
    """As `scrubbed`, each secret replaced by words of its own, too few to guess it by: to compare texts."""
    for secret in sorted(secrets, key=len, reverse=True):
        digest = blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
        for pattern in _patterns(frozenset({secret})):
            text = pattern.sub(f"{SHOWN_INSTEAD}({digest})", text)
    return text


def one_line(text: str, secrets: Iterable[str]) -> str:
    """As `scrubbed`, on one line and without control characters."""
    hidden = frozenset(secrets)
    kept = scrubbed(text, hidden)  # before blanks are joined, and after: a secret may hold several
    kept = "".join(char if char.isprintable() else " " for char in kept)
    return scrubbed(" ".join(kept.split()), hidden)


@lru_cache(maxsize=16)
def _patterns(secrets: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """Every way a secret may be written, the longest first: a short one may be part of it.

    A short secret is one only as a whole word: taken out of the middle of others it would show itself.
    """
    found = {form: len(secret) < SHORTEST for secret in secrets for form in _forms(secret)}
    longest = sorted(found, key=len, reverse=True)
    return tuple(
        re.compile(rf"(?<!\w){re.escape(form)}(?!\w)" if found[form] else re.escape(form)) for form in longest
    )


def _forms(secret: str) -> set[str]:
    """Encoded twice as well: a body in JSON is repeated on a page in HTML."""
    return {form for written in _written(secret) for form in _written(written) if form.strip()}


def _written(secret: str) -> tuple[str, ...]:
    from html import escape  # only when something went wrong

    joined = " ".join("".join(char if char.isprintable() else " " for char in secret).split())
    encoded = secret.encode("utf-8", "surrogatepass")
    return (
        secret,
        joined,
        quote(encoded, safe=""),
        quote(encoded),
        quote(encoded, safe="/?&=:@!$'()*+,;~%-._"),  # what an address may hold as it is
        quote_plus(encoded),
        secret.replace(" ", "+"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(encoded)[2:-1],
        escape(secret),
        secret.replace("'", "''"),
        secret.replace("\\", "\\\\").replace("'", "\\'"),
    )
