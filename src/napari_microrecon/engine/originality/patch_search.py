"""Nearest match of a patch of labels anywhere in label images, in all eight orientations, by FFT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft as sf


@dataclass(frozen=True)
class Keep:
    """Part of one image that a search leaves out: placements nearer than `reach` to `origin` along both axes."""

    image: int
    origin: tuple[int, int]
    reach: int


class PatchSearch:
    """Search in a set of label images.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        uint8, 2D, labels 0..K-1.
    phases : int
        K.
    """

    def __init__(self, images: Sequence[np.ndarray], phases: int) -> None:
        self._phases = phases
        self._shapes = [image.shape for image in images]
        self._sizes = [tuple(sf.next_fast_len(n, real=True) for n in image.shape) for image in images]
        self._spectra = [sf.rfft2(self._channels(image), size) for image, size in zip(images, self._sizes, strict=True)]

    def nearest(self, patch: np.ndarray, leave_out: Sequence[Keep] = (), skip: Sequence[int] = ()) -> float | None:
        """Distance of the best match over the mean distance of all placements; None where there is no placement.

        The distance of a placement is the share of pixels whose labels differ. Over the mean it says how much nearer
        than by chance the best match is, whatever the patch's own phase fractions: 0 is an exact copy, 1 chance.

        Parameters
        ----------
        patch : numpy.ndarray
            Square, no larger than the images.
        leave_out : sequence of Keep
            Placements that do not count.
        skip : sequence of int
            Images that are not searched.
        """
        edge = len(patch)
        turned = np.stack([self._channels(view) for view in _orientations(patch)])
        best, total, count = np.inf, 0.0, 0
        for index, (shape, size, spectrum) in enumerate(zip(self._shapes, self._sizes, self._spectra, strict=True)):
            if index in skip:
                continue
            product = spectrum * np.conj(sf.rfft2(turned, size))
            matches = sf.irfft2(product.sum(1), size)[:, : shape[0] - edge + 1, : shape[1] - edge + 1]
            # Two phases are coded -1 and +1, so that matches - mismatches is what the product gives.
            distance = (1 - matches / patch.size) / 2 if self._phases == 2 else 1 - matches / patch.size
            for kept in leave_out:
                if kept.image == index:
                    low = [max(0, start - kept.reach) for start in kept.origin]
                    distance[:, low[0] : kept.origin[0] + kept.reach + 1, low[1] : kept.origin[1] + kept.reach + 1] = (
                        np.nan
                    )
            valid = distance[~np.isnan(distance)]
            if valid.size:
                best = min(best, float(valid.min()))
                total += float(valid.sum(dtype=np.float64))
                count += valid.size
        if count == 0 or total <= 0:
            return None
        return max(0.0, best) * count / total

    def _channels(self, labels: np.ndarray) -> np.ndarray:
        """Float images whose products count equal labels: one of signs for two phases, else one per phase."""
        if self._phases == 2:
            return np.where(labels == 0, np.float32(-1), np.float32(1))[None]
        return np.stack([labels == k for k in range(self._phases)]).astype(np.float32)


def _orientations(patch: np.ndarray) -> list[np.ndarray]:
    """The patch turned by quarters, and its mirror image turned by quarters."""
    return [np.rot90(view, turns) for view in (patch, patch[:, ::-1]) for turns in range(4)]
