"""What runs here runs on processors with other vector units, as far as oneDNN can be told to leave them out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import torch
from repro import SGD, ResNet18, TrainingSettings, fgsm, top_eigenvalue, train
from repro.science.measuring.instruments import check_attacks, check_curvature

torch.set_num_threads(1)
model, images, labels = ResNet18(4), torch.rand(24, 3, 32, 32), torch.arange(24) % 10
train(model, images, labels, TrainingSettings(sgd=SGD(0.01, 0.9), batch_size=8, epochs=2, seed=0, augmented=True))
fgsm(model, images, labels, 0.02)
top_eigenvalue(model, images, labels)
check_attacks(model.eval(), images, labels, 0.02)
check_curvature(model, images, labels)
print("done")
"""


@pytest.mark.parametrize("units", ["SSE41", "AVX2", "AVX512_CORE"])
def test_a_narrow_resnet_is_trained_and_measured_with_other_vector_units(units: str) -> None:
    """In channels_last the process was aborted where there is no AVX-512; the quick regime's ResNet18 is as narrow."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": units, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[3]
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, env=environment, cwd=root
    )
    assert (found.stdout, found.returncode) == ("done\n", 0), found.stderr[-2000:]
