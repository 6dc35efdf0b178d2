"""A small session of claims with one worker and with four, on the same GPU."""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from .gpu_tools import NotMeasuredError, Row, Setting, guarded

ROOT = Path(__file__).parents[1]
# no plugins but xdist, whatever is installed; and no waiting for a network that lets nothing through
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p xdist.plugin",
    **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
}
SESSION = "claims -q --gpu --quick --verdicts-ok --task StdCNN-MNIST --seeds 2"


def session(setting: Setting, _: Row) -> Row:
    """Wall seconds of the whole of pytest, from an empty store."""
    if not setting.cuda:
        raise NotMeasuredError("needs CUDA")
    cases = ((4, 0.5), (0, 1.0))
    rows = [
        guarded(setting, {"session": f"-n {n}"}, partial(_session, n, share * setting.left())) for n, share in cases
    ]
    return {"rows": rows}


def _session(workers: int, limit: float) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", *SESSION.split(), "-n", str(workers), "--artifacts", folder]
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=max(limit, 1),
        )
        taken = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"exit status {done.returncode}: {(done.stdout + done.stderr)[-300:]}")
    return {"seconds": taken}
