"""Pictures of what the shipped weights make: three planes and the faces of the cube, for the documentation.

    python scripts/pictures.py                      # docs/images/weights_NAME.png of all shipped weights
    python scripts/pictures.py --beside DATA_FOLDER --output FOLDER

The bundled synthetic volumes are drawn above what was generated of their slices. With `--beside` the measured and
computed volumes of others are, too, and only materials that have them are drawn. Such pictures hold third-party data:
keep them out of the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from napari_microrecon.engine.generator import ReconstructParams, Weights, reconstruct, shipped_weights
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.samples import bundled_samples, get_sample
from napari_microrecon.engine.slices import Slice, SliceSet

ROOT = Path(__file__).resolve().parent.parent
EDGE = 128
GAP = 6
BESIDE = {
    'berea': 'berea_sandstone.tif',
    'ketton': 'ketton_limestone.tif',
    'nmc-cathode': 'battery_cathode.tif',
    'foam': 'anisotropic_foam.tif',
}


def stand_ins(weights: Weights) -> SliceSet:
    """Slices with the phase fractions of the weights' own: all that an unconditional reconstruction takes from them."""
    header = weights.header
    columns = np.repeat(np.arange(header.phases.count), np.round(np.array(header.fractions) * 4096).astype(int))
    image = np.resize(columns, (64, 64)).astype(np.uint8)
    normals = ('z',) if header.isotropic else ('z', 'y', 'x')
    return SliceSet.of([Slice(image, header.phases, normal, None, header.voxel_size) for normal in normals])


def colours(phases: Phases) -> np.ndarray:
    """RGB (K, 3), uint8."""
    return np.array([[int(item.color[i : i + 2], 16) for i in (1, 3, 5)] for item in phases.items], np.uint8)


def faces(rgb: np.ndarray) -> np.ndarray:
    """Isometric view of the top, front and right face of a cube (Z, Y, X, 3)."""
    n = len(rgb)
    width, rise = round(n * 0.866), n // 2
    canvas = np.full((2 * n, 2 * width, 3), 255, np.uint8)
    row, column = np.mgrid[0 : 2 * n, 0 : 2 * width]
    u = (column - width) / 0.866
    # Top: z = 0; left: y = n - 1; right: x = n - 1.
    for inside, z, y, x in (
        _face(row, u, n, rise, 'top'),
        _face(row, u, n, rise, 'left'),
        _face(row, u, n, rise, 'right'),
    ):
        shade = {'top': 1.0, 'left': 0.85, 'right': 0.7}[inside[0]]
        mask = inside[1]
        canvas[mask] = (rgb[z[mask], y[mask], x[mask]] * shade).astype(np.uint8)
    return canvas


def _face(
    row: np.ndarray, u: np.ndarray, n: int, rise: int, which: str
) -> tuple[tuple[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    if which == 'top':
        a, b = row + u / 2 - rise + rise, row - u / 2
        x, y = np.floor((a + b) / 2 + u / 2), np.floor((a + b) / 2 - u / 2)
        z = np.zeros_like(x)
    elif which == 'left':
        x = np.floor(u + n)
        y = np.full_like(x, n - 1)
        z = np.floor(row - n / 2 - (u + n) / 2)
    else:
        y = np.floor(n - u)
        x = np.full_like(y, n - 1)
        z = np.floor(row - n + u / 2)
    mask = np.ones(row.shape, bool)
    for value in (x, y, z):
        mask &= (value >= 0) & (value < n)
    clipped = [np.clip(value, 0, n - 1).astype(int) for value in (z, y, x)]
    return (which, mask), clipped[0], clipped[1], clipped[2]


def panel(labels: np.ndarray, phases: Phases) -> np.ndarray:
    """Middle planes with normal z, y, x and the cube, in one row."""
    rgb = colours(phases)[labels]
    n = len(labels)
    planes = [np.take(rgb, n // 2, axis) for axis in range(3)]
    parts = [np.repeat(np.repeat(plane, 2, 0), 2, 1) for plane in planes] + [faces(rgb)]
    gap = np.full((2 * n, GAP, 3), 255, np.uint8)
    return np.concatenate([piece for part in parts for piece in (part, gap)][:-1], 1)


def main() -> None:
    """Draw every shipped weights file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--beside', type=Path)
    parser.add_argument('--output', type=Path, default=ROOT / 'docs' / 'images')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    synthetic = {sample.name for sample in bundled_samples()}
    for name, path in shipped_weights().items():
        if options.names and name not in options.names:
            continue
        weights = Weights.load(path)
        params = ReconstructParams(shape=(EDGE, EDGE, EDGE), seed=0, fractions='ensemble', device='cpu')
        volume = drain(reconstruct(stand_ins(weights), weights, params)).volumes[0]
        rows = [panel(volume.labels, weights.phases)]
        if options.beside is not None:
            if name not in BESIDE:
                continue
            import tifffile

            known = tifffile.imread(options.beside / BESIDE[name])[:EDGE, :EDGE, :EDGE]
            rows.insert(0, panel(known, weights.phases))
        elif name in synthetic:
            rows.insert(0, panel(get_sample(name).load_volume().labels[:EDGE, :EDGE, :EDGE], weights.phases))
        gap = np.full((2 * GAP, rows[0].shape[1], 3), 255, np.uint8)
        parts = rows if len(rows) == 1 else [rows[0], gap, rows[1]]
        picture = Image.fromarray(np.concatenate(parts)).quantize(24)
        picture.save(options.output / f'weights_{name}.png', optimize=True)
        print(f'{name}: {options.output / f"weights_{name}.png"}')


if __name__ == '__main__':
    main()
