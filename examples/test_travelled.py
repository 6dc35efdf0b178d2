"""A claim on a measure of one's own: with a larger ratio of learning rate to batch size the weights travel further."""

from figures import LINES
from square_root import LR_ROOT_BS
from two_layers import TASK
from weight_norm import WEIGHT_NORM

from repro.claims import LR, LR_BS, Curve, Higher, claim


@claim(
    "larger-ratio-travels-further",
    section="of our own",
    says="Weights travel less far where fewer steps are taken: at large batch size their norm is larger under LR/BS.",
    on=(TASK,),
    than=(LR(), LR_ROOT_BS()),
    curves=lambda task, than: (Curve(task, LR_BS(), WEIGHT_NORM), Curve(task, than, WEIGHT_NORM)),
    holds_if=Higher,
    lines=(LINES,),
)
def test_the_weights_are_larger_under_a_constant_ratio(verdict):
    assert verdict.reproduced, verdict.evidence
