"""The report's page in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import looking
from pages import HOSTILE, hostile, written
from playwright.sync_api import Browser, Page

from repro.report.bundle import load
from repro.verdicts.entry import Broken

BROKEN = Broken(test=f"claims/test_it.py::test_it[{HOSTILE}]", claim="it", case="M1", error=f"OSError: {HOSTILE}")
OUTCOMES = ("holds", "fails", "undecided", "not learnt")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page"), errors=[BROKEN])


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    with looking(browser, path) as looked:
        yield looked.page


def shown(page: Page) -> list[str]:
    """The verdicts that can be seen, by their outcome."""
    return [str(case.get_attribute("data-verdict")) for case in page.locator(".case:visible").all()]


def test_the_page_has_every_verdict_and_every_outcome(page: Page, path: Path) -> None:
    of_report = [str(claim.outcome) for claim in load(path.parent).report.claims]
    assert sorted(shown(page)) == sorted(of_report)
    assert {*of_report} == {*OUTCOMES}


@pytest.mark.parametrize("at", ["", "#evidence"])
def test_it_says_nothing_to_the_console_and_asks_the_network_for_nothing(browser: Browser, path: Path, at: str) -> None:
    with looking(browser, path, at=at) as looked:
        looked.page.get_by_role("button", name="Open what is shown").click()
        looked.page.wait_for_timeout(100)
        assert looked.said == []
        assert looked.asked == [path.as_uri()]


def test_no_address_outside_itself_stands_in_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "://" not in text
    assert re.findall(r'(?:src|href|action)="(?!#|measured\.csv)[^"]*"', text) == []
    assert (path.parent / "measured.csv").exists()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_verdicts_are_chosen_by_their_outcome(page: Page, outcome: str) -> None:
    every = shown(page)
    page.get_by_label("Verdict", exact=True).select_option(outcome)
    assert shown(page) == [one for one in every if one == outcome]
    assert page.locator(".filters output").inner_text() == f"{every.count(outcome)} of {len(every)} shown"


@pytest.mark.parametrize(
    ("label", "attribute", "value"),
    [
        ("Task", "task", "StdCNN-MNIST"),
        ("Section", "section", "abstract"),
        ("Measure", "measure", "PGD accuracy"),
        ("Whose statement", "standing", "extension"),
    ],
)
def test_verdicts_are_chosen_by_what_they_are_about(page: Page, label: str, attribute: str, value: str) -> None:
    page.get_by_label(label, exact=True).select_option(value)
    cases = page.locator(".case").all()
    seen = [case for case in cases if case.is_visible()]
    assert 0 < len(seen) < len(cases)
    for case in cases:
        assert case.is_visible() == (value in re.split(r"[,|] ?", str(case.get_attribute(f"data-{attribute}"))))


def test_filters_work_together_and_sentences_without_a_verdict_vanish(page: Page) -> None:
    page.get_by_label("Task", exact=True).select_option("StdCNN-FashionMNIST")
    page.get_by_label("Words", exact=True).fill("counter pgd")
    assert len(shown(page)) == 1
    assert page.locator(".sentence:visible").count() == 1
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("!document.querySelector('.sentence[hidden]')")
    assert page.locator(".sentence:visible").count() == page.locator(".sentence").count()


def test_every_link_leads_to_a_place_of_the_page(page: Page) -> None:
    links = {str(link.get_attribute("href")) for link in page.locator("a[href^='#']").all()}
    assert len(links) > 10
    broken = [link for link in links if page.locator(f"[id='{link[1:]}']").count() != 1]
    assert broken == []


def test_the_answer_leads_to_the_verdicts_of_the_central_claim(page: Page) -> None:
    page.get_by_role("link", name="Its verdicts").click()
    heading = page.locator(f"[id='{page.evaluate('location.hash.slice(1)')}'] h3")
    assert "adversarial accuracy is roughly constant" in heading.inner_text()


def test_no_name_stands_twice(page: Page) -> None:
    names = page.evaluate("[...document.querySelectorAll('[id]')].map((it) => it.id)")
    assert len(names) == len({*names}) > 100


def test_a_link_to_a_verdict_opens_it(browser: Browser, path: Path, page: Page) -> None:
    name = page.locator(".case").nth(3).get_attribute("id")
    with looking(browser, path, at=f"#{name}") as looked:
        assert looked.page.locator(f"#{name} .why").is_visible()
        assert looked.page.locator(".case[open]").count() == 1
    page.locator(f".card a[href='#{name}']").click()
    page.wait_for_selector(f"#{name}[open]")
    assert page.locator(f"#{name} .why").is_visible()


def test_a_verdict_is_reached_and_opened_by_the_keyboard(page: Page) -> None:
    summary = page.locator(".case > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator(".case").first.get_attribute("open") is not None
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.case') !== null")


def column(page: Page, index: int) -> list[str]:
    return [row.locator("th, td").nth(index).inner_text() for row in page.locator(".values tbody tr").all()]


def test_a_table_is_sorted_by_its_heading_and_back(page: Page) -> None:
    heading = page.get_by_role("button", name="FGSM accuracy")
    place = page.locator(".values thead th").all_inner_texts().index("FGSM accuracy ↕".removesuffix(" ↕"))
    heading.click()
    values = [float(text.split("%")[0]) for text in column(page, place)]
    assert values == sorted(values)
    assert len({*values}) > 1
    heading.click()
    assert [float(text.split("%")[0]) for text in column(page, place)] == sorted(values, reverse=True)
    assert page.locator(".values th[aria-sort]").all_inner_texts() == ["FGSM accuracy"]


def test_a_wide_window_shows_all_columns_of_the_measured_values(page: Page) -> None:
    """As many as they are, their headings take two lines rather than go out of sight."""
    region = page.locator(".scroll:has(> .values)")
    assert region.evaluate("(it) => it.scrollWidth <= it.clientWidth")


def test_words_are_sorted_as_words(page: Page) -> None:
    page.locator(".values").get_by_role("button", name="Task").click()
    tasks = column(page, 0)
    assert tasks == sorted(tasks)


@pytest.mark.parametrize("width", [380, 768])
def test_a_narrow_window_never_scrolls_sideways(browser: Browser, path: Path, width: int) -> None:
    with looking(browser, path, width=width) as looked:
        looked.page.get_by_role("button", name="Open what is shown").click()
        looked.page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        assert looked.page.evaluate("document.documentElement.scrollWidth") == width


def test_a_phone_shows_whole_sentences_above_the_rows_of_the_scorecard(browser: Browser, path: Path) -> None:
    edges = "[...document.querySelectorAll('.card .group a')].map((it) => it.getBoundingClientRect().right)"
    with looking(browser, path, width=380) as looked:
        assert max(looked.page.evaluate(edges)) <= 380


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_keeps_anyone_from_reading_it(browser: Browser, path: Path, dark: bool) -> None:
    with looking(browser, path, dark=dark) as looked:
        looked.page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        found = Axe().run(looked.page).response["violations"]
    grave = [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}: {one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []


def test_dark_and_light_are_two_looks(browser: Browser, path: Path) -> None:
    grounds = []
    for dark in (False, True):
        with looking(browser, path, dark=dark) as looked:
            grounds.append(looked.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]


def test_text_of_tests_and_terminals_is_shown_and_does_nothing(
    browser: Browser, path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    entries = hostile(load(path.parent).report.claims)
    other = written(tmp_path_factory.mktemp("hostile"), entries, [BROKEN])
    with looking(browser, other) as looked:
        assert looked.page.evaluate("window.broken") is None
        assert looked.page.locator("main script").count() == 0
        assert looked.page.locator(".case").count() == len(entries)
        assert "<script>window.broken = true</script> red" in looked.page.locator("#errors").inner_text()
        assert looked.said == []
    text = other.read_text("utf-8")
    assert "\x1b" not in text
    assert "\x00" not in text
    assert text.count("<script>") == 1


def test_what_limits_the_verdicts_stays_in_sight(page: Page) -> None:
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    banner = page.get_by_role("note")
    assert banner.inner_text().lower().split("\n") == ["quick regime", "surrogate data", "a part of the claims"]
    box = banner.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 10
