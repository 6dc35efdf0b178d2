"""The command line: every option of a session of claims, declared once; ``settings`` has what they say together.

Free of torch and numpy: where the plugin is installed, every session of pytest declares these options.
"""

import argparse
import re
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from ..errors import error_line
from ..experiment import precisions
from ..experiment.fields import FIELDS, SEEDS, TooMuchError
from ..experiment.readings import BY_DEFAULT, NAMES
from ..experiment.trained_as import SAYS
from ..runs.shards import Shard
from ..words import did_you_mean, printable

GROUP: Final = "claims"
PLUGIN: Final = "repro.plugin"  # the name by which -p no:... leaves it out
ARTIFACTS: Final = "artifacts"
STORE: Final = Path(".repro", "store")  # beside the artifacts, which stay small
SEVERAL: Final = ("--task", "--figure")  # may be given again
VALUES: Final = (
    *("--data-root", "--artifacts", "--store", "--regime", *SEVERAL),
    *("--readings", "--trained-as", "--precision", "--device"),
)
UNTIL_DECIDED: Final = "until-decided"
MOST_MINUTES: Final = 1_000_000


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
    value("--device", name_of, "cpu (the default) or cuda, which --gpu is short for; cpu,TASK=cuda: only of that task")
    value("--data-root", folder, "folder with the data sets as torchvision lays them out")
    value("--artifacts", folder, f"where the report goes (default: {ARTIFACTS})")
    value("--store", folder, f"where runs are kept (default: {STORE.as_posix()})")
    regimes = (
        "paper (the default), laptop (under three hours on two cores by plan), quick, or a TOML file (see the manual)"
    )
    value("--regime", name_of, regimes)
    for name, field in FIELDS.items():
        value(flag(name), _field(name), field.help)
    value("--task", name_of, "only claims on this task, or on the tasks of this network; may be given again", "append")
    value("--figure", _Text("N"), "only claims read from this figure; again", "append")
    readings, trainings = _some_of(NAMES, "all, or some of", every="all"), _some_of(SAYS, "one or more of")
    value("--readings", readings, f"other readings, in place of {', '.join(BY_DEFAULT[1:])}: {readings.right}")
    value("--trained-as", trainings, f"readings that need other training: {', '.join(SAYS)}")
    value("--precision", name_of, f"of the training's products: {', '.join(precisions.SAYS)}")
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
