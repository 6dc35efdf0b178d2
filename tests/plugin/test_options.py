from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project

from repro.errors import SettingError
from repro.experiment.readings import NAMES
from repro.experiment.regimes import PAPER, QUICK
from repro.experiment.tasks import STDCNN_MNIST
from repro.experiment.trained_as import HE, POOL_LAST, UNSTANDARDISED
from repro.plugin.settings import Settings, settings
from repro.words import printable

Given = Callable[..., Settings]


@pytest.fixture
def given(pytester: pytest.Pytester) -> Given:
    """The settings that a command line stands for."""
    pytester.makeconftest('pytest_plugins = ["repro.plugin"]')
    return lambda *options: settings(pytester.parseconfig(*options))


def test_with_no_option_a_session_is_at_the_papers_scale_and_writes_into_artifacts(given: Given) -> None:
    here = Path.cwd()
    expected = Settings(
        regime=PAPER,
        device="cpu",
        data_root=None,
        artifacts=here / "artifacts",
        store=here / ".repro" / "store",
        store_found=False,
        plan=False,
        tasks=frozenset(),
        figures=frozenset(),
        strict=False,
        verdicts_ok=False,
        linear_axis=False,
        progress=True,
        readings=("sound-attack", "epsilon-in-pixels", "sound-attack-in-pixels", "lambda1-test"),
        trained_as=(),
        precision="float32",
        until_decided=None,
    )
    assert given() == expected


@pytest.mark.parametrize(
    ("asked", "readings"),
    [
        ("sound-attack", ("sound-attack",)),
        ("lambda1-all", ("sound-attack", "lambda1-all")),
        ("lambda1-test,sound-attack,lambda1-1024", ("sound-attack", "lambda1-test", "lambda1-1024")),
        ("all", NAMES),
    ],
)
def test_readings_that_are_asked_for_stand_in_place_of_those_by_default(
    given: Given, asked: str, readings: tuple[str, ...]
) -> None:
    """But for the one that costs nothing."""
    assert given("--readings", asked).readings == readings


@pytest.mark.parametrize(
    ("option", "field"),
    [
        *(("--gpu", "device"), ("--plan", "plan"), ("--strict-claims", "strict"), ("--verdicts-ok", "verdicts_ok")),
        *(("--linear-axis", "linear_axis"), ("--device=cuda", "device")),
    ],
)
def test_a_flag_sets_its_field_alone(given: Given, option: str, field: str) -> None:
    changed = {name for name, value in vars(given(option)).items() if value != getattr(given(), name)}
    assert changed == {field}


def test_the_processor_may_be_named_too(given: Given) -> None:
    assert given("--device", "cpu") == given()
    assert given("--device", "cuda", "--gpu") == given("--gpu")


def test_a_task_may_be_on_another_device_than_the_others(given: Given) -> None:
    mixed = given("--device", "cpu,StdCNN-MNIST=cuda")
    assert (mixed.device, mixed.gpu) == ("cpu,StdCNN-MNIST=cuda", True)
    assert given("--device", "StdCNN-MNIST=cuda") == mixed
    assert given("--gpu", "--device", "M1-MNIST=cpu").device == "cuda,M1-MNIST=cpu"
    assert given("--device", "M1-MNIST=cpu") == given()
    assert given("--device", "M1=cuda").device == "cpu,M1-FashionMNIST=cuda,M1-MNIST=cuda"


def test_the_scale_is_the_regimes_with_what_the_options_override(given: Given) -> None:
    assert given("--quick").regime == QUICK
    regime = given("--quick", "--epochs", "3", "--seeds", "7", "--batch-sizes", "256,64", "--anchor", "32").regime
    scale, default = regime.scale(STDCNN_MNIST), QUICK.scale(STDCNN_MNIST)
    assert (scale.epochs, scale.seeds, scale.batch_sizes, scale.anchor) == (3, 7, (64, 256), 32)
    assert (scale.train_images, scale.reading) == (default.train_images, default.reading)
    assert set(regime.scales) == set(QUICK.scales)


def test_the_store_follows_the_artifacts_unless_it_is_named(given: Given, tmp_path: Path) -> None:
    assert given("--artifacts", str(tmp_path / "a")).store == Path.cwd() / ".repro" / "store"
    (tmp_path / "b" / "store" / "runs").mkdir(parents=True)
    before = given("--artifacts", str(tmp_path / "b"))
    assert (before.store, before.store_found) == (tmp_path / "b" / "store", True)
    named = given("--artifacts", str(tmp_path / "a"), "--store", str(tmp_path / "s"))
    assert (named.artifacts, named.store) == (tmp_path / "a", tmp_path / "s")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (HE, (HE,)),
        (f"{UNSTANDARDISED},{HE}", (HE, UNSTANDARDISED)),
        (f"{HE},{POOL_LAST},{HE}", (POOL_LAST, HE)),
    ],
)
def test_departures_from_the_first_reading_are_each_once_in_one_order(
    given: Given, text: str, names: tuple[str, ...]
) -> None:
    assert given("--trained-as", text).trained_as == names


def test_a_precision_is_named_and_tf32_is_one_of_a_gpu(given: Given) -> None:
    assert given("--precision", "bfloat16").precision == "bfloat16"
    assert given("--precision", "tf32", "--gpu").precision == "tf32"
    with pytest.raises(SettingError, match=r"--precision tf32: .* unless all tasks are on a GPU"):
        given("--precision", "tf32", "--device", "cuda,M1-MNIST=cpu")


def test_a_home_folder_is_understood(given: Given) -> None:
    assert given("--store", "~/runs").store == Path.home() / "runs"


@pytest.mark.parametrize(("text", "cap"), [("until-decided", 12), ("until-decided:7", 7)])
def test_seeds_can_be_added_until_claims_are_decided_from_those_of_the_regime_on(
    given: Given, text: str, cap: int
) -> None:
    found = given("--quick", "--seeds", text)
    assert (found.until_decided, found.regime) == (cap, QUICK)


WRONG = {
    "--epochs": ("-1", "0", "x", "1.5", ""),
    "--anchor": ("-1", "0", "x", "16.5", ""),
    "--seeds": (
        "0",
        "-3",
        "three",
        "until-decided:1",
        "until-decided:",
        "until-decided:x",
        "until-decided 6",
        "until-decidedly",
    ),
    "--batch-sizes": ("64,x", "64,64", "", "64,,128", "0,64", "-64", "64 128"),
    "--readings": ("margin-loss", "", "sound-attack,"),
    "--trained-as": ("he", "", f"{HE},", f"{HE} {POOL_LAST}", "all", "sound-attack"),
    "--precision": ("half", "", "float16", "float32,tf32", "tf32"),  # the last of a GPU alone
    "--store": ("~nobody-of-that-name/store", "a" * 300),
}


@pytest.mark.parametrize(("option", "value"), [(option, value) for option, values in WRONG.items() for value in values])
def test_a_wrong_value_is_told_in_one_line_with_what_would_be_right(given: Given, option: str, value: str) -> None:
    with pytest.raises((pytest.UsageError, SettingError)) as error:  # pytest's parser reads what is no folder or file
        given(f"{option}={value}")
    text = str(error.value)
    assert text.startswith(f"{option} {printable(value)}: must be ")
    assert "\n" not in text


def test_help_names_every_option_and_needs_no_torch(project: Project) -> None:
    result = project.pytester.runpytest_subprocess("--help")
    assert result.ret == 0
    for option in ("--quick", "--gpu", "--data-root", "--artifacts", "--store", "--seeds", "--epochs", "--precision"):
        result.stdout.fnmatch_lines([f"  {option}*"])
    for option in (
        "--plan",
        "--strict-claims",
        "--verdicts-ok",
        "--readings",
        "--trained-as",
        "--precision",
        "--minutes",
    ):
        result.stdout.fnmatch_lines([f"  {option}*"])
    assert not project.torch.exists()


OTHER = """
def pytest_addoption(parser):
    parser.addoption("--gpu", action="store_true", help="of another project")
"""


@pytest.mark.parametrize("first", ["repro.plugin", "other"])
def test_an_option_that_another_plugin_has_too_is_told_in_one_line_with_the_way_out(
    pytester: pytest.Pytester, first: str
) -> None:
    if first == "other":
        pytester.makepyfile(other=OTHER)
        plugins = ["-p", "other", "-p", "repro.plugin"]
    else:
        pytester.makeconftest(OTHER)
        plugins = ["-p", "repro.plugin"]
    pytester.makepyfile("def test_own(pytestconfig): assert pytestconfig.getoption('gpu')")
    result = pytester.runpytest_subprocess(*plugins)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = filter(None, result.errlines)
    assert line.startswith("ERROR: ")
    assert "--gpu" in line
    assert line.endswith(": repro.plugin has that option, too; -p no:repro.plugin leaves it out")
    without = pytester.runpytest_subprocess("--gpu", *(["-p", "other"] * (first == "other")), "-p", "no:repro.plugin")
    assert without.ret == 0


def test_what_is_wrong_with_a_conftest_of_itself_is_told_as_it_is(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('-x', help='--quick')")
    result = pytester.runpytest_subprocess("-p", "repro.plugin")
    assert "lowercase short options are reserved" in result.stderr.str()
    assert "no:repro.plugin" not in result.stderr.str()
