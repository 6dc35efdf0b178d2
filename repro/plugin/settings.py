"""What the options of a session say together: its settings. Free of torch and numpy, as the options are."""

import math
import os
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from ..errors import SettingError
from ..experiment import precisions
from ..experiment.devices import CPU, CUDA, DEVICES, joined, used
from ..experiment.fields import FIELDS, held
from ..experiment.networks import NETWORKS
from ..experiment.readings import BY_DEFAULT, NAMES, SOUND
from ..experiment.regime_files import load_regime
from ..experiment.regimes import QUICK, Regime
from ..experiment.tasks import TASKS
from ..experiment.trained_as import SAYS
from ..files.regular import at_home
from ..runs.layout import BESIDE
from ..runs.shards import Shard
from ..words import did_you_mean, printable
from .options import ARTIFACTS, SEVERAL, STORE, UNTIL_DECIDED, VALUES, flag

if TYPE_CHECKING:
    from ..verdicts.claim import Case

MPS: Final = "mps"
NO_MPS: Final = (
    "is not supported, for lambda1 is summed in double precision, which it does not have, and the checks of "
    "attacks and eigenvalue were never made on one"
)
SEED_CAP: Final = 12  # seeds at most, where the user names no number


@dataclass(frozen=True)
class Settings:
    """What the user asked of a session."""

    regime: Regime
    device: str  # of all tasks, with exceptions (see ``devices``)
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
    def gpu(self) -> bool:
        """Whether networks of any task are on a GPU."""
        return CUDA in used(self.device)

    @property
    def gpu_option(self) -> str:
        """The option that asks for a GPU, as it is told of."""
        return "--gpu" if self.device == CUDA else f"--device {self.device}"

    @property
    def elsewhere(self) -> bool:
        """Whether another machine's workers make the runs."""
        return self.cluster is not None and not self.cluster.startswith("local:")

    def selects(self, case: "Case") -> bool:
        """Whether --task and --figure let a case through."""
        on_task = not self.tasks or {*map(str, case.tasks)} <= self.tasks
        return on_task and (not self.figures or bool(self.figures & {str(number) for number in case.figures}))


def settings(config: pytest.Config) -> Settings:
    """What the options say together. SettingError: one line that names the option, its value and what is right."""
    get = config.getoption
    _require_texts(config)
    seeds, readings, trained_as = get("--seeds"), get("--readings"), get("--trained-as")
    until_decided = seeds is not None and seeds.startswith(UNTIL_DECIDED)
    given = {name: get(flag(name)) for name in FIELDS if not (until_decided and name == "seeds")}
    kinds = {name: FIELDS[name].kind for name, text in given.items() if text is not None}
    changes = {name: held(kind.read(given[name])) for name, kind in kinds.items()}
    asked = {None: BY_DEFAULT, "all": NAMES}.get(readings) or _split(readings)
    artifacts = _place("--artifacts", Path(ARTIFACTS), get("--artifacts"))
    before = artifacts / BESIDE
    store_found = get("--store") is None and (before / "runs").is_dir()
    device = _device(get("--gpu"), get("--device"))
    minutes = None if get("--minutes") is None else float(get("--minutes"))
    return Settings(
        regime=_regime(get("--quick"), get("--regime")).overridden(**changes),
        device=device,
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
        precision=_precision(get("--precision"), gpu=used(device) == {CUDA}),
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


def _chosen(option: str, names: Collection[str], known: Iterable[str], where: str = "") -> frozenset[str]:
    """Names that are known once conftest files were loaded, which may have entered some."""
    known = [*known]
    for name in names:
        if name not in known:
            meant = did_you_mean(name, known)
            raise SettingError(f"{option} {printable(name)}: must be one of {', '.join(known)}{where}{meant}")
    return frozenset(names)


def _chosen_tasks(names: Collection[str]) -> frozenset[str]:
    """The tasks that are named, by their own names or all of one by that of its network."""
    means = _tasks()
    return frozenset().union(*(means[name] for name in _chosen("--task", names, means)))


def _tasks() -> dict[str, set[str]]:
    """The tasks that a name stands for."""
    by_network = {name: {str(task) for task in TASKS.values() if task.architecture == name} for name in NETWORKS}
    return {name: {name} for name in TASKS} | {name: tasks for name, tasks in by_network.items() if tasks}


def _chosen_figures(numbers: Collection[str]) -> frozenset[str]:
    if not numbers:
        return frozenset()
    from ..verdicts.figures import FIGURES  # with numpy, which other sessions do without

    return _chosen("--figure", numbers, map(str, FIGURES))


def _split(text: str | None) -> list[str]:
    return [] if text is None else text.split(",")


def _regime(quick: bool, name: str | None) -> Regime:
    if quick and name not in (None, "quick"):
        raise SettingError(f"--regime {printable(name)}: cannot be combined with --quick; leave one of them out")
    return QUICK if quick else load_regime("paper" if name is None else name)


def _shard(text: str | None, until_decided: bool) -> Shard | None:
    if text is not None and until_decided:
        raise SettingError(
            f"--shard {text}: cannot be combined with --seeds {UNTIL_DECIDED}, for a part decides nothing; "
            "name a number of seeds"
        )
    return None if text is None else Shard.read(text)


def _cluster(config: pytest.Config) -> str | None:
    where: str | None = config.getoption("--cluster")
    if where is not None and (config.getoption("numprocesses", None) or config.getoption("tx", None)):
        raise SettingError(
            f"--cluster {where}: cannot be combined with -n, for the cluster's workers train; leave -n out"
        )
    return where


def _device(short: bool, text: str | None) -> str:
    """On which devices networks are trained and measured, by --gpu and by --device."""
    everywhere, own = list[str](), dict[str, str]()
    for part in _split(text):
        name, of_one, device = part.rpartition("=")
        if device == MPS:
            raise SettingError(f"--device {MPS}: an Apple GPU {NO_MPS}; use --device cpu")
        tasks = _tasks()[next(iter(_chosen("--device", [name], _tasks(), " before =")))] if of_one else set[str]()
        _chosen("--device", [part], [f"{name}{of_one}{known}" for known in DEVICES])
        if {*own} & tasks or (everywhere and not of_one):
            raise SettingError(f"--device {text}: must name one device for each task, and {part} is a second one")
        own.update(dict.fromkeys(tasks, device))
        everywhere += [] if of_one else [device]
    if short and everywhere == [CPU]:
        raise SettingError(f"--device {text}: cannot be combined with --gpu; leave one of them out")
    return joined(everywhere[0] if everywhere else CUDA if short else CPU, own)


def _precision(text: str | None, *, gpu: bool) -> str:
    if text is None:
        return precisions.FLOAT32
    known = (name for name in precisions.SAYS if gpu or name != precisions.TF32)
    return next(iter(_chosen("--precision", [text], known, "" if gpu else " unless all tasks are on a GPU")))


def _place(option: str, otherwise: Path, text: str | None) -> Path:
    return otherwise.absolute() if text is None else _folder(option, text)


def _folder(option: str, text: str) -> Path:
    if not text:
        raise SettingError(f"{option}: must be a folder, and is empty; . is the one that you stand in")
    try:
        path = at_home(text, option).absolute()
        existing = next(p for p in (path, *path.parents) if p.exists())
    except (OSError, ValueError) as error:  # too long a name
        raise SettingError(f"{option} {printable(text)}: must be a folder ({printable(str(error))})") from None
    if not existing.is_dir():
        raise SettingError(f"{option} {printable(text)}: must be a folder, and {printable(str(existing))} is a file")
    if not os.access(existing, os.W_OK):
        raise SettingError(
            f"{option} {printable(text)}: must be a folder that can be written to, and "
            f"{printable(str(existing))} is not"
        )
    return path
