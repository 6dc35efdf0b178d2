import re
from typing import Any

import pytest
from projects import Project
from worlds import declared

from repro.experiment.tasks import TASKS
from repro.plugin.terminal import card_lines
from repro.report.scorecard import Scorecard, scorecard
from repro.verdicts.entry import Broken, Entry
from repro.verdicts.verdict import WORDS

CODES = re.compile(r"\x1b\[[0-9;]*m")


def every_claim(words: dict[Any, str], surrogate: str = "") -> Scorecard:
    """A scorecard as a session of all claims of the paper has it, its verdicts in turn those of a regime."""
    spoken = [(f"{word}{surrogate}", outcome) for outcome, word in words.items()]
    cases = [case for test in declared() for case in test.cases]
    entries = [
        Entry(
            id=case.claim.id,
            case=case.id,
            task=case.where,
            verdict=word,
            outcome=outcome,
            shown="",
            estimate=None,
            interval=(None, None),
            declared="",
            declaration={},
        )
        for case, (word, outcome) in zip(cases, spoken * len(cases), strict=False)
    ]
    return scorecard([*entries, Broken(test="x", claim="it-breaks", case="C1-CIFAR10", task="C1-CIFAR10", error="x")])


@pytest.mark.parametrize("scale", WORDS)
@pytest.mark.parametrize(("surrogate", "width"), [("", 108), (" (surrogate)", 114)])
def test_all_claims_on_six_tasks_fit_into_a_terminal_with_no_line_broken(
    scale: str, surrogate: str, width: int
) -> None:
    card = every_claim(WORDS[scale], surrogate)
    lines = card_lines(card, coloured=False)
    table = lines[: lines.index(next(line for line in lines if " = " in line))]
    assert len(card.tasks) == 7
    assert len(card.rows) > 40
    assert max(map(len, table)) <= width
    assert max(map(len, lines)) <= 120
    heading = next(i for i, line in enumerate(table) if line.startswith("──"))
    assert len(table) - heading - 1 == len(card.lines)
    assert {len(re.split(r"\s{2,}", line.strip())) for line in table[heading + 1 :]} == {1, 8}


def test_the_legend_says_what_each_short_word_stands_for() -> None:
    lines = card_lines(every_claim(WORDS["reduced"]), coloured=False)
    legend = " ".join(lines[next(i for i, line in enumerate(lines) if " = " in line) :])
    for text in (
        "seen = trend seen",
        "not seen = trend not seen",
        "? = inconclusive",
        "- = not in the paper's figures",
    ):
        assert text in legend
    assert "reproduced" not in "\n".join(lines)
    assert "error" in "\n".join(lines)


def test_colours_are_those_of_the_outcomes_and_leave_the_words_as_they_are() -> None:
    card = every_claim(WORDS["paper"])
    plain, coloured = card_lines(card, coloured=False), card_lines(card, coloured=True)
    assert [CODES.sub("", line).rstrip() for line in coloured] == plain
    text = "\n".join(coloured)
    for code, word in (("32", "yes"), ("31", "no"), ("33", r"\?"), ("35", "error")):
        assert re.search(rf"\x1b\[{code}m{word}", text)


def section(result: pytest.RunResult) -> list[str]:
    """What a session prints under the heading claims."""
    lines = [line.rstrip() for line in result.outlines]
    return lines[lines.index(next(line for line in lines if "= claims =" in line)) + 1 :]


def cells(lines: list[str], row: str) -> list[str]:
    return next(line for line in lines if line.startswith(f"{row} ")).split()[1:]


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_session_ends_with_its_scorecard_and_then_a_line_for_each_claim(project: Project, processes: str) -> None:
    lines = section(project.run(processes))
    table = lines[: lines.index("")]
    assert [line.split(":")[0] for line in lines[:3]] == ["regime", "data", "data"]
    assert " ".join(table[3].split()) == "M1 StdCNN M1 StdCNN"
    assert " ".join(table[4].split()) == "MNIST MNIST Fashion Fashion"
    assert cells(table, "claim") == ["MNIST", "MNIST"]
    assert list(TASKS)[:4] == ["M1-MNIST", "StdCNN-MNIST", "M1-FashionMNIST", "StdCNN-FashionMNIST"]
    assert cells(table, "it-holds") == ["-", "seen*", "-", "seen*"]
    assert cells(table, "it-fails") == ["-", "not", "seen*", "-", "-"]
    assert cells(table, "it-is-unsure") == ["-", "?*", "-", "-"]
    assert cells(table, "it-diverges") == ["-", "-", "unlearnt*", "-"]
    assert cells(table, "it-breaks") == ["error", "-", "-", "-"]
    verdicts = [line for line in lines[len(table) :] if "[" in line and "written" not in line]
    assert sum(line.startswith("trend seen (surrogate) ") for line in verdicts) == 3
    assert lines[len(table) + 1].startswith("trend seen (surrogate) ")


def test_a_quiet_session_has_the_scorecard_alone_and_a_quieter_one_nothing(project: Project) -> None:
    quiet = section(project.run("-n0", "-q", "-k", "it-holds"))
    assert cells(quiet, "it-holds") == ["seen*", "seen*"]
    assert not any("[StdCNN-MNIST]" in line for line in quiet)
    assert "= claims =" not in project.run("-n0", "-qq", "-k", "it-holds").stdout.str()


def test_a_single_claim_has_a_scorecard_of_one_cell(project: Project) -> None:
    lines = section(project.run("-n0", "-k", "it-fails", "--data-root", str(project.publish())))
    assert cells(lines, "it-fails") == ["not", "seen"]
    assert "not seen = trend not seen" in lines
    assert any(line.startswith("trend not seen  it-fails [StdCNN-MNIST]") for line in lines)


def test_a_session_of_errors_alone_has_a_scorecard(project: Project) -> None:
    lines = section(project.run("-n0", "-k", "it-breaks"))
    assert cells(lines, "it-breaks") == ["error"]


def test_a_session_without_claims_has_none(project: Project) -> None:
    project.add("tests/test_own.py", "def test_own():\n    assert False\n")
    assert "= claims =" not in project.bare("-v").stdout.str()
