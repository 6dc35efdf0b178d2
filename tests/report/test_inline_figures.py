"""Matplotlib's drawings as they stand in a page together."""

import re
from pathlib import Path

import pytest
from drawn import WHERE, stored

from repro.report.drawing.figures import draw
from repro.report.page.pictures import inline, shown
from repro.verdicts.figures import FIGURES


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two figures, one after the other."""
    folder = tmp_path_factory.mktemp("figures")
    store = stored(folder / "store", FIGURES[13])
    stored(folder / "store", FIGURES[9])
    found = shown([draw(FIGURES[number], store, WHERE, folder) for number in (9, 13)])
    assert [figure.number for figure in found] == [9, 13]
    assert [figure.wide for figure in found] == [False, True]
    return "".join(figure.svg for figure in found)


def test_no_two_names_meet_and_each_that_is_asked_for_is_there(both: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', both)
    assert len(names) == len({*names}) > 50
    asked = re.findall(r'href="#([^"]+)"', both) + re.findall(r"url\(#([^)]+)\)", both)
    assert asked
    assert {*asked} <= {*names}


def test_they_have_no_address_no_font_and_no_size_of_their_own(both: str) -> None:
    assert "://" not in both
    assert "DejaVu" not in both
    assert "font-family" not in both
    assert re.findall(r"<svg[^>]* (?:width|height)=", both) == []
    assert "<?xml" not in both
    assert "<metadata>" not in both


def test_their_letters_are_text_that_can_be_found_and_read(both: str) -> None:
    for text in ("batch size", "FGSM accuracy", "StdCNN-MNIST", "Benchmark"):
        assert re.search(rf"<text[^>]*>[^<]*{text}", both)
    assert both.count('role="img" aria-label="Figure ') == 2


def test_places_lose_digits_and_numbers_that_are_read_keep_them() -> None:
    svg = '<svg width="1pt" height="2pt"><path d="M 1.23456 7.5"/><text x="3.14159">0.001</text></svg>'
    found = inline(svg, "f1-", "one")
    assert 'd="M 1.23 7.5"' in found
    assert '<text x="3.14">0.001</text>' in found


def test_ink_and_paper_are_the_pages(both: str) -> None:
    assert "var(--paper)" in both
    assert "#ffffff" not in both
    assert "#000000" not in both


def test_a_drawing_is_the_same_however_often_it_is_drawn(tmp_path: Path) -> None:
    store = stored(tmp_path / "store", FIGURES[9])
    texts = [draw(FIGURES[9], store, WHERE, tmp_path).path.with_suffix(".svg").read_text() for _ in range(2)]
    assert texts[0] == texts[1]
    assert inline(texts[0], "a-", "one").count('id="a-') == texts[0].count(' id="')
