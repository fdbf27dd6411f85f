"""Whether the tensors of a stopped training are those that its trainer has; see `training_state`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from torch import Tensor

from ..errors import InputError
from ..voxels import AXES
from .losses import OWN, PATCH

if TYPE_CHECKING:
    from .trainer import Trainer

_ADAM = ('exp_avg', 'exp_avg_sq', 'step')
REMEDY = 'start a new fine-tuning'


def check_state(trainer: Trainer, tensors: dict[str, Tensor]) -> None:
    """Compare names and shapes with those of a trainer for the same slices and parameters.

    Raises
    ------
    InputError
        If a tensor is missing, too many or of another shape: of another version, or edited.
    """
    asked: dict[str, tuple[int, ...]] = {'opening': tuple(trainer.opening.shape)}
    for name, module in trainer.modules().items():
        asked |= {f'{name}/{key}': tuple(value.shape) for key, value in module.state_dict().items()}
    allowed = asked | _slots(trainer, tensors) | _running(trainer) | _past(trainer, tensors)
    for name in asked:
        if name not in tensors:
            raise _refused(f'lacks {name}')
    for name, tensor in tensors.items():
        if name not in allowed:
            raise _refused(f'has a tensor {name[:60]!r} too many')
        if tuple(tensor.shape) != allowed[name]:
            raise _refused(f'{name} has the shape {tuple(tensor.shape)} where {allowed[name]} belongs')


def _refused(problem: str) -> InputError:
    return InputError('the stopped training', f'{problem}: it is of another version, or was changed', REMEDY)


def _slots(trainer: Trainer, tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """What the optimisers remember of each parameter: all of it or, before its first step, nothing."""
    found: dict[str, tuple[int, ...]] = {}
    for name, optimiser in trainer.optimisers().items():
        parameters: Iterable[Tensor] = (p for group in optimiser.param_groups for p in group['params'])
        for index, parameter in enumerate(parameters):
            shapes = {f'{name}/{index}/{slot}': () if slot == 'step' else tuple(parameter.shape) for slot in _ADAM}
            present = [key for key in shapes if key in tensors]
            if present and len(present) < len(shapes):
                raise _refused(f'lacks a part of {name}/{index}')
            found |= shapes
    return found


def _running(trainer: Trainer) -> dict[str, tuple[int, ...]]:
    """Means over many steps that the statistics are compared by."""
    planes = trainer.planes
    found = {'running/faces': tuple(planes.faces.shape)}
    for plane in range(len(AXES)):
        for index in range(planes.s2.shape[1]):
            found[f'running/s2 {index} {plane}'] = tuple(planes.s2.shape[2:])
    return found


def _past(trainer: Trainer, tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Patches of earlier volumes, as many as are remembered at most."""
    most = trainer.params.memory * (OWN // 3)
    width = trainer.exemplars.phase_count * PATCH * PATCH
    found: dict[str, tuple[int, ...]] = {}
    for scale in trainer.patches.scales:
        for normal in AXES:
            name = f'past/{normal} {scale}'
            kept = tensors[name].shape[0] if name in tensors and tensors[name].dim() == 2 else 0
            found[name] = min(kept, most), width
    return found
