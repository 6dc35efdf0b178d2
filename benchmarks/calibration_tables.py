"""The calibration as tables of a page, between two markers."""

from collections.abc import Iterable
from typing import Any, Final

BEGIN: Final = "<!-- calibration: written by python -m benchmarks.calibration -->"
END: Final = "<!-- end of calibration -->"


def page(text: str, found: dict[str, Any]) -> str:
    """The page with new tables. ValueError: it lacks one of the markers."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    parts = [worlds(found), wrong(found), power(found), sequences(found), divergence(found)]
    return before + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + after


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines: list[Iterable[object]] = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _by_estimand(found: dict[str, Any]) -> dict[str, dict[int, list[dict[str, Any]]]]:
    grouped: dict[str, dict[int, list[dict[str, Any]]]] = {}
    for row in found["rows"]:
        grouped.setdefault(row["estimand"], {}).setdefault(row["seeds"], []).append(row)
    return grouped


def worlds(found: dict[str, Any]) -> str:
    """What the worlds are."""
    return _table(("world", "noise of a run"), found["worlds"].items())


def wrong(found: dict[str, Any]) -> str:
    """The largest rate over the worlds of a wrong "holds" and a wrong "fails", with its upper bound."""
    seeds = sorted({row["seeds"] for row in found["rows"]})
    rows = []
    for name, by_seeds in _by_estimand(found).items():
        cells = []
        for outcome in ("wrong_holds", "wrong_fails"):
            for count in seeds:
                worst = max(by_seeds[count], key=lambda row: row[outcome])
                cells.append(f"{100 * worst[outcome]:.1f} ({100 * worst[f'{outcome}_upper']:.1f})")
        rows.append([name, *cells])
    intro = (
        "Wrong decisions with the truth at the edge of the margin, in percent: the largest over the worlds, and in "
        f"brackets the upper 95% bound of its probability (Clopper-Pearson, {found['worlds_each']:,} worlds each)."
    )
    head = ["estimand", *(f'"holds", {n} seeds' for n in seeds), *(f'"fails", {n}' for n in seeds)]
    return f"{intro}\n\n{_table(head, rows)}"


def power(found: dict[str, Any]) -> str:
    """How often a clear truth is decided rightly, in the plainest world and in the noisier one."""
    seeds = sorted({row["seeds"] for row in found["rows"]})
    rows = []
    for name, by_seeds in _by_estimand(found).items():
        cells = []
        for world in ("even", "attacked"):
            for count in seeds:
                (row,) = (row for row in by_seeds[count] if row["world"] == world)
                cells.append(f"{100 * row['holds']:.0f} / {100 * row['fails']:.0f}")
        rows.append([name, *cells])
    intro = (
        "Right decisions where the truth is clear, in percent, of a true sentence / of a false one: an effect of "
        "twice the margin / of none; for sameness, no difference / one of twice the margin; for shares and ranks see "
        "`benchmarks/calibration_cases.py`."
    )
    head = ["estimand", *(f"even, {n} seeds" for n in seeds), *(f"attacked, {n}" for n in seeds)]
    return f"{intro}\n\n{_table(head, rows)}"


def sequences(found: dict[str, Any]) -> str:
    """Until decided."""
    rows = [
        [row["estimand"], truth]
        + [f"{100 * row[f'{truth}_{key}']:.1f}" for key in ("holds", "fails", "peeking_holds", "peeking_fails")]
        + [f"{row[f'{truth}_seeds']:.1f}"]
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


def divergence(found: dict[str, Any]) -> str:
    """What rare divergence at one batch size does."""
    rows = [
        (row["seeds"], f"{100 * row['not_worse']:.1f}", f"{100 * row['drops']:.1f}")
        for row in found["one_sided_divergence"]
    ]
    intro = (
        "A curve that is flat but that one run in four at the largest batch size diverges (world *even*): in percent."
    )
    return f"{intro}\n\n{_table(('seeds', 'NotWorse holds', 'Drops holds'), rows)}"
