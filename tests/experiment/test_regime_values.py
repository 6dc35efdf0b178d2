"""Every value that a regime's file or an option may say, and what is no value."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import same_examples

from repro.errors import SettingError
from repro.experiment.datasets import CIFAR10, MNIST
from repro.experiment.fields import FIELDS, SIZE, SIZES, Kind, held
from repro.experiment.readings import Epsilon
from repro.experiment.regime_files import BUILT_IN, load_regime
from repro.experiment.regimes import ALIASES, QUICK
from repro.experiment.tasks import STDCNN_MNIST, TASKS

counts = st.integers(min_value=1, max_value=10**6)
VALUES: dict[str, Any] = {
    name: st.lists(counts, min_size=1, max_size=6, unique=True)
    if field.kind is SIZES
    else st.integers(min_value=field.kind.least, max_value=field.kind.most)
    for name, field in FIELDS.items()
    if isinstance(field.kind, Kind)
}
VALUES |= {name: st.sampled_from(FIELDS[name].kind.known) for name in ("epsilon_unit", "curvature_of")}
VALUES["epsilon"] = st.builds("{}network".format, st.floats(0.001, 9)) | st.builds(
    "{}{}".format, st.floats(0.001, 1), st.sampled_from(["px", "pixels"])
)
tables = st.fixed_dictionaries({}, optional=VALUES)


def as_toml(table: dict[str, Any]) -> str:
    return "".join(f"{field} = {json.dumps(value)}\n" for field, value in table.items())


def as_held(table: dict[str, Any]) -> dict[str, Any]:
    """A table's values as a scale has them."""
    whole = {field for field, value in table.items() if FIELDS[field].kind is SIZE and value == 0}
    grid = {"batch_sizes": tuple(sorted(table["batch_sizes"]))} if "batch_sizes" in table else {}
    size = {"epsilon": FIELDS["epsilon"].kind.read(table["epsilon"])} if "epsilon" in table else {}
    return {**table, **dict.fromkeys(whole), **grid, **size}


@given(
    base=st.sampled_from(sorted(BUILT_IN)),
    shared=tables,
    own=st.dictionaries(st.sampled_from(sorted(TASKS)), tables, max_size=3),
)
@same_examples
def test_every_valid_value_reaches_its_task_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, base: str, shared: dict[str, Any], own: dict[str, dict[str, Any]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "valid.toml"
    sections = [f'base = "{base}"\n', "[all]\n", as_toml(shared)]
    sections += [f'[tasks."{task}"]\n{as_toml(table)}' for task, table in own.items()]
    path.write_text("".join(sections))
    regime = load_regime(str(path))
    assert regime.name == "valid"
    for task, scale in BUILT_IN[base].scales.items():
        assert regime.scales[task] == scale.changed(**{**as_held(shared), **as_held(own.get(task, {}))})


@pytest.mark.parametrize("field", [name for name, field in FIELDS.items() if isinstance(field.kind, Kind)])
def test_a_value_beyond_what_anyone_will_train_is_told(tmp_path: Path, field: str) -> None:
    kind = FIELDS[field].kind
    assert isinstance(kind, Kind)
    for value in (kind.most + 1, 10**18, 10**400):
        given_ = [value] if kind.several else value
        (tmp_path / "own.toml").write_text(f"[all]\n{field} = {given_}\n")
        with pytest.raises(SettingError, match=rf"{field} = .* must be at most {kind.most:,}$") as error:
            load_regime(str(tmp_path / "own.toml"))
        assert len(str(error.value)) < 600
    assert kind.read(str(kind.most)) == ((kind.most,) if kind.several else kind.most)


@given(data=st.data(), field=st.sampled_from(sorted(FIELDS)))
@same_examples
def test_the_text_of_an_option_is_the_value_of_a_file(data: st.DataObject, field: str) -> None:
    value = data.draw(VALUES[field])
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    kind = FIELDS[field].kind
    assert held(kind.read(text)) == as_held({field: value})[field]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *((field, text) for field in FIELDS for text in ("", "-1", "x", "1.5", "true", "64,,128", "64 128")),
        *((name, "64,128") for name, field in FIELDS.items() if field.kind is not SIZES),
        *((name, "0") for name, field in FIELDS.items() if field.kind is not SIZE),
        *(("batch_sizes", text) for text in ("64,64", "0,64", "64,", "[64]")),
    ],
)
def test_a_text_that_is_no_value_is_refused(field: str, text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        FIELDS[field].kind.read(text)


def test_every_field_of_a_scale_and_of_its_reading_can_be_said() -> None:
    scale = QUICK.scale(STDCNN_MNIST)
    names = {name for part in (scale, scale.reading) for name in vars(part)} - {"reading", "parts"}
    assert names == {ALIASES.get(name, name) for name in FIELDS}


@pytest.mark.parametrize(
    ("text", "size", "unit"),
    [
        *(("0.3network", 0.3, "network"), ("0.1px", 0.1, "pixels"), (".1pixels", 0.1, "pixels")),
        *(("8/255", 8 / 255, "pixels"), ("1e-2 px", 0.01, "pixels"), ("2network", 2.0, "network")),
    ],
)
def test_an_attack_size_has_a_unit(text: str, size: float, unit: Any, tmp_path: Path) -> None:
    assert FIELDS["epsilon"].kind.read(text) == Epsilon(size, unit)
    (tmp_path / "own.toml").write_text(f'[all]\nepsilon = "{text}"\nepsilon_unit = "pixels"\ncurvature_of = "test"\n')
    regime = load_regime(str(tmp_path / "own.toml"))
    reading = regime.scale(STDCNN_MNIST).reading
    assert reading.epsilon(MNIST) == pytest.approx(size * (MNIST.std if unit == "network" else 1))
    assert reading.epsilon(CIFAR10) == size
    assert (reading.epsilon_unit, reading.curvature_of) == ("pixels", "test")
    assert len(regime.reads) == 2
    assert regime.reduced


@pytest.mark.parametrize("value", ['"0.3"', "0.3", '"0.3 points"', '"-1px"', '"0px"', '"nanpx"', '"px"', "true"])
def test_a_size_without_its_unit_is_refused(value: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(f"[all]\nepsilon = {value}\n")
    with pytest.raises(SettingError, match=r"\[all\]: epsilon = .* must be a size with its unit: 0.3network "):
        load_regime(str(tmp_path / "own.toml"))


def test_a_word_that_is_mistyped_in_a_file_asks_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[all]\ncurvature_of = "tests"\n')
    with pytest.raises(SettingError, match=r"curvature_of = 'tests' must be train or test; did you mean test"):
        load_regime(str(tmp_path / "own.toml"))
