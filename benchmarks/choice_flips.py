"""Whether the choice of a generator is the material's or an accident of the picture: what small changes do to it.

    python benchmarks/choice_flips.py --pictures FOLDER_OR_FILES --output flips.md

Every picture is taken as it is, after a median filter of one pixel, rotated by a quarter, and as two halves; the choice
of the default command is made for each anew. A choice *flips* where another generator is taken than for the picture as
it is; between generators whose sections fit equally well it may, so the shape verdicts stand beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench.tables import markdown, tell
from scipy import ndimage

from napari_microrecon.engine.files import read_slices
from napari_microrecon.engine.generator.choice import choose_weights
from napari_microrecon.engine.slices import Slice, SliceSet

WHOLE = 'as it is'


def main() -> None:
    """Choose for every picture and its variants; print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--pictures', nargs='+', required=True, help='files that `reconstruct` takes, stack.tif@z=64')
    parser.add_argument('--output', type=Path, help='Markdown file for the table')
    options = parser.parse_args()
    rows, flips, count = [], 0, 0
    for path in options.pictures:
        own = ''
        for variant, slices in variants(read_slices([path])):
            choice = choose_weights('auto', slices)
            taken = choice.weights.name
            own = taken if variant == WHOLE else own
            if variant != WHOLE:
                flips, count = flips + (taken != own), count + 1
            verdicts = ', '.join(f'{name} {verdict.error:.2f}' for name, verdict in choice.verdicts.items())
            rows.append([Path(path).name, variant, taken if taken == own else f'**{taken}**', verdicts])
            print(*rows[-1], sep='  ', flush=True)
    text = markdown(['picture', 'variant', 'taken', 'shape errors of what was tried'], rows)
    tell(f'{text}\n\nAnother generator than for the picture as it is: {flips} of {count}.', options.output)


def variants(slices: SliceSet) -> Iterator[tuple[str, SliceSet]]:
    """The slice as it is, and changed as little as a user may change it."""
    (one,) = slices.slices
    labels = one.labels
    half = labels.shape[1] // 2
    changed = {
        WHOLE: labels,
        'median of 3 x 3': ndimage.median_filter(labels, 3),
        'rotated': np.ascontiguousarray(np.rot90(labels)),
        'left half': np.ascontiguousarray(labels[:, :half]),
        'right half': np.ascontiguousarray(labels[:, half:]),
    }
    for name, array in changed.items():
        yield name, SliceSet((Slice(array, one.phases, one.voxel_size, one.normal),))


if __name__ == '__main__':
    main()
