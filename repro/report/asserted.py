"""What a report asserts beside its verdicts, held against what it comes to now. Free of torch.

Words that a later version may put better are compared by the numbers in them; a claim's sentence, where it stands and
whose it is, as they are.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import to_builtins

from ..experiment.fields import FIELDS
from ..experiment.regime_files import BUILT_IN
from ..experiment.regimes import ALIASES, Regime, Scale
from ..verdicts.entry import Entry, EqualAmount
from ..verdicts.figures import FIGURES
from ..words import printable
from .bundle import Loaded
from .together import taken_together

EXACT: Final = ("says", "section", "standing", "figures", "undertrained", "margins", "instruments")
BY_NUMBERS: Final = ("asked", "shown", "effect", "flips_at")
OF_EQUAL: Final = ("verdict", "outcome", "estimate", "interval", "trained_less")
CLOSE: Final = 1e-9  # relative; the last digits of a quantile differ between versions of scipy
NUMBER: Final = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal but for rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(value, other[name]) for name, value in one.items())
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(one == other)


def _drawn(entry: Entry, now: Entry) -> Iterator[str]:
    """What differs of curves and number line, where a report has them, which one of an earlier version has not."""
    if entry.curves and not alike(to_builtins(entry.curves), to_builtins(now.curves)):
        yield "curves: the report's values and those of now are not the same"
    line, same = entry.number_line, entry.declared == now.declared
    if line and same and not alike(to_builtins(line), to_builtins(now.number_line)):
        yield "number_line: the report's margin, or the one at which it would flip, is not that of now"


def same_numbers(one: str, other: str) -> bool:
    """Whether two texts have the same numbers in them, but for one unit in the last printed digit."""
    here, there = NUMBER.findall(one), NUMBER.findall(other)
    return len(here) == len(there) and all(map(_close, here, there))


def _close(one: str, other: str) -> bool:
    unit = 10.0 ** -min(len(text.partition(".")[2]) for text in (one, other))
    a, b = (float(text.replace(",", "")) for text in (one, other))
    return abs(a - b) <= (1.01 * unit if "." in one + other else 0)


def asserted(entry: Entry, now: Entry) -> Iterator[str]:
    """What differs between an entry as reported and now, beyond its decision: a line each."""
    yield from _drawn(entry, now)
    if not alike(entry.p, now.p):
        yield _line("p", entry.p, now.p)
    for name in EXACT:
        one, other = getattr(entry, name), getattr(now, name)
        if one != other and not (name == "instruments" and _same_instruments(one, other)):
            yield _line(name, one, other)
    for name in BY_NUMBERS:
        one, other = getattr(entry, name), getattr(now, name)
        if not same_numbers(one, other):
            yield _line(name, one, other)
    yield from _equal_amount(entry.equal_amount, now.equal_amount)


def _same_instruments(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return all(alike(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)


def _equal_amount(one: EqualAmount | None, other: EqualAmount | None) -> Iterator[str]:
    if one is None or other is None:
        if one is not other:
            yield _line("at equal training amount", one and one.verdict, other and other.verdict)
        return
    for name in OF_EQUAL:
        if not alike(getattr(one, name), getattr(other, name)):
            yield _line(f"at equal training amount, {name}", getattr(one, name), getattr(other, name))
    for name in ("amount", "shown"):
        if not same_numbers(getattr(one, name), getattr(other, name)):
            yield _line(f"at equal training amount, {name}", getattr(one, name), getattr(other, name))


def _line(name: str, reported: Any, now: Any) -> str:
    one, other = (printable("none" if value in (None, "", ()) else str(value)) for value in (reported, now))
    return f"{name}: {one} in the report, {other} now"


def families(loaded: Loaded, now: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """Tests whose standing among all verdicts (Holm) is not what theirs comes to, with a line each.

    ``now``: the entries as they were decided again; of others the report's own p counts.
    """
    claims = loaded.report.claims
    if any(entry.family_wise is None for entry in claims):
        return
    for entry, again in zip(claims, taken_together([now.get(entry.test, entry) for entry in claims]), strict=True):
        if entry.family_wise != again.family_wise:
            yield entry.test, _line("family_wise", entry.family_wise, again.family_wise)


def of_session(loaded: Loaded) -> list[str]:
    """What a report says of its session and is not so: its regime, and the figures beside it."""
    told = loaded.report.session.regime
    regime = loaded.conditions.regime
    lines = []
    if told.name != regime.title or not _named_rightly(regime):
        lines.append(f"regime: {printable(told.name)!r} is not the name of the scales in the report")
    if {*told.tasks} == {*regime.scales} and told.reduced != regime.reduced:
        lines.append(_line("reduced", told.reduced, regime.reduced))
    if loaded.beside:
        gone = [n for n in loaded.report.session.figures if n in FIGURES and not _figure(loaded, n)]
        lines += [f"figure {n}: there is no {FIGURES[n].name}.png beside the report" for n in gone]
    return lines


def _figure(loaded: Loaded, number: int) -> bool:
    path = loaded.path.parent / f"{FIGURES[number].name}.png"
    return path.is_file() and not path.is_symlink()


def _named_rightly(regime: Regime) -> bool:
    """Whether a built-in regime's name stands over its scales; options change a field for all tasks alike."""
    if regime.name not in BUILT_IN:
        return True
    built_in = BUILT_IN[regime.name].scales
    known = {task: scale for task, scale in regime.scales.items() if task in built_in}
    for name in FIELDS:
        values = {_field(scale, name) for scale in known.values()}
        if len(values) > 1 and any(
            _field(scale, name) != _field(built_in[task], name) for task, scale in known.items()
        ):
            return False
    return True


def _field(scale: Scale, name: str) -> Any:
    name = ALIASES.get(name, name)
    return getattr(scale, name) if hasattr(scale, name) else getattr(scale.reading, name)
