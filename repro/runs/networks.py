"""A trained network as the store has it."""

from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import ReproError
from ..files.regular import checksum
from ..science.networks.models import build
from .run import Run
from .store import Store


def trained(run: Run, store: Store, device: str = "cpu") -> Any:
    """The network of a run with its weights, in evaluation mode: pixels (N, C, H, W) in [0, 1] to logits (N, 10).

    ReproError: the store has no weights of it, or damaged ones.
    """
    model = build(run.task, run.seed, run.width, run.trained_as).to(device)
    try:
        found = checksum(store.weights(run))
        if store.checksum_of_weights(run) != found:
            raise ValueError("they are not those that its record is of")
        model.load_state_dict(load_file(store.weights(run), device=device))
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        why = str(error) if type(error) is ValueError else type(error).__name__
        raise ReproError(f"{run}: its weights are not in {store.root}, or damaged ({why})") from None
    return model.eval()
