"""The weights that a session's choice stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.errors import InputError
from ..engine.progress import Job
from ..engine.slices import SliceSet

if TYPE_CHECKING:
    from ..engine.generator import Weights, WeightsChoice


def pick_weights(
    spec: str, tuned: Weights | None, slices: SliceSet, *, training: bool = False
) -> Job[tuple[WeightsChoice | None, Weights]]:
    """Return the choice (None for the session's own fine-tuned weights) and the weights of `spec`.

    Raises
    ------
    InputError
        If there are none of this name.
    """
    from ..engine.generator import choosing_weights

    if spec == 'tuned':
        if tuned is None:
            raise InputError('weights', 'nothing has been fine-tuned yet', 'choose other weights, or fine-tune first')
        return None, tuned
    choice = yield from choosing_weights(spec, slices, training=training)
    return choice, choice.weights
