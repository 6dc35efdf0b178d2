"""The paper's figures as matplotlib drew them, made fit to stand in a page together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markupsafe import Markup

from ...files.text import read_text
from ...verdicts.figures import FIGURES
from ..drawing.captions import Picture
from ..text import safe

# What the file needs and the page does not: the addresses of its format, and who made it.
DROPPED: Final = (
    re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>", re.DOTALL),
    re.compile(r"\sxmlns(:\w+)?=\"[^\"]*\"|\sversion=\"[^\"]*\""),
)
SIZE: Final = re.compile(r'(<svg[^>]*?)\swidth="[^"]*"\sheight="[^"]*"')
FONT: Final = re.compile(r"font-family:[^;\"]*;?\s*")
TAG: Final = re.compile(r"<[^>]+>")
DIGITS: Final = re.compile(r"(\d+\.\d{2})\d+")  # of places and sizes; numbers that are read stand between tags


@dataclass(frozen=True)
class Shown:
    """A figure as the page has it."""

    number: int
    svg: Markup
    caption: str
    wide: bool
    measures: tuple[str, ...]  # by their labels


def shown(pictures: Sequence[Picture]) -> list[Shown]:
    """The figures that have a drawing beside their PNG."""
    found = [(picture, picture.path.with_suffix(".svg")) for picture in pictures]
    return [_shown(picture, path) for picture, path in found if path.exists()]


def _shown(picture: Picture, path: Path) -> Shown:
    label = f"Figure {picture.number}. {picture.caption}"
    drawing = inline(read_text(path), f"f{picture.number}-", label)
    measures = dict.fromkeys(curve.measure.label for curve in FIGURES[picture.number].curves)
    return Shown(picture.number, drawing, picture.caption, _width(drawing) > 600, tuple(measures))


def inline(svg: str, prefix: str, label: str) -> Markup:
    """A drawing without addresses, fonts and sizes of its own; its names begin with ``prefix``, so that none meet.

    Black and white become the page's ink and paper, which a dark page has the other way round.
    """
    for pattern in DROPPED:
        svg = pattern.sub("", svg)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = SIZE.sub(r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(xlink:href|href)="#', f'href="#{prefix}', svg)
    svg = svg.replace("url(#", f"url(#{prefix}")
    svg = FONT.sub("", svg)
    svg = TAG.sub(lambda tag: DIGITS.sub(r"\1", tag[0]), svg)
    svg = re.sub(r"#ffffff", "var(--paper)", svg)
    svg = re.sub(r"#000000", "var(--ink)", svg)
    svg = re.sub(r"\n\s*", "\n", svg).strip()
    return Markup(svg.replace("<svg", f'<svg class="figure" role="img" aria-label="{safe(label)}"', 1))


def _width(svg: str) -> float:
    found = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    return float(found.group(1)) if found else 0.0
