"""What the device can do: rates of matrix products, bandwidth of a copy, and what they mean for a step."""

from functools import partial

import torch

from repro.experiment.precisions import FLOAT32, TF32
from repro.science.computing.numerics import numerics

from .gpu_tools import NOT_MEASURED, OF_ARCHITECTURE, Row, Setting, flops_an_image, guarded, seconds

KINDS = {"bfloat16": (torch.bfloat16, FLOAT32), "tf32": (torch.float32, TF32), "float32": (torch.float32, FLOAT32)}


def peaks(setting: Setting, _: Row) -> Row:
    """Rates in FLOP/s by precision and bytes/s, measured; the floor of a step follows from them."""
    rows = [guarded(setting, {"peak": f"{name} product"}, partial(_product, setting, name)) for name in KINDS]
    rows.append(guarded(setting, {"peak": "copy"}, lambda: _copy(setting)))
    found = {row["peak"].removesuffix(" product"): row.get("per_second") for row in rows}
    for row in rows[:-1]:
        if row.get("per_second") and found["copy"]:
            row["flop_a_byte_at_the_ridge"] = row["per_second"] / found["copy"]
    floors = [_floor(architecture, setting, found) for architecture in OF_ARCHITECTURE]
    return {"rows": rows, "floors": floors, "rates": found}


def _product(setting: Setting, name: str) -> Row:
    dtype, precision = KINDS[name]
    if name == "tf32" and not setting.cuda:
        return {"note": f"{NOT_MEASURED}needs CUDA"}
    n = 8192 if setting.cuda else 256
    a, b = torch.randn(2, n, n, device=setting.device).to(dtype)
    with numerics(precision):
        taken = seconds(setting, lambda: torch.mm(a, b), 20)
    return {"size": n, "seconds": taken, "per_second": 2 * n**3 / taken}


def _copy(setting: Setting) -> Row:
    source = torch.randn(2**28 if setting.cuda else 2**20, device=setting.device)
    target = torch.empty_like(source)
    taken = seconds(setting, lambda: target.copy_(source), 20)
    moved = 2 * source.numel() * source.element_size()  # read and written
    return {"size": moved, "seconds": taken, "per_second": moved / taken}


def _floor(architecture: str, setting: Setting, rates: Row) -> Row:
    flops = flops_an_image(architecture, setting.width)
    times = {
        f"seconds_{name}": None if not rates.get(name) else 64 * flops / rates[name] for name in ("float32", "bfloat16")
    }
    return {"floor of a step at 64": architecture, "flop_an_image": flops, **times}
