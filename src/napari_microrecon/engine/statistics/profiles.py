"""Phase fraction layer by layer."""

from __future__ import annotations

import numpy as np


def fraction_profile(mask: np.ndarray, axis: int) -> np.ndarray:
    """Phase fraction of every layer perpendicular to `axis`, float64, shape (n,), dimensionless."""
    across = tuple(a for a in range(3) if a != axis)
    return np.count_nonzero(mask, axis=across) / (mask.size // mask.shape[axis])
