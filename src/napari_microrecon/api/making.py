"""Making: volumes from slices, and weights from slices."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from ..engine.slices import Symmetry
from ..engine.volume import Volume
from . import steps as jobs
from .inputs import Axes, Labels, Length, PhasesWanted, Pictures, Places
from .progress_bar import run

if TYPE_CHECKING:
    from ..engine.generator import Weights
    from ..engine.generator.params import Mode, Recipe


def reconstruct(
    slices: Pictures,
    *,
    shape: tuple[int, int, int] = (128, 128, 128),
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    normal: Axes | None = None,
    position: Places | None = None,
    symmetry: Symmetry | None = None,
    weights: str | PathLike[str] | Weights = 'auto',
    mode: Mode | None = None,
    seed: int = 0,
    tile: int | None = None,
    periodic: bool = False,
    fractions: Literal['ensemble', 'volume'] = 'volume',
    target_fractions: Mapping[int | str, float] | None = None,
    training_volume: Labels | None = None,
    device: str = 'auto',
    progress: bool = False,
) -> Volume:
    """Reconstruct a volume from slices; waits until it is there.

    Parameters
    ----------
    slices : path, array, Slice, SliceSet, or a sequence of these
        What the material looks like in section; see `read_slices`, which also has the options that prepare a picture.
    shape : (int, int, int)
        Size in voxels: z, y, x.
    voxel_size, unit, phases, normal, position, symmetry
        As of `read_slices`; the voxel size of the slices is that of the volume.
    weights : str, path or Weights
        'auto' takes the nearest shipped weights, or an untrained generator where none are near; a name; a file; what
        `load_weights` or `finetune` gives; 'prior', 'exemplar', 'combined' or 'untrained' for generators without
        weights.
    mode : {'unconditional', 'conditioned', 'most-likely'}, optional
        unconditional: the material, not the place; conditioned: holds the slices exactly, at their positions;
        most-likely: the smooth best guess between them. By default conditioned where `position` is given.
    seed : int
        Same slices, options, seed and device: same volume, also on the command line and in the window.
    tile : int, optional
        Edge of the tiles in voxels; changes memory, not one voxel.
    periodic : bool
        Whether opposite faces fit together.
    fractions : {'volume', 'ensemble'}
        Whether the volume itself meets the phase fractions of the slices, or volumes of many seeds on average.
    target_fractions : mapping of phase (label or name) to float, optional
        Other fractions to meet.
    training_volume : path, array or Volume, optional
        Real material of the same kind to learn from, for the modes between slices.
    device : {'auto', 'cpu', 'cuda', 'mps'}
        Where to compute.
    progress : bool
        Whether to show a bar, in the terminal or in the notebook.

    Returns
    -------
    Volume
        ``numpy.asarray(volume)`` is the label array; its `note` says which weights made it, and whether its sections
        have the shapes of the slices.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import napari_microrecon as mr
    >>> from napari_microrecon.engine.samples import get_sample
    >>> slices = get_sample('sandstone').load_slices()
    >>> volume = mr.reconstruct(slices, shape=(32, 32, 32), seed=1)
    >>> volume.shape, volume.phases.names
    ((32, 32, 32), ('grain', 'pore'))
    """
    job = jobs.reconstruct(
        slices, shape=shape, voxel_size=voxel_size, unit=unit, phases=phases, normal=normal, position=position,
        symmetry=symmetry, weights=weights, mode=mode, seed=seed, tile=tile, periodic=periodic, fractions=fractions,
        target_fractions=target_fractions, training_volume=training_volume, device=device,
    )  # fmt: skip
    return run(job, progress)


def finetune(
    slices: Pictures,
    *,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    normal: Axes | None = None,
    symmetry: Symmetry | None = None,
    start: str | PathLike[str] | Weights = 'auto',
    minutes: float | None = None,
    steps: int | None = None,
    recipe: Recipe = 'sections',
    seed: int = 0,
    device: str = 'auto',
    name: str = '',
    progress: bool = False,
    **options: Any,
) -> Weights:
    """Train weights on slices, from the nearest ones there are; waits until it is done.

    Parameters
    ----------
    slices, voxel_size, unit, phases, normal, symmetry
        As of `read_slices`.
    start : str, path or Weights
        Weights to start from: 'auto', 'scratch', a name, a file, or what `load_weights` gives.
    minutes : float, optional
        Wall-clock time to train; 3 by default.
    steps : int, optional
        Steps to train instead; the result then repeats with the seed.
    recipe : {'sections', 'paper'}
        What to train by: statistics of the sections, or the critics of the paper.
    seed : int
        Of the training.
    device : {'auto', 'cpu', 'cuda', 'mps'}
        Where to compute.
    name : str
        Of the weights; by default that of the first slice.
    progress : bool
        Whether to show a bar.
    **options
        Other fields of `napari_microrecon.engine.generator.FinetuneParams`.

    Returns
    -------
    Weights
        For `reconstruct`; ``weights.save('mine.safetensors')`` keeps them.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import napari_microrecon as mr
    >>> from napari_microrecon.engine.samples import get_sample
    >>> slices = get_sample('sandstone').load_slices()
    >>> weights = mr.finetune(slices, steps=2, evaluations=1, box=32, name='mine')
    >>> weights.name, weights.phases.names
    ('mine', ('grain', 'pore'))
    """
    job = jobs.finetune(
        slices, voxel_size=voxel_size, unit=unit, phases=phases, normal=normal, symmetry=symmetry, start=start,
        minutes=minutes, steps=steps, recipe=recipe, seed=seed, device=device, name=name, **options,
    )  # fmt: skip
    return run(job, progress)
