"""The rates as tables of a page, between two markers."""

from collections.abc import Callable, Iterable
from typing import Any, Final

BEGIN: Final = "<!-- error rates: written by python -m tests.statistics.error_rates -->"
END: Final = "<!-- end of error rates -->"
Found = dict[str, Any]


def page(text: str, found: Found) -> str:
    """The page with new tables. ValueError: it lacks one of the markers."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    worlds = _table(("world", "noise of a run"), found["worlds"].items())
    parts = [BEGIN, worlds, wrong(found), power(found), sequences(found), advice(found), divergence(found), END]
    return before + "\n\n".join(parts) + after


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines: list[Iterable[object]] = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _percent(share: float, places: int = 1) -> str:
    return f"{100 * share:.{places}f}"


def _by_estimand(found: Found, cells: Callable[[list[Found]], list[str]]) -> list[list[str]]:
    """A line of the table for each estimand, from its rows."""
    names = dict.fromkeys(row["estimand"] for row in found["rows"])
    return [[name, *cells([row for row in found["rows"] if row["estimand"] == name])] for name in names]


def _seeds(found: Found) -> list[int]:
    return sorted({row["seeds"] for row in found["rows"]})


def wrong(found: Found) -> str:
    """The largest rate over the worlds of a wrong "holds" and a wrong "fails", with its upper bound."""
    seeds = _seeds(found)

    def cells(rows: list[Found]) -> list[str]:
        told = []
        for outcome in ("wrong_holds", "wrong_fails"):
            for n in seeds:
                worst = max((row for row in rows if row["seeds"] == n), key=lambda row: row[outcome])
                told.append(f"{_percent(worst[outcome])} ({_percent(worst[f'{outcome}_upper'])})")
        return told

    intro = (
        "Wrong decisions with the truth at the edge of the margin, in percent: the largest over the worlds, and in "
        f"brackets the upper 95% bound of its probability (Clopper-Pearson, {found['worlds_each']:,} worlds each)."
    )
    head = ["estimand", *(f'"holds", {n} seeds' for n in seeds), *(f'"fails", {n}' for n in seeds)]
    return f"{intro}\n\n{_table(head, _by_estimand(found, cells))}"


def power(found: Found) -> str:
    """How often a clear truth is decided rightly, in the plainest world and in the noisier one."""
    seeds = _seeds(found)

    def cells(rows: list[Found]) -> list[str]:
        by_place = {(row["world"], row["seeds"]): row for row in rows}
        told = [by_place[world, n] for world in ("even", "attacked") for n in seeds]
        return [f"{_percent(row['holds'], 0)} / {_percent(row['fails'], 0)}" for row in told]

    intro = (
        "Right decisions where the truth is clear, in percent, of a true sentence / of a false one: an effect of "
        "twice the margin / of none; for sameness, no difference / one of twice the margin; for shares and ranks see "
        "`tests/statistics/error_rates/cases.py`."
    )
    head = ["estimand", *(f"even, {n} seeds" for n in seeds), *(f"attacked, {n}" for n in seeds)]
    return f"{intro}\n\n{_table(head, _by_estimand(found, cells))}"


def sequences(found: Found) -> str:
    """Until decided."""
    shares = ("holds", "fails", "peeking_holds", "peeking_fails")
    rows = [
        [row["estimand"], truth, *(_percent(row[f"{truth}_{key}"]) for key in shares), f"{row[f'{truth}_seeds']:.1f}"]
        for row in found["sequential"]
        for truth in ("edge", "clear")
    ]
    looks = ", ".join(map(str, found["looks"]))
    intro = (
        f"Until decided, looking at {looks} seeds in the world *even* ({found['sequences_each']:,} worlds each): "
        'percent of "holds" and "fails" by the rule, by deciding at 5% at every look, and the mean number of seeds '
        "used."
    )
    head = ("estimand", "truth", "holds", "fails", "holds, peeking", "fails, peeking", "seeds used")
    return f"{intro}\n\n{_table(head, rows)}"


def advice(found: Found) -> str:
    """Following what is advised."""
    by_seeds: dict[int, list[str]] = {}
    for row in found["advised"]:
        upper = f" ({_percent(row['holds_upper'])})" if row["effect"] == 0 else ""
        cell = f"{_percent(row['first'], 0)}, {_percent(row['holds'], 1 if upper else 0)}{upper}, {row['used']:.1f}"
        by_seeds.setdefault(row["seeds"], []).append(cell)
    effects = dict.fromkeys(row["effect"] for row in found["advised"])
    intro = (
        'Deciding at 5%, and then following the advice on further seeds as long as there is any: percent of "holds" at '
        "the first look, at any (with the upper bound where that is wrong), and the mean number of seeds used, for "
        "effects beyond the margin by so many standard deviations of a seed "
        f"({found['worlds_each'] // 2:,} worlds at 0, {found['sequences_each']:,} at the others)."
    )
    rows = [[f"{seeds} seeds first", *cells] for seeds, cells in by_seeds.items()]
    return f"{intro}\n\n{_table(('', *(f'{effect:g}' for effect in effects)), rows)}"


def divergence(found: Found) -> str:
    """What rare divergence at one batch size does."""
    rows = [[r["seeds"], _percent(r["not_worse"]), _percent(r["drops"])] for r in found["one_sided_divergence"]]
    intro = (
        "A curve that is flat but that one run in four at the largest batch size diverges (world *even*): in percent."
    )
    return f"{intro}\n\n{_table(('seeds', 'NotWorse holds', 'Drops holds'), rows)}"
