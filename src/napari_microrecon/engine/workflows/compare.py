"""A generated volume beside real material: whether the two can be compared, and by which phase."""

from __future__ import annotations

from ..errors import InputError
from ..matching import seeming_order
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


def remarks(generated: Volume, real: Volume) -> list[str]:
    """What was taken for granted in comparing two volumes, and what seems wrong with it, in words."""
    said = []
    for one, other in ((generated, real), (real, generated)):
        if not one.voxel_size.is_known and other.voxel_size.is_known:
            said.append(
                f'{one.name} names no voxel size: {other.voxel_size}, that of {other.name}, is taken for both; '
                'if that is wrong, give the size (--voxel-size, voxel_size in Python) or resample'
            )
    order = seeming_order(generated, real)
    if order is not None:
        there, here = (', '.join(f'{part:.2f}' for part in parts) for parts in (order.there, order.here))
        said.append(
            f'the phases seem to be in another order: fractions are {there} in {generated.name} and {here} in '
            f'{real.name}, which would fit if the labels {", ".join(map(str, order.order))} of {generated.name} were '
            f'{", ".join(str(i) for i in range(len(order.order)))}; exchange them if so'
        )
    return said
