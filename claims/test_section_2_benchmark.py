"""Section 2: the setting of Yao et al., which the paper calls Benchmark."""

from pathlib import Path

from repro.claims import (
    BENCHMARK,
    C1_CIFAR10,
    FGSM,
    LAMBDA1,
    M1_MNIST,
    PGD,
    TASKS,
    TEST_ACCURACY,
    Curve,
    Differs,
    Drops,
    Matches,
    Rises,
    claim,
    references,
)

CITED = (M1_MNIST, C1_CIFAR10)  # figures 9, 10 and 13 (top); 1, 14 and 2
OTHERS = tuple(task for task in TASKS.values() if task not in CITED)


@claim(
    "benchmark-generalisation-drops",
    section="2",
    says="Under Benchmark, test accuracy falls as the batch size grows.",
    on=CITED,
    extended_to=OTHERS,
    curves=lambda task: Curve(task, BENCHMARK, TEST_ACCURACY),
    holds_if=Drops,
)
def test_test_accuracy_drops_under_benchmark(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "benchmark-robustness-drops",
    section="2",
    says="Under Benchmark, adversarial accuracy falls as the batch size grows.",
    on=CITED,
    extended_to=OTHERS,
    attack=(FGSM, PGD),
    curves=lambda task, attack: Curve(task, BENCHMARK, attack),
    holds_if=Drops,
)
def test_adversarial_accuracy_drops_under_benchmark(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "benchmark-curvature-rises",
    section="2",
    says="Under Benchmark, lambda1 grows with the batch size.",
    on=CITED,
    extended_to=OTHERS,
    curves=lambda task: Curve(task, BENCHMARK, LAMBDA1),
    holds_if=Rises,
)
def test_curvature_rises_under_benchmark(verdict):
    assert verdict.reproduced, verdict.evidence


YAO = references(Path(__file__).with_name("reference.toml"))


def beside_yao(task, measure):
    return Curve(task, BENCHMARK, measure, YAO.of("yao-2018", task, BENCHMARK, measure))


@claim(
    "benchmark-matches-yao",
    section="2",
    says="Under Benchmark, test accuracy and lambda1 resemble those of Yao et al.",
    on=CITED,
    measure=(TEST_ACCURACY, LAMBDA1),
    curves=beside_yao,
    holds_if=Matches,
)
def test_benchmark_matches_yao_et_al(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "benchmark-differs-from-yao",
    section="2",
    says="Under Benchmark, FGSM accuracy does not resemble that of Yao et al.",
    on=CITED,
    measure=(FGSM,),
    curves=beside_yao,
    holds_if=Differs,
)
def test_adversarial_accuracy_under_benchmark_differs_from_yao_et_al(verdict):
    assert verdict.reproduced, verdict.evidence
