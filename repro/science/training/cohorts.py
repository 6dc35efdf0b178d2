"""Cohorts: runs trained side by side in one process, a step of each in turn.

One small network should leave most of a GPU idle. There each member has a stream of its own, so that steps overlap.
On a CPU members only take turns, which gains nothing and changes nothing: each ends in the weights that it has alone.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from ..networks.dropout import foreign_randomness
from .training import History, Training

End = History | Exception  # what a member comes to: what broke it is no concern of the others


def train_cohort(members: Sequence[Training]) -> list[End]:
    """Train all members to their ends; how each went, in their order, or what broke it.

    Members may have the same images, best laid out as ``preferred_layout`` says: each would make a copy of its own.
    ValueError: a network draws from the global random state, of which there is one for all.
    """
    for member in members:
        if kinds := foreign_randomness(member.model):
            raise ValueError(f"{', '.join(kinds)}: draws from the global random state, so it cannot be in a cohort")
    lanes = [_lane(member.device) for member in members]
    ends: dict[int, End] = {}
    while len(ends) < len(members):
        for i, (member, lane) in enumerate(zip(members, lanes, strict=True)):
            if i not in ends and (end := _taken(member, lane)) is not None:
                ends[i] = end
    for device in {member.device for member in members if member.device.type == "cuda"}:
        torch.cuda.synchronize(device)  # what follows may use another stream
    return [ends[i] for i in range(len(members))]


def _taken(member: Training, lane: AbstractContextManager[object]) -> End | None:
    """Take a step; what the member came to, if that was its last."""
    try:
        with lane:
            if member.advance():
                return None
            end: End = member.history()
    except Exception as error:
        end = error
    member.close()
    return end


def _lane(device: torch.device) -> AbstractContextManager[object]:
    """Where a member's steps are launched; to be entered for each of them."""
    if device.type != "cuda":
        return nullcontext()
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    return torch.cuda.stream(stream)
