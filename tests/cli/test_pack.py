"""Finished runs, carried from one store to another in files below a size; and files that pretend to be such."""

import errno
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds import READING, conditions, fill, prepared

from repro import cli
from repro.experiment.recipes import LR
from repro.experiment.tasks import STDCNN_MNIST
from repro.report.store_check import check_store
from repro.runs.decided import put_decided
from repro.runs.store import Store

RUNS = conditions(seeds=4).runs(STDCNN_MNIST, LR(), (64, 128, 256))
MIB = 2**20
BIG = RUNS[0]


@pytest.fixture
def full(store: Store) -> Store:
    """A store of which one run has weights of more than a file's size, and the others of a third of it."""
    fill(store, RUNS)
    for number, run in enumerate(RUNS):
        record, measures = store.record(run) or {}, store.measures(run, READING) or {}
        content = random.Random(number).randbytes(2 * MIB if run == BIG else MIB // 3)
        store.put_run(run, record, lambda path, content=content: path.write_bytes(content))
        store.put_measures(run, READING, measures)
    put_decided(store, {"decided": [], "terms": {}})
    return store


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = cli.main([*map(str, arguments)])
    output, error = capsys.readouterr()
    assert "Traceback" not in error
    assert error.count("\n") == (status == 2)
    return status, output + error


def packed(capsys: pytest.CaptureFixture[str], store: Store, out: Path) -> str:
    status, text = said(capsys, "pack", out, "--store", store.root, "--max-mib", 1)
    assert status == 0
    return text


def content(root: Path) -> dict[str, bytes]:
    paths = [path for name in ("runs", "decided") for path in (root / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def test_runs_arrive_as_they_were_in_files_below_the_size(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = packed(capsys, full, tmp_path / "out")
    files = sorted((tmp_path / "out").iterdir())
    assert text == f"{len(RUNS)} runs, 1 of them without weights, in {len(files)} files in {tmp_path / 'out'}\n"
    assert len(files) > 3
    assert all(path.stat().st_size <= MIB for path in files)
    other = tmp_path / "other"
    status, text = said(capsys, "unpack", tmp_path / "out", "--store", other)
    assert (status, text) == (0, f"runs in {other}: {len(RUNS)} new, 0 completed, 0 there already\n")
    sent = content(full.root)
    del sent[f"runs/{BIG.key}/weights.safetensors"]
    assert content(other) == sent
    assert check_store(other).damaged == []
    assert all(Store(other).whole(run, READING) for run in RUNS)
    assert not [*other.glob(".writing-*")]


def test_what_is_there_stays_and_what_is_lacking_is_added(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed(capsys, full, tmp_path / "out")
    other = prepared(tmp_path / "other")
    shutil.copytree(full.root / "runs", other.root / "runs", dirs_exist_ok=True)
    other.weights(RUNS[1]).unlink()
    next(other.weights(RUNS[2]).parent.glob("measures-*")).unlink()
    (other.weights(RUNS[3]).parent / "run.json").unlink()
    shutil.rmtree(other.weights(RUNS[4]).parent)
    other.put_run(RUNS[5], other.record(RUNS[5]) or {}, lambda path: path.write_bytes(b"of another machine"))
    kept = content(other.root)
    status, text = said(capsys, "unpack", tmp_path / "out", "--store", other.root)
    assert (status, text) == (0, f"runs in {other.root}: 2 new, 2 completed, {len(RUNS) - 4} there already\n")
    found = content(other.root)
    assert {name: found[name] for name in kept} == kept
    assert all(Store(other.root).whole(run, READING) for run in RUNS if run != RUNS[5])
    assert Store(other.root).weights(RUNS[5]).read_bytes() == b"of another machine"
    assert said(capsys, "unpack", tmp_path / "out", "--store", other.root)[1].endswith(
        " 0 new, 0 completed, 12 there already\n"
    )


def test_what_is_damaged_is_left_out_and_told_on_both_sides(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harmed = full.weights(RUNS[1])
    sound = harmed.read_bytes()
    harmed.write_bytes(sound[:-1] + b"?")
    status, text = said(capsys, "pack", tmp_path / "out", "--store", full.root, "--max-mib", 1)
    assert status == 1
    assert f"left out, for it is damaged: {harmed}: it is not what its checksum is of\n" in text
    bundle = next((tmp_path / "out").iterdir())
    files = read(bundle)
    name = next(name for name in files if name.endswith("run.json"))
    files[name] = files[name].replace(b'"training_amount": ', b'"training_amount": 1')
    write(bundle, files)
    status, text = said(capsys, "unpack", bundle, "--store", tmp_path / "other")
    assert status == 1
    assert f"left out, for it is damaged: {name}: it is not what its checksum is of\n" in text
    assert not (tmp_path / "other" / name).exists()
    assert check_store(tmp_path / "other").damaged == []


def read(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as file:
        return {name: file.read(name) for name in file.namelist()}


def write(bundle: Path, files: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(bundle, "w", kind) as file:
        for name, of_file in files.items():
            file.writestr(name, of_file)


KEY = "0" * 20
NAMES = (
    *(f"../{KEY}/run.json", f"runs/../../{KEY}/run.json", "/etc/passwd", f"runs/{KEY}/../run.json", "runs/x/run.json"),
    *(f"runs/{KEY}/run.json/", f"runs/{KEY}/weights.pkl", f"locks/{KEY}.lock", f"runs/{KEY}/run.json\n", "\x1b[2J"),
    *(f"runs\\{KEY}\\run.json", f"runs/{KEY}/RUN.JSON", "decided/x.json", f"RUNS/{KEY}/run.json"),
)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out_of_the_store(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    write(tmp_path / "runs-001.zip", {name: b"{}"})
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "store")}
    status, text = said(capsys, "unpack", tmp_path / "runs-001.zip", "--store", tmp_path / "store")
    assert status == 2
    assert "which is no file of a store" in text
    assert all(c.isprintable() or c == "\n" for c in text)
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "store")} == before
    assert content(tmp_path / "store") == {}


def compressed(path: Path) -> None:
    write(path, {f"runs/{KEY}/run.json": bytes(10**7)}, zipfile.ZIP_DEFLATED)


def no_zip(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 no more")


def twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"runs/{KEY}/run.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr(f"runs/{KEY}/run.json", b"{}")


def link(path: Path) -> None:
    write(path.with_name("elsewhere"), {f"runs/{KEY}/run.json": b"{}"})
    path.symlink_to(path.with_name("elsewhere"))


def pickled(path: Path) -> None:
    write(path, {f"runs/{KEY}/weights.safetensors": b"cos\nsystem\n(S'touch /tmp/owned'\ntR."})


@pytest.mark.parametrize("shape", [compressed, no_zip, twice, link])
def test_what_is_no_bundle_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: Callable[[Path], None]
) -> None:
    shape(tmp_path / "runs-001.zip")
    assert said(capsys, "unpack", tmp_path, "--store", tmp_path / "store")[0] == 2
    assert content(tmp_path / "store") == {}


def test_weights_without_their_record_are_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pickled(tmp_path / "runs-001.zip")
    assert said(capsys, "unpack", tmp_path, "--store", tmp_path / "store")[0] == 0
    assert content(tmp_path / "store") == {}


def test_bundles_with_random_damages_change_nothing_or_bring_what_is_sound(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed(capsys, full, tmp_path / "out")
    sound = min((tmp_path / "out").iterdir(), key=lambda path: path.stat().st_size)
    dice, sent, seen = random.Random(17), content(full.root), set()
    for number in range(60):
        harmed = bytearray(sound.read_bytes())
        for _ in range(dice.choice((1, 1, 10))):
            harmed[dice.randrange(len(harmed))] ^= 1 << dice.randrange(8)
        if number % 5 == 0:
            del harmed[dice.randrange(len(harmed)) :]
        (tmp_path / "runs-001.zip").write_bytes(harmed)
        other = tmp_path / "other" / str(number)
        seen.add(said(capsys, "unpack", tmp_path / "runs-001.zip", "--store", other)[0])
        assert content(other).items() <= sent.items()
    assert 2 in seen


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pack", "out", "--store", "nowhere"], "--store nowhere: must be the folder in which a session kept its runs"),
        (["pack", "out", "--max-mib", "0"], "--max-mib 0: must be from 1 to 4096, the most that is unpacked"),
        (["pack", "out", "--max-mib", "8192"], "--max-mib 8192: must be from 1 to 4096, the most that is unpacked"),
        (["pack", "again"], "again: holds bundles already; name another folder, or remove them"),
        (["pack", "a-file"], "a-file: must be a folder that can be written to (File exists)"),
        (["pack", "/proc/out"], "/proc/out: must be a folder that can be written to (No such file or directory)"),
        (["unpack", "nowhere"], "nowhere: must be a bundle, or a folder with bundles (runs-....zip), and is neither"),
    ],
)
def test_what_cannot_be_done_is_told(
    full: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").touch()
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "runs-007.zip").touch()
    rest = [] if "--store" in arguments else ["--store", str(full.root)]
    assert said(capsys, *arguments, *rest) == (2, f"python -m repro {arguments[0]}: {says}\n")


def test_a_store_of_before_there_were_checksums_is_carried_too(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (full.root / "runs").glob("*/*.json"):
        old = json.loads(path.read_text())
        old |= {"losses": [], "seconds": 1.0} if path.name == "run.json" else {}
        path.write_text(json.dumps({name: value for name, value in old.items() if name not in ("checksum", "weights")}))
    packed(capsys, full, tmp_path / "out")
    assert said(capsys, "unpack", tmp_path / "out", "--store", tmp_path / "other")[0] == 0
    assert all(Store(tmp_path / "other").whole(run, READING) for run in RUNS)


def test_a_bundle_that_is_damaged_leaves_the_others_theirs(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed(capsys, full, tmp_path / "out")
    first, *others = sorted((tmp_path / "out").iterdir())
    first.write_bytes(first.read_bytes()[:1000])
    status, text = said(capsys, "unpack", tmp_path / "out", "--store", tmp_path / "other")
    assert status == 1
    assert f"left out, for it is damaged: {first}: " in text
    alone = tmp_path / "sound"
    for path in others:
        said(capsys, "unpack", path, "--store", alone)
    assert content(tmp_path / "other") == content(alone) != {}


def test_two_at_once_leave_each_other_what_they_are_at(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed(capsys, full, tmp_path / "out")
    other = tmp_path / "store" / ".writing-unpacked-other"
    (other / "runs").mkdir(parents=True)
    long_ago = tmp_path / "store" / ".writing-unpacked-of-a-killed-one"
    long_ago.mkdir()
    os.utime(long_ago, (0, 0))
    assert said(capsys, "unpack", tmp_path / "out", "--store", tmp_path / "store")[0] == 0
    assert (other / "runs").is_dir()
    assert not long_ago.exists()


def test_a_disk_that_is_full_is_no_fault_of_a_bundle(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed(capsys, full, tmp_path / "out")

    def refused(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refused)
    status, text = said(capsys, "unpack", tmp_path / "out", "--store", tmp_path / "store")
    assert status == 2
    assert f"--store {tmp_path / 'store'}: cannot be written to (No space left on device)" in text


def test_what_is_no_bundle_leaves_no_store_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "unpack", tmp_path / "nowhere", "--store", tmp_path / "store")[0] == 2
    assert not (tmp_path / "store").exists()


def test_what_lies_in_a_store_and_is_no_run_is_in_nobody_s_way(
    full: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (full.root / "runs" / ".DS_Store").touch()
    assert check_store(full.root).damaged == []
    packed(capsys, full, tmp_path / "out")
    first = sorted(path.name for path in (full.root / "runs").iterdir())[1]
    (tmp_path / "other" / "runs").mkdir(parents=True)
    (tmp_path / "other" / "runs" / first).touch()
    assert said(capsys, "unpack", tmp_path / "out", "--store", tmp_path / "other")[0] == 0
    assert (tmp_path / "other" / "runs" / first / "run.json").is_file()
