"""Whether a mean over batch sizes hides that the effect has one sign at some of them and the other sign at others."""

from .estimands import ERROR, Sample
from .hypotheses import Effect, Mean
from .units import Margin


def opposite_signs(effects: Sample, by: Margin, alpha: float = ERROR) -> str:
    """What the mean over batch sizes hides, in words; empty if no signs are shown to differ.

    ``effects``: one number for each seed and batch size, (seeds, batch sizes). A sign is shown where the effect lies
    beyond ``by`` to that side by Student's t, at an error of ``alpha`` shared between the batch sizes (Bonferroni). So
    a change of sign that is not there is told of with a probability of at most ``alpha``: one of its two signs would
    have to be wrong.
    """
    seeds, sizes = effects.values.shape
    if seeds < 2:
        return ""
    means, signs = effects.values.mean(0), {1: dict[int, float](), -1: dict[int, float]()}
    for j, size in enumerate(effects.batch_sizes):
        effect = Effect(effects.values[:, j], effects.unit, f"effect at batch size {size}", effects.step)
        for sign, found in signs.items():
            if float(Mean(effect, sign, by.size).p()) <= alpha / sizes:
                found[size] = float(means[j])
    if not all(signs.values()):
        return ""
    shown = sorted({**signs[1], **signs[-1]}.items())
    return f"the mean hides opposite signs: {', '.join(f'{effects.unit.difference(m)} at {size}' for size, m in shown)}"
