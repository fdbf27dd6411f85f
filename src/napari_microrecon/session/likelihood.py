"""How sure a volume between slices is, voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..engine.volume import Volume

if TYPE_CHECKING:
    from ..engine.generator.reconstruction import Reconstruction


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Maps that belong to a reconstruction between slices, in whole percent.

    Attributes
    ----------
    volume : Volume
        The first volume of the reconstruction.
    probabilities : tuple of (int, numpy.ndarray)
        Label of a phase and its probability (Z, Y, X), uint8, 0..100: of two phases the one that is analysed, of
        more every one.
    spread : numpy.ndarray
        (Z, Y, X), uint8: chance that two realisations differ; 0 where a slice gives the voxel.
    """

    volume: Volume
    probabilities: tuple[tuple[int, np.ndarray], ...]
    spread: np.ndarray

    @classmethod
    def of(cls, made: Reconstruction) -> Likelihood | None:
        """Maps of a reconstruction; None where it has none. Not for the main thread."""
        spread = made.spread
        if made.probabilities is None or spread is None:
            return None
        phases = made.volumes[0].phases
        labels = [phases.main] if phases.count == 2 else list(range(phases.count))
        maps = tuple((k, _percent(made.probabilities[k])) for k in labels)
        return cls(made.volumes[0], maps, _percent(spread))


def _percent(shares: np.ndarray) -> np.ndarray:
    """Shares 0..1 as uint8 0..100."""
    return np.rint(shares.astype(np.float32) * 100).astype(np.uint8)
