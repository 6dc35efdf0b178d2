"""Runs and readings as hypothesis draws them, and one of each with its key written out."""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from repro.experiment import precisions
from repro.experiment.readings import ALL_PARTS, Reading
from repro.experiment.recipes import LR_BS, MOMENTA, SGD
from repro.experiment.tasks import M1_MNIST, TASKS
from repro.experiment.trained_as import SAYS
from repro.runs.run import Run

ROOT = Path(__file__).parents[2]

RATES = st.floats(min_value=1e-6, max_value=10, allow_nan=False)
SGDS = st.builds(SGD, RATES, st.sampled_from(MOMENTA), st.none() | st.integers(1, 50))
COUNTS = st.integers(1, 100_000)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "task": st.sampled_from(list(TASKS.values())),
    "sgd": SGDS,
    "batch_size": COUNTS,
    "seed": st.integers(0, 2**40),
    "epochs": COUNTS,
    "train_images": st.none() | COUNTS,
    "data": st.sampled_from(["published", "surrogate"]),
    "device": st.sampled_from(["cpu", "cuda"]),
    "width": st.integers(1, 64),
    "steps": st.none() | COUNTS,
    "trained_as": st.lists(st.sampled_from(list(SAYS)), unique=True).map(tuple),
    "precision": st.sampled_from([*precisions.SAYS]),
    "compressed": st.booleans(),
}
RUNS = st.builds(Run, **FIELDS).filter(lambda run: not run.compressed or run.steps is not None)
READINGS = st.builds(
    Reading,
    *(st.none() | COUNTS, st.none() | COUNTS, COUNTS, st.none() | COUNTS, COUNTS),
    *(st.sampled_from(["network", "pixels"]), st.sampled_from(["train", "test"])),
    st.sampled_from([ALL_PARTS, *((part,) for part in ALL_PARTS)]),
)

ONE = Run(M1_MNIST, LR_BS(0.9).sgd(128), 128, 3, 100, None, "published", "cpu")
# Written out, so that a key cannot change without a change of version: all that is stored would be lost.
ONE_TEXT = (
    '{"batch_size":128,"data":"published","device":"cpu","epochs":100,"seed":3,'
    '"sgd":{"half_life":null,"learning_rate":0.02,"momentum":0.9},"steps":null,'
    '"task":"M1-MNIST","train_images":null,"trained_as":[],"version":4,"width":64}'
)
ONE_KEY = "a9291da79eee29b8e36d"
ONE_READING = Reading(test_images=None, attacked_images=256, pgd_steps=40, hessian_images=4096)
ONE_READING_TEXT = (
    '{"attacked_images":256,"curvature_of":"train","epsilon_unit":"network","hessian_images":4096,'
    '"parts":["accuracy","attacks","curvature","instruments"],"pgd_restarts":1,"pgd_steps":40,"test_images":null,"version":7}'
)
