"""Two materials that nobody tuned on, made by code from a fixed seed: overlapping ellipsoids and a spinodal level cut.

Their reference volumes are cubes of `EDGE` voxels, made on first use and kept in the system's temporary folder.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.fft

EDGE = 256


def ellipsoids(edge: int = EDGE, seed: int = 20261, *, pore: float = 0.25, size: float = 8.0) -> np.ndarray:
    """Polydisperse overlapping ellipsoids with random orientations; phase 1 is the pore space between them.

    Centres are a Poisson process, so that the expected pore fraction is exp(-density x mean volume).

    Parameters
    ----------
    edge : int
        Edge of the cube in voxels.
    seed : int
        Seed of centres, sizes and orientations.
    pore : float
        Expected fraction of phase 1.
    size : float
        Median of the geometric mean of the semi-axes, voxels; log-normal with sd 0.3 of the logarithm, cut at
        2 sd. The semi-axes have ratios uniform in 0.6..1.6 before they are scaled to it.

    Returns
    -------
    numpy.ndarray
        uint8 (edge, edge, edge), 1 where no ellipsoid is.
    """
    rng = np.random.default_rng(seed)
    radii = size * np.exp(0.3 * np.clip(rng.standard_normal(20_000), -2, 2))
    volume = 4 / 3 * np.pi * float((radii**3).mean())
    margin = float(radii.max()) * 2
    count = rng.poisson(-np.log(pore) / volume * (edge + 2 * margin) ** 3)
    covered = np.zeros((edge,) * 3, bool)
    for _ in range(count):
        axes = rng.uniform(0.6, 1.6, 3)
        axes *= rng.choice(radii) / axes.prod() ** (1 / 3)
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        centre = rng.uniform(-margin, edge + margin, 3)
        shape = turn / axes  # columns scaled: |shape.T @ (x - centre)| <= 1 inside
        reach = np.sqrt(((turn * axes) ** 2).sum(1))  # half the edges of the bounding box
        low = np.maximum(np.ceil(centre - reach), 0).astype(int)
        high = np.minimum(np.floor(centre + reach) + 1, edge).astype(int)
        if (high <= low).any():
            continue
        z, y, x = (np.arange(a, b) - c for a, b, c in zip(low, high, centre, strict=True))
        squared = sum(
            (shape[0, i] * z[:, None, None] + shape[1, i] * y[:, None] + shape[2, i] * x) ** 2 for i in range(3)
        )
        covered[low[0] : high[0], low[1] : high[1], low[2] : high[2]] |= np.asarray(squared) <= 1
    return (~covered).astype(np.uint8)


def spinodal(
    edge: int = EDGE, seed: int = 20262, *, fraction: float = 0.4, wavelength: float = 24.0, width: float = 0.12
) -> np.ndarray:
    """Level cut of a Gaussian field with a narrow band of wavelengths (Cahn 1965, J. Chem. Phys. 42, 93).

    Parameters
    ----------
    edge : int
        Edge of the (periodic) cube in voxels.
    seed : int
        Seed of the field.
    fraction : float
        Fraction of phase 1, exact over the whole cube.
    wavelength : float
        Mean wavelength in voxels.
    width : float
        Relative standard deviation of the wave number.

    Returns
    -------
    numpy.ndarray
        uint8 (edge, edge, edge), 1 above the level.
    """
    rng = np.random.default_rng(seed)
    noise = scipy.fft.rfftn(rng.standard_normal((edge,) * 3, np.float32))
    along = np.fft.fftfreq(edge)
    k = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + np.fft.rfftfreq(edge) ** 2)
    shell = np.exp(-0.5 * ((k * wavelength - 1) / width) ** 2).astype(np.float32)
    field = scipy.fft.irfftn(noise * shell, (edge,) * 3)
    return (field > np.quantile(field, 1 - fraction)).astype(np.uint8)


MAKERS: dict[str, Callable[[], np.ndarray]] = {'ellipsoids': ellipsoids, 'spinodal': spinodal}


def cache_folder() -> Path:
    """Folder for volumes that are made on first use, in the system's temporary folder."""
    folder = Path(tempfile.gettempdir()) / 'napari-microrecon-benchmarks'
    folder.mkdir(exist_ok=True)
    return folder


def reference_file(name: str) -> Path:
    """The .npy file with a material's reference volume, made if it is not there yet."""
    path = cache_folder() / f'{name}-{EDGE}.npy'
    if not path.exists():
        # Several processes may want it at once: each writes its own file, and the last rename wins.
        partial = path.with_suffix(f'.{os.getpid()}.part.npy')
        np.save(partial, MAKERS[name]())
        partial.replace(path)
    return path
