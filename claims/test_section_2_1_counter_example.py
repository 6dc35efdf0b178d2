"""Section 2.1 and the introduction: higher curvature does not always mean less robustness."""

from repro.claims import (
    FGSM,
    LAMBDA1,
    LR,
    MOMENTA_OF_LR,
    MOMENTA_OF_RATIO,
    PGD,
    SETTINGS,
    SHOWN_WITH_MOMENTA,
    STDCNN_FASHION,
    STDCNN_MNIST,
    TASKS,
    Curve,
    Exists,
    Jointly,
    RanksDisagree,
    Rises,
    claim,
)


def both_measures(task, attack):
    """The curves of robustness and curvature of every line of the task's figures, in pairs."""
    lines = [*SETTINGS]
    if task in SHOWN_WITH_MOMENTA:
        lines += [*MOMENTA_OF_LR[1:], *MOMENTA_OF_RATIO[1:]]
    return tuple(Curve(task, recipe, measure) for recipe in lines for measure in (attack, LAMBDA1))


@claim(
    "counter-example",
    section="2.1",
    says="StdCNN with fixed learning rate: adversarial accuracy rises with the batch size although lambda1 rises too.",
    on=(STDCNN_FASHION,),  # figures 3, 21 and 4
    extended_to=(STDCNN_MNIST,),
    attack=(FGSM, PGD),
    curves=lambda task, attack: (Curve(task, LR(), attack), Curve(task, LR(), LAMBDA1)),
    holds_if=lambda attacked, curvature: Jointly((Rises(attacked), Rises(curvature))),
)
def test_robustness_rises_although_curvature_rises(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "curvature-does-not-decide",
    section="1, 2.1",
    says="There are networks trained with larger batch size that have higher lambda1 and better adversarial accuracy.",
    on=tuple(TASKS.values()),
    together=(),
    attack=(FGSM, PGD),
    curves=both_measures,
    holds_if=Exists,
    lines=(SETTINGS, MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="exists",
)
def test_some_networks_of_higher_curvature_are_more_robust(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "curvature-does-not-decide",
    section="1, 2, 2.1",
    says="The top eigenvalue does not always explain adversarial robustness in small vs large batch training.",
    on=tuple(TASKS.values()),
    together=(),
    attack=(FGSM, PGD),
    curves=both_measures,
    holds_if=RanksDisagree(explains=0.9),
    because="beyond -0.9 curvature would explain more than four fifths of how the cells are ordered",
    lines=(SETTINGS, MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="ranks",
)
def test_curvature_does_not_order_robustness(verdict):
    assert verdict.reproduced, verdict.evidence
