"""The report's page on paper."""

from pathlib import Path

import pytest
from browser import looking
from msgspec.structs import replace
from pages import written
from playwright.sync_api import Browser

from repro.report.bundle import load
from repro.statistics.estimands import Outcome

WIDTH = 695  # pixels between the margins of an A4 sheet
CLOSED = "document.querySelectorAll('details:not([open])').length"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page"))


def test_what_is_folded_is_printed_open_and_folded_again(browser: Browser, path: Path) -> None:
    with looking(browser, path) as looked:
        looked.page.locator(".case > summary").first.click()
        before = looked.page.evaluate(CLOSED)
        looked.page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {CLOSED}; }})")
        looked.page.pdf(prefer_css_page_size=True)
        assert looked.page.evaluate("window.printed") == 0
        assert looked.page.evaluate(CLOSED) == before > 0
        assert looked.said == []


def test_nothing_is_cut_at_the_edge_of_a_sheet(browser: Browser, path: Path) -> None:
    with looking(browser, path, width=WIDTH) as looked:
        looked.page.emulate_media(media="print")
        looked.page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        edges = "[...document.querySelectorAll('body *')].map((it) => [it.getBoundingClientRect().right, it.outerHTML])"
        beyond = [html[:80] for right, html in looked.page.evaluate(edges) if right > WIDTH + 1]
        assert beyond == []


def test_which_verdicts_a_reading_turns_is_printed_with_these_alone(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    turned = [
        replace(entry, equal_amount=replace(entry.equal_amount, outcome=Outcome.NOT_LEARNT))
        for entry in load(path.parent).report.claims
        if entry.equal_amount
    ]
    with looking(browser, written(tmp_path, turned), at="#verdict=holds") as looked:
        looked.page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        first = looked.page.locator("#readings details li").first
        assert first.is_visible()
        looked.page.emulate_media(media="print")
        assert not first.is_visible()
        assert looked.page.locator(".turns:visible").count() > 0


def test_hatching_is_not_printed_as_pictures(browser: Browser, path: Path) -> None:
    with looking(browser, path, at="#verdict=not+learnt") as looked:
        assert looked.page.locator(".hatched:visible").count() > 0
        assert len(looked.page.pdf(prefer_css_page_size=True)) < 3_000_000
