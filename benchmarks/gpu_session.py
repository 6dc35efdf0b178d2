"""A small session of claims with one worker and with four, on the same GPU."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .gpu_tools import NotMeasuredError, Row, Setting, guarded

ROOT = Path(__file__).parents[1]
SESSION = "claims -q --gpu --quick --verdicts-ok --task StdCNN-MNIST --seeds 2"


def session(setting: Setting, _: dict) -> Row:
    """Wall seconds of the whole of pytest, from an empty store."""
    if not setting.cuda:
        raise NotMeasuredError("needs CUDA")
    return {"rows": [guarded(setting, {"session": f"-n {n}"}, lambda n=n: _session(setting, n)) for n in (4, 0)]}


def _session(setting: Setting, workers: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", *SESSION.split(), "-n", str(workers), "--artifacts", folder]
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=max(setting.left(), 1),
        )
        taken = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"exit status {done.returncode}: {(done.stdout + done.stderr)[-300:]}")
    return {"seconds": taken}
