"""Label volumes of grey ones: Gaussian filter and Otsu's threshold, kept outside the project."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from .synthetic import cache_folder

SIGMA = 1.0  # voxels


def segment(grey: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """Two phases of a grey volume, 1 where the smoothed volume is brighter than Otsu's threshold.

    Parameters
    ----------
    grey : numpy.ndarray
        Grey values (Z, Y, X).
    sigma : float
        Standard deviation of the Gaussian filter, voxels.

    Returns
    -------
    numpy.ndarray
        uint8 (Z, Y, X).
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    smooth = ndimage.gaussian_filter(grey.astype(np.float32), sigma)
    return (smooth > threshold_otsu(smooth)).astype(np.uint8)


def segmented_file(path: Path) -> Path:
    """The .npy file with the labels of a grey TIFF, made if it is not there yet.

    It lies in the system's temporary folder: labels of others' data are others' data, too.
    """
    import tifffile

    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    kept = cache_folder() / f'{path.stem}-{digest}-{SIGMA:g}.npy'
    if not kept.exists():
        # Several processes may want it at once: each writes its own file, and the last rename wins.
        partial = kept.with_suffix(f'.{os.getpid()}.part.npy')
        np.save(partial, segment(tifffile.imread(path)))
        partial.replace(kept)
    return kept
