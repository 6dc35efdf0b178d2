"""A second paper's claims, on a data set, network, recipe and measure of its own, without a change in the package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SMALL = ("--epochs", "3", "--seeds", "2", "--train-images", "512", "--test-images", "128")
SMALLER = ("--attacked-images", "32", "--hessian-images", "32")
MOST_LINES = 40


def idx(path: Path, values: np.ndarray) -> None:
    """Write bytes as the files of MNIST hold them: a magic number, the sizes, the values."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes())


@pytest.fixture(scope="module")
def kuzushiji(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files in the layout of Kuzushiji-MNIST: a bright row tells the class."""
    root = tmp_path_factory.mktemp("data")
    folder, rng = root / "KMNIST" / "raw", np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        labels = rng.integers(10, size=count, dtype=np.uint8)
        images = rng.integers(64, size=(count, 28, 28), dtype=np.uint8)
        images[np.arange(count), 2 * labels.astype(int) + 4] = 255
        idx(folder / f"{part}-images-idx3-ubyte", images)
        idx(folder / f"{part}-labels-idx1-ubyte", labels)
    return root


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("REPRO_", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def session(kuzushiji: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of a small session of the example's claims."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    places = ("--data-root", str(kuzushiji), "--artifacts", str(artifacts), "--store", str(artifacts / "store"))
    options = ("--quick", *SMALL, *SMALLER, *places)
    ran = run(ROOT, "pytest", "examples", "-n", "2", "-p", "no:cacheprovider", "--verdicts-ok", *options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return artifacts


def test_every_claim_of_the_second_paper_gets_its_verdict(session: Path) -> None:
    report = json.loads((session / "report.json").read_text("utf-8"))
    assert report["errors"] == []
    assert sorted(entry["id"] for entry in report["claims"]) == [
        *["larger-ratio-generalises"] * 2,
        *["larger-ratio-travels-further"] * 2,
        *["larger-ratio-wider-minima"] * 2,
    ]
    assert report["session"]["data"]["KMNIST"]["kind"] == "published"
    assert [entry["figures"] for entry in report["claims"]] == [[101], [101], [102], [102], [103], [103]]
    page, short = (next(session.glob(f"**/report.{kind}")).read_text("utf-8") for kind in ("html", "md"))
    for text in (page, short):  # it is headed with its own paper, and answers that one's claim
        assert "Three Factors Influencing Minima in SGD" in text
        assert "that a larger ratio of learning rate to batch size leads to wider minima, " in text
        assert "Small vs Large Batch Training" not in text
    assert {path.name for path in session.glob("fig*.png")} == {"fig101.png", "fig102.png", "fig103.png", "figures.png"}


def test_its_report_is_verified_like_the_first_paper_s(session: Path) -> None:
    ran = run(ROOT, "repro", "verify", str(session), "--claims", EXAMPLES.name)
    assert "6 of 6 claims of this checkout checked" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0


def test_its_runs_are_audited_like_the_first_paper_s(session: Path, kuzushiji: Path) -> None:
    audit = ("repro", "audit", str(session), "--runs", "1", "--seed", "1", "--data-root", str(kuzushiji))
    ran = run(ROOT, *audit, "--claims", EXAMPLES.name)
    assert "all 1 are what was published" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0
    without = run(ROOT, *audit)
    assert (without.returncode, "--claims must name" in without.stderr) == (2, True), without.stderr


def test_the_first_paper_s_session_passes_over_its_runs_in_a_store_that_both_have(session: Path) -> None:
    assert [*(session / "store" / "runs").iterdir()]
    plan = ("claims", "--quick", "--plan", "--store", str(session / "store"))
    ran = run(ROOT, "pytest", *plan, "-p", "no:cacheprovider", "--task", "M1-MNIST")
    assert (ran.returncode, "0 trained, 0 measured" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_its_tasks_and_figures_can_be_chosen(kuzushiji: Path) -> None:
    plan = ("pytest", "examples", "--quick", "--plan", "-p", "no:cacheprovider", "--data-root", str(kuzushiji))
    chosen = (("--task", "TwoLayers-KMNIST", 6), ("--task", "TwoLayers", 6), ("--figure", "101", 2))
    for option, value, claims in chosen:
        ran = run(ROOT, *plan, option, value)
        assert (ran.returncode, f"{claims} claim tests" in ran.stdout) == (0, True), ran.stdout + ran.stderr
    mistyped = run(ROOT, *plan, "--task", "TwoLayers-KMNITS").stderr
    assert "must be one of M1-MNIST, " in mistyped
    assert "; did you mean TwoLayers-KMNIST" in mistyped


def test_each_addition_is_short_and_the_package_knows_nothing_of_it() -> None:
    files = EXAMPLES.glob("*.py")
    assert {path.name: n for path in files if (n := len(path.read_text("utf-8").splitlines())) > MOST_LINES} == {}
    package = "".join(path.read_text("utf-8") for path in (ROOT / "repro").rglob("*.py"))
    assert not [word for word in ("KMNIST", "TwoLayers", "root BS") if word in package]
