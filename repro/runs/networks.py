"""A trained network as the store has it."""

from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import ReproError
from ..science.networks.models import build
from .run import Run
from .store import Store


def trained(run: Run, store: Store, device: str = "cpu") -> Any:
    """The network of a run with its weights, in evaluation mode: pixels (N, C, H, W) in [0, 1] to logits (N, 10).

    ReproError: the store has no weights of it, or damaged ones.
    """
    model = build(run.task, run.seed, run.width, run.trained_as).to(device)
    try:
        model.load_state_dict(load_file(store.weights(run), device=device))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ReproError(f"{run}: its weights are not in {store.root}, or damaged ({type(error).__name__})") from None
    return model.eval()
