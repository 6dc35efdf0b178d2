"""Options and regime files at random: each is taken, or told in one line that can be printed, at once."""

import random
import time
from pathlib import Path

import pytest
from projects import Project

from repro.errors import ReproError, error_line
from repro.experiment.fields import FIELDS
from repro.experiment.regime_files import load_regime
from repro.plugin.options import VALUES, flag
from repro.plugin.settings import settings

TRIED = 300
WORDS = (
    *("", "-", "--", "-1", "0", "1", "2", "64", "1.5", "1e5", "9" * 30, "9" * 5000, "+1", "0x10", "1_000", "٣", " 7 "),
    *("until-decided", "until-decided:", "until-decided:3", "until-decided:" + "9" * 50, "64,64", "1,2,3", ",", "1,,2"),
    *("all", "quick", "paper", "M1-MNIST", "sound-attack", "bfloat16", "nan", "inf", "None", "true", "[1]", "{}"),
    *(
        "\x1b[2J",
        "two\nlines",
        "\r\b",
        "\u202egnirts",
        "\x85",
        "\udcff",
        "a\x00b",
        "%s%n",
        "x" * 5000,
        "../../..",
        "~x/y",
    ),
    *("/dev/null", "/dev/zero", "/proc/self/mem", "/etc/passwd", ".", "claims", ",".join(map(str, range(1, 2000)))),
)
OPTIONS = (*map(flag, FIELDS), *VALUES)


def test_random_options_are_taken_or_told_in_one_line(project: Project) -> None:
    dice, refused = random.Random(17), 0
    for _ in range(TRIED):
        words = [f"{dice.choice(OPTIONS)}={dice.choice(WORDS)}" for _ in range(dice.choice((1, 1, 2, 3)))]
        began = time.process_time()
        try:
            settings(project.pytester.parseconfig(*words))
        except (pytest.UsageError, ReproError) as error:
            refused += 1
            text = error_line(error)
            assert "\n" not in text
            assert len(text) < 2000
            assert all(c.isprintable() for c in text), text
        assert time.process_time() - began < 20
    assert TRIED / 3 < refused < TRIED


@pytest.mark.parametrize(
    "options",
    [
        ["--width=--"],
        ["--data-root", "x" * 5000],
        ["--width", "9" * 700],
        ["--seeds", "10000"],
        ["--seeds", "٣"],
        ["--task", "\x1b[31mred"],
        ["--regime", "two\nlines"],
    ],
)
def test_a_session_that_cannot_be_ends_with_status_4_and_one_line(project: Project, options: list[str]) -> None:
    result = project.bare("claims", "--plan", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = [line for line in [*result.outlines, *result.errlines] if "ERROR: " in line]
    assert len(told) == 1
    assert told[0].startswith(f"ERROR: {options[0].partition('=')[0]} ")
    assert all(c.isprintable() for line in [*result.outlines, *result.errlines] for c in line)
    assert not any("Traceback" in line for line in [*result.outlines, *result.errlines])


PIECES = (
    *("name = ", "base = ", "[all]\n", '[tasks."M1-MNIST"]\n', "[tasks]\n", "seeds = ", "epochs = ", "batch_sizes = "),
    *("5\n", "0\n", "-1\n", "1e400\n", "nan\n", "[64, 256]\n", "[[1]]\n", '"quick"\n', '"\\u001b[2J"\n', '"a\\nb"\n'),
    *("true\n", "1979-05-27\n", "{}\n", "[" * 5000, "9" * 5000 + "\n", "\x1b", "\x00", "=", '"', "#", "\n", "x" * 3000),
)


def test_random_regime_files_are_taken_or_told_in_one_line(tmp_path: Path) -> None:
    dice, path, refused = random.Random(17), tmp_path / "own.toml", 0
    for _ in range(TRIED):
        path.write_text("".join(dice.choices(PIECES, k=dice.choice((1, 2, 4, 8)))))
        told = ""
        try:
            load_regime(str(path))
        except ReproError as error:
            told = str(error)
        refused += bool(told)
        assert all(c.isprintable() for c in told)
        assert len(told) < 1500
    assert refused > TRIED / 2


def test_a_regime_file_that_is_none_is_told(tmp_path: Path) -> None:
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(2**34)
    with pytest.raises(ReproError, match="is larger than 1 MiB"):
        load_regime(str(huge))
