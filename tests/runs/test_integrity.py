"""Damage to a store's files is noticed when they are read, whatever it is; what was stored before checksums holds."""

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import READING, conditions, fill, prepared

from repro.experiment.recipes import LR
from repro.experiment.tasks import STDCNN_MNIST
from repro.report.store_check import check_store
from repro.runs.decided import decided
from repro.runs.integrity import signed
from repro.runs.run import Run, reading_key
from repro.runs.store import Store

RUNS = conditions(seeds=2).runs(STDCNN_MNIST, LR(), (64, 128))
RUN, OTHER = RUNS[:2]
MEASURES = f"measures-{reading_key(READING)}.json"
FILES = ("run.json", MEASURES)
DAMAGES = 300


@pytest.fixture
def full(store: Store) -> Store:
    fill(store, RUNS)
    for run in RUNS:  # of their own, or one run's would pass for another's
        record, measures = store.record(run) or {}, store.measures(run, READING) or {}
        store.put_run(run, record, lambda path, run=run: path.write_text(run.key))
        store.put_measures(run, READING, measures)
    return store


def file(store: Store, name: str, run: Run = RUN) -> Path:
    return store.weights(run).parent / name


def unsign(store: Store) -> None:
    """Make the store one of before there were checksums."""
    for path in (store.root / "runs").glob("*/*.json"):
        content = json.loads(path.read_text())
        content |= {"losses": [2.3, 0.5], "seconds": 1.5} if path.name == "run.json" else {}
        path.write_text(json.dumps({k: v for k, v in content.items() if k not in ("checksum", "weights")}, indent=1))


def believed(store: Store) -> tuple[bool, list[str]]:
    """Whether the run is there for who opens the store now, and what was said."""
    told: list[str] = []
    return Store(store.root, told.append).whole(RUN, READING), told


def test_every_random_damage_is_noticed_by_who_reads_and_by_who_checks(full: Store) -> None:
    """Bytes that are flipped, put in and taken out, files cut short, and digits for which others are put."""
    dice = random.Random(17)
    for _ in range(DAMAGES):
        path = file(full, dice.choice(FILES))
        sound = path.read_bytes()
        harmed = bytearray(sound)
        at = dice.randrange(len(sound))
        match dice.choice(("flip", "cut", "drop", "put", "digit")):
            case "flip":
                harmed[at] ^= 1 << dice.randrange(8)
            case "cut":
                del harmed[at:]
            case "drop":
                del harmed[at]
            case "put":
                harmed.insert(at, dice.randrange(256))
            case "digit":
                at = dice.choice([i for i, c in enumerate(sound) if chr(c).isdigit()])
                harmed[at] = dice.choice([c for c in b"0123456789" if c != sound[at]])
        path.write_bytes(harmed)
        if _plain(harmed) == _plain(sound):  # a space between two words, say
            assert check_store(full.root).damaged == []
        else:
            (line,) = check_store(full.root).damaged
            assert line.startswith(f"{path}: ")
            assert "\n" not in line
            there, told = believed(full)
            assert not there
            (line,) = told
            assert f"; set aside as {path.name}.damaged-1, it is made anew" in line
            path.with_name(f"{path.name}.damaged-1").unlink()
        path.write_bytes(sound)
    assert believed(full) == (True, [])


def _plain(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content


def test_a_file_of_another_run_or_under_another_name_is_not_this_ones(full: Store) -> None:
    further = replace(READING, pgd_steps=5)
    for run in (RUN, OTHER):
        full.put_measures(run, further, full.measures(run, READING) or {})
    swaps = [(file(full, name), file(full, name, OTHER)) for name in FILES]
    swaps.append((file(full, MEASURES), file(full, f"measures-{reading_key(further)}.json")))
    for here, there in swaps:
        sound = here.read_bytes()
        shutil.copy(there, here)
        assert not believed(full)[0]
        here.write_bytes(sound)
    assert believed(full)[0]


def test_measures_of_other_weights_than_the_records_are_made_anew(full: Store) -> None:
    record, measures = full.record(RUN) or {}, file(full, MEASURES).read_bytes()
    full.put_run(RUN, record, lambda path: path.write_bytes(b"other weights"))
    file(full, MEASURES).write_bytes(measures)
    there, (line,) = believed(full)
    assert not there
    assert "it was measured on other weights than the record is of" in line


def nested(path: Path) -> None:
    path.write_text("[" * 10_000 + "]" * 10_000)


def nested_in_a_record(path: Path) -> None:
    path.write_text('{"run": ' + '{"run": ' * 900 + "1" + "}" * 901)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "run.json").touch()


def link(path: Path) -> None:
    aside = path.parents[2] / path.name
    path.rename(aside)
    path.symlink_to(aside)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def huge(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(2**34)


SHAPES = (nested, nested_in_a_record, folder, link, pipe, huge)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_no_file_of_the_store_is_set_aside_and_made_anew(
    full: Store, name: str, shape: Callable[[Path], None]
) -> None:
    path = file(full, name)
    shape(path)
    there, (line,) = believed(full)
    assert not there
    assert line.startswith(f"{path}: ")
    assert os.path.lexists(path.with_name(f"{name}.damaged-1"))
    fill(full, [RUN])
    assert believed(full) == (True, [])


@pytest.mark.parametrize("as_link", [True, False])
def test_a_runs_folder_that_is_a_link_or_none_is_not_followed(full: Store, tmp_path: Path, as_link: bool) -> None:
    here, outside = file(full, ""), tmp_path / "outside"
    here.rename(outside)
    before = sorted(outside.iterdir())
    here.symlink_to(outside) if as_link else here.write_text("no folder")
    assert believed(full)[0] is False
    fill(full, [RUN])
    assert believed(full) == (True, [])
    assert sorted(outside.iterdir()) == before


def test_a_store_of_before_there_were_checksums_is_believed_and_left_as_it_is(full: Store) -> None:
    unsign(full)
    before = {path: path.read_bytes() for path in full.root.rglob("*") if path.is_file()}
    assert believed(full) == (True, [])
    found = check_store(full.root)
    assert (found.damaged, found.signed, found.unsigned) == ([], 0, 3 * len(RUNS))
    assert {path: path.read_bytes() for path in full.root.rglob("*") if path.is_file()} == before


EDITS: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "no steps": ("run.json", lambda record: record.pop("steps")),
    "a word for steps": ("run.json", lambda record: record.update(steps="many")),
    "negative": ("run.json", lambda record: record.update(training_amount=-1.0)),
    "something else": ("run.json", lambda record: record.update(chfcksum="0" * 64)),
    "another seed": ("run.json", lambda record: record["run"].update(seed=7)),
    "no run": ("run.json", lambda record: record.update(run={})),
    "an accuracy of 7.5": (MEASURES, lambda found: found["measures"].update(test_accuracy=7.5)),
    "a word for lambda1": (MEASURES, lambda found: found["measures"].update(lambda1="high")),
    "beyond all numbers": (MEASURES, lambda found: found["measures"].update(lambda1=10**400)),
    "a list": (MEASURES, lambda found: found.update(measures=[{}])),
    "no lambda1": (MEASURES, lambda found: found["measures"].pop("lambda1")),
    "nothing": (MEASURES, lambda found: found.update(measures={})),
    "another reading": (MEASURES, lambda found: found["reading"].update(pgd_steps=9)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_unsigned_file_that_holds_something_else_is_set_aside(full: Store, edit: str) -> None:
    unsign(full)
    name, change = EDITS[edit]
    content = json.loads(file(full, name).read_text())
    change(content)
    file(full, name).write_text(json.dumps(content))
    assert len(check_store(full.root).damaged) == 1
    there, told = believed(full)
    assert not there
    assert len(told) == 1


@pytest.mark.parametrize("value", [7.5, -0.1, "high", None, [1]])
def test_a_checksum_does_not_make_an_accuracy_of_what_is_none(full: Store, value: Any) -> None:
    path = file(full, MEASURES)
    content = json.loads(path.read_text())
    del content["checksum"]
    content["measures"]["test_accuracy"] = value
    path.write_text(json.dumps(signed(content, f"{RUN.key}/{MEASURES}")))
    assert believed(full)[0] is False


def test_weights_are_checked_too_where_a_store_is_checked(full: Store) -> None:
    weights = full.weights(RUN)
    weights.write_bytes(b"others")
    assert [line.partition(": ")[0] for line in check_store(full.root).damaged] == [str(weights)]
    weights.unlink()  # a store without weights is a full one
    assert check_store(full.root).damaged == []
    assert believed(full) == (True, [])


@pytest.mark.skipif(os.name == "nt", reason="a limit of file sizes is POSIX's")
def test_with_a_full_disk_one_line_is_said_and_what_was_stored_stays(full: Store) -> None:
    import resource

    from repro.errors import ReproError

    before = {path: path.read_bytes() for path in full.root.rglob("*") if path.is_file()}
    new = replace(RUN, seed=9)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(ReproError, match=r"could not be stored .*what was stored is whole") as error:
            full.put_run(new, {}, lambda path: path.write_bytes(bytes(2000)))
        with pytest.raises(ReproError, match="could not be stored"):
            full.put_measures(RUN, READING, {"measures": {"lambda1": [1.5] * 1000}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in full.root.rglob("*") if path.is_file()} == before
    assert believed(full) == (True, [])
    fill(full, [new])
    assert Store(full.root).whole(new, READING)


def test_what_a_process_left_that_was_killed_as_it_wrote_measures_is_removed(full: Store) -> None:
    left = file(full, f".writing-{MEASURES}-abc")
    left.write_text("{")
    full.put_measures(RUN, READING, full.measures(RUN, READING) or {})
    assert not left.exists()


def test_the_published_store_is_believed(tmp_path: Path) -> None:
    published = Path(__file__).parents[2] / "artifacts" / "published" / "store"
    found = check_store(published)
    assert found.damaged == []
    assert found.signed + found.unsigned > 100
    assert decided(prepared(tmp_path / "empty")) == []


def test_what_was_measured_on_other_weights_goes_with_them_as_a_run_is_stored_anew(full: Store) -> None:
    """Otherwise it would count as made until somebody reads it, and the session that trained anew would lack it."""
    record = full.record(RUN) or {}
    file(full, "run.json").write_text("{")
    store = Store(full.root)
    assert store.record(RUN) is None
    store.put_run(RUN, record, b"trained to other last bits")
    assert not store.has(RUN, READING)
    assert store.has(OTHER, READING)


def test_what_was_measured_on_the_same_weights_stays_as_a_run_is_stored_anew(full: Store) -> None:
    record, weights = full.record(RUN) or {}, full.weights(RUN).read_bytes()
    full.put_run(RUN, record, weights)
    assert full.whole(RUN, READING)


@pytest.mark.parametrize("weights", ["gone", "there"])
def test_unsigned_measures_do_not_pass_for_those_of_a_network_that_was_trained_since(full: Store, weights: str) -> None:
    """They do not say of which weights they are, and are believed for lying beside the only ones."""
    record = full.record(RUN) or {}
    unsign(full)
    if weights == "gone":
        full.weights(RUN).unlink()
        file(full, "run.json").unlink()  # as the error that asks for weights advises
    store = Store(full.root)
    store.put_run(RUN, record, b"trained to other last bits")
    assert not store.has(RUN, READING)


def test_unsigned_measures_stay_where_the_same_weights_are_stored_again(full: Store) -> None:
    record, weights = full.record(RUN) or {}, full.weights(RUN).read_bytes()
    unsign(full)
    store = Store(full.root)
    store.put_run(RUN, record, weights)
    assert store.whole(RUN, READING)
