"""The command line: options of `pytest claims`, and the settings they stand for. Free of torch."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from ..errors import SettingError
from ..experiment import precisions
from ..experiment.readings import NAMES
from ..experiment.regime_files import COUNT, FIELDS, SIZES, from_text, load_regime
from ..experiment.regimes import QUICK, Regime
from ..experiment.tasks import TASKS
from ..experiment.trained_as import SAYS
from ..verdicts.claim import Case
from ..verdicts.figures import FIGURES

ARTIFACTS: Final = "artifacts"
UNTIL_DECIDED: Final = "until-decided"
SEED_CAP: Final = 12  # seeds at most, where the user names no number
HELP: Final = {
    "seeds": f"seeds for each run, or {UNTIL_DECIDED}[:N]: seeds are added to a claim until it is decided, up to N",
    "epochs": "epochs of training",
    "batch_sizes": "the grid, as in 64,256,1024",
    "train_images": "training images, 0 for the whole split",
    "width": "width of ResNet18, 64 in the paper",
    "test_images": "test images for clean accuracy, 0 for all",
    "attacked_images": "test images that are attacked, 0 for all",
    "pgd_steps": "steps of PGD",
    "hessian_images": "training images that lambda1 is taken on, 0 for all",
}


@dataclass(frozen=True)
class Settings:
    """What the user asked of a session."""

    regime: Regime
    gpu: bool
    data_root: str | None
    artifacts: Path
    store: Path
    plan: bool
    tasks: frozenset[str]  # empty: all
    figures: frozenset[str]  # empty: all
    strict: bool
    verdicts_ok: bool
    readings: tuple[str, ...]
    trained_as: tuple[str, ...]
    precision: str
    until_decided: int | None  # the cap of --seeds until-decided

    def selects(self, case: Case) -> bool:
        """Whether --task and --figure let a case through."""
        on_task = not self.tasks or str(case.task) in self.tasks
        return on_task and (not self.figures or bool(self.figures & {str(number) for number in case.figures}))


def add_options(parser: pytest.Parser) -> None:
    """Declare the options. Values are checked in ``settings``, which can say in one line what would be right."""
    group = parser.getgroup("claims", "the paper's claims")
    group.addoption("--quick", action="store_true", help="reduced data and training: minutes on a CPU")
    group.addoption("--gpu", action="store_true", help="train and measure on CUDA; workers share the visible GPUs")
    group.addoption("--data-root", metavar="DIR", help="folder with the data sets as torchvision lays them out")
    group.addoption("--artifacts", metavar="DIR", default=ARTIFACTS, help="where the report goes (default: artifacts)")
    group.addoption("--store", metavar="DIR", help="where runs are kept (default: the folder store in the artifacts)")
    group.addoption("--regime", metavar="NAME", help="paper (the default), quick, or a TOML file; see the README")
    for field, text in HELP.items():
        group.addoption(flag(field), metavar="N" if FIELDS[field] != SIZES else "A,B,...", help=text)
    group.addoption("--task", metavar="NAME", action="append", help="only claims on this task; may be given again")
    group.addoption("--figure", metavar="N", action="append", help="only claims read from this figure; again")
    group.addoption("--readings", metavar="A,B,...", help=f"other readings: all, or some of {', '.join(NAMES)}")
    group.addoption("--trained-as", metavar="A,B,...", help=f"readings that need other training: {', '.join(SAYS)}")
    group.addoption("--precision", metavar="NAME", help=f"of training on a GPU: {', '.join(precisions.SAYS)}")
    group.addoption("--plan", action="store_true", help="say what would be trained and what is stored; train nothing")
    group.addoption("--strict-claims", action="store_true", help="an inconclusive claim fails")
    group.addoption(
        "--verdicts-ok",
        action="store_true",
        help="exit status 0 when every claim got a verdict, whatever it is: the status speaks of the machinery alone",
    )


def settings(config: pytest.Config) -> Settings:
    """Check the options. SettingError: one line that names the option, its value and what would be right."""
    get = config.getoption
    until_decided = _until_decided(get("--seeds"))
    given = [field for field in FIELDS if get(flag(field)) is not None and not (until_decided and field == "seeds")]
    changes = {field: _override(field, get(flag(field))) for field in given}
    regime = _regime(get("--quick"), get("--regime")).overridden(**changes)
    artifacts = _folder("--artifacts", get("--artifacts"))
    return Settings(
        regime=regime,
        gpu=get("--gpu"),
        data_root=get("--data-root"),
        artifacts=artifacts,
        store=_folder("--store", get("--store")) if get("--store") else artifacts / "store",
        plan=get("--plan"),
        tasks=_chosen("--task", get("--task"), TASKS),
        figures=_chosen("--figure", get("--figure"), map(str, FIGURES)),
        strict=get("--strict-claims"),
        verdicts_ok=get("--verdicts-ok"),
        readings=_readings(get("--readings")),
        trained_as=_trained_as(get("--trained-as")),
        precision=_precision(get("--precision"), get("--gpu")),
        until_decided=until_decided,
    )


def only_shows(config: pytest.Config) -> bool:
    """Whether a session runs no tests: it lists them or their fixtures."""
    return any(
        config.getoption(name) for name in ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")
    )


def asked_processes(config: pytest.Config) -> int:
    """How many processes pytest-xdist would run the tests in, by its options; 1 without it."""
    count, most = config.getoption("numprocesses", None), config.getoption("maxprocesses", None)
    if count in ("auto", "logical"):
        count = config.hook.pytest_xdist_auto_num_workers(config=config)
    distributed = config.getoption("dist", "no") != "no" or config.getoption("distload", False)
    if count is None and distributed and config.getoption("tx", None):
        from xdist.workermanage import parse_tx_spec_config  # type: ignore[import-untyped]

        return len(parse_tx_spec_config(config))
    return max(1, min(count or 1, most or count or 1))


def _regime(quick: bool, name: str | None) -> Regime:
    if quick and name not in (None, "quick"):
        raise SettingError(f"--regime {name}: cannot be had together with --quick; leave one of them out")
    return QUICK if quick else load_regime("paper" if name is None else name)


def flag(field: str) -> str:
    """The option that overrides a field of the regime."""
    return "--" + field.replace("_", "-")


def _override(field: str, text: str) -> Any:
    try:
        return from_text(field, text)
    except ValueError:
        example = ", as in 64,256,1024" if FIELDS[field] == SIZES else ""
        raise SettingError(f"{flag(field)} {text}: must be {FIELDS[field]}{example}") from None


def _until_decided(text: str | None) -> int | None:
    """The cap where seeds are to be added until claims are decided; None where ``--seeds`` is a number or left out."""
    if text is None or not text.startswith(UNTIL_DECIDED):
        return None
    cap = text.removeprefix(UNTIL_DECIDED)
    if cap and not (cap.startswith(":") and cap[1:].isdecimal() and int(cap[1:]) >= 2):
        right = f"{COUNT}, {UNTIL_DECIDED}, or {UNTIL_DECIDED}:N with N of at least 2"
        raise SettingError(f"--seeds {text}: must be {right}")
    return int(cap[1:]) if cap else SEED_CAP


def _readings(text: str | None) -> tuple[str, ...]:
    """The alternatives asked for; the one that costs nothing is always among them."""
    names = [] if text is None else [*NAMES] if text == "all" else text.split(",")
    for name in names:
        if name not in NAMES:
            raise SettingError(f"--readings {text}: must be all, or some of {', '.join(NAMES)}")
    return tuple(dict.fromkeys(["margin-loss", *names]))


def _trained_as(text: str | None) -> tuple[str, ...]:
    names = [] if text is None else text.split(",")
    for name in names:
        if name not in SAYS:
            raise SettingError(f"--trained-as {text}: must be one or more of {', '.join(SAYS)}")
    return tuple(name for name in SAYS if name in names)


def _precision(text: str | None, gpu: bool) -> str:
    known = [name for name in precisions.SAYS if gpu or name != precisions.TF32]
    if text is not None and text not in known:
        where = "" if gpu else " without --gpu"
        raise SettingError(f"--precision {text}: must be one of {', '.join(known)}{where}")
    return precisions.FLOAT32 if text is None else text


def _chosen(option: str, values: list[str] | None, known: Iterable[str]) -> frozenset[str]:
    known = [*known]
    for value in values or ():
        if value not in known:
            raise SettingError(f"{option} {value}: must be one of {', '.join(known)}")
    return frozenset(values or ())


def _folder(option: str, text: str) -> Path:
    try:
        path = Path(text).expanduser().absolute()
        existing = next(p for p in (path, *path.parents) if p.exists())
    except (OSError, RuntimeError) as error:  # a name that is too long; the home of a user who does not exist
        raise SettingError(f"{option} {text}: must be a folder ({error})") from None
    if not existing.is_dir():
        raise SettingError(f"{option} {text}: must be a folder, and {existing} is a file")
    if not os.access(existing, os.W_OK):
        raise SettingError(f"{option} {text}: must be a folder that can be written to, and {existing} is not")
    return path
