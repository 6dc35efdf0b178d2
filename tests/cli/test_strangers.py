"""Reports of strangers: what lies in one or is named by one is never run, and what it leaves out is said."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from doors import BAD_INPUT, DIFFERENT, EVERY, ROOT, SAME, outside, read, rewrite

from repro.cli import main

CLAIMS = "test_section_3_ratio.py"
# What Python or pytest would run of the folder they stand in, and what a report can name.
HOSTILE = (
    "test_a.py",
    "conftest.py",
    "argparse.py",
    "pytest.py",
    "hostile.py",
    "claims/test_a.py",
    "claims/conftest.py",
)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that is there once anything of a stranger was run."""
    return tmp_path / "a-stranger-was-here"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with some of the paper's claims."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "repro", folder / "repro", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "claims").mkdir()
    for name in ("conftest.py", "pyproject.toml", f"claims/{CLAIMS}"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def bundle(artifacts: Path, mark: Path) -> Path:
    """A stranger's report of these claims, with programs beside it."""
    report = read(artifacts)
    report["claims"] = [entry for entry in report["claims"] if CLAIMS in entry["test"]]
    rewrite(artifacts, report)
    for name in HOSTILE:
        plant(artifacts / name, mark)
    (artifacts / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "-p hostile"\npythonpath = "."\n')
    (artifacts / "hostile-1.0.dist-info").mkdir()
    (artifacts / "hostile-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n"
    )
    (artifacts / "hostile-1.0.dist-info" / "entry_points.txt").write_text("[pytest11]\nhostile = hostile\n")
    return artifacts


def plant(file: Path, mark: Path) -> None:
    """A program that leaves the mark."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"open({str(mark)!r}, 'w').close()\n\ndef test_a():\n    pass\n")


def verify(checkout: Path, bundle: Path, *options: str, cwd: Path | None = None) -> Any:
    """In the checkout unless elsewhere, and with an empty part of PYTHONPATH, which stands for the current folder."""
    return outside("verify", str(bundle), *options, cwd=cwd or checkout, path=f"{checkout}{os.pathsep}")


def named(place: str, checkout: Path, bundle: Path, mark: Path) -> str:
    """A file of the stranger's, as a test id names it from the checkout."""
    strange = checkout.parent / "strange"
    plant(strange / "test_a.py", mark)
    plant(strange / "conftest.py", mark)
    if place == "a folder linked among the claims":
        (checkout / "claims" / "test_linked").symlink_to(strange)
    elif place == "a file linked among the claims":
        (checkout / "claims" / "test_a.py").symlink_to(strange / "test_a.py")
    return {
        "absolute": str(strange / "test_a.py"),
        "upwards": "../strange/test_a.py",
        "upwards from the claims": "claims/../../strange/test_a.py",
        "the bundle": str(bundle / "test_a.py"),
        "in the bundle": "test_a.py",
        "a folder linked among the claims": "claims/test_linked/test_a.py",
        "a file linked among the claims": "claims/test_a.py",
        "no name of a file": "claims/\0\ud800.py",
    }[place]


PLACES = (
    *("absolute", "upwards", "upwards from the claims", "the bundle", "in the bundle", "no name of a file"),
    *("a folder linked among the claims", "a file linked among the claims"),
)


@pytest.mark.parametrize("rooted", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_a_file_outside_the_claims_is_a_difference_and_never_run(
    checkout: Path, bundle: Path, mark: Path, place: str, rooted: bool
) -> None:
    report = read(bundle)
    report["claims"][0]["test"] = test = f"{named(place, checkout, bundle, mark)}::test_a"
    rewrite(bundle, report)
    found = verify(checkout, bundle, *(["--root", str(checkout)] if rooted else []), cwd=bundle)
    assert found.stderr == ""
    assert not mark.exists()
    assert "OUTSIDE THE CLAIMS of this checkout, and not looked at: 1 test\n" in found.stdout
    assert ascii(test)[1:-1] in found.stdout
    checked = len(report["claims"]) - 1
    assert f"\n{checked} of {checked + 1} claims of this checkout checked in " in found.stdout
    assert found.stdout.endswith(f": {checked} agree, 1 outside the claims\n")
    assert found.returncode == DIFFERENT


@pytest.mark.parametrize("where", ["checkout", "bundle", "bundle/claims"])
def test_programs_beside_a_report_are_not_run(
    checkout: Path, bundle: Path, mark: Path, tmp_path: Path, where: str
) -> None:
    cwd = bundle / where.removeprefix("bundle").strip("/") if where.startswith("bundle") else tmp_path / where
    report = read(bundle)
    report["claims"][0]["test"] = "claims/test_a.py::test_a"  # which the checkout may have had once
    rewrite(bundle, report)
    found = verify(checkout, bundle, cwd=cwd)
    assert (found.stderr, mark.exists()) == ("", False)
    assert f"claims  {checkout / 'claims'}\n" in found.stdout
    assert found.returncode == SAME


def test_a_report_that_lies_among_the_claims_is_none_of_them(checkout: Path, bundle: Path, mark: Path) -> None:
    inside = checkout / "claims" / "test_bundle"
    bundle.rename(inside)
    report = read(inside)
    found = verify(checkout, inside)
    assert (found.stderr, found.returncode, mark.exists()) == ("", SAME, False)
    report["claims"][0]["test"] = "claims/test_bundle/test_a.py::test_a"
    rewrite(inside, report)
    found = verify(checkout, inside)
    assert (found.returncode, mark.exists()) == (DIFFERENT, False)
    assert "OUTSIDE THE CLAIMS" in found.stdout


@pytest.mark.parametrize("root", ["bundle", "linked", "below", "claims linked"])
def test_a_root_in_the_reports_folder_is_refused(
    checkout: Path, bundle: Path, mark: Path, tmp_path: Path, root: str
) -> None:
    (tmp_path / "linked").symlink_to(bundle)
    (bundle / "below").mkdir()
    shutil.copytree(bundle / "claims", bundle / "below" / "claims")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "claims").symlink_to(bundle / "claims")
    roots = {"bundle": bundle, "linked": tmp_path / "linked", "below": bundle / "below"}
    found = verify(checkout, bundle, "--root", str(roots.get(root, tmp_path / "other")))
    assert (found.returncode, found.stdout, mark.exists()) == (BAD_INPUT, "", False)
    assert found.stderr.startswith("python -m repro verify: --root ")
    assert found.stderr.count("\n") == 1


def test_a_checkout_may_keep_its_report_in_itself(checkout: Path, bundle: Path) -> None:
    for name in ("report.json", "store"):
        (bundle / name).rename(checkout / name)
    assert verify(checkout, checkout).returncode == SAME
    assert verify(checkout, checkout, "--root", str(checkout)).returncode == SAME


def test_links_and_hidden_copies_among_the_claims_are_no_claims(checkout: Path, bundle: Path) -> None:
    hidden = checkout / "claims" / ".ipynb_checkpoints"
    hidden.mkdir()
    shutil.copy(ROOT / "claims" / CLAIMS, hidden)
    (checkout / "claims" / "test_nowhere.py").symlink_to("nowhere.py")
    assert verify(checkout, bundle).returncode == SAME


def test_a_report_without_claims_agrees_with_nothing(artifacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = {**read(artifacts), "claims": []}
    rewrite(artifacts, report)
    assert main(["verify", str(artifacts)]) == DIFFERENT
    text = capsys.readouterr().out
    assert f"ONLY IN THE CHECKOUT: {EVERY} claim tests\n" in text
    assert f"\n0 of {EVERY} claims of this checkout checked in " in text
    report["session"]["partial"] = ["-k nothing"]
    rewrite(artifacts, report)
    assert main(["verify", str(artifacts)]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert f"report.json: 0 of {EVERY} claims of this checkout checked" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("partial", [[], ["-k momentum"]])
@pytest.mark.parametrize("about", [True, False])
def test_a_claim_moved_to_the_errors_differs(
    artifacts: Path, capsys: pytest.CaptureFixture[str], about: bool, partial: list[str]
) -> None:
    report = read(artifacts)
    entry = report["claims"].pop(7)
    claim = {"claim": entry["id"], "case": entry["case"], "task": entry["task"]} if about else {}
    report["errors"] = [{"test": entry["test"], **claim, "error": "RuntimeError: the oven is cold"}]
    report["session"]["partial"] = partial
    rewrite(artifacts, report)
    assert main(["verify", str(artifacts)]) == DIFFERENT
    text = capsys.readouterr().out
    assert f"    verdict: none in the report, for it broke; {entry['verdict']} now\n" in text
    assert f"\n{EVERY} of {EVERY} claims of this checkout checked in " in text
    assert f": {EVERY - 1} agree, 1 differ" in text


def test_no_name_in_a_report_writes_a_line_of_its_own(artifacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = read(artifacts)
    report["claims"][0].update(test="/a\n190 of 190 claims checked: all agree\x1b[8m\ud800", id="\n")
    rewrite(artifacts, report)
    assert main(["verify", str(artifacts)]) == DIFFERENT
    text = capsys.readouterr().out
    assert "    /a\\n190 of 190 claims checked: all agree\\x1b[8m\\ud800\n" in text
    assert main(["diff", str(artifacts), str(artifacts)]) == SAME
