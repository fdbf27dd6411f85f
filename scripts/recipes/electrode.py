"""Synthetic battery cathode; labels 0 = pore, 1 = active material, 2 = carbon binder."""

from __future__ import annotations

import numpy as np

from .grains import Packing, above, noise, pack, without_specks


def cathode(
    seed: int,
    edge: int,
    *,
    radius: float,
    spread: float,
    filling: float,
    overlap: float,
    roughness: float,
    active: float,
    binder: float,
    coat: float,
    thickness: float,
    closest: float,
    patchiness: float,
    fineness: float,
    grain: float,
) -> np.ndarray:
    """Round secondary particles; porous carbon binder that coats them and webs where two of them come close.

    Parameters
    ----------
    seed, edge : int
        Seed of all randomness; edge of the cube in voxels.
    radius, spread, filling, overlap : float
        Of the packing, see `grains.pack`.
    roughness : float
        Noise on the particles' surfaces, voxels.
    active, binder : float
        Volume fractions; the binder ends a little lower, because single voxels of it are dropped.
    coat, thickness : float
        Preference for the layer of `thickness` voxels on the particles, voxels of gap.
    closest : float
        Gap in voxels, averaged over the two nearest particles, below which closer means no denser.
    patchiness, fineness, grain : float
        Unevenness of the binder with a wavelength of about 6 voxels and of `grain` voxels, voxels of gap.
    """
    rng = np.random.default_rng(seed)
    first, second = _gaps(pack(rng, edge, radius, spread, filling, overlap), reach=24.0)
    first = first + roughness * noise(rng, first.shape, 3.0)
    solid = above(-first, active)
    score = np.minimum(-(first + second) / 2, -closest)
    score = score + patchiness * np.minimum(noise(rng, first.shape, 6.0), 1.0)
    score = score + fineness * noise(rng, first.shape, grain) + coat * (first < first[solid].max() + thickness)
    score[solid] = -np.inf
    carbon = without_specks(above(score, binder), 3)
    return (solid + 2 * carbon).astype(np.uint8)


def _gaps(packing: Packing, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances in voxels to the surfaces of the nearest and the second nearest particle, at most `reach`."""
    edge = packing.edge
    first = np.full((edge, edge, edge), reach)
    second = first.copy()
    for center, radius in zip(packing.centers, packing.radii, strict=True):
        low = np.clip(np.ceil(center - radius - reach).astype(int), 0, edge)
        high = np.clip(np.floor(center + radius + reach).astype(int) + 1, 0, edge)
        if (low >= high).any():
            continue
        window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        z, y, x = (np.arange(a, b) - c for a, b, c in zip(low, high, center, strict=True))
        gap = np.sqrt((z * z)[:, None, None] + (y * y)[None, :, None] + (x * x)[None, None, :]) - radius
        nearest = first[window]
        second[window] = np.minimum(second[window], np.maximum(nearest, gap))
        first[window] = np.minimum(nearest, gap)
    return first.astype(np.float32), second.astype(np.float32)
