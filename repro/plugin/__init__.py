"""The pytest plugin: claim tests become verdicts, and a session of them a report.

Hooks only; what they do stands in the modules beside this one. ``conftest.py`` registers it.
"""

import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from ..claims import MARK, Case
from ..errors import ReproError, error_line
from ..regime_files import FIELDS
from ..verdicts import Verdict
from ..workshop import StoppedError
from . import gpus
from .controller import Controller
from .neighbours import leave_out_idle
from .options import ARTIFACTS, Settings, add_options, asked_processes, flag, settings
from .outcomes import case_property, claim_status, property_of, shorten
from .session import ClaimSession, Shared
from .terminal import print_plan

SESSION: Final = pytest.StashKey[ClaimSession]()
PLANNED: Final = pytest.StashKey[int]()  # the processes that a plan is made for


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of a session of claims."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """A plan is made in one process, and says what a session of as many as were asked for would take."""
    if config.getoption("--plan"):
        config.stash[PLANNED] = asked_processes(config)
        config.option.numprocesses = config.option.maxprocesses = None
        config.option.dist, config.option.tx = "no", []


def pytest_configure(config: pytest.Config) -> None:
    """Check the options, in every process; choose the GPU of a worker."""
    config.addinivalue_line("markers", f"{MARK}(claim): a claim of the paper; see repro.claims")
    try:
        chosen = settings(config)
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        config.stash[SESSION] = _in_worker(worker, chosen) if worker is not None else _in_controller(config, chosen)
    except ReproError as error:
        raise pytest.UsageError(error_line(error)) from None


def _in_worker(worker: dict[str, Any], chosen: Settings) -> ClaimSession:
    name = worker["workerid"]
    if chosen.gpu:
        gpus.choose(int(name.removeprefix("gw")), worker["workercount"], worker["repro_gpus"])
    return ClaimSession(chosen, Shared(Path(worker["repro_folder"])), name, worker["workercount"])


def _in_controller(config: pytest.Config, chosen: Settings) -> ClaimSession:
    controller = Controller(config, chosen, gpus.require_cuda() if chosen.gpu else 0)
    config.pluginmanager.register(controller, "repro-controller")
    processes = config.stash.get(PLANNED, 1)
    return ClaimSession(chosen, controller.shared, "main", processes, controller.progress.poll)


@pytest.hookimpl(tryfirst=True)  # before the terminal reports the collection, which tells the headline
def pytest_collection_finish(session: pytest.Session) -> None:
    """Prepare for the selected claims, if there are any; an unusable setting ends the session with exit status 4."""
    cases = [case for item in session.items if (case := case_of(item)) is not None]
    if not cases or session.config.option.collectonly:
        return
    claims = session.config.stash[SESSION]
    try:
        claims.prepare(cases)
    except ReproError as error:
        claims.shared.tell(error=error_line(error))
        if not hasattr(session.config, "workerinput"):
            raise pytest.UsageError(error_line(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> object:
    """With --plan: print it, run nothing."""
    claims = session.config.stash[SESSION]
    if not claims.settings.plan:
        return None
    print_plan(session.config, claims)
    return True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A worker with no tests left trains what others still wait for, and draws."""
    leave_out_idle(session.config)
    claims = session.config.stash.get(SESSION, None)
    stopped = session.shouldstop or session.shouldfail or exitstatus not in (0, 1)
    if claims is not None and claims.cases and hasattr(session.config, "workerinput") and not stopped:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            claims.help_out()


def pytest_itemcollected(item: pytest.Item) -> None:
    """A claim test can be selected by its claim: ``-k ratio-keeps-curvature``. A library's warning breaks no run."""
    if (case := case_of(item)) is not None:
        item.extra_keyword_matches.add(case.claim.id)
        item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the claims on the tasks, and read from the figures, that --task and --figure name; other tests stay."""
    chosen = config.stash[SESSION].settings
    dropped = [item for item in items if (case := case_of(item)) is not None and not chosen.selects(case)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        gone = set(dropped)
        items[:] = [item for item in items if item not in gone]


def case_of(item: pytest.Item) -> Case | None:
    """The case that a claim test decides; None for any other test."""
    if item.get_closest_marker(MARK) is None:
        return None
    case = item.callspec.params["case"]  # type: ignore[attr-defined]
    assert isinstance(case, Case)
    return case


@pytest.fixture(scope="session")
def claim_session(pytestconfig: pytest.Config) -> ClaimSession:
    """The session's conditions, store and workshop: curves that several claims speak of are trained once for all."""
    return pytestconfig.stash[SESSION]


@pytest.fixture
def verdict(request: pytest.FixtureRequest, case: Case, claim_session: ClaimSession) -> Verdict:
    """The verdict on this claim, after training what it lacks. An inconclusive one ends the test as such here."""
    request.node.user_properties.append(case_property(case))
    command = rerun_command(request.node, claim_session.settings)
    try:
        found = claim_session.verdict(case, command)
    except StoppedError as stopped:
        pytest.skip(f"no verdict: {stopped}")
    request.node.user_properties.append(property_of(found))
    if found.inconclusive and not claim_session.settings.strict:
        pytest.skip(f"{found.word}: {found.effect}")
    return found


def rerun_command(node: pytest.Item, chosen: Settings) -> str:
    """The command that runs one claim test again."""
    flags = [word for word, on in (("--quick", node.config.getoption("--quick")), ("--gpu", chosen.gpu)) if on]
    trained = ("--readings", "--trained-as", "--precision")
    valued = ("--regime", *map(flag, FIELDS), *trained, "--data-root", "--artifacts", "--store")
    for option in valued:
        if (value := node.config.getoption(option)) not in (None, ARTIFACTS if option == "--artifacts" else None):
            flags += [option, value]
    return shlex.join(["pytest", node.nodeid, *flags])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A claim that failed shows the table it was decided on; a wrong setting its one line."""
    report = yield
    if case_of(item) is not None:
        shorten(report, call)  # type: ignore[arg-type]
    return report


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """An inconclusive claim has a word and a letter of its own."""
    return claim_status(report, config.getoption("--verdicts-ok"))
