"""Measuring: one volume, a volume beside real material, and how well slices tell a phase fraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.slices import SliceSet
from ..engine.volume import Volume
from . import steps as jobs
from .inputs import Labels, Length, PhasesWanted, Pictures, label_of, slices_of, volume_of
from .progress_bar import run

if TYPE_CHECKING:
    from ..engine.diffusion.solver_process import Solver
    from ..engine.representativity import Representativity
    from .results import Comparison, Report


def measure(
    volume: Labels,
    phase: int | str | None = None,
    *,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    tortuosity: bool = True,
    solver: Solver = 'auto',
    progress: bool = False,
) -> Report:
    """Measure one phase of a volume; waits until it is done.

    Parameters
    ----------
    volume : Volume, path or numpy.ndarray
        3D: what `reconstruct` or `read_volume` gives, a file, a label array, or a mask whose True voxels are measured.
    phase : int or str, optional
        Its value in the file or array, or its name; by default the pore, else the second. Of a mask, what its
        True voxels are called.
    voxel_size, unit, phases
        Of an array or a file, as of `read_volume`.
    tortuosity : bool
        Whether to solve for the tortuosity along the three axes, which takes longest.
    solver : {'auto', 'own', 'gpu', 'porespy'}
        Tortuosity solver.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Report
        ``report.to_frame()`` is a pandas table, ``report.value('phase_fraction')`` one number.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import numpy as np, napari_microrecon as mr
    >>> z, y, x = np.ogrid[:32, :32, :32]
    >>> ball = (z - 16) ** 2 + (y - 16) ** 2 + (x - 16) ** 2 < 12**2
    >>> report = mr.measure(ball, phase='pore', voxel_size=0.5, tortuosity=False)
    >>> report.phase_name, round(report.value('phase_fraction'), 2)
    ('pore', 0.22)
    """
    job = jobs.measure(
        volume, phase, voxel_size=voxel_size, unit=unit, phases=phases, tortuosity=tortuosity, solver=solver
    )
    return run(job, progress)


def compare(
    volume: Labels,
    real: Labels,
    phase: int | str | None = None,
    *,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
    tortuosity: bool = True,
    solver: Solver = 'auto',
    workers: int | None = None,
    progress: bool = False,
) -> Comparison:
    """Compare a volume with real material, every number beside the spread of real parts of its size; waits.

    Parameters
    ----------
    volume, real : Volume, path or numpy.ndarray
        Both 3D, as of `measure`.
    phase : int or str, optional
        Its value in the files or arrays, or its name; by default the real volume's pore, else the second.
    voxel_size, unit, phases
        Of both, where they are arrays or files that do not say so.
    tortuosity, solver, progress
        As of `measure`.
    workers : int, optional
        Parts to measure at a time; by default as many as the processors can take.

    Returns
    -------
    Comparison
        ``comparison.to_html('report.html')`` is a page, ``comparison.to_frame()`` a table, ``comparison.summary`` a
        sentence.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import numpy as np, napari_microrecon as mr
    >>> random = np.random.default_rng(0)
    >>> made, real = random.random((32, 32, 32)) < 0.3, random.random((64, 64, 64)) < 0.3
    >>> comparison = mr.compare(made, real, phase='pore', tortuosity=False)
    >>> comparison.verdicts['phase_fraction'].verdict
    'inside'
    """
    job = jobs.compare(
        volume, real, phase, voxel_size=voxel_size, unit=unit, phases=phases, tortuosity=tortuosity, solver=solver,
        workers=workers,
    )  # fmt: skip
    return run(job, progress)


def representativity(
    subject: Pictures | Volume,
    phase: int | str | None = None,
    *,
    precision: float | None = None,
    confidence: float = 0.95,
    voxel_size: Length | None = None,
    unit: str = 'um',
    phases: PhasesWanted | None = None,
) -> Representativity:
    """Say how well slices, or a volume, tell the fraction of a phase.

    Parameters
    ----------
    subject : slices as of `read_slices`, Volume or 3D array
        What is at hand.
    phase : int or str, optional
        Its value in the files or arrays, or its name; by default the pore, else the second.
    precision : float, optional
        Wished half-width of the interval, such as 0.02: how large an image would give it?
    confidence : float
        Of the interval.
    voxel_size, unit, phases
        As of `read_slices`.

    Returns
    -------
    Representativity
        ``found.sentence`` says it in words, ``found.interval`` in numbers.

    Raises
    ------
    InputError
        Names what is wrong, and the way out.

    Examples
    --------
    >>> import numpy as np, napari_microrecon as mr
    >>> mask = np.random.default_rng(0).random((256, 256)) < 0.3
    >>> found = mr.representativity(mask, precision=0.01)
    >>> found.verdict
    'large enough'
    """
    from ..engine.representativity import representativity_of_slices, representativity_of_volume

    if isinstance(subject, Volume) or (getattr(subject, 'ndim', 2) == 3 and not isinstance(subject, SliceSet)):
        volume = volume_of(subject, voxel_size=voxel_size, unit=unit, phases=phases, phase=phase)  # pyright: ignore[reportArgumentType]
        return representativity_of_volume(
            volume, label_of(phase, volume.phases), precision=precision, confidence=confidence
        )
    slices = slices_of(subject, phases=phases, voxel_size=voxel_size, unit=unit)
    return representativity_of_slices(
        slices, label_of(phase, slices.phases), precision=precision, confidence=confidence
    )
