"""Puts the page together."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from statistics import stdev

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...runs.conditions import Conditions
from ...statistics.units import NOTHING
from ...verdicts.declaration import UNITS
from ...verdicts.entry import PlainCurve, Point
from ...words import counted, span
from ..bundle import Report
from ..drawing.captions import Picture
from ..text import clean
from .answer import answer
from .claims import cards, filters, sentences
from .losses import losses
from .pictures import shown
from .plots import mean
from .readings import open_points
from .session import banners, costs, ran
from .timeline import Timeline
from .values import Measurements


def render(
    report: Report, pictures: Sequence[Picture], found: Measurements, conditions: Conditions, made: Timeline | None
) -> str:
    """The page of a report; ``found``: what was measured of its networks, ``made``: when, if that is known."""
    paper = report.session.paper
    of = sentences(report.claims, paper)
    cases = [case for sentence in of for case in sentence.cases]
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            session=report.session,
            banners=banners(report.session, conditions.regime),
            answer=answer(report.claims, report.errors, paper),
            central=next((sentence.slug for sentence in of if sentence.id == paper.central), ""),
            sentences=of,
            cards=cards(of),
            filters=filters(of),
            departs="; ".join(dict.fromkeys(case.departs for case in cases if case.departs)),
            ran=ran(conditions, found),
            open_points=open_points(cases, conditions),
            found=found,
            losses=losses(found),
            figures=shown(pictures),
            choices=report.choices,
            costs=costs(found),
            timeline=made,
        )
    )


@cache
def _environment() -> Environment:
    """How templates are rendered: whatever they show is cleaned and escaped, and a name that is unknown is an error."""
    made = Environment(
        loader=PackageLoader("repro.report.page", "templates"),
        autoescape=True,
        finalize=clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "share": _share,
        "level": _level,
        "printed": _printed_of,
        "mean": _mean_of,
        "spread": _spread_of,
        "counted": counted,
        "span": span,
        "asset": _asset,
    }
    return made


def _asset(name: str) -> Markup:
    """The style or the script, which the page holds itself."""
    return Markup((resources.files("repro.report.page") / "templates" / name).read_text("utf-8"))


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f}%"


def _level(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3g}"


def _mean_of(point: Point, curve: PlainCurve) -> str:
    return _on_its_scale(mean(point), curve)


def _printed_of(point: Point, curve: PlainCurve) -> str:
    """The number that others printed, as a mean of ours is shown."""
    return NOTHING if point.theirs is None else _on_its_scale(point.theirs, curve)


def _on_its_scale(value: float, curve: PlainCurve) -> str:
    return UNITS[curve.unit].level(value) if curve.unit in UNITS else f"{value:.3g}"


def _spread_of(point: Point, curve: PlainCurve) -> str:
    """The standard deviation over seeds; a dash for a single one."""
    known = [value for value in point.values if value is not None]
    return UNITS[curve.unit].spread(stdev(known)) if len(known) > 1 and curve.unit in UNITS else NOTHING
