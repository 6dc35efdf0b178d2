"""The project that sessions of pytest are run in; see projects.py."""

import os
import shutil
from pathlib import Path

import matplotlib
import pytest
from projects import Project

import repro.report.drawing.figures  # noqa: F401  # once here, or every session in this process would import matplotlib anew

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in which training is played and takes no time, and whose data is the surrogate."""
    for folder in ("claims", "cache"):
        (pytester.path / folder).mkdir()
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    shutil.copy(HERE / "rehearsal.py", pytester.path / "conftest.py")
    shutil.copy(HERE / "small_claims.py", pytester.path / "claims" / "test_small.py")
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "XDG_CACHE_HOME": str(pytester.path / "cache"),
        "TMPDIR": str(pytester.path / "cache"),  # where a session that is killed leaves its folder
        "MPLCONFIGDIR": matplotlib.get_configdir(),  # its list of fonts takes a second to make
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "-p xdist.plugin",
        "PLAYED_SECONDS": "0",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("REPRO_DATA", "REPRO_RATES"):
        monkeypatch.delenv(name, raising=False)
    return Project(pytester)
