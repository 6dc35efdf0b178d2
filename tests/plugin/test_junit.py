"""What JUnit's XML has of a session: the heart of each verdict, and no more."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from projects import Project

MOST = 1000  # bytes of a verdict: 245 verdicts make a quarter of a megabyte


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_verdict_takes_few_bytes_whatever_it_is(project: Project, workers: str) -> None:
    result = project.run(workers, "-k", "holds or fails or unsure or diverges", "--junitxml=junit.xml")
    cases = read(project.folder / "junit.xml")
    claims = project.report()["claims"]
    assert len(cases) == len(claims) == 5
    assert {claim["outcome"] for claim in claims} >= {"holds", "fails", "undecided"}
    assert (project.folder / "junit.xml").stat().st_size / len(cases) < MOST
    result.stdout.fnmatch_lines(
        ["  asked for: *", "*rerun: *pytest *"]
    )  # the terminal has the table of a failure as ever


def test_its_properties_are_the_verdict_with_its_numbers(project: Project) -> None:
    project.run("-n0", "-k", "it-fails or it-diverges", "--junitxml=junit.xml")
    failed, diverged = (properties(case) for case in read(project.folder / "junit.xml"))
    claim, lost = project.report()["claims"]
    assert failed["verdict"] == claim["verdict"]
    assert float(failed["estimate"]) == claim["estimate"]
    assert json.loads(failed["interval"]) == claim["interval"]
    assert float(failed["margin"]) == claim["margin"]
    assert [*failed] == ["verdict", "estimate", "interval", "margin", "unit"]
    assert (diverged["verdict"], diverged["estimate"]) == (lost["verdict"], "null")


def test_a_failure_says_in_a_line_what_was_found_and_what_was_asked_for(project: Project) -> None:
    project.run("-n0", "-k", "it-fails", "--junitxml=junit.xml")
    (case,) = read(project.folder / "junit.xml")
    (claim,) = project.report()["claims"]
    failure = case.find("failure")
    assert failure is not None
    line = f"{claim['verdict']}: {claim['effect']} {claim['shown']}; asked for: {claim['asked']}"
    assert (failure.text, failure.get("message")) == (line, line)


def read(path: Path) -> list[ElementTree.Element]:
    return ElementTree.parse(path).findall(".//testcase")


def properties(case: ElementTree.Element) -> dict[str, str]:
    return {one.attrib["name"]: one.attrib["value"] for one in case.findall("properties/property")}
