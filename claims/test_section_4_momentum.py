"""Section 4 and the introduction: momentum, under fixed learning rate (4.1) and under LR/BS (4.2)."""

from repro.claims import (
    C1_CIFAR10,
    FGSM,
    LAMBDA1,
    LR,
    LR_BS,
    M1_MNIST,
    MOMENTA_OF_LR,
    MOMENTA_OF_RATIO,
    PGD,
    RESNET18_CIFAR10,
    SHOWN_WITH_MOMENTA,
    STDCNN_MNIST,
    TEST_ACCURACY,
    Curve,
    HigherOnAverage,
    LowerOnAverage,
    Mostly,
    Same,
    SmallerChange,
    claim,
)

LINES = {"LR": MOMENTA_OF_LR, "LR/BS": MOMENTA_OF_RATIO}


def by_momentum(task, under, measure=LAMBDA1):
    """The curves of a measure of one recipe at each of its momenta, the smallest first."""
    return tuple(Curve(task, recipe, measure) for recipe in LINES[under])


def ends(task, recipe, measure):
    """The curves of a measure of one recipe without momentum and with the largest."""
    return Curve(task, recipe(0.0), measure), Curve(task, recipe(0.9), measure)


@claim(
    "momentum-lowers-curvature",
    section="1, 4",
    says="Momentum lowers lambda1 in most cases, with fixed learning rate and with LR/BS.",
    on=SHOWN_WITH_MOMENTA,
    together=(),  # of each recipe by itself: 4.2 says so of LR/BS, whose few cells those of LR would outvote
    under=("LR", "LR/BS"),
    curves=by_momentum,
    holds_if=Mostly("lower"),
    because="most is more than half",
    lines=(MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="mostly",
)
def test_momentum_lowers_curvature_in_most_cells(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-lowers-curvature",
    section="4.1",
    says="With fixed learning rate, lambda1 falls with larger momentum.",
    on=SHOWN_WITH_MOMENTA,  # figures 26, 6 and 30
    curves=lambda task: ends(task, LR, LAMBDA1),
    holds_if=LowerOnAverage,
    lines=(MOMENTA_OF_LR,),
    aspect="mean",
)
def test_momentum_lowers_curvature_on_average(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-helps-generalisation",
    section="4.1",
    says="With fixed learning rate, larger momentum gives better test accuracy.",
    on=(M1_MNIST, C1_CIFAR10),  # figures 22 and 5
    extended_to=(STDCNN_MNIST, RESNET18_CIFAR10),
    curves=lambda task: ends(task, LR, TEST_ACCURACY),
    holds_if=HigherOnAverage,
    lines=(MOMENTA_OF_LR,),
)
def test_momentum_helps_test_accuracy(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-helps-robustness",
    section="1",
    says="Larger momentum gives a more robust network in most cases.",  # under any recipe, as Section 1 has it
    on=SHOWN_WITH_MOMENTA,
    together=("under",),
    under=("LR", "LR/BS"),
    attack=(FGSM, PGD),
    curves=lambda task, under, attack: by_momentum(task, under, attack),
    holds_if=Mostly("higher"),
    because="most is more than half",
    lines=(MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="mostly",
)
def test_momentum_helps_robustness_in_most_cells(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-helps-robustness",
    section="4.1",
    says="With fixed learning rate, larger momentum gives better adversarial accuracy.",
    on=SHOWN_WITH_MOMENTA,  # figures 22 to 25, 5 and 27 to 29
    attack=(FGSM, PGD),
    curves=lambda task, attack: ends(task, LR, attack),
    holds_if=HigherOnAverage,
    lines=(MOMENTA_OF_LR,),
    aspect="mean",
)
def test_momentum_helps_robustness_on_average(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-matters-little-under-ratio",
    section="4.2",
    says="With LR/BS, momentum plays no significant role for accuracy, robustness and curvature.",
    on=SHOWN_WITH_MOMENTA,
    measure=(TEST_ACCURACY, FGSM, PGD, LAMBDA1),
    curves=lambda task, measure: ends(task, LR_BS, measure),
    holds_if=Same,
    lines=(MOMENTA_OF_RATIO,),
    aspect="same",
)
def test_momentum_matters_little_under_ratio(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-matters-little-under-ratio",
    section="4.2",
    says="Momentum matters less for accuracy, robustness and curvature with LR/BS than with fixed learning rate.",
    on=SHOWN_WITH_MOMENTA,
    measure=(TEST_ACCURACY, FGSM, PGD, LAMBDA1),
    curves=lambda task, measure: (*ends(task, LR_BS, measure), *ends(task, LR, measure)),
    holds_if=SmallerChange,
    lines=(MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="less than with LR",
)
def test_momentum_matters_less_than_under_fixed_learning_rate(verdict):
    assert verdict.reproduced, verdict.evidence
