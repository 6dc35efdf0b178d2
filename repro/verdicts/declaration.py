"""What decides a claim, as plain data and as a hash: a margin that was moved shows. Free of torch.

Hashed are the claim's id and case, whose sentence it is (the paper's own or an extension), its estimand with every
field (margins among them), its curves in their order, and the terms it is decided under (see ``terms``): the rules, how
its tasks are trained and measured, what its recipes set, what of its measures matters. Left out is what decides
nothing: the sentence's wording, the reasons, the labels, the figures; and the seeds, so that a session that adds some
declares nothing new.

Many claims share their terms. Where their declarations are written side by side, each holds the hash of a term in its
place, and the term stands once beside them: ``folded``, and ``unfolded`` when they are read. The hash of a declaration
is that of the whole.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ..errors import ReproError
from ..runs.conditions import Conditions
from ..statistics.units import CORRELATION, FACTOR, POINTS, SHARE, Margin
from .claim import Case
from .curves import Curve
from .plain import plain
from .terms import terms

DIGITS: Final = 12  # of the hash, in hexadecimal
UNITS: Final = {unit.name: unit for unit in (POINTS, FACTOR, SHARE, CORRELATION)}
UNDER: Final = "under"  # which terms: the key that they have in a declaration

Declared = Mapping[str, Any]


class Difference(NamedTuple):
    """A leaf that is one thing in a declaration and another in the next, in words; "none" where it is not there."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before} -> {self.after}"


def declaration(case: Case, conditions: Conditions) -> dict[str, Any]:
    """All that decides a case in a session, as plain JSON. ReproError: its estimand holds something that is none."""
    try:
        holds_if = plain(case.holds_if)
    except TypeError as error:
        raise ReproError(f"{case.claim.id}: holds_if = {case.holds_if!r} cannot be hashed: {error}") from None
    return {
        "claim": case.claim.id,
        "case": case.id,
        "standing": case.standing,
        "holds_if": holds_if,
        "curves": [_curve(curve) for curve in case.curves],
        "groups": [len(group) for group in case.groups],
        UNDER: terms(case, conditions),
    }


def digest(declared: Declared) -> str:
    """The hash of a declaration: sha256 of its canonical JSON, the first 12 hexadecimal digits."""
    text = json.dumps(declared, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def folded(declared: Declared, known: dict[str, Any]) -> dict[str, Any]:
    """A declaration with the hash of each of its terms in the term's place; ``known`` gets the terms by their hash."""
    hashes = {name: digest(term) if isinstance(term, Mapping) else term for name, term in _terms(declared).items()}
    known.update((hashes[name], term) for name, term in _terms(declared).items() if isinstance(term, Mapping))
    return {**declared, UNDER: hashes} if hashes else {**declared}


def unfolded(declared: Declared, known: Mapping[str, Any]) -> dict[str, Any]:
    """A declaration with the terms that are ``known`` in the place of their hashes; others stay as they are."""
    found = {n: known.get(term, term) if isinstance(term, str) else term for n, term in _terms(declared).items()}
    return {**declared, UNDER: found} if found else {**declared}


def changes(before: Declared, after: Declared) -> list[str]:
    """What differs between two declarations, a phrase each, as in ``holds_if.within: 5 points -> 2 points``."""
    return [*map(str, own_differences(before, after)), *map(str, term_differences(before, after))]


def own_differences(before: Declared, after: Declared) -> list[Difference]:
    """What differs but for the terms."""
    return _differing(*({name: part for name, part in side.items() if name != UNDER} for side in (before, after)))


def term_differences(before: Declared, after: Declared) -> list[Difference]:
    """What differs between the terms of two declarations.

    A term that only one of them has is that of a curve that only one has, which is no difference of terms.
    """
    one, other = _terms(before), _terms(after)
    if bool(one) != bool(other):
        return [Difference(UNDER, *("declared" if side else "none" for side in (one, other)))]
    shared = [name for name in one if name in other]
    return _differing({name: one[name] for name in shared}, {name: other[name] for name in shared})


def _terms(declared: Declared) -> Mapping[str, Any]:
    found = declared.get(UNDER)
    return found if isinstance(found, Mapping) else {}


def _differing(before: Declared, after: Declared) -> list[Difference]:
    one, other = _leaves(before), _leaves(after)
    return [
        Difference(path, one.get(path, "none"), other.get(path, "none"))
        for path in dict.fromkeys([*one, *other])
        if one.get(path) != other.get(path)
    ]


def _curve(curve: Curve) -> dict[str, Any]:
    """Which curve it is; what its task, recipe and measure are stands among the terms."""
    return {
        "task": str(curve.task),
        "recipe": [curve.recipe.name, float(curve.recipe.momentum)],
        "measure": curve.measure.field,
        **({"theirs": plain(dict(curve.theirs.values))} if curve.theirs else {}),
    }


def _margin(value: Mapping[str, Any]) -> str:
    """A margin in its own words; empty for what is none, as anything in a stranger's report may be."""
    try:
        return str(Margin(value["size"], UNITS[value["unit"]])) if len(value) == 2 else ""
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""


def _leaves(value: Any, path: str = "") -> dict[str, str]:
    """Every leaf of nested data under its path; a margin is a leaf, in its own words."""
    if isinstance(value, Mapping) and (margin := _margin(value)):
        return {path: margin}
    if not isinstance(value, Mapping | list):
        return {path: f"{value:g}" if isinstance(value, float) else str(value)}
    parts = value.items() if isinstance(value, Mapping) else enumerate(value, start=1)
    found: dict[str, str] = {}
    for name, part in parts:
        found |= _leaves(part, f"{path}.{name}" if path else str(name))
    return found
