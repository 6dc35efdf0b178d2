"""The pytest plugin: claim tests become verdicts, and a session of them a report.

Hooks and fixtures only; what they do stands in the modules beside this one. Where the package is installed pytest loads
this file in every session, so torch, numpy and what needs them are imported once a claim was collected.

PYTEST_DONT_REWRITE: no test stands here, and pytest would warn of what an editable install brought in before it.
"""

import argparse
import pickle
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..errors import ReproError, error_line
from . import gpus
from .controller import TOLD, Controller
from .ending import leave_with
from .neighbours import leave_out_idle
from .options import add_options, asked_processes, is_ours, only_shows, taken
from .outcomes import carry, claim_status, keep, shorten_collected
from .rerun import rerun
from .selected import nothing_selected, require_each_once
from .settings import settings
from .shared import Process, Shared, Told

if TYPE_CHECKING:
    from ..verdicts.claim import Case
    from ..verdicts.verdict import Verdict
    from .session import ClaimSession

MARK: Final = "claim"
PROCESS: Final = pytest.StashKey[Process]()
SESSION: Final = pytest.StashKey["ClaimSession"]()  # where claims are selected
COLLECTED: Final = pytest.StashKey[dict[str, tuple[str, str]]]()  # claim tests before any was deselected: claim, case
PLANNED: Final = pytest.StashKey[int]()  # the processes that a plan is made for
CONTROLLER: Final = "repro-controller"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of a session of claims."""
    add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Iterator[None]:
    """A project whose conftest.py declares an option of the same name is told who has it already."""
    try:
        return (yield)
    except (ValueError, argparse.ArgumentError) as error:
        if is_ours(parser, error):
            raise taken(error) from None
        raise


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """A plan is made in one process, and says what a session of as many as were asked for would take."""
    if config.getoption("--plan"):
        config.stash[PLANNED] = asked_processes(config)
        config.option.numprocesses = config.option.maxprocesses = None
        config.option.dist, config.option.tx = "no", []


def pytest_configure(config: pytest.Config) -> None:
    """Check the options, in every process; choose the GPU of a worker."""
    config.addinivalue_line("markers", f"{MARK}(claim): a claim of the paper; see repro.verdicts.claim")
    config.stash[COLLECTED] = {}
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    try:
        config.stash[PROCESS] = _controller(config) if worker is None else _worker(worker)
    except ReproError as error:
        raise pytest.UsageError(error_line(error)) from None


def _worker(worker: dict[str, Any]) -> Process:
    """The settings are the controller's, for a worker may be in a folder of its own, and so may what they name."""
    name, count = worker["workerid"], worker["workercount"]
    chosen, again, folder, devices, place = pickle.loads(worker[TOLD])
    if devices:
        gpus.choose(place, count, devices)
    return Process(chosen, Shared(folder), again, name, count, gpus=devices)


def _controller(config: pytest.Config) -> Process:
    chosen, again = settings(config), rerun(config)
    devices = gpus.visible() if chosen.gpu and not chosen.plan and not chosen.elsewhere else 0
    controller = Controller(config, chosen, again, devices)
    config.pluginmanager.register(controller, CONTROLLER)
    progress, processes = controller.progress, config.stash.get(PLANNED, 1)
    return Process(chosen, controller.shared, again, "main", processes, progress.poll, devices, progress.say)


def pytest_itemcollected(item: pytest.Item) -> None:
    """A claim test can be selected by its claim: ``-k ratio-keeps-curvature``. A library's warning breaks no run."""
    if (case := case_of(item)) is not None:
        item.config.stash[COLLECTED][item.nodeid] = case.claim.id, case.id
        item.extra_keyword_matches.add(case.claim.id)
        if item.config.pluginmanager.has_plugin("warnings"):
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """A file of claims that says what cannot be used shows its one line."""
    report = yield
    shorten_collected(report)  # type: ignore[arg-type]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the claims on the tasks, and read from the figures, that --task and --figure name; other tests stay.

    Claims take turns as their runs are made, each in the place of another: what pytest's own options put in an order,
    such as --failed-first, they order after this.
    """
    chosen = config.stash[PROCESS].settings
    dropped = [item for item in items if (case := case_of(item)) is not None and not chosen.selects(case)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        gone = set(dropped)
        items[:] = [item for item in items if item not in gone]
    cases = {item: case for item in items if (case := case_of(item)) is not None}
    if cases and not only_shows(config):
        from .turns import in_turn

        turn = iter(in_turn(cases, chosen))
        items[:] = [next(turn) if item in cases else item for item in items]


@pytest.hookimpl(tryfirst=True)  # before the terminal reports the collection, which tells the headline
def pytest_collection_finish(session: pytest.Session) -> None:
    """Prepare for the selected claims, if there are any; an unusable setting ends the session with exit status 4."""
    collected = session.config.stash[COLLECTED]
    place = {test: number for number, test in enumerate(collected)}  # in which reports and plans have them
    items = sorted(session.items, key=lambda item: place.get(item.nodeid, 0))
    cases = {item: case for item in items if (case := case_of(item)) is not None}
    controller: Controller | None = session.config.pluginmanager.get_plugin(CONTROLLER)
    if cases and not only_shows(session.config):
        if controller is not None:
            controller.termination.begin()
        _prepare(session.config, cases)
    elif collected and (line := nothing_selected(session.config, collected.values())):
        session.config.stash[PROCESS].shared.tell(Told(headline=line))
    if controller is not None:
        controller.collected((item.nodeid for item in session.items), threaded=False)


def _prepare(config: pytest.Config, cases: "dict[pytest.Item, Case]") -> None:
    from .session import ClaimSession

    if hasattr(config, "workerinput"):
        leave_with(config.stash[PROCESS].shared)
    shared, collected = config.stash[PROCESS].shared, config.stash[COLLECTED]
    try:
        claims = config.stash[SESSION] = ClaimSession(config.stash[PROCESS], cases)
        require_each_once(collected)
        claims.prepare(len(collected) - len(cases))
    except (ReproError, OSError) as error:  # which the controller tells, or that it could not be left for it
        with suppress(OSError):
            shared.tell(Told(error=error_line(error)))
        if not shared.folder.exists():
            raise


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> object:
    """With --plan: print it, run nothing."""
    if not session.config.stash[PROCESS].settings.plan:
        return None
    if claims := session.config.stash.get(SESSION, None):
        from .terminal import print_plan

        print_plan(session.config, claims)
    return True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A worker with no tests left trains what others still wait for, and draws; a cluster is left."""
    claims = session.config.stash.get(SESSION, None)
    if claims is None:
        return
    if not hasattr(session.config, "workerinput"):
        claims.close()
        return
    leave_out_idle(session.config)
    if not (session.shouldstop or session.shouldfail or exitstatus not in (0, 1)):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            claims.help_out()


def case_of(item: pytest.Item) -> "Case | None":
    """The case that a claim test decides; None for any other test, among them those of others who mark claims too."""
    if item.get_closest_marker(MARK) is None:
        return None
    from ..verdicts.claim import Case

    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("case") if callspec else None
    return case if isinstance(case, Case) else None


@pytest.fixture(scope="session")
def claim_session(pytestconfig: pytest.Config) -> "ClaimSession":
    """The session's conditions, store and workshop: curves that several claims speak of are trained once for all."""
    return pytestconfig.stash[SESSION]


@pytest.fixture
def verdict(request: pytest.FixtureRequest, case: "Case", claim_session: "ClaimSession") -> "Verdict":
    """The verdict on this claim, after training what it lacks. An inconclusive one ends the test as such here."""
    from ..runs.workshop import StoppedError

    try:
        found = claim_session.verdict(case, request.node)
    except StoppedError as stopped:
        pytest.skip(f"no verdict: {stopped}")
    keep(request.node, found)
    if found.inconclusive and not claim_session.settings.strict:
        pytest.skip(f"{found.word}: {found.effect}")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A claim that failed shows the table it was decided on; a wrong setting its one line."""
    report = yield
    if case_of(item) is not None:
        carry(item, report, call)  # type: ignore[arg-type]
    return report


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """An inconclusive claim has a word and a letter of its own."""
    return claim_status(report, config.getoption("--verdicts-ok"))
