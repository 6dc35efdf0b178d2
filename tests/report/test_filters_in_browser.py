"""What is chosen at the top of the report's page holds for all of it, and its address keeps it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import looking
from pages import written
from playwright.sync_api import Browser, Page

from repro.report.bundle import load
from repro.report.page.claims import sentences
from repro.report.page.trust import tally
from repro.verdicts.curves import LAMBDA1
from repro.verdicts.entry import Standing
from repro.verdicts.figures import FIGURES


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page"))


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    with looking(browser, path) as looked:
        yield looked.page


def choose(page: Page, label: str, value: str) -> None:
    page.locator(".filters").get_by_label(label, exact=True).select_option(value)


def chosen(page: Page) -> dict[str, str]:
    fields = page.locator(".filters [name]").all()
    return {str(one.get_attribute("name")): one.input_value() for one in fields if one.input_value()}


def ids(page: Page, query: str) -> set[str]:
    return {str(one.get_attribute("id")) for one in page.locator(f"{query}:visible").all()}


def seen(page: Page) -> set[str]:
    return ids(page, ".case")


def of_scorecard(page: Page) -> set[str]:
    return {str(link.get_attribute("href"))[1:] for link in page.locator(".card td a:visible").all()}


def rows(page: Page) -> list[list[str]]:
    found = page.locator(".values tbody tr:visible").all()
    return [[cell.inner_text() for cell in row.locator("th:visible, td:visible").all()] for row in found]


def test_without_a_choice_all_is_shown_and_nothing_is_said_of_it(page: Page, path: Path) -> None:
    report = load(path.parent).report
    assert of_scorecard(page) == seen(page)
    assert len(seen(page)) == len(report.claims)
    assert ids(page, "#figures figure") == {f"figure-{number}" for number in report.session.figures}
    assert page.locator(".narrowed:visible").count() == 0
    assert page.evaluate("location.hash") == ""


def test_a_task_chooses_in_every_part_of_the_page(page: Page, path: Path) -> None:
    entries = [entry for entry in load(path.parent).report.claims if entry.task == "StdCNN-FashionMNIST"]
    choose(page, "Task", "StdCNN-FashionMNIST")
    assert len(seen(page)) == len(entries)
    assert of_scorecard(page) == seen(page)
    heads = page.locator(".card thead th:visible").all_inner_texts()
    assert {*heads} == {"Claim", "StdCNN-FashionMNIST"}
    assert page.locator(".card .group:visible").count() == page.locator(".card tbody:visible").count() > 0
    assert {row[0] for row in rows(page)} == {"StdCNN-FashionMNIST"}
    titles = page.locator("#values figure:visible figcaption").all_inner_texts()
    assert titles
    assert all(title.endswith(" on StdCNN-FashionMNIST") for title in titles)
    assert ids(page, "#figures figure") == {f"figure-{number}" for entry in entries for number in entry.figures}


@pytest.mark.parametrize("outcome", ["holds", "fails", "undecided", "not learnt"])
def test_a_verdict_chooses_claims_and_those_alone_are_counted(page: Page, path: Path, outcome: str) -> None:
    entries = load(path.parent).report.claims
    choose(page, "Verdict", outcome)
    assert of_scorecard(page) == seen(page)
    said = {entry.says for entry in entries if entry.outcome == outcome}
    assert {*page.locator("#claims th a:visible").all_inner_texts()} == said
    for row in page.locator("#claims tbody tr:visible").all():
        of = [e for e in entries if e.says == row.locator("a").inner_text() and e.outcome == outcome]
        number = sum(entry.standing == Standing.PAPER for entry in of)
        counts = {
            str(cell.get_attribute("data-count")): cell.inner_text() for cell in row.locator("[data-count]").all()
        }
        assert counts == {**dict.fromkeys(counts, "0"), outcome: str(number)}
        beyond = row.locator(".beyond").inner_text()
        assert beyond == (tally([e for e in of if e.standing != Standing.PAPER]).short or "\N{EN DASH}")


def test_counts_are_those_that_are_written_before_any_script_runs(page: Page, path: Path) -> None:
    of = {sentence.says: sentence for sentence in sentences(load(path.parent).report.claims)}
    for row in page.locator("#claims tbody tr").all():
        sentence = of[row.locator("a").inner_text()]
        found = (sentence.tally.holds, sentence.tally.fails, sentence.tally.undecided, sentence.tally.unlearnt)
        assert [int(cell.inner_text()) for cell in row.locator("[data-count]").all()] == [*found]
        assert row.locator(".beyond").inner_text() == (sentence.beyond.short or "\N{EN DASH}")
    assert any(sentence.beyond.all for sentence in of.values())


def test_counts_and_what_can_be_relied_on_come_back_as_they_were(page: Page) -> None:
    before = page.locator("#claims tbody").inner_html()
    choose(page, "Verdict", "fails")
    assert page.locator("#claims tbody").inner_html() != before
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("!document.querySelector('.sentence[hidden]')")
    assert page.locator("#claims tbody").inner_html() == before


def test_a_measure_chooses_columns_of_the_values_and_figures(page: Page, path: Path) -> None:
    every = page.locator(".values thead th:visible").count()
    choose(page, "Measure", "lambda1")
    heads = [head.partition(" ")[0] for head in page.locator(".values thead th:visible").all_inner_texts()]
    assert "lambda1" in heads
    assert not {"FGSM", "PGD", "test"} & {*heads}
    assert len(heads) < every
    assert {len(row) for row in rows(page)} == {len(heads)}
    session = load(path.parent).report.session
    of_lambda1 = {number for number in session.figures if LAMBDA1 in {c.measure for c in FIGURES[number].curves}}
    assert 0 < len(of_lambda1) < len(session.figures)
    assert ids(page, "#figures figure") == {f"figure-{number}" for number in of_lambda1}


def test_every_part_says_how_much_of_it_is_shown_and_leads_to_the_choice(page: Page) -> None:
    choose(page, "Verdict", "fails")
    for part, query, noun in (
        ("#claims", "#claims tbody tr", "claims"),
        ("#scorecard", ".card td a", "verdicts"),
        ("#evidence", ".case", "verdicts"),
        ("#values", ".values tbody tr", "rows"),
        ("#figures", "#figures figure", "figures"),
    ):
        left, every = page.locator(f"{query}:visible").count(), page.locator(query).count()
        note = page.locator(f"{part} .narrowed")
        assert note.is_visible() == (left < every)
        assert not note.is_visible() or note.inner_text() == f"{left} of {every} {noun} shown. Change"
    page.locator("#evidence .narrowed a").click()
    box = page.locator(".filters").bounding_box()
    assert box is not None
    assert box["y"] < 200


def test_the_address_keeps_the_choice(browser: Browser, path: Path, page: Page) -> None:
    choose(page, "Task", "M1-MNIST")
    choose(page, "Measure", "FGSM accuracy")
    page.get_by_label("Words", exact=True).fill("flat & not")
    page.get_by_label("Words", exact=True).press("Enter")
    found, at = seen(page), page.evaluate("location.hash")
    assert chosen(page) == {"task": "M1-MNIST", "measure": "FGSM accuracy", "words": "flat & not"}
    with looking(browser, path, at=at) as looked:
        assert chosen(looked.page) == chosen(page)
        assert seen(looked.page) == found
        assert looked.said == []
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("location.hash === ''")


def test_an_address_with_a_choice_may_lead_to_a_place_too(browser: Browser, path: Path, page: Page) -> None:
    name = page.locator(".case[data-verdict='fails']").first.get_attribute("id")
    with looking(browser, path, at=f"#{name}&verdict=fails") as looked:
        assert chosen(looked.page) == {"verdict": "fails"}
        assert looked.page.locator(f"#{name} .why").is_visible()
        looked.page.locator("nav a[href='#values']").click()
        looked.page.wait_for_function("location.hash === '#values&verdict=fails'")


def test_a_choice_that_hides_the_place_of_the_address_is_kept_without_it(browser: Browser, path: Path) -> None:
    with looking(browser, path) as looked:
        name = looked.page.locator(".case[data-verdict='fails']").first.get_attribute("id")
    with looking(browser, path, at=f"#{name}") as looked:
        choose(looked.page, "Verdict", "holds")
        assert looked.page.evaluate("location.hash") == "#verdict=holds"


def test_a_choice_that_the_page_does_not_have_chooses_nothing(browser: Browser, path: Path) -> None:
    with looking(browser, path, at="#verdict=fails&task=LeNet-MNIST&colour=red") as looked:
        assert chosen(looked.page) == {"verdict": "fails"}
        assert looked.said == []


def test_a_link_to_a_verdict_that_is_filtered_out_shows_it(page: Page) -> None:
    choose(page, "Verdict", "holds")
    hidden = page.locator(".case[data-verdict='fails']").first.get_attribute("id")
    assert not page.locator(f".card a[href='#{hidden}']").is_visible()
    page.evaluate(f"location.hash = '{hidden}'")
    page.wait_for_selector(f"#{hidden} .why", state="visible")
    assert chosen(page) == {}
    assert page.evaluate("location.hash") == f"#{hidden}"
