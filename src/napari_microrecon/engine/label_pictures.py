"""Labels as a small picture in the colours of their phases, for pages and notebooks."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from .phases import Phases
from .voxels import AXES

if TYPE_CHECKING:
    from .volume import Volume

_EDGE = 160  # pixels on the screen of a section in a notebook


def labels_png(labels: np.ndarray, phases: Phases) -> str:
    """Labels (rows, columns), uint8, as a data address of a PNG in the colours of the phases."""
    from PIL import Image

    picture = Image.fromarray(labels)  # grey: the values are the labels
    palette: list[int] = []
    for phase in phases.items:
        palette += [int(phase.color[i : i + 2], 16) for i in (1, 3, 5)]
    picture.putpalette(palette)
    out = io.BytesIO()
    picture.save(out, format='PNG', optimize=True)
    return 'data:image/png;base64,' + base64.b64encode(out.getvalue()).decode('ascii')


def html_of_volume(volume: Volume) -> str:
    """What a notebook shows of a volume: size, phases, where it came from, and its three middle sections."""
    fractions = ''.join(
        f'<span style="display:inline-block;width:.8em;height:.8em;background:{phase.color}"></span> '
        f'{escape(phase.name)} {fraction:.3f} &emsp;'
        for phase, fraction in zip(volume.phases.items, volume.fractions, strict=True)
    )
    figures = ''.join(
        f'<figure style="display:inline-block;margin:0 8px 0 0"><img alt="normal {axis}" style="width:{_EDGE}px;'
        f'image-rendering:pixelated" src="{labels_png(volume.slice_labels(axis, count // 2), volume.phases)}">'
        f'<figcaption>{axis} = {count // 2}</figcaption></figure>'
        for axis, count in zip(AXES, volume.shape, strict=True)
    )
    told = [volume.provenance.description, volume.note]
    rows = ''.join(f'<div>{escape(line)}</div>' for line in told if line)
    shape = ' × '.join(map(str, volume.shape))
    return (
        f'<div><b>{escape(volume.name)}</b>, {shape} voxels of {escape(str(volume.voxel_size))}'
        f'<div>{fractions}</div>{rows}<div>{figures}</div></div>'
    )
