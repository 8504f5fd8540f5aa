"""Owns the nearest valid name: what someone who mistyped a name most likely meant."""

from __future__ import annotations

from collections.abc import Iterable

_LISTED = 12  # more names than this in a hint are noise


def closest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name closest to `name`, letter case set aside; None where none is close."""
    from difflib import get_close_matches

    folded = {candidate.casefold(): candidate for candidate in valid}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def nearest(name: str, valid: Iterable[str]) -> str:
    """The hint `did you mean "x"?` for the valid name closest to `name`; empty where none is close."""
    near = closest(name, valid)
    return f'did you mean "{near}"?' if near is not None else ""


def suggest(name: str, valid: Iterable[str]) -> str:
    """A hint for a name that is not valid: the nearest valid one, else those there are."""
    candidates = list(valid)
    if near := nearest(name, candidates):
        return near
    shown = ", ".join(candidates[:_LISTED])
    return f"known here: {shown}{', …' if len(candidates) > _LISTED else ''}" if shown else ""
