"""The part of the HTML report that tells and shows whether a volume has the shapes of its slices."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ..label_pictures import labels_png
from ..shape import ShapeVerdict, shape_pictures
from ..slices import SliceSet
from ..volume import Volume

PAIRS, EDGE = 3, 128  # pictures of each; their largest edge, pixels


@dataclass(frozen=True, eq=False)
class ShapeEvidence:
    """What is known about the shapes in a volume's sections.

    Attributes
    ----------
    verdict : ShapeVerdict
        Of the sections against the slices.
    slices : SliceSet
        What the volume was made from.
    """

    verdict: ShapeVerdict
    slices: SliceSet


def shape_content(evidence: ShapeEvidence, volume: Volume | None) -> str:
    """HTML: the verdict in words, and crops of the slices above sections of the volume at equal scale.

    Without a volume, or with one of other phases than the slices, there are no pictures.
    """
    verdict = evidence.verdict
    badge = {'fits': 'inside', 'fits in part': 'partly', 'does not fit': 'outside'}[verdict.level]
    words = verdict.words.removeprefix(verdict.level).lstrip(':, ')
    told = (
        f'<p><span class="badge {badge}">{escape(verdict.level)}</span> {escape(words)}</p>'
        f'<p class="hint">Shape error {verdict.error:.2f} (a single window of the slices: {verdict.floor:.2f}); '
        f'the worst statistic lies at {verdict.farthest:.2f} times its limit.</p>'
    )
    if volume is None or volume.phases.count != evidence.slices.phases.count:
        return told
    rows: tuple[list[str], list[str]] = ([], [])
    for normal, pictures in zip('zyx', shape_pictures(evidence.slices, volume.labels, PAIRS, EDGE), strict=False):
        for row, labels, name in zip(rows, pictures, ('slices', 'volume'), strict=True):
            row.append(
                f'<figure class="slice"><div class="frame" style="aspect-ratio:1">'
                f'<img alt="{name}, normal {normal}" src="{labels_png(labels, evidence.slices.phases)}"></div>'
                f'<figcaption>{name}, normal {normal}</figcaption></figure>'
            )
    return told + ''.join(f'<div class="slices">{"".join(row)}</div>' for row in rows)
