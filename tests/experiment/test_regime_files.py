"""A regime of one's own is a TOML file over a built-in one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import SettingError
from repro.experiment.fields import FIELDS, SIZE
from repro.experiment.regime_files import BUILT_IN, load_regime
from repro.experiment.regimes import LAPTOP, PAPER, QUICK, Regime, Scale
from repro.experiment.tasks import STDCNN_MNIST, TASKS

Load = Callable[[str], Regime]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """The regime that the text of a file, own.toml, stands for."""
    monkeypatch.chdir(tmp_path)

    def loaded(text: str) -> Regime:
        Path("own.toml").write_text(text, "utf-8")
        return load_regime("own.toml")

    return loaded


def value_of(scale: Scale, field: str) -> Any:
    return getattr(scale if hasattr(scale, field) else scale.reading, field)


@pytest.mark.parametrize("regime", [PAPER, QUICK, LAPTOP], ids=lambda regime: regime.name)
def test_a_built_in_regime_is_had_by_its_name(regime: Regime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(regime.name).write_text("a file of that name is not asked for")
    assert load_regime(regime.name) is regime
    assert BUILT_IN[regime.name] is regime


@pytest.mark.parametrize(
    ("text", "base", "name"),
    [
        ("", QUICK, "own"),
        ('name = "afternoon"', QUICK, "afternoon"),
        ('name = "Nachmittag, für später"', QUICK, "Nachmittag, für später"),
        ('base = "quick"', QUICK, "own"),
        ('base = "laptop"', LAPTOP, "own"),
        ('base = "paper"', PAPER, "own"),
        ("[all]\n[tasks]\n[tasks.C1-CIFAR10]", QUICK, "own"),
    ],
)
def test_what_a_file_does_not_say_is_its_bases_and_its_name_that_of_the_file(
    load: Load, text: str, base: Regime, name: str
) -> None:
    assert load(text) == replace(base, name=name)


def test_a_file_may_begin_with_a_byte_order_mark(load: Load) -> None:
    assert load('\ufeffname = "afternoon"\n[all]\nseeds = 4\n') == load('name = "afternoon"\n[all]\nseeds = 4\n')


def test_a_regime_may_lie_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.toml").write_text("all.seeds = 9")
    assert load_regime("~/mine.toml") == replace(QUICK.overridden(seeds=9), name="mine")


EVERYTHING = """
name = "afternoon"
base = "paper"

[tasks."StdCNN-MNIST"]
epochs = 40
train_images = 0
pgd_steps = 7

[all]
seeds = 6
epochs = 30
batch_sizes = [1024, 64, 256]
train_images = 2048
width = 16
anchor = 128
schedule_factor = 5
test_images = 0
attacked_images = 128
pgd_steps = 5
hessian_images = 512
"""


def test_a_task_says_more_than_all_and_all_more_than_the_base(load: Load) -> None:
    regime = load(EVERYTHING)
    changes = {"seeds": 6, "batch_sizes": (64, 256, 1024), "width": 16, "anchor": 128, "schedule_factor": 5}
    changes |= {"test_images": None, "attacked_images": 128, "hessian_images": 512}
    expected = PAPER.overridden(**changes, epochs=30, train_images=2048, pgd_steps=5)
    own = expected.scale(STDCNN_MNIST).changed(epochs=40, train_images=None, pgd_steps=7)
    assert regime == Regime("afternoon", {**expected.scales, "StdCNN-MNIST": own})
    assert list(regime.scales) == list(PAPER.scales)


@pytest.mark.parametrize("field", [name for name, field in FIELDS.items() if field.kind is SIZE])
def test_a_size_of_0_is_the_whole_split_and_only_where_it_is_said(load: Load, field: str) -> None:
    whole = load(f'tasks."StdCNN-MNIST".{field} = 0')
    found = {task: value_of(scale, field) for task, scale in whole.scales.items()}
    expected = {task: value_of(scale, field) for task, scale in QUICK.scales.items()}
    assert found == {**expected, "StdCNN-MNIST": None}


def test_a_regime_of_a_file_can_be_overridden_further(load: Load) -> None:
    scale = load(EVERYTHING).overridden(seeds=2).scale(STDCNN_MNIST)
    assert (scale.seeds, scale.epochs) == (2, 40)


@pytest.mark.parametrize(("text", "papers"), [("", True), ("[all]\nseeds = 2", True), ("[all]\nepochs = 99", False)])
def test_a_file_that_keeps_the_papers_scale_is_at_the_papers_scale(load: Load, text: str, papers: bool) -> None:
    assert load(f'base = "paper"\n{text}').is_papers(STDCNN_MNIST) == papers


COUNT_WORDS = "a whole number of at least 1"
SIZE_WORDS = "a whole number of at least 1, or 0 for the whole split"
GRID_WORDS = "whole numbers of at least 1, each once, as in [64, 256, 1024]"
ILL_TYPED = {
    "epochs": (COUNT_WORDS, ("0", "-1", "1.0", "true", '"3"', "[3]", "nan", "1979-05-27")),
    "seeds": (COUNT_WORDS, ("0", "false", "2.5")),
    "width": (COUNT_WORDS, ("0", "true")),
    "anchor": (COUNT_WORDS, ("0", "16.0", '"16"')),
    "schedule_factor": (COUNT_WORDS, ("0", "2.5")),
    "pgd_steps": (COUNT_WORDS, ("0", "inf")),
    "train_images": (SIZE_WORDS, ("-1", "false", "true", "0.0", '"all"')),
    "test_images": (SIZE_WORDS, ("-5", "{}")),
    "attacked_images": (SIZE_WORDS, ("1e3",)),
    "hessian_images": (SIZE_WORDS, ("true",)),
    "batch_sizes": (GRID_WORDS, ("[]", "[64, 64]", "64", '"64,256"', "[0, 64]", "[64, true]", "[[64]]", "[64.0]")),
}


@pytest.mark.parametrize("table", ["all", "tasks.'StdCNN-MNIST'"])
@pytest.mark.parametrize(
    ("field", "value", "right"),
    [(field, value, right) for field, (right, values) in ILL_TYPED.items() for value in values],
)
def test_an_ill_typed_value_is_told_with_its_table_and_what_would_be_right(
    load: Load, table: str, field: str, value: str, right: str
) -> None:
    said = wrong(load, f"[{table}]\n{field} = {value}")
    assert said.startswith(f"--regime own.toml, [{table}]: {field} = ")
    assert said.endswith(f" must be {right}")


def wrong(load: Load, text: str) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(SettingError) as error:
        load(text)
    assert "\n" not in str(error.value)
    return str(error.value)


NAMES, TOP, ONE_OF = ", ".join(TASKS), "known are name, base, all, tasks", "must be one of paper, quick, laptop"
OTHER = "must be one line other than paper, quick, laptop"
WRONG = {
    "field of all": ("[all]\nepoch = 3", f", [all]: epoch is unknown; known are {', '.join(FIELDS)}"),
    "field of the scale alone": ("[all]\nreading = 3", ", [all]: reading is unknown; known are epochs"),
    "field of a task": ("[tasks.M1-MNIST]\nseed = 3", ", [tasks.'M1-MNIST']: seed is unknown; known are epochs"),
    "task": ("[tasks.M2-MNIST]\nseeds = 3", f", [tasks]: M2-MNIST is unknown; known are {NAMES}"),
    "task without its table": ("[M1-MNIST]\nseeds = 3", f": M1-MNIST is unknown; {TOP}"),
    "field outside of a table": ("seeds = 3", f": seeds is unknown; {TOP}"),
    "base": ('base = "slow"', f": base = 'slow' {ONE_OF}"),
    "base a file": ('base = "own.toml"', f": base = 'own.toml' {ONE_OF}"),
    "base a list": ('base = ["quick"]', f": base = ['quick'] {ONE_OF}"),
    "base a table": ("[base]\nseeds = 3", f": base = {{'seeds': 3}} {ONE_OF}"),
    "name the paper's": ('name = "paper"', f": name = 'paper' {OTHER}"),
    "name quick": ('name = "quick"', f": name = 'quick' {OTHER}"),
    "name a number": ("name = 3", f": name = 3 {OTHER}"),
    "name empty": ('name = ""', f": name = '' {OTHER}"),
    "name of two lines": ('name = "a\\nb"', f": name = 'a\\nb' {OTHER}"),
    "all a number": ("all = 3", ": all = 3 must be a table of fields"),
    "tasks a list": ('tasks = ["M1-MNIST"]', ": tasks = ['M1-MNIST'] must be a table of fields"),
    "a task a number": ("[tasks]\nM1-MNIST = 3", ": M1-MNIST = 3 must be a table of fields"),
    "not TOML": ("seeds: 3", ": is not TOML ("),
    "a key twice": ("[all]\nseeds = 3\nseeds = 4", ": is not TOML ("),
    "all twice": ("[all]\n[all]\n", ": is not TOML ("),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_file_is_told_in_one_line(load: Load, text: str, says: str) -> None:
    assert wrong(load, text).startswith(f"--regime own.toml{says}")


def test_a_file_that_is_named_like_a_built_in_regime_needs_a_name(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text("")
    with pytest.raises(SettingError, match=r"name = 'quick' must be one line other than"):
        load_regime(str(tmp_path / "quick.toml"))


def test_bytes_that_are_no_text_are_not_toml(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(SettingError, match="is not TOML"):
        load_regime(str(tmp_path / "own.toml"))


@pytest.mark.parametrize("name", ["nowhere.toml", "Quick", "", ".", "a" * 300, "~nobody-of-that-name/own.toml"])
def test_a_name_without_a_file_is_told_with_what_there_is(name: str) -> None:
    with pytest.raises(SettingError) as error:
        load_regime(name)
    shown = name if len(name) < 200 else f"{'a' * 197}..."
    assert str(error.value).startswith(f"--regime {shown}: must be paper, quick, laptop or a TOML file (")
    assert "\n" not in str(error.value)
