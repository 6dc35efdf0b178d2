"""The command line: every option of a session of claims, declared once, and the settings that they stand for.

Free of torch and numpy: where the plugin is installed, every session of pytest declares these options.
"""

import argparse
import math
import os
import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from ..errors import SettingError, error_line
from ..experiment import precisions
from ..experiment.fields import FIELDS, SEEDS, TooMuchError
from ..experiment.networks import NETWORKS
from ..experiment.readings import BY_DEFAULT, NAMES, SOUND
from ..experiment.regime_files import load_regime
from ..experiment.regimes import QUICK, Regime
from ..experiment.tasks import TASKS
from ..experiment.trained_as import SAYS
from ..runs.shards import Shard
from ..words import did_you_mean, printable

if TYPE_CHECKING:
    from ..verdicts.claim import Case

GROUP: Final = "claims"
PLUGIN: Final = "repro.plugin"  # the name by which -p no:... leaves it out
ARTIFACTS: Final = "artifacts"
STORE: Final = Path(".repro", "store")  # beside the artifacts, which stay small
STORE_BEFORE: Final = "store"  # in the artifacts: one that is there goes on being used
SEVERAL: Final = ("--task", "--figure")  # may be given again
VALUES: Final = (
    "--data-root",
    "--artifacts",
    "--store",
    "--regime",
    *SEVERAL,
    "--readings",
    "--trained-as",
    "--precision",
)
UNTIL_DECIDED: Final = "until-decided"
MOST_MINUTES: Final = 1_000_000
SEED_CAP: Final = 12  # seeds at most, where the user names no number


@dataclass(frozen=True)
class Settings:
    """What the user asked of a session."""

    regime: Regime
    gpu: bool
    data_root: str | None
    artifacts: Path
    store: Path
    store_found: bool  # where sessions kept runs before, and nobody named it
    plan: bool
    tasks: frozenset[str]  # empty: all
    figures: frozenset[str]  # empty: all
    strict: bool
    verdicts_ok: bool
    linear_axis: bool
    progress: bool
    readings: tuple[str, ...]
    trained_as: tuple[str, ...]
    precision: str
    until_decided: int | None  # the cap of --seeds until-decided
    shard: Shard | None = None  # the part of the session's runs that is made
    cluster: str | None = None  # whose workers make them
    minutes: float | None = None  # after which nothing is begun that would not end in time
    ends: float = math.inf  # the time.time() at which they are over

    @property
    def elsewhere(self) -> bool:
        """Whether another machine's workers make the runs."""
        return self.cluster is not None and not self.cluster.startswith("local:")

    def selects(self, case: "Case") -> bool:
        """Whether --task and --figure let a case through."""
        on_task = not self.tasks or {*map(str, case.tasks)} <= self.tasks
        return on_task and (not self.figures or bool(self.figures & {str(number) for number in case.figures}))


def add_options(parser: pytest.Parser) -> None:
    """Declare the options.

    UsageError: another plugin, which is there already, has an option of the same name.
    """
    try:
        _declare(parser.getgroup(GROUP, "the paper's claims"))
    except (ValueError, argparse.ArgumentError) as error:
        raise taken(error) from None


def taken(error: Exception) -> pytest.UsageError:
    """What is said where another plugin has an option of the same name."""
    return pytest.UsageError(f"{error_line(error)}: {PLUGIN} has that option, too; -p no:{PLUGIN} leaves it out")


def is_ours(parser: pytest.Parser, error: Exception) -> bool:
    """Whether an error in the declaration of an option speaks of one of these."""
    names = [name for option in parser.getgroup(GROUP).options for name in option.names()]
    return any(re.search(rf"{name}\b(?!-)", str(error)) for name in names)


class _Text(NamedTuple):
    """What may stand after an option; ``check`` raises ValueError where it is not ``right``."""

    metavar: str
    right: str = ""
    check: Callable[[str], object] = str
    known: Collection[str] = ()

    def of(self, option: str) -> Callable[[str], str]:
        """How pytest reads it: it stays a text, for workers and rerun lines. What is wrong is told in one line."""

        def checked(text: str) -> str:
            try:
                self.check(text)
            except ValueError as error:
                right = error if isinstance(error, TooMuchError) else self.right
                raise pytest.UsageError(f"{option} {printable(text)}: must be {right}{self._meant(text)}") from None
            return text

        return checked

    def _meant(self, text: str) -> str:
        strange = [word for word in text.split(",") if word not in self.known]
        return did_you_mean(strange[0], self.known) if strange else ""


def _some_of(known: Collection[str], right: str, every: str | None = None) -> _Text:
    """Names with commas between them, or the word for every one."""
    return _Text("A,B,...", f"{right} {', '.join(known)}", lambda text: _require(text.split(","), known, every), known)


def _require(names: Collection[str], known: Collection[str], every: str | None = None) -> None:
    if [*names] != [every] and not {*names} <= {*known}:
        raise ValueError(names)


def _field(name: str) -> _Text:
    """What may stand after the option of a regime's field; seeds alone may be more than a number."""
    kind = FIELDS[name].kind
    if name == "seeds":
        right = f"{kind.right}, {UNTIL_DECIDED}, or {UNTIL_DECIDED}:N with N of at least 2"
        return _Text(kind.metavar, right, _check_seeds, [UNTIL_DECIDED])
    return _Text(kind.metavar, kind.right + (", as in 64,256,1024" if kind.several else ""), kind.read, kind.known)


def _check_seeds(text: str) -> None:
    word, colon, cap = text.partition(":")
    if word != UNTIL_DECIDED:
        SEEDS.read(text)
    elif colon and not (cap.isdecimal() and SEEDS.read(cap) >= 2):
        raise ValueError(text)


_SHARD: Final = _Text("K/N", "K/N with K from 1 to N, as in 3/8", Shard.read)


def _check_cluster(text: str) -> None:
    kind, colon, rest = text.partition(":")
    local = kind == "local" and rest.isascii() and rest.isdecimal() and int(rest) >= 1
    remote = kind in ("tcp", "tls") and rest.startswith("//") and rest.rpartition(":")[2].isdecimal()
    if not (local or remote or (text.endswith(".toml") and not colon)):
        raise ValueError(text)


_CLUSTER: Final = _Text(
    "WHERE", "tcp://HOST:PORT, tls://HOST:PORT, local:N with N of at least 1, or a TOML file", _check_cluster
)


def _declare(group: pytest.OptionGroup) -> None:
    def value(name: str, text: _Text, help: str, action: str = "store") -> None:
        group.addoption(name, metavar=text.metavar, type=text.of(name), action=action, help=help)

    switch, folder, name_of = partial(group.addoption, action="store_true"), _Text("DIR"), _Text("NAME")
    switch("--quick", help="reduced data and training: minutes on a CPU")
    switch("--gpu", help="train and measure on CUDA; workers share the visible GPUs")
    value("--data-root", folder, "folder with the data sets as torchvision lays them out")
    value("--artifacts", folder, f"where the report goes (default: {ARTIFACTS})")
    value("--store", folder, f"where runs are kept (default: {STORE.as_posix()})")
    value("--regime", name_of, "paper (the default), laptop (two hours), quick, or a TOML file; see the README")
    for name, field in FIELDS.items():
        value(flag(name), _field(name), field.help)
    value("--task", name_of, "only claims on this task, or on the tasks of this network; may be given again", "append")
    value("--figure", _Text("N"), "only claims read from this figure; again", "append")
    readings, trainings = _some_of(NAMES, "all, or some of", every="all"), _some_of(SAYS, "one or more of")
    value("--readings", readings, f"other readings, in place of {', '.join(BY_DEFAULT[1:])}: {readings.right}")
    value("--trained-as", trainings, f"readings that need other training: {', '.join(SAYS)}")
    value("--precision", name_of, f"of training on a GPU: {', '.join(precisions.SAYS)}")
    value("--shard", _SHARD, "make only part K of N of the runs, sharing nothing with the others; see the manual")
    value("--cluster", _CLUSTER, "have the runs made by the workers of a Dask cluster; see docs/cluster.md")
    switch("--plan", help="say what would be trained and what is stored; train nothing")
    right = f"a number of minutes above 0 and up to {MOST_MINUTES:,}"
    value("--minutes", _Text("N", right, _check_minutes), "begin nothing that will not be over in so many minutes")
    switch("--strict-claims", help="an inconclusive claim fails")
    switch("--verdicts-ok", help="exit status 0 when every claim got a verdict: the status is that of the machinery")
    switch("--no-progress", help="say nothing of how far the session is")
    switch("--linear-axis", help="figures with a linear axis of batch sizes; by default they are drawn by doublings")


def _check_minutes(text: str) -> None:
    if not 0 < float(text) <= MOST_MINUTES:  # what is no number is not, either
        raise ValueError(text)


def flag(field: str) -> str:
    """The option that overrides a field of the regime."""
    return "--" + field.replace("_", "-")


def settings(config: pytest.Config) -> Settings:
    """What the options say together. SettingError: one line that names the option, its value and what is right."""
    get = config.getoption
    _require_texts(config)
    seeds, readings, trained_as = get("--seeds"), get("--readings"), get("--trained-as")
    until_decided = seeds is not None and seeds.startswith(UNTIL_DECIDED)
    given = {name: get(flag(name)) for name in FIELDS if not (until_decided and name == "seeds")}
    kinds = {name: FIELDS[name].kind for name, text in given.items() if text is not None}
    changes = {name: kind.held(kind.read(given[name])) for name, kind in kinds.items()}
    asked = {None: BY_DEFAULT, "all": NAMES}.get(readings) or _split(readings)
    artifacts = _place("--artifacts", Path(ARTIFACTS), get("--artifacts"))
    before = artifacts / STORE_BEFORE
    store_found = get("--store") is None and (before / "runs").is_dir()
    minutes = None if get("--minutes") is None else float(get("--minutes"))
    return Settings(
        regime=_regime(get("--quick"), get("--regime")).overridden(**changes),
        gpu=get("--gpu"),
        data_root=get("--data-root"),
        artifacts=artifacts,
        store=before if store_found else _place("--store", STORE, get("--store")),
        store_found=store_found,
        plan=get("--plan"),
        tasks=_chosen_tasks(get("--task") or ()),
        figures=_chosen_figures(get("--figure") or ()),
        strict=get("--strict-claims"),
        verdicts_ok=get("--verdicts-ok"),
        linear_axis=get("--linear-axis"),
        progress=not get("--no-progress"),
        readings=tuple(dict.fromkeys([SOUND, *asked])),  # which costs nothing
        trained_as=tuple(name for name in SAYS if name in _split(trained_as)),
        precision=_precision(get("--precision"), get("--gpu")),
        until_decided=int(seeds.partition(":")[2] or SEED_CAP) if until_decided else None,
        shard=_shard(get("--shard"), until_decided),
        cluster=_cluster(config),
        minutes=minutes,
        ends=math.inf if minutes is None else time.time() + 60 * minutes,
    )


def _require_texts(config: pytest.Config) -> None:
    """SettingError: two dashes stand for a value, for which argparse has a list without anything in it."""
    for option in (*map(flag, FIELDS), *VALUES):
        value = config.getoption(option)
        parts = value if option in SEVERAL and isinstance(value, list) else [value]
        if any(isinstance(part, list) for part in parts):
            raise SettingError(f"{option} --: must be followed by a value")


def _chosen(option: str, names: Collection[str], known: Iterable[str]) -> frozenset[str]:
    """Names that are known once conftest files were loaded, which may have entered some."""
    known = [*known]
    for name in names:
        if name not in known:
            meant = did_you_mean(name, known)
            raise SettingError(f"{option} {printable(name)}: must be one of {', '.join(known)}{meant}")
    return frozenset(names)


def _chosen_tasks(names: Collection[str]) -> frozenset[str]:
    """The tasks that are named, by their own names or all of one by that of its network."""
    by_network = {name: {str(task) for task in TASKS.values() if task.architecture == name} for name in NETWORKS}
    tasks = [name for name in names if not by_network.get(name)]
    return _chosen("--task", tasks, TASKS).union(*(by_network.get(name, ()) for name in names))


def _chosen_figures(numbers: Collection[str]) -> frozenset[str]:
    if not numbers:
        return frozenset()
    from ..verdicts.figures import FIGURES  # with numpy, which other sessions do without

    return _chosen("--figure", numbers, map(str, FIGURES))


def _split(text: str | None) -> list[str]:
    return [] if text is None else text.split(",")


def _regime(quick: bool, name: str | None) -> Regime:
    if quick and name not in (None, "quick"):
        raise SettingError(f"--regime {printable(name)}: cannot be had together with --quick; leave one of them out")
    return QUICK if quick else load_regime("paper" if name is None else name)


def _shard(text: str | None, until_decided: bool) -> Shard | None:
    if text is not None and until_decided:
        raise SettingError(
            f"--shard {text}: cannot be had together with --seeds {UNTIL_DECIDED}, for a part decides nothing; "
            "name a number of seeds"
        )
    return None if text is None else Shard.read(text)


def _cluster(config: pytest.Config) -> str | None:
    where: str | None = config.getoption("--cluster")
    if where is not None and (config.getoption("numprocesses", None) or config.getoption("tx", None)):
        raise SettingError(
            f"--cluster {where}: cannot be had together with -n, for the cluster's workers train; leave -n out"
        )
    return where


def _precision(text: str | None, gpu: bool) -> str:
    known = [name for name in precisions.SAYS if gpu or name != precisions.TF32]
    if text is not None and text not in known:
        where = "" if gpu else " without --gpu"
        meant = did_you_mean(text, known)
        raise SettingError(f"--precision {printable(text)}: must be one of {', '.join(known)}{where}{meant}")
    return precisions.FLOAT32 if text is None else text


def _place(option: str, otherwise: Path, text: str | None) -> Path:
    return otherwise.absolute() if text is None else _folder(option, text)


def _folder(option: str, text: str) -> Path:
    try:
        path = Path(text).expanduser().absolute()
        existing = next(p for p in (path, *path.parents) if p.exists())
    except (OSError, RuntimeError, ValueError) as error:  # too long a name; the home of a user who does not exist
        raise SettingError(f"{option} {printable(text)}: must be a folder ({printable(str(error))})") from None
    if not existing.is_dir():
        raise SettingError(f"{option} {printable(text)}: must be a folder, and {printable(str(existing))} is a file")
    if not os.access(existing, os.W_OK):
        raise SettingError(
            f"{option} {printable(text)}: must be a folder that can be written to, and "
            f"{printable(str(existing))} is not"
        )
    return path


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
