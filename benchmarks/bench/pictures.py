"""Sections of a volume against the one micrograph that it was made from.

The picture is measured in random windows of the sections' size, so that borders cut its areas as they cut those of the
sections. A single window's error against all windows says how much of an error the picture itself cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

LAGS = 32
WINDOWS = 200
SINGLE_WINDOWS = 48  # whose own errors are averaged
S2_LIMIT, FACES_LIMIT, AREAS_LIMIT = 0.05, 0.10, 0.25


@dataclass(frozen=True, eq=False)
class SectionFigures:
    """Statistics of one phase over many sections.

    Attributes
    ----------
    fraction : float
        Of the pixels.
    s2 : numpy.ndarray
        Two-point probability (LAGS,), mean of rows and columns.
    faces : float
        Phase changes per pixel, along rows and columns together.
    areas : float
        Connected areas (through edges) per pixel.
    """

    fraction: float
    s2: np.ndarray
    faces: float
    areas: float

    @property
    def autocovariance(self) -> np.ndarray:
        """(S2 - phi^2) / (phi - phi^2), (LAGS,)."""
        phi = self.fraction
        return (self.s2 - phi**2) / max(phi * (1 - phi), 1e-9)


def section_figures(sections: np.ndarray) -> SectionFigures:
    """Figures of sections.

    Parameters
    ----------
    sections : numpy.ndarray
        bool (n, rows, columns), True in the phase.
    """
    rows, columns = sections.shape[-2:]
    s2 = np.empty(LAGS)
    for lag in range(LAGS):
        across = (sections[:, :, : columns - lag] & sections[:, :, lag:]).mean() if lag < columns else np.nan
        down = (sections[:, : rows - lag] & sections[:, lag:]).mean() if lag < rows else np.nan
        s2[lag] = (across + down) / 2
    faces = (sections[:, 1:] != sections[:, :-1]).mean() + (sections[:, :, 1:] != sections[:, :, :-1]).mean()
    areas = sum(ndimage.label(one)[1] for one in sections)
    return SectionFigures(float(sections.mean()), s2, float(faces), areas / sections.size)


@dataclass(frozen=True)
class PhaseScore:
    """One phase of a volume's sections against the picture.

    Attributes
    ----------
    phase : int
        Label.
    s2 : float
        Mean difference of the normalised autocovariances over LAGS lags.
    s2_limit : float
        The larger of S2_LIMIT and half of a single window's mean error.
    faces : float
        Ratio to the picture's.
    areas : float
        Ratio to the picture's.
    areas_limit : float
        The larger of AREAS_LIMIT and 3 / sqrt(n) for n areas in the picture.
    s2_plain : float
        Mean of |S2 - S2 of the whole picture| / (phi (1 - phi)) over LAGS lags.
    fraction_error : float
        |fraction - that of the whole picture|.
    """

    phase: int
    s2: float
    s2_limit: float
    faces: float
    areas: float
    areas_limit: float
    s2_plain: float
    fraction_error: float

    @property
    def missed(self) -> tuple[str, ...]:
        """Bars that are not met: of 's2', 'faces', 'areas'. NaN meets none."""
        held = {
            's2': self.s2 <= self.s2_limit,
            'faces': abs(self.faces - 1) <= FACES_LIMIT,
            'areas': abs(self.areas - 1) <= self.areas_limit,
        }
        return tuple(name for name, ok in held.items() if not ok)


def score(volume: np.ndarray, picture: np.ndarray) -> list[PhaseScore]:
    """Scores of the two commonest phases of a picture.

    Parameters
    ----------
    volume : numpy.ndarray
        Labels (n, n, n); all its sections along the three axes are measured.
    picture : numpy.ndarray
        Labels (rows, columns) as the product segmented it.
    """
    if len(set(volume.shape)) != 1:
        raise ValueError(f'sections of one size are compared: a cube, not {volume.shape}')
    rng = np.random.default_rng(0)
    order = np.argsort(-np.bincount(picture.ravel()))
    found = []
    for phase in (int(label) for label in order[:2]):
        mask = picture == phase
        windows = _windows(mask, volume.shape[0], rng)
        sections = np.concatenate([np.moveaxis(volume == phase, axis, 0) for axis in range(3)])
        found.append(_phase_score(phase, section_figures(sections), mask, windows))
    return found


def meets_all(scores: Iterable[PhaseScore]) -> bool:
    """Whether no phase misses a bar."""
    return not any(one.missed for one in scores)


def _phase_score(phase: int, mine: SectionFigures, mask: np.ndarray, windows: np.ndarray) -> PhaseScore:
    all_windows, whole = section_figures(windows), section_figures(mask[None])
    singles = [section_figures(one[None]) for one in windows[:SINGLE_WINDOWS]]
    floor = float(np.mean([_s2_error(one, all_windows) for one in singles]))
    count = int(ndimage.label(mask)[1])
    phi = whole.fraction
    return PhaseScore(
        phase,
        s2=_s2_error(mine, all_windows),
        s2_limit=max(S2_LIMIT, floor / 2),
        faces=mine.faces / max(all_windows.faces, 1e-9),
        areas=mine.areas / max(all_windows.areas, 1e-9),
        areas_limit=max(AREAS_LIMIT, 3 / float(np.sqrt(max(count, 1)))),
        s2_plain=float(np.abs(mine.s2 - whole.s2).mean() / max(phi * (1 - phi), 1e-9)),
        fraction_error=abs(mine.fraction - phi),
    )


def _s2_error(mine: SectionFigures, other: SectionFigures) -> float:
    return float(np.abs(mine.autocovariance - other.autocovariance).mean())


def _windows(mask: np.ndarray, edge: int, rng: np.random.Generator) -> np.ndarray:
    """Random windows (WINDOWS, e, e); e is the edge, or less where the picture is smaller."""
    rows, columns = mask.shape
    edge = min(edge, rows, columns)
    tops, lefts = (rng.integers(0, n - edge + 1, WINDOWS) for n in (rows, columns))
    return np.stack([mask[top : top + edge, left : left + edge] for top, left in zip(tops, lefts, strict=True)])
