from typing import Any

import pytest
import torch

from repro.experiment.precisions import BFLOAT16, FLOAT32, SAYS, TF32, departure
from repro.science.computing.numerics import autocast, numerics


def switches() -> tuple[str, str, bool, bool]:
    cudnn: Any = torch.backends.cudnn
    return torch.backends.cuda.matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic, cudnn.benchmark


@pytest.mark.parametrize("precision", SAYS)
def test_products_are_strict_but_for_tf32_and_the_settings_are_put_back(precision: str) -> None:
    before = switches()
    expected = "tf32" if precision == TF32 else "ieee"
    with numerics(precision):
        assert switches() == (expected, expected, True, False)
        with numerics(FLOAT32):  # measured between two trainings
            assert switches() == ("ieee", "ieee", True, False)
        assert switches() == (expected, expected, True, False)
    assert switches() == before
    assert before[1] == "tf32"  # or strictness would change nothing


def test_the_settings_are_put_back_after_an_error_too() -> None:
    before = switches()
    with pytest.raises(KeyError), numerics(FLOAT32):
        raise KeyError
    assert switches() == before


def test_only_bfloat16_computes_under_autocast() -> None:
    a = torch.ones(2, 2)
    for precision in SAYS:
        with autocast(precision, torch.device("cpu")):
            assert (a @ a).dtype == (torch.bfloat16 if precision == BFLOAT16 else torch.float32)


def test_headings_name_a_precision_that_is_not_the_default() -> None:
    assert departure(FLOAT32) == ""
    assert departure(TF32) == ", trained in tf32"
