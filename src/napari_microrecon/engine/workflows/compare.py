"""A generated volume beside real material: whether the two can be compared, and by which phase."""

from __future__ import annotations

from ..errors import InputError
from ..phases import Phases
from ..volume import Volume


def phases_to_compare(generated: Volume, real: Volume) -> Phases:
    """The phases of two volumes that are to be compared; their names are those of the one that knows its pore.

    Raises
    ------
    InputError
        If they have different numbers of phases, or voxels of different size.
    """
    if generated.phases.count != real.phases.count:
        raise InputError(
            generated.name,
            f'has {generated.phases.count} phases while {real.name} has {real.phases.count}',
            'say --phases N (phases=N in Python)',
        )
    if not generated.voxel_size.agrees_with(real.voxel_size):
        raise InputError(
            generated.name,
            f'has voxels of {generated.voxel_size} while {real.name} has {real.voxel_size}',
            'resample one of them, or give --voxel-size for both (voxel_size in Python)',
        )
    # The real volume may come with names and a pore where the generated one has none.
    return real.phases if real.phases.pore is not None else generated.phases
