"""Section 3: learning rate over batch size kept constant (LR/BS, without momentum)."""

from repro.claims import (
    BENCHMARK,
    FGSM,
    LAMBDA1,
    LR,
    LR_BS,
    PGD,
    TASKS,
    TEST_ACCURACY,
    Curve,
    Flat,
    Higher,
    Lower,
    NotWorse,
    claim,
    factor,
    points,
)

SHOWN = tuple(TASKS.values())  # figures 1 to 21 show all six
OTHERS = (LR(), BENCHMARK)  # the recipes that LR/BS is compared with


@claim(
    "ratio-keeps-generalisation",
    section="3",
    says="With learning rate over batch size constant, test accuracy varies very little with the batch size.",
    on=SHOWN,
    curves=lambda task: Curve(task, LR_BS(), TEST_ACCURACY),
    holds_if=Flat(within=points(2)),
    because="two points are a fiftieth of the paper's axis: about the width of its lines",
)
def test_test_accuracy_is_flat(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-keeps-robustness",
    section="abstract, 3",
    says="With learning rate over batch size constant, adversarial accuracy is roughly constant across batch sizes.",
    on=SHOWN,
    attack=(FGSM, PGD),
    curves=lambda task, attack: Curve(task, LR_BS(), attack),
    holds_if=Flat(within=points(5)),
    aspect="flat",
    because="five points are half of what fixed LR lost for each doubling of the batch size in a probe on StdCNN-MNIST",
)
def test_adversarial_accuracy_is_flat(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-keeps-robustness",
    section="1",
    says="With learning rate over batch size constant, adversarial accuracy does not degrade as the batch size grows.",
    on=SHOWN,
    attack=(FGSM, PGD),
    curves=lambda task, attack: Curve(task, LR_BS(), attack),
    holds_if=NotWorse(within=points(5)),
    aspect="not worse",
    because="the margin of being roughly constant, used on the losing side alone",
)
def test_adversarial_accuracy_does_not_degrade(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-keeps-curvature",
    section="3",
    says="With learning rate over batch size constant, lambda1 varies very little with the batch size.",
    on=SHOWN,
    curves=lambda task: Curve(task, LR_BS(), LAMBDA1),
    holds_if=Flat(within=factor(2)),
    because="a quarter of the 16-fold range that the stability ceiling, 2 / learning rate, moves through over the grid",
)
def test_curvature_is_flat(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-is-flatter",
    section="1, 3",
    says="At large batch size, constant learning rate over batch size ends in flatter minima than the other recipes.",
    on=SHOWN,
    than=OTHERS,
    curves=lambda task, than: (Curve(task, LR_BS(), LAMBDA1), Curve(task, than, LAMBDA1)),
    holds_if=Lower(by=factor(1.25)),
    because="equal runs differ by a factor of about 1.4 between seeds; less than 1.25 is no difference to speak of",
)
def test_minima_are_flatter(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-beats-fixed-lr",
    section="3",
    says="At large batch size, constant learning rate over batch size is more robust than the other recipes.",
    on=SHOWN,
    attack=(FGSM, PGD),
    than=OTHERS,
    curves=lambda task, attack, than: (Curve(task, LR_BS(), attack), Curve(task, than, attack)),
    holds_if=Higher(by=points(1)),
    because="one point is the least that can be seen on the paper's axes, which run from 0 to 100",
)
def test_adversarial_accuracy_is_higher(verdict):
    assert verdict.reproduced, verdict.evidence
