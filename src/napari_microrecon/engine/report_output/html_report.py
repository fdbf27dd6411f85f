"""Self-contained HTML report of one volume, or of a reconstruction beside real material."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..provenance import versions
from ..results.bands import Ensemble
from ..results.comparison import Comparison
from ..results.report import Report, VolumeInfo
from ..statistics.catalogue import quantity_of
from ..volume import Volume
from ..voxels import AXES, IMAGE_AXES
from . import html_figures as figures
from .html_figures import show_unit
from .html_shape import ShapeEvidence, shape_content
from .html_tables import comparison_table, ensemble_table, provenance_rows, statistics_table
from .texts import STYLE

_GENERATED = 'Generated'
_REAL = 'Real'


def report_html(
    report: Report | Comparison | Ensemble,
    volumes: Sequence[Volume] = (),
    ensemble: Ensemble | None = None,
    shape: ShapeEvidence | None = None,
) -> str:
    """Write a report, a comparison or an ensemble as one HTML page without outside references.

    Parameters
    ----------
    report : Report, Comparison or Ensemble
        What to show.
    volumes : sequence of Volume
        The volume (of a report), or the generated and the real one (of a comparison), for pictures of their
        middle slices. Without them there are no pictures.
    ensemble : Ensemble, optional
        Mean and spread over realisations, to stand beside a report; a comparison brings its own.
    shape : ShapeEvidence, optional
        Whether the (generated) volume has the shapes of its slices; without it the page is silent on that.

    Returns
    -------
    str
        The page.
    """
    if isinstance(report, Comparison):
        return _comparison_page(report, volumes, shape)
    if isinstance(report, Ensemble):
        return _ensemble_page(report)
    return _report_page(report, volumes, ensemble, shape)


def _page(heading: str, lead: str, *sections: str) -> str:
    body = '\n'.join(section for section in sections if section)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(heading)}</title><style>{STYLE}</style></head><body><main>'
        f'<header><p class="kicker">napari-microrecon</p><h1>{escape(heading)}</h1><p class="lead">{lead}</p></header>'
        f'{body}</main></body></html>\n'
    )


def _section(heading: str, content: str, lead: str = '') -> str:
    if not content:
        return ''
    words = f'<p class="hint">{lead}</p>' if lead else ''
    return f'<section><h2>{escape(heading)}</h2>{words}{content}</section>'


def _size(info: VolumeInfo) -> str:
    shape = ' × '.join(str(n) for n in info.shape)
    size = info.voxel_size
    if not size.is_known:
        return f'{shape} voxels, voxel size not known'
    unit = show_unit(size.unit)
    edges = ' × '.join(f'{n * h:g}' for n, h in zip(info.shape, size.zyx, strict=True))
    return f'{shape} voxels of {show_unit(str(size))}, {edges} {unit} (z, y, x)'


def _report_page(
    report: Report, volumes: Sequence[Volume], ensemble: Ensemble | None, shape: ShapeEvidence | None
) -> str:
    lead = f'Phase <b>{escape(report.phase_name)}</b> (label {report.phase}). {escape(_size(report.volume))}.'
    return _page(
        f'Microstructure of {report.volume.name}',
        lead,
        _section('Middle slices', _slices([(report.volume.name, v) for v in volumes[:1]])),
        _shape(shape, volumes),
        _section('Statistics', statistics_table(report), 'Values after ± are standard errors, where they are known.'),
        _section('Curves', f'<figure>{figures.report_figure(report)}</figure>' if report.curves else ''),
        _realisations(ensemble),
        _section('What the numbers mean', _meanings(report.statistics)),
        _section('Where it came from', _provenance([('Volume', report.volume)])),
    )


def _shape(shape: ShapeEvidence | None, volumes: Sequence[Volume]) -> str:
    """Section on the shapes in the sections of the first volume."""
    if shape is None:
        return ''
    return _section(
        'Does it have the shapes of the slices?',
        shape_content(shape, volumes[0] if volumes else None),
        'Sections of the volume against the slices it was made from: sizes, roundness and number of pieces, boundary, '
        'texture. Above crops of the slices, below sections of the volume, at equal scale.',
    )


def _realisations(ensemble: Ensemble | None) -> str:
    """Section on the spread between realisations."""
    if ensemble is None:
        return ''
    curves = figures.ensemble_figure(ensemble)
    return _section(
        f'{ensemble.count} realisations',
        ensemble_table(ensemble) + (f'<figure>{curves}</figure>' if curves else ''),
        'Mean over volumes from different seeds, and where 95 % of further ones would lie: how much the generator '
        'itself varies.',
    )


def _ensemble_page(ensemble: Ensemble) -> str:
    names = ''.join(
        f'<li>{escape(name)}: {" × ".join(map(str, shape))} voxels</li>'
        for name, shape in zip(ensemble.names, ensemble.shapes, strict=True)
    )
    curves = figures.ensemble_figure(ensemble)
    return _page(
        f'Microstructure of {ensemble.count} volumes',
        f'Phase <b>{escape(ensemble.phase_name)}</b>, mean, and where 95 % of further volumes would lie.',
        _section('Statistics', ensemble_table(ensemble)),
        _section('Curves', f'<figure>{curves}</figure>' if curves else ''),
        _section('What the numbers mean', _meanings(ensemble.statistics)),
        _section('Volumes', f'<ul>{names}</ul>'),
    )


def _comparison_page(comparison: Comparison, volumes: Sequence[Volume], shape: ShapeEvidence | None) -> str:
    generated, real = comparison.generated, comparison.real
    lead = (
        f'Phase <b>{escape(generated.phase_name)}</b>. '
        f'{_GENERATED}: {escape(_size(generated.volume))}. {_REAL}: {escape(_size(real.volume))}.'
    )
    counts = {word: len(comparison.keys_with(word)) for word in ('inside', 'outside', 'cannot tell')}
    tiles = ''.join(
        f'<div class="tile {word.replace(" ", "-")}"><b>{count}</b><span>{label}</span></div>'
        for (word, count), label in zip(
            counts.items(), ('inside the spread of real blocks', 'outside it', 'cannot be told'), strict=True
        )
    )
    notes = ''.join(f'<li>{escape(note)}</li>' for note in comparison.notes)
    basis = f'<p>Compared: {escape(comparison.basis)}.</p>' + (f'<ul>{notes}</ul>' if notes else '')
    named = list(zip((f'{_GENERATED}: {generated.volume.name}', f'{_REAL}: {real.volume.name}'), volumes, strict=False))
    dots, s2, lineal = (
        figures.dot_figure(comparison),
        figures.s2_figure(comparison),
        figures.lineal_path_figure(comparison),
    )
    thickness = figures.thickness_figure(comparison)
    return _page(
        f'{generated.volume.name} beside {real.volume.name}',
        lead,
        f'<section><div class="tiles">{tiles}</div>{basis}</section>',
        _shape(shape, volumes),
        _section('Middle slices', _slices(named)),
        _section(
            'Where the generated volume lies',
            f'<figure>{dots}</figure>' if dots else '',
            'Shaded: where 95 % of further real blocks would lie. Orange dots lie outside; hollow ones cannot be told.',
        ),
        _section('Statistics', comparison_table(comparison)),
        _section(
            'Two-point probability',
            f'<figure>{s2}</figure>' if s2 else '',
            'The chance that two points a lag apart both lie in the phase: φ at lag zero, φ² where they know nothing '
            'of each other.',
        ),
        _section(
            'Lineal path',
            f'<figure>{lineal}</figure>' if lineal else '',
            'The chance that a straight segment lies in the phase from end to end; connectivity that S₂ cannot see.',
        ),
        _section(
            'Local thickness',
            f'<figure>{thickness}</figure>' if thickness else '',
            'Share of the phase that spheres of at least this diameter cover: the pore or grain size distribution.',
        ),
        _realisations(comparison.ensemble),
        _section('What the numbers mean', _meanings(comparison.compared)),
        _section('Where it came from', _provenance([(_GENERATED, generated.volume), (_REAL, real.volume)])),
    )


def _slices(volumes: Sequence[tuple[str, Volume]]) -> str:
    if not volumes:
        return ''
    rows: list[str] = []
    for name, volume in volumes:
        pictures: list[str] = []
        for normal in AXES:
            share, label = figures.scale_bar(volume, normal)
            row, column = IMAGE_AXES[normal]
            middle = volume.shape[AXES.index(normal)] // 2
            height, width = volume.slice_labels(normal, middle).shape
            pixel = volume.voxel_size.pixel(normal)
            ratio = width * pixel[1] / (height * pixel[0])
            pictures.append(
                f'<figure class="slice"><div class="frame" style="aspect-ratio:{ratio:.4f}">'
                f'<img alt="slice at {normal}={middle} of {escape(name)}" src="{figures.slice_png(volume, normal)}">'
                f'<span class="bar" style="width:{share * 100:.2f}%">{escape(label)}</span></div>'
                f'<figcaption>{normal} = {middle} &nbsp;({row} down, {column} right)</figcaption></figure>'
            )
        swatches = ''.join(
            f'<span class="swatch"><i style="background:{color}"></i>{escape(phase)}</span>'
            for phase, color in figures.phase_colors(volume).items()
        )
        rows.append(f'<h3>{escape(name)} {swatches}</h3><div class="slices">{"".join(pictures)}</div>')
    return ''.join(rows)


def _meanings(statistics: Iterable[str]) -> str:
    found = {quantity.key: quantity for quantity in map(quantity_of, statistics)}
    items = ''.join(
        f'<dt>{escape(quantity.title)}</dt><dd>{escape(quantity.meaning)}</dd>'
        for quantity in found.values()
        if quantity.meaning
    )
    return f'<dl>{items}</dl>' if items else ''


def _provenance(volumes: Sequence[tuple[str, VolumeInfo]]) -> str:
    parts = [
        f'<h3>{escape(name)}: {escape(info.name)}</h3><table class="plain">{provenance_rows(info.provenance)}</table>'
        for name, info in volumes
    ]
    analysed = ', '.join(f'{name} {version}' for name, version in versions().items())
    return ''.join(parts) + f'<p class="hint">Analysed with {escape(analysed)}.</p>'
