"""Every command with its arguments, options and help. What a command needs is imported when it runs."""

from pathlib import Path
from typing import Any, Final

import click

from .checkout import CLAIMS
from .group import Answer, Commands, Place

WIDTH: Final = 100  # columns of a help text at most
EXAMPLES: Final = """\b
examples:
  repro plan --quick -n 2        what would be trained, and how long would it take?
  repro status artifacts         how far is the session that is at work?
  repro claims                   what is claimed, by which rule and margin?
  repro curves artifacts         the numbers behind every curve, as CSV
  repro verify artifacts         does the report follow from the stored measures?
  repro audit artifacts          are the stored runs what training comes to?
  repro diff ours theirs         what differs between two reports?
  repro pack bundles             finished runs, to be carried to another machine
  repro calibrate                how fast is this machine? for plans
  repro doctor                   what is wrong with this machine?

\b
exit status: 0 all right (nothing changed), 1 something differs or is wrong,
2 bad input, nothing to answer, or nowhere to say it
"""
ONE: Final = Place(path_type=Path)
ROOT: Final = "the checkout whose claims are meant (default: this program's own)"


_artifacts = click.argument("artifacts", type=ONE)
_store = click.option("--store", metavar="DIR", type=ONE, help="where its runs are kept, if not where it says")
_own_store = click.option("--store", metavar="DIR", type=ONE, help="where runs are kept (default: .repro/store)")


def _checkout(command: Any) -> Any:
    """The options that name the claims."""
    named = click.option("--claims", "folder", metavar="NAME", default=CLAIMS, help="its folder of claims")
    return click.option("--root", metavar="DIR", type=ONE, help=ROOT)(named(command))


@click.group(cls=Commands, invoke_without_command=True, epilog=EXAMPLES, context_settings={"max_content_width": WIDTH})
@click.pass_context
def commands(ctx: click.Context) -> Answer:
    """Plans sessions of `pytest claims`, and reads, checks and compares the reports that they write."""
    return Answer(ctx.get_help())


@commands.command(context_settings={"ignore_unknown_options": True}, short_help="Say what a session would train.")
@click.option("--claims", metavar="NAME", default=CLAIMS, help="the folder of claims (default: claims)")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST OPTION]...")
def plan(claims: str, options: tuple[str, ...]) -> Answer:
    """Say what a session would train, what is stored and how long the rest takes: `pytest claims --plan`.

    The options are those of `pytest claims`, such as --quick, -n 4, --seeds 5 or -k WORDS. Exit status 0: planned; 2:
    bad input.
    """
    from .plan import plan as found

    return found(options, claims)


@commands.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--task", "tasks", metavar="NAME", multiple=True, help="only those asked of this task; may be given again"
)
@click.option("--json", "as_json", is_flag=True, help="write them as JSON, one object a claim test")
@_checkout
def claims(ids: tuple[str, ...], tasks: tuple[str, ...], as_json: bool, root: Path | None, folder: str) -> Answer:
    """List the claims: id, sentence, section, rule and margin. Exit status 0: listed; 2: bad input."""
    from .claims import claims as found

    return found(ids, tasks, root, folder, as_json=as_json)


@commands.command(short_help="Say how far the session is, or what its report says.")
@_artifacts
def status(artifacts: Path) -> Answer:
    """Say how far the session is that is at work on a report, or else what the report says.

    ARTIFACTS is the folder that the session writes into. Exit status 0: said; 2: there is neither.
    """
    from .status import status as found

    return found(artifacts)


@commands.command(short_help="Draw and write a report again, without training.")
@_artifacts
@click.option("--into", metavar="DIR", type=ONE, help="where to write it (default: where the report is)")
@click.option("--linear-axis", "linear", is_flag=True, help="figures with a linear axis of batch sizes")
@_store
@_checkout
def report(
    artifacts: Path, into: Path | None, linear: bool, store: Path | None, root: Path | None, folder: str
) -> Answer:
    """Draw and write a report again, without training.

    The page and every figure of ARTIFACTS are made anew from its report.json and the stored runs, under the conditions
    of its session; its verdicts stay as they are (see verify). Exit status 0: written; 1: without networks that are
    stored no longer; 2: bad input.
    """
    from .render import again

    return again(artifacts, into, store, root, folder, linear=linear)


@commands.command(short_help="Write the numbers behind the curves as CSV or Parquet.")
@_artifacts
@click.option("--output", metavar="FILE", type=ONE, help="a .csv, or a .parquet where pandas and pyarrow are installed")
@_store
@_checkout
def curves(artifacts: Path, output: Path | None, store: Path | None, root: Path | None, folder: str) -> Answer:
    """Write the numbers behind the curves as CSV or Parquet: a row for each run, with all its measures.

    Without --output they are written here, as CSV. Exit status 0: written; 1: some runs are not stored, and are
    left out; 2: bad input, or nothing is stored.
    """
    from .curves import curves as found

    return found(artifacts, output, store, root, folder)


@commands.command()
@_artifacts
@_store
@_checkout
def verify(artifacts: Path, store: Path | None, root: Path | None, folder: str) -> Answer:
    """Recompute a report from its stored measures.

    ARTIFACTS is an artifacts folder, or its report.json. Every verdict is decided again, with the claims and the
    decision code of this checkout. No file is run because a report names it. Exit status 0: all agree; 1: something
    differs, or cannot be recomputed; 2: bad input, nothing that could be checked, or the answer cannot be written.
    """
    from .verify import verify as found

    return found(artifacts, store, root, folder)


@commands.command(short_help="Train runs of a report again, drawn at random, and compare.")
@_artifacts
@click.option("--runs", metavar="N", type=int, default=3, help="how many (default: 3)")
@click.option("--states", is_flag=True, help="states at equal training amount, which take a part of a run's training")
@click.option("--seed", metavar="N", type=int, help="of the draw (default: a random one, which is said)")
@click.option("--data-root", metavar="DIR", help="the folder with the data sets")
@_store
@_checkout
def audit(
    artifacts: Path,
    runs: int,
    states: bool,
    seed: int | None,
    data_root: str | None,
    store: Path | None,
    root: Path | None,
    folder: str,
) -> Answer:
    """Train and measure runs of a report again, drawn at random, and compare them with what it rests on.

    Where the weights come out the same to the last bit, the measures have to be the same. On another kind of processor
    roundings differ, and the measures may differ as those of two seeds do. It is said how many wrong runs such a draw
    would have met. Exit status 0: all agree; 1: a run does not; 2: bad input.
    """
    from .audit import audit as found

    return found(artifacts, runs, seed, store, data_root, root, folder, states=states)


@commands.command()
@click.argument("reports", nargs=-1, required=True, type=ONE)
@click.option("--json", "as_json", is_flag=True, help="write the comparison as JSON")
def diff(reports: tuple[Path, ...], as_json: bool) -> Answer:
    """Compare two reports, or tell the history of several.

    Of two: verdicts, estimates, claims, margins, settings, circumstances. Of more: a table of the verdicts that are
    not the same in all of them. REPORTS are artifacts folders, or files report.json. Exit status 0: nothing changed
    (versions, commit, device and hardware may differ); 1: something did; 2: bad input, or the answer cannot be written.
    """
    if len(reports) < 2:
        raise click.UsageError("it takes two reports or more, and was given one", click.get_current_context())
    if len(reports) > 2:
        from .history import history

        return history(reports, as_json=as_json)
    from .diff import diff as found

    return found(*reports, as_json=as_json)


@commands.command(short_help="Put finished runs into files, to be carried elsewhere.")
@click.argument("out", type=ONE)
@click.option("--max-mib", metavar="N", type=int, default=16, help="the size of a file at most (default: 16)")
@_own_store
def pack(out: Path, max_mib: int, store: Path | None) -> Answer:
    """Put finished runs into files below a size, to be carried between machines.

    OUT is the folder that the files go to: records, measures, and weights where they are small enough. Exit status 0:
    all runs; 1: some are damaged and were left out; 2: bad input.
    """
    from .pack import pack as found

    return found(out, store, max_mib)


@commands.command(short_help="Put such runs into a store.")
@click.argument("bundles", type=ONE)
@_own_store
def unpack(bundles: Path, store: Path | None) -> Answer:
    """Put runs that were packed into a store, which keeps what it has.

    BUNDLES is the folder with the files, or one of them. Every checksum is checked, no name leads out of the store, and
    nothing is executed. Exit status 0: all were sound; 1: some were damaged and left out; 2: bad input.
    """
    from .pack import unpack as found

    return found(bundles, store)


@commands.command()
@click.option("--seconds", metavar="N", type=float, default=60.0, help="time to spend (default: 60)")
@click.option("--processes", metavar="N", type=int, help="side by side (default: the cores; on a GPU 1)")
@click.option("--gpu", is_flag=True, help="measure CUDA instead of the processor")
def calibrate(seconds: float, processes: int | None, gpu: bool) -> Answer:
    """Measure how fast this machine is.

    Short runs of every network are trained and measured as sessions do it, on the surrogate data, and what that took is
    kept: plans then say how long a session will take. The environment variable REPRO_RATES names another folder to keep
    it in. Exit status 0: measured and kept; 2: bad input, or the answer cannot be written.
    """
    from .calibrate import calibrate as found

    return found(seconds, processes, gpu=gpu)


@commands.command(short_help="Free what a store keeps and no session will read.")
@click.option("--store", metavar="DIR", type=ONE, help="the store (default: .repro/store, or that in artifacts)")
@click.option("--weights", is_flag=True, help="also the weights of runs that are measured")
@click.option("--all", "everything", is_flag=True, help="also every run, with what was measured of it")
@click.option("--yes", is_flag=True, help="free it without being asked")
def clean(store: Path | None, weights: bool, everything: bool, yes: bool) -> Answer:
    """Free what a store keeps and no session of this version will read.

    That is what was left by processes that were killed, what a session found damaged and set aside, and runs and
    measures of another version of the code. It is said what would be freed, and asked. Runs that a session is at work
    on are left alone. Exit status 0: freed, or nothing was; 2: bad input, or no answer.
    """
    from .clean import clean as found

    return found(store, weights=weights, everything=everything, yes=yes)


@commands.command(short_help="Say what is wrong with this machine, and what to do.")
@click.option("--gpu", is_flag=True, help="that there is no GPU is wrong")
@click.option("--store", metavar="DIR", type=ONE, help="the store (default: .repro/store)")
@click.option("--data-root", metavar="DIR", help="the folder with the data sets")
def doctor(gpu: bool, store: Path | None, data_root: str | None) -> Answer:
    """Say what is wrong with this machine, and what to do.

    Looked at are versions, CUDA, data, disk, store and cache; nothing is downloaded. Exit status 0: nothing is wrong;
    1: something is; 2: bad input.
    """
    from .doctor import doctor as found

    return found(store, data_root, gpu=gpu)
