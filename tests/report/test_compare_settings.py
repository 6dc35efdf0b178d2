"""What two sessions were asked for, and where they ran, is compared field by field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comparing import EMPTY, FIRST, Compared, comparison, made
from reports import Content

from repro.report.compare import Change
from repro.verdicts.declaration import digest


@pytest.fixture
def compared(tmp_path: Path) -> Compared:
    return comparison(tmp_path, made(tmp_path))


def test_a_margin_that_was_declared_differently_is_told(compared: Compared) -> None:
    def change(whole: Content) -> None:
        declared = whole["claims"][0]["declaration"]
        declared["holds_if"]["within"]["size"] = 2.0
        whole["claims"][0]["declared"] = digest(declared)

    found = compared(change)
    (moved,) = found.declared
    assert moved.name == f"{FIRST} (holds_if.within: 5 points -> 2 points)"
    assert moved.before != moved.after
    assert not found.same


def test_a_term_that_claims_share_is_told_once_however_many_were_decided_under_it(compared: Compared) -> None:
    def change(whole: Content) -> None:
        for claim in whole["claims"]:
            claim["declaration"]["under"]["rules"]["trained"] = 0.1
            claim["declared"] = digest(claim["declaration"])

    found = compared(change)
    assert found.declared == (Change("rules.trained", "0.85", "0.1"),)
    assert not found.same


def test_how_a_task_is_studied_is_told_among_the_settings_alone(compared: Compared) -> None:
    def change(whole: Content) -> None:
        for claim in whole["claims"]:
            claim["declaration"]["under"][claim["task"]]["reading"]["pgd_steps"] = 40.0
            claim["declared"] = digest(claim["declaration"])

    term = [Change(f"{task}.reading.pgd_steps", "4", "40") for task in ("M1-MNIST", "StdCNN-MNIST")]
    assert [*compared(change).declared] == term

    def with_settings(whole: Content) -> None:
        change(whole)
        for scale in whole["session"]["regime"]["tasks"].values():
            scale["reading"]["pgd_steps"] = 40

    found = compared(with_settings)
    assert (found.declared, found.settings) == ((), (Change("all tasks, reading, pgd_steps", 4, 40),))


def tasks(**changes: Any) -> Callable[[Content], object]:
    def change(whole: Content) -> None:
        for scale in whole["session"]["regime"]["tasks"].values():
            scale.update(changes)

    return change


def one_task(whole: Content) -> None:
    tasks(epochs=9)(whole)
    whole["session"]["regime"]["tasks"]["M1-MNIST"].update(batch_sizes=[64, 512])
    whole["session"]["regime"]["tasks"]["M1-MNIST"]["reading"].update(pgd_steps=9)


SETTINGS_THAT_DIFFER: dict[str, tuple[Callable[[Content], object], tuple[Change, ...]]] = {
    "every task": (tasks(epochs=9), (Change("all tasks, epochs", 2, 9),)),
    "one task beside": (
        one_task,
        (
            Change("all tasks, epochs", 2, 9),
            Change("M1-MNIST, batch_sizes", [64, 128, 256], [64, 512]),
            Change("M1-MNIST, reading, pgd_steps", 4, 9),
        ),
    ),
    "the regime's name": (
        lambda whole: whole["session"]["regime"].update(name="own"),
        (Change("regime, name", "quick", "own"),),
    ),
    "data": (
        lambda whole: whole["session"]["data"]["MNIST"].update(kind="surrogate"),
        (Change("data, MNIST", "published", "surrogate"),),
    ),
    "readings": (
        lambda whole: whole["session"].update(readings=["lambda1-test"]),
        (Change("readings", ["sound-attack"], ["lambda1-test"]),),
    ),
    "something new": (
        lambda whole: whole["session"].update(colour="blue"),
        (Change("colour", None, "blue"),),
    ),
}


@pytest.mark.parametrize(("change", "settings"), SETTINGS_THAT_DIFFER.values(), ids=SETTINGS_THAT_DIFFER)
def test_settings_are_compared_field_by_field(
    compared: Compared, change: Callable[[Content], object], settings: tuple[Change, ...]
) -> None:
    found = compared(change)
    assert found.settings == settings
    assert not found.same


def test_the_folder_that_data_lay_in_is_no_setting(compared: Compared) -> None:
    assert compared(lambda whole: whole["session"]["data"]["MNIST"].update(text="elsewhere")) == EMPTY


def test_circumstances_are_told_and_are_of_themselves_no_change(compared: Compared) -> None:
    def change(whole: Content) -> None:
        whole["session"].update(commit="def", dirty=True, device="cuda")
        whole["session"]["versions"] |= {"torch": "2.15", "new": "1"}
        whole["session"]["hardware"] |= {"cores": 4}

    found = compared(change)
    assert set(found.circumstances) == {
        Change("commit", "abc", "def"),
        Change("dirty", False, True),
        Change("device", "cpu", "cuda"),
        Change("versions, torch", "2.14", "2.15"),
        Change("versions, new", None, "1"),
        Change("hardware, cores", 8, 4),
    }
    assert found.same
