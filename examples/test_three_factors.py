"""Two claims of Jastrzebski et al. 2017: the ratio of learning rate to batch size shapes the minima that SGD finds."""

from figures import LINES
from square_root import LR_ROOT_BS
from two_layers import TASK

from repro.claims import LAMBDA1, LR, LR_BS, TEST_ACCURACY, Curve, Drops, Lower, claim


@claim(
    "larger-ratio-wider-minima",
    section="Jastrzebski et al. 2017, abstract",
    says="A larger ratio of learning rate to batch size leads to wider minima: lambda1 is lower at large batch size.",
    on=(TASK,),
    than=(LR(), LR_ROOT_BS()),  # whose ratio falls as the batch size grows; that of LR/BS does not
    curves=lambda task, than: (Curve(task, LR_BS(), LAMBDA1), Curve(task, than, LAMBDA1)),
    holds_if=Lower,
    lines=(LINES,),
)
def test_a_larger_ratio_finds_wider_minima(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "larger-ratio-generalises",
    section="Jastrzebski et al. 2017, abstract",
    says="A larger ratio of learning rate to batch size generalises better: where it falls, so does test accuracy.",
    on=(TASK,),
    under=(LR(), LR_ROOT_BS()),
    curves=lambda task, under: Curve(task, under, TEST_ACCURACY),
    holds_if=Drops,
    lines=(LINES,),
)
def test_a_smaller_ratio_generalises_worse(verdict):
    assert verdict.reproduced, verdict.evidence
