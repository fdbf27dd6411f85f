"""How often the confidence interval of a phase fraction holds the true value, on random fields and known volumes.

    python benchmarks/representativity.py --count 400 --seed 1

Goal: 93 to 97 % of the slices that are called large enough. Beside it the classical interval: the sum of the image's
own autocovariance up to where its radial mean first falls to zero, and the normal quantile. A cell of 400 slices has
a standard error of 1.1 %, so that one in fourteen cells lies outside the goal by chance alone.

The true fraction of a random field is known. That of a measured or computed volume is taken from the whole of it: it is
itself only a sample of the material, and its slices are samples of it; those near each other miss together, so that
this coverage is that of few independent trials and no more than a plausibility check.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from bench.materials import MATERIALS
from bench.random_sets import level_cuts, sphere_sections
from bench.tables import markdown
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from napari_microrecon.engine.files import read_volume
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.raw_image import RawImage
from napari_microrecon.engine.representativity.estimate import (
    Representativity,
    representativity_of_slices,
    representativity_of_volume,
)
from napari_microrecon.engine.representativity.threshold import threshold_uncertainty
from napari_microrecon.engine.segmentation import segment
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.statistics.correlation import count_lags, finish, half_edges, radial_mean
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import AXES

GOAL = (0.93, 0.97)
PHASES = Phases.default(2)
FIELDS = ('gauss', 'exponential', 'spinodal', 'spheres')
FRACTIONS = (0.08, 0.2, 0.35, 0.6)
SIZES = ((64, 4.0), (128, 2.5), (128, 4.5), (192, 5.0), (256, 10.0))
HEADER = ['field', 'size', 'length', 'fraction', 'large enough', 'covered', 'classical', 'sd told / true']


def fields(
    kind: str, shape: Sequence[int], length: float, fraction: float, count: int, seed: int
) -> Iterator[np.ndarray]:
    """Random fields of one kind; spheres have a radius of 1.3 lengths."""
    if kind == 'spheres':
        return sphere_sections(shape, 1.3 * length, fraction, count, seed)
    return level_cuts(kind, shape, length, fraction, count, seed)


def judge(mask: np.ndarray) -> Representativity | None:
    """The engine's answer for a slice or a volume; None where the phase is absent or alone."""
    if mask.all() or not mask.any():
        return None
    if mask.ndim == 3:
        return representativity_of_volume(Volume(mask.astype(np.uint8), PHASES), 1)
    return representativity_of_slices(Slice(labels=mask.astype(np.uint8), phases=PHASES), 1)


def classical(mask: np.ndarray) -> tuple[float, float]:
    """95 % interval from the autocovariance summed up to the first zero of its radial mean (Kanit et al. 2003)."""
    phi = float(mask.mean())
    counts = finish(count_lags(mask, half_edges(mask.shape)))
    lag, s2 = radial_mean(counts, (1.0,) * mask.ndim)
    zero = np.flatnonzero(s2 <= phi**2)
    cut = lag[zero[0]] if len(zero) else lag[-1]
    squared = np.arange(counts.max_lag[0] + 1.0) ** 2
    for most in counts.max_lag[1:]:
        squared = np.add.outer(squared, np.arange(-most, most + 1.0) ** 2)
    inside = (counts.s2() - phi**2) * (squared <= cut**2)
    total = 2 * inside.sum() - inside[0].sum()  # the lags -z stand for the mirror images of z
    half = norm.ppf(0.975) * np.sqrt(max(total, 0.0) / mask.size)
    return phi - half, phi + half


def tally(masks: Iterable[np.ndarray], truth: float, *, compare: bool = True) -> tuple[int, int, int, int, float]:
    """Slices, those large enough, those that hold the truth, the same of the classical one, and sd told over true."""
    total = enough = held = old = 0
    errors, told = [], []
    for mask in masks:
        total += 1
        found = judge(mask)
        if found is None or found.interval is None:
            continue
        enough += 1
        held += found.interval.low <= truth <= found.interval.high
        if compare:
            low, high = classical(mask)
            old += low <= truth <= high
        errors.append(float(mask.mean()) - truth)
        told.append(found.fraction.sd or 0.0)
    ratio = float(np.sqrt(np.mean(np.square(told)) / np.mean(np.square(errors)))) if enough > 1 else float('nan')
    return total, enough, held, old, ratio


def row(name: Sequence[str], found: tuple[int, int, int, int, float]) -> list[str]:
    total, enough, held, old, ratio = found
    if enough == 0:
        return [*name, '0 %', 'too small', '', '']
    return [*name, f'{enough / total:.0%}', f'{held / enough:.1%}', f'{old / enough:.1%}', f'{ratio:.2f}']


def synthetic(count: int, seed: int) -> str:
    """Table of the slices of random fields."""
    rows, totals, border, cells, misled = [], np.zeros(3), np.zeros(2), [], 0.0
    for number, (kind, (edge, length), fraction) in enumerate(
        (k, s, f) for k in FIELDS for s in SIZES for f in FRACTIONS
    ):
        found = tally(fields(kind, (edge, edge), length, fraction, count, 1000 * seed + number), fraction)
        rows.append(row([kind, f'{edge}^2', f'{length:g}', f'{fraction:g}'], found))
        totals += found[1:4]
        misled = max(misled, (found[1] - found[2]) / found[0])
        if found[1] >= found[0] / 2:
            cells.append(found[2] / found[1])
        else:
            border += found[1:3]
    within = sum(GOAL[0] <= cell <= GOAL[1] for cell in cells)
    held = totals[1] / totals[0]
    words = 'met' if GOAL[0] <= held <= GOAL[1] else 'missed'
    return (
        f'{markdown(HEADER, rows)}\nOf {totals[0]:.0f} slices that are large enough {held:.1%} hold the true fraction '
        f'(goal {GOAL[0]:.0%} to {GOAL[1]:.0%}: {words}); classical interval {totals[2] / totals[0]:.1%}. Cells of '
        f'which at least half are large enough: {within} of {len(cells)} within the goal, lowest {min(cells):.1%}, '
        f'highest {max(cells):.1%}. In the others, at the border of too small, {border[0]:.0f} slices pass and '
        f'{border[1] / max(1, border[0]):.1%} of them hold it. '
        f'In no cell was more than {misled:.1%} of all slices told a wrong interval.\n'
    )


def volumes(count: int, seed: int) -> str:
    """Table of the volumes of random fields."""
    rows, enough, held = [], 0, 0
    cells = ((k, e, n, f) for k in FIELDS for e, n in ((48, 2.0), (64, 2.5)) for f in (0.15, 0.3))
    for number, (kind, edge, length, fraction) in enumerate(cells):
        made = fields(kind, (edge,) * 3, length, fraction, count, 1000 * seed + 500 + number)
        found = tally(made, fraction, compare=False)
        cell = row([kind, f'{edge}^3', f'{length:g}', f'{fraction:g}'], found)
        rows.append([*cell[:6], cell[7]])
        enough, held = enough + found[1], held + found[2]
    header = [name for name in HEADER if name != 'classical']
    covered = held / max(1, enough)
    met = 'met' if GOAL[0] <= covered <= GOAL[1] else 'missed'
    return (
        f'{markdown(header, rows)}\nOf {enough} volumes that are large enough {covered:.1%} hold the true fraction '
        f'(goal {GOAL[0]:.0%} to {GOAL[1]:.0%}: {met}).\n'
    )


def several(count: int, seed: int) -> str:
    """Three slices of one material together."""
    rows = []
    for number, (kind, length, fraction) in enumerate((k, n, 0.3) for k in FIELDS for n in (2.5, 4.5)):
        masks = list(fields(kind, (128, 128), length, fraction, 3 * count, 1000 * seed + 700 + number))
        held = enough = 0
        for three in zip(*[iter(masks)] * 3, strict=True):
            slices = SliceSet.of([Slice(labels=mask.astype(np.uint8), phases=PHASES) for mask in three])
            found = representativity_of_slices(slices, 1)
            if found.interval is not None:
                enough += 1
                held += found.interval.low <= fraction <= found.interval.high
        covered = f'{held / enough:.1%}' if enough else 'too small'
        rows.append([kind, f'{length:g}', f'{fraction:g}', f'{enough / count:.0%}', covered])
    return 'Three slices of 128^2 together\n\n' + markdown(['field', 'length', 'fraction', 'enough', 'covered'], rows)


def grey(count: int, seed: int) -> str:
    """Slices that are blurred, made noisy and thresholded by Otsu: with and without the threshold's uncertainty."""
    rows = []
    for number, (fraction, blur, noise) in enumerate(
        (f, b, n) for f in (0.1, 0.2, 0.4) for b, n in ((1.0, 0.1), (1.5, 0.15), (2.0, 0.25))
    ):
        bare = both = told = 0
        for i, mask in enumerate(level_cuts('gauss', (256, 256), 6.0, fraction, count, 1000 * seed + 800 + number)):
            shown = gaussian_filter(mask.astype(float), blur)
            shown += np.random.default_rng([seed, number, i]).normal(0, noise, shown.shape)
            shown = np.clip(60 + 120 * gaussian_filter(shown, 0.7), 0, 255).round().astype(np.uint8)
            image = RawImage(shown)
            done = segment(image, 2)
            effect = threshold_uncertainty(image, done, 1, draws=50)
            assert effect is not None
            found = representativity_of_slices(Slice(labels=done.labels, phases=PHASES), 1, threshold=effect.sd)
            if found.sampling is not None:
                bare += found.sampling.low <= fraction <= found.sampling.high
            if found.interval is not None:
                told += 1
                both += found.interval.low <= fraction <= found.interval.high
        share = f'{both / told:.1%}' if told else 'cannot tell'
        rows.append([f'{fraction:g}', f'{blur:g}', f'{noise:g}', f'{bare / count:.1%}', f'{told / count:.0%}', share])
    header = ['fraction', 'blur', 'noise', 'finite size alone holds', 'threshold known', 'both hold']
    return 'Grey slices of 256^2, thresholded\n\n' + markdown(header, rows)


def known() -> str:
    """Slices of measured and computed volumes against the fraction of the whole volume."""
    rows, totals = [], np.zeros(3, int)
    for name in ('berea', 'ketton', 'cathode', 'foam'):
        path: Path = MATERIALS[name].path
        volume = read_volume(path)
        for phase in (1,) if volume.phases.count == 2 else range(volume.phases.count):
            mask = volume.mask(phase)
            truth = float(mask.mean())
            for axis, normal in enumerate(AXES):
                step = max(1, mask.shape[axis] // 25)
                planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(mask, axis, 0)[5::step]]
                total, enough, held, _, ratio = tally(planes, truth, compare=False)
                totals += (total, enough, held)
                covered = f'{held} of {enough}' if enough else 'too small'
                size = ' x '.join(str(n) for n in planes[0].shape)
                told = [f'{truth:.3f}', f'{enough} of {total}', covered, f'{ratio:.2f}' if enough > 1 else '']
                rows.append([name, MATERIALS[name].origin, str(phase), normal, size, *told])
    header = ['volume', 'origin', 'phase', 'normal', 'slice', 'whole', 'large enough', 'covered', 'sd told / true']
    words = (
        f'Of {totals[0]} slices {totals[1]} are large enough, and {totals[2]} of them hold the fraction of the whole.\n'
    )
    return 'Slices of known volumes\n\n' + markdown(header, rows) + '\n' + words


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--count', type=int, default=400, help='slices per cell')
    parser.add_argument('--seed', type=int, default=1)
    tables = ('synthetic', 'volumes', 'several', 'grey', 'known')
    parser.add_argument('--only', choices=tables, help='one of the tables')
    options = parser.parse_args()
    began = time.process_time()
    jobs = {
        'synthetic': lambda: synthetic(options.count, options.seed),
        'volumes': lambda: volumes(max(1, options.count // 4), options.seed),
        'several': lambda: several(max(1, options.count // 2), options.seed),
        'grey': lambda: grey(max(1, options.count // 4), options.seed),
        'known': known,
    }
    for name, job in jobs.items():
        if options.only in (None, name):
            if name == 'known' and not MATERIALS['berea'].path.is_file():
                print('The volumes of others are not here: put them into ../shared/ct or say MICRORECON_DATA.\n')
                continue
            print(job(), flush=True)
    print(f'{time.process_time() - began:.0f} CPU s')


if __name__ == '__main__':
    main()
