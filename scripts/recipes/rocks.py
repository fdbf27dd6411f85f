"""Synthetic rocks: an angular consolidated sandstone and an oolitic limestone; labels 0 = grain, 1 = pore."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .grains import above, noise, pack, polyhedron_field, sphere_field, without_specks


def sandstone(
    seed: int,
    edge: int,
    *,
    radius: float,
    spread: float,
    filling: float,
    facets: int,
    irregularity: float,
    flatness: float,
    rounding: float,
    roughness: float,
    looseness: float,
    porosity: float,
    clay: float,
    dissolution: float,
) -> np.ndarray:
    """Packed angular grains that grew into each other until only `porosity` is left, with clay and altered grains.

    Parameters
    ----------
    seed, edge : int
        Seed of all randomness; edge of the cube in voxels.
    radius, spread, filling : float
        Of the packing, see `grains.pack`.
    facets, irregularity, flatness
        Of the grains, see `grains.polyhedron_field`.
    rounding : float
        Gaussian filter of the grain field, voxels: wear of the corners.
    roughness, looseness : float
        Noise added to the field with wavelengths of about 2 voxels (grain surfaces) and 14 voxels
        (more and less cemented regions), in units of the grain radius.
    porosity : float
        Pore fraction before clay and dissolution, which nearly balance.
    clay, dissolution : float
        Share of the volume in clay patches (a web fills a third of the pores there) and in altered
        grains (specks of pore in the grains there).
    """
    rng = np.random.default_rng(seed)
    packing = pack(rng, edge, radius, spread, filling)
    field = ndimage.gaussian_filter(polyhedron_field(rng, packing, facets, irregularity, flatness), rounding)
    field = field + roughness * noise(rng, field.shape, 2.0) + looseness * noise(rng, field.shape, 14.0)
    patches, web = noise(rng, field.shape, 6.0), noise(rng, field.shape, 1.4)
    pore = above(field, porosity)
    filled = pore & above(patches, clay) & (web > 0.5)
    altered = above(noise(rng, field.shape, 5.0), dissolution)
    specks = ~pore & altered & (noise(rng, field.shape, 1.1) > 0.9)
    pore = without_specks((pore & ~filled) | specks, 4)
    return (~without_specks(~pore, 12)).astype(np.uint8)


def limestone(
    seed: int,
    edge: int,
    *,
    radius: float,
    spread: float,
    filling: float,
    roughness: float,
    looseness: float,
    porosity: float,
    cemented: float,
    web: float,
    micropores: float,
) -> np.ndarray:
    """Packed ooids, nearly spheres, that overlap a little; cement webs in part of the pores, specks in the ooids.

    Parameters
    ----------
    seed, edge : int
        Seed of all randomness; edge of the cube in voxels.
    radius, spread, filling : float
        Of the packing, see `grains.pack`; ooids are then grown until `porosity` is left.
    roughness, looseness : float
        Noise added to the field with wavelengths of about 3 and 12 voxels, in units of the ooid radius.
    porosity : float
        Pore fraction before cement and micropores, which nearly balance.
    cemented : float
        Share of the volume in patches where a web of cement fills part of the pores and pore specks
        eat into the ooids' rims.
    web : float
        Wavelength of that web, voxels.
    micropores : float
        Share of the volume in patches of ooids with micropores that the scan just resolves.
    """
    rng = np.random.default_rng(seed)
    field = sphere_field(pack(rng, edge, radius, spread, filling))
    field = field + roughness * noise(rng, field.shape, 3.0) + looseness * noise(rng, field.shape, 12.0)
    pore = above(field, porosity)
    patches, fine = above(noise(rng, field.shape, 7.0), cemented), noise(rng, field.shape, web)
    rim = ndimage.binary_dilation(pore, iterations=3) & ~pore
    pore = (pore & ~(patches & (fine > 0.5))) | (rim & patches & (fine < -1.1))
    pore |= above(noise(rng, field.shape, 7.0), micropores) & (noise(rng, field.shape, 1.0) > 2.0)
    pore = without_specks(pore, 3)
    return (~without_specks(~pore, 6)).astype(np.uint8)
