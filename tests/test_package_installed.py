"""The wheel, built and installed into an environment of its own: what its plugin does there, far from the checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest
from worlds import declared

from repro.science.data import surrogate

ROOT = Path(__file__).parents[1]
EVERY = sum(len(test.cases) for test in declared())
BUILT_FROM = ("repro", "claims", "pyproject.toml", "README.md", "LICENSE")
# a regime of seconds: M1 on 50 images, two runs of four steps and two
SMALL = ("--quick", "--epochs=1", "--seeds=1", "--batch-sizes=16,32", "--train-images=50", "--test-images=30")
SMALLER = (
    "--attacked-images=4",
    "--pgd-steps=1",
    "--hessian-images=4",
    "-k",
    "ratio-keeps-generalisation and M1-MNIST",
)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel; what it depends on is that of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source").mkdir()
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "source" / name)
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "source")
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment")
    python = folder / "environment" / "bin" / "python"
    install = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel)
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *install], check=True)
    (site,) = (folder / "environment" / "lib").glob("*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "environment"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's cache folder with a small surrogate of MNIST."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogate, "TRAIN", 50)
        patch.setattr(surrogate, "TEST", 30)
        surrogate.surrogate("MNIST", folder / "repro-batch-robustness" / "surrogate")
    return folder


@pytest.fixture
def run(environment: Path, cache: Path, tmp_path: Path) -> Run:
    """Run a module of the environment's Python in an empty folder, where no network is."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "here").mkdir()
    left_out = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "REPRO_DATA", "REPRO_RATES")
    variables = {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "TMPDIR": str(tmp_path / "temporary"),
        "XDG_CACHE_HOME": str(cache),
        "MPLCONFIGDIR": matplotlib.get_configdir(),
        **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),  # where nothing answers
    }

    def ran(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(environment / "bin" / "python"), "-m", *arguments]
        return subprocess.run(
            command, cwd=tmp_path / "here", env=variables, capture_output=True, text=True, check=False
        )

    return ran


def test_the_claims_run_in_any_folder_and_leave_their_report_there(run: Run, tmp_path: Path) -> None:
    done = run("pytest", "--pyargs", "claims", *SMALL, *SMALLER, "-n1")
    assert done.returncode == 0, done.stdout + done.stderr
    artifacts = tmp_path / "here" / "artifacts"
    report = json.loads((artifacts / "report.json").read_text())
    (claim,) = report["claims"]
    assert claim["test"] == "claims/test_section_3_ratio.py::test_test_accuracy_is_flat[M1-MNIST]"
    assert report["errors"] == []
    assert report["session"]["partial"] == [
        f"{EVERY - 1} claim tests deselected"
    ]  # and not that a package is part of a folder
    assert claim["rerun"].startswith(f"cd {tmp_path / 'here'} && ")
    words = "'claims.test_section_3_ratio::test_test_accuracy_is_flat[M1-MNIST]' --pyargs --quick --epochs 1 "
    assert f" -m pytest {words}" in claim["rerun"]
    assert "--batch-sizes 16,32 " in claim["rerun"]
    checked = run("repro", "verify", "artifacts")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"1 of {EVERY} claims of this checkout checked" in checked.stdout


def test_the_plugin_is_the_wheels_and_there_once_also_where_a_conftest_asks_for_it(
    run: Run, environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "here" / "conftest.py").write_text('pytest_plugins = ["repro.plugin"]')
    done = run("pytest", "--pyargs", "claims", "--collect-only", "--trace-config", "--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr
    active = re.findall(r"^ +repro\.plugin +: (.+)$", done.stdout, re.MULTILINE)
    assert [Path(place).is_relative_to(environment) for place in active] == [True]
    assert f"{EVERY} tests collected" in done.stdout
    assert not (tmp_path / "here" / "artifacts").exists()


LIGHT = """
import json, os, sys, tempfile

def test_own():
    heavy = {"torch", "torchvision", "numpy", "scipy", "matplotlib", "rich"} & sys.modules.keys()
    assert "repro.plugin" in sys.modules
    assert not heavy
    assert os.listdir(tempfile.gettempdir()) == []
"""
ALIKE = """
import pytest

@pytest.fixture
def verdict(case):
    return 2 * case

@pytest.mark.claim("a claim of another kind")
@pytest.mark.parametrize("case", [1, 2])
def test_own(verdict):
    assert verdict in (2, 4)

@pytest.mark.claim
def test_plain():
    pass
"""


@pytest.mark.parametrize("source", [LIGHT, ALIKE], ids=["imports", "words"])
def test_the_sessions_of_another_project_are_left_alone(run: Run, tmp_path: Path, source: str) -> None:
    (tmp_path / "here" / "test_own.py").write_text(source)
    (tmp_path / "here" / "artifacts").write_text("a file of its own, where a report would go")
    done = run("pytest", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " claims " not in done.stdout
    names = {path.name for path in (tmp_path / "here").iterdir()} - {"__pycache__"}
    assert names == {"test_own.py", "artifacts"}


def test_the_script_lists_the_claims_and_the_version_is_that_of_the_wheel(environment: Path, tmp_path: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    script = str(environment / "bin" / "repro")
    done = subprocess.run(
        [script, "claims", "--json"], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)) == EVERY
    wrong = subprocess.run([script, "claim"], env=variables, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("repro: there is no command 'claim'; did you mean claims")
    of_wheel = "importlib.metadata.version('repro-batch-robustness')"
    program = f"import importlib.metadata, repro; print(repro.__version__, {of_wheel})"
    python = [environment / "bin" / "python", "-c", program]
    versions = subprocess.run(python, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    first, second = versions.stdout.split()
    assert first == second
