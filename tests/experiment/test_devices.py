"""The devices of a session: one text that says which task is on which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.experiment.devices import by_task, device_of, joined, told, used
from repro.experiment.tasks import TASKS

names = st.sampled_from(["cpu", "cuda"])


@given(names, st.dictionaries(st.sampled_from([*TASKS]), names))
def test_a_text_says_of_every_task_on_which_device_it_is(everywhere: str, own: dict[str, str]) -> None:
    text = joined(everywhere, own)
    assert {task: device_of(text, task) for task in TASKS} == {task: own.get(task, everywhere) for task in TASKS}
    assert used(text) == {everywhere, *own.values()}
    assert joined(*by_task(text)) == text
    assert joined(everywhere, dict(reversed(own.items()))) == text


def test_tasks_alone_leave_the_others_on_the_processor() -> None:
    assert by_task("StdCNN-MNIST=cuda") == ("cpu", {"StdCNN-MNIST": "cuda"})
    assert told("cuda,M1-MNIST=cpu,C1-CIFAR10=cpu") == "cuda, M1-MNIST on cpu, C1-CIFAR10 on cpu"
    assert told("cpu") == "cpu"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        *(("", ""), ("gpu", "gpu"), ("cpu,", ""), ("cpu,cuda", "cuda"), ("cpu,=cuda", "=cuda")),
        *(("cpu,StdCNN-MNIST=", "StdCNN-MNIST="), ("M1-MNIST=gpu,cpu", "M1-MNIST=gpu"), ("a=cpu,a=cuda", "a=cuda")),
    ],
)
def test_what_is_no_device_is_named(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"^{wrong}$"):
        by_task(text)
