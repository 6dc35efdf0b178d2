"""Reports that somebody broke, at random and on purpose: what a hostile hand might put into one."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

DEEP = 5000  # brackets within each other
BRACKETS = "@brackets@"  # stands for them until the text is made: Python's own writer refuses them
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1000, 10**6, 10**9, 10**18, -(10**18), 10**40, 10**400, 2**63, 2**64),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, 1.5, float("nan"), float("inf"), -float("inf")),
    *("", " ", "0", "holds", "fails", "undecided", "all tasks", "M1-MNIST", "quick", "paper", "nan", "x" * 10_000),
    *(
        "\x1b[2J\x1b[31mred",
        "two\nlines",
        "all agree\n245 of 245 claims checked: all agree",
        "\r\b\b\b",
        "\u202egnirts",
    ),
    *("\ud800", "\x00", "\x85\u2028", "../../../etc/passwd", "/dev/zero", "/", "~", "%s%n{0}", "claims/../../x.py::a"),
    *([], {}, [None], [[]], {"": {}}, [1, 2], ["a"] * 50, {"a": {"b": {"c": [1]}}}, BRACKETS, list(range(1000))),
)


def mutated(report: dict[str, Any], dice: random.Random) -> bytes:
    """A report of which some places hold something else, are gone, are there twice; or a text with other bytes."""
    found = copy.deepcopy(report)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        _mutate(found, dice)
    text = json.dumps(found).replace(f'"{BRACKETS}"', "[" * DEEP + "]" * DEEP).encode()
    if dice.random() < 0.15:
        harmed = bytearray(text)
        for _ in range(dice.choice((1, 3, 20))):
            at = dice.randrange(len(harmed))
            harmed[at : at + dice.choice((0, 1, 1, 5))] = bytes([dice.randrange(256)])
        text = bytes(harmed[: dice.randrange(len(harmed))] if dice.random() < 0.2 else harmed)
    return text


def _mutate(report: dict[str, Any], dice: random.Random) -> None:
    """Change one place; half the time one of the few that speak of the session, of which there are less."""
    part = report[dice.choice(["session", "session", *report])] if dice.random() < 0.95 else report
    places = [*_places(part)]
    if not places:
        return
    holder, name = dice.choice(places)
    match dice.choice(("put", "put", "put", "put", "drop", "other", "number")):
        case "drop":
            del holder[name]
        case "other":
            there, where = dice.choice(places)
            holder[name] = copy.deepcopy(there[where])
        case "number" if isinstance(holder[name], int | float):
            holder[name] = holder[name] * dice.choice((-1, 0, 2, 10**6, 10**12)) + dice.choice((0, 1))
        case _:
            holder[name] = copy.deepcopy(dice.choice(VALUES))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield value, name
            yield from _places(value[name])
