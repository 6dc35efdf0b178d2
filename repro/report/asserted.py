"""What a report asserts beside its verdicts, held against what it comes to now. Free of torch.

Words that a later version may put better are compared by the numbers in them; a claim's sentence, where it stands and
whose it is, as they are.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import to_builtins

from ..experiment.fields import FIELDS
from ..experiment.regime_files import BUILT_IN
from ..experiment.regimes import Regime
from ..files.staged import current
from ..verdicts.entry import Entry, Further
from ..verdicts.figures import FIGURES
from ..words import printable
from .bundle import Loaded
from .together import taken_together

EXACT: Final = ("p", "says", "section", "standing", "figures", "undertrained", "margins", "instruments")
BY_NUMBERS: Final = ("asked", "shown", "effect", "flips_at")
OF_EQUAL: Final = ("verdict", "outcome", "estimate", "interval", "trained_less")
AT_EQUAL: Final = "at equal training amount"
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
    yield from _differing(entry, now, EXACT, BY_NUMBERS)
    if len(entry.notes) != len(now.notes) or not all(map(same_numbers, entry.notes, now.notes)):
        yield line("notes", entry.notes, now.notes)
    if not _promised_alike(entry.further, now.further):
        yield line("further", entry.further and entry.further.text, now.further and now.further.text)
    one, other = entry.equal_amount, now.equal_amount
    if one and other:
        yield from _differing(one, other, OF_EQUAL, ("amount", "shown"), f"{AT_EQUAL}, ")
    elif one is not other:
        yield line(AT_EQUAL, one and one.verdict, other and other.verdict)


def _promised_alike(one: Further | None, other: Further | None) -> bool:
    """Whether two promises of further seeds are the same, but for one seed: a chance of 80% has a last digit, too."""
    if one is None or other is None or one.seeds is None or other.seeds is None:
        return (one and (one.seeds, one.level)) == (other and (other.seeds, other.level))
    return abs(one.seeds - other.seeds) <= 1 and alike(one.level, other.level)


def _differing(one: Any, other: Any, exact: Sequence[str], by_numbers: Sequence[str], of: str = "") -> Iterator[str]:
    for name in (*exact, *by_numbers):
        reported, now = getattr(one, name), getattr(other, name)
        same = same_numbers(reported, now) if name in by_numbers else alike(to_builtins(reported), to_builtins(now))
        if not same:
            yield line(f"{of}{name}", reported, now)


def line(name: str, reported: Any, now: Any) -> str:
    """What a report says of something, and what that is now."""
    one, other = _text(reported), _text(now)
    if one == other:  # beyond the digits shown
        one, other = repr(reported), repr(now)
    return f"{name}: {one} in the report, {other} now"


def _text(value: Any) -> str:
    if value in (None, "", ()):
        return "none"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    return printable(f"{value:.6g}" if isinstance(value, float) else str(value))


def families(loaded: Loaded, now: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """Tests whose standing among all verdicts (Holm) is not what theirs comes to, with a line each.

    ``now``: the entries as they were decided again; of others the report's own p counts.
    """
    claims = loaded.report.claims
    if all(entry.family_wise is None for entry in claims):
        return  # it was written before all verdicts were there
    for entry, again in zip(claims, taken_together([now.get(entry.test, entry) for entry in claims]), strict=True):
        if entry.family_wise != again.family_wise:
            yield entry.test, line("family_wise", entry.family_wise, again.family_wise)


def of_session(loaded: Loaded) -> list[str]:
    """What a report says of its session and is not so: its regime, and the figures beside it."""
    told = loaded.report.session.regime
    regime = loaded.conditions.regime
    lines = []
    if told.name != regime.title or not _named_rightly(regime):
        lines.append(f"regime: {printable(told.name)!r} is not the name of the scales in the report")
    if {*told.tasks} == {*regime.scales} and told.reduced != regime.reduced:
        lines.append(line("reduced", told.reduced, regime.reduced))
    if loaded.beside:
        gone = [n for n in loaded.report.session.figures if n in FIGURES and not _figure(loaded, n)]
        lines += [f"figure {n}: there is no {FIGURES[n].name}.png beside the report" for n in gone]
    return lines


def _figure(loaded: Loaded, number: int) -> bool:
    path = current(loaded.artifacts, f"{FIGURES[number].name}.png")
    return path.is_file() and not path.is_symlink()


def _named_rightly(regime: Regime) -> bool:
    """Whether a built-in regime's name stands over its scales; options change a field for all tasks alike."""
    if regime.name not in BUILT_IN:
        return True
    built_in = BUILT_IN[regime.name].scales
    known = {task: scale for task, scale in regime.scales.items() if task in built_in}
    for name in FIELDS:
        differ = any(scale.field(name) != built_in[task].field(name) for task, scale in known.items())
        if differ and len({scale.field(name) for scale in known.values()}) > 1:
            return False
    return True
