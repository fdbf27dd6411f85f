"""The paragraph about a reconstruction for the methods section of a paper, from its provenance alone.

Every sentence says what is recorded; what is not recorded is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..provenance import Provenance
from ..run import Run
from ..slices import SliceSet
from ..volume import Volume

if TYPE_CHECKING:
    from ..generator.checkpoint import WeightsHeader

PAPER = (
    'A Generative Machine Learning Model for Material Microstructure 3D Reconstruction and Performance Evaluation, '
    'arXiv:2402.15815 (2024)'
)
HOMEPAGE = 'https://github.com/napari-microrecon/napari-microrecon'
TOOL = 'napari-microrecon'
_TERMS = {
    'patches': 'the sliced Wasserstein distance of patches',
    's2': 'the two-point probability',
    'surface': 'the interface density',
    'connectivity': "the throats of the prior's skeleton",
    'critic': 'a Wasserstein critic',
}
_LIBRARIES = {'porespy': 'PoreSpy', 'torch': 'PyTorch', 'numpy': 'NumPy', 'scipy': 'SciPy', 'python': 'Python'}


def methods_paragraph(
    volume: Volume,
    weights: WeightsHeader | None = None,
    slices: SliceSet | None = None,
    others: Sequence[Volume] = (),
    notes: Sequence[str] = (),
    shape: str = '',
) -> str:
    """Write the paragraph.

    Parameters
    ----------
    volume : Volume
        With provenance.
    weights : WeightsHeader, optional
        Of the weights that made it: tells of their training.
    slices : SliceSet, optional
        What it was made from: tells of planes, sizes and symmetry.
    others : sequence of Volume
        Further realisations of the same run.
    notes : sequence of str
        How the slices were segmented, one for each.
    shape : str
        Verdict on the shapes in the volume's sections, in words; empty where there is none.

    Returns
    -------
    str
        Plain text, one paragraph and the references.
    """
    made = volume.provenance
    size = ' × '.join(map(str, volume.shape))
    if made.kind != 'reconstruction':
        origin = made.description.rstrip('.') or 'its origin is not recorded'
        return f'The volume {volume.name} ({size} voxels, {_voxel(volume)}) was not reconstructed: {origin}.'
    sentences = [
        _inputs(volume, slices),
        *_segmentation(notes),
        *_model(made, weights),
        *_training(weights),
        _sampling(volume, others),
        _fractions(volume, slices),
        f'Compared with the slices in shape, sections of the volume gave: {shape}.' if shape else '',
        _software(made),
    ]
    text = ' '.join(sentence for sentence in sentences if sentence)
    version = made.versions.get(TOOL, '')
    return f'{text}\n\n[1] {PAPER}\n[2] {TOOL}{f" {version}" if version else ""}, {HOMEPAGE}'


def methods_of_run(run: Run) -> str:
    """Write the paragraph about the volumes of a run, with what its folder knows of slices and weights.

    Raises
    ------
    InputError
        If the run made no volume or its files have changed.
    """
    from ..generator.checkpoint import Weights

    volumes, slices = run.load_volumes(), run.load_slices()
    path = run.input_path('weights')
    header = None if path is None else Weights.load(path).header
    notes = run.record.results.get('segmentation', ())
    shape = run.record.results.get('shape') or {}
    return methods_paragraph(volumes[0], header, slices, volumes[1:], notes, shape.get('words', ''))


def _inputs(volume: Volume, slices: SliceSet | None) -> str:
    made = volume.provenance
    count = len(made.inputs)
    placed = 'at their places' if made.parameters.get('mode', 'unconditional') != 'unconditional' else ''
    size = ' × '.join(map(str, volume.shape))
    what = f'{count} two-dimensional slice{"s" if count != 1 else ""}'
    detail = ''
    if slices is not None:
        planes = ', '.join(
            f'{s.labels.shape[0]} × {s.labels.shape[1]} pixels, normal {s.normal}'
            + ('' if s.position is None else f' at {s.position}')
            for s in slices
        )
        detail = f' ({planes}; {slices.symmetry}, {slices.evidence})'
    edges = ' × '.join(f'{n * e:.4g}' for n, e in zip(volume.shape, volume.voxel_size.zyx, strict=True))
    physical = f', {edges} {_unit(volume)}' if volume.voxel_size.is_known else ''
    return (
        f'A volume of {size} voxels (z, y, x{physical}; {_voxel(volume)}) with {volume.phases.count} phases '
        f'({", ".join(volume.phases.names)}) was reconstructed from {what}{detail}'
        f'{f", which it holds {placed}" if placed else ""} with {TOOL} [2].'
    )


def _segmentation(notes: Sequence[str]) -> list[str]:
    told = list(dict.fromkeys(note.strip().rstrip('.') for note in notes if note.strip() and note != 'sample'))
    return [f'Segmentation: {"; ".join(told)}.'] if told else []


def _model(made: Provenance, weights: WeightsHeader | None) -> list[str]:
    mode = made.parameters.get('mode', 'unconditional')
    if mode != 'unconditional':
        guess = 'the most likely phase' if mode == 'most-likely' else 'phases drawn by a Gaussian copula'
        return [
            'Between the slices, phase probabilities were predicted by a convolutional network trained on these '
            f'slices and calibrated on slices held back; voxels got {guess}.'
        ]
    if weights is None:
        used = made.weights
        return [] if used is None else [f'The generator had the weights {used.name} (sha256 {used.sha256[:16]}).']
    from ..generator.priors.families import family_of

    prior = weights.prior
    kinds = list(dict.fromkeys(family_of(one).methods_text or one.kind for one in prior.fields))
    if not weights.trained and prior.exemplar is not None:
        fields = f'a sample of {" and ".join(kinds)} fitted to the slices'
        begun = fields if prior.exemplar.from_prior else 'random noise'
        return [
            f'The volume was grown from patches of the slices, beginning with {begun}, by solid texture optimisation '
            'of signed distances (Kopf et al., ACM Transactions on Graphics 26, 2, 2007) with pieces of up to eight '
            'pixels strewn as a hard-core process; no network was trained.'
        ]
    if not weights.trained:
        return [
            f'The volume is a sample of a structural prior, {" and ".join(kinds)}, whose parameters were fitted to the '
            'slices; no network was trained.'
        ]
    shape = weights.architecture
    parts = [f'{shape.levels} resolutions', f'{shape.channels} channels at the finest']
    parts += [f'{shape.attention} attention'] if shape.attention != 'none' else []
    parts += ['multi-scale channel aggregation'] if shape.scale_aggregation else []
    parts += ['slice features that modulate every level'] if shape.slice_encoder else []
    return [
        f'A 3D U-Net generator after the idea of [1] ({", ".join(parts)}) refines a structural prior, '
        f'{" and ".join(kinds)}{_aims(weights)}.'
    ]


def _aims(weights: WeightsHeader) -> str:
    """What it was trained for, as far as the terms of the loss are recorded."""
    params = weights.training.get('params', {})
    terms = {name: value for name, value in params.get('loss', {}).items() if value}
    if params.get('critic_start', 0) >= 1:
        terms.pop('critic', None)
    aims = [words for name, words in _TERMS.items() if name in terms]
    return f'; it was trained on slices alone, by {", ".join(aims)}' if aims else ''


def _training(weights: WeightsHeader | None) -> list[str]:
    if weights is None or not weights.trained:
        return []
    told, made = weights.training, weights.provenance
    steps = told.get('steps_done', told.get('steps'))
    length = [f'{int(steps)} steps'] if steps else []
    seconds = told.get('seconds')
    length += [_duration(float(seconds))] if seconds else []
    on = f' on {made.device.replace("1 threads", "1 thread")}' if made.device else ''
    seed = f', seed {made.seed}' if made.seed is not None else ''
    trained = ', '.join(source.name for source in made.inputs)
    sentence = f'The weights {weights.name!r} were trained{f" on {trained}" if trained else ""}'
    sentence += f' ({", ".join(length)}{on}{seed})' if length else f'{on}{seed}'
    if made.weights is not None:
        sentence += f', starting from the weights {made.weights.name!r}'
    return [sentence + '; those with the best microstructure statistics were kept.']


def _sampling(volume: Volume, others: Sequence[Volume]) -> str:
    made = volume.provenance
    seeds = [v.provenance.seed for v in (volume, *others) if v.provenance.seed is not None]
    which = f'seed {seeds[0]}' if len(seeds) == 1 else f'seeds {", ".join(map(str, seeds))}'
    tile = made.parameters.get('tile')
    extras = [f'tiles of {tile} voxels'] if tile else []
    extras += ['periodic'] if made.parameters.get('periodic') else []
    count = 'One realisation was' if not others else f'{1 + len(others)} realisations were'
    text = f'{count} generated' + (f' ({", ".join([which, *extras])})' if seeds else '')
    return text + (f' on {made.device}.' if made.device else '.')


def _fractions(volume: Volume, slices: SliceSet | None) -> str:
    params: dict[str, Any] = volume.provenance.parameters
    got = ', '.join(f'{n} {f:.4f}' for n, f in zip(volume.phases.names, volume.fractions, strict=True))
    wanted = params.get('target_fractions') or {}
    if wanted:
        names = volume.phases.names
        text = ', '.join(f'{names[int(label)]} = {value:g}' for label, value in wanted.items())
        how = f'calibrated to a chosen phase fraction ({text}) by an offset of the logits'
    elif params.get('fractions') == 'volume':
        how = 'calibrated, in each volume, to those of the slices'
    else:
        how = 'calibrated to those of the slices on average over volumes'
    there = ''
    if slices is not None:
        pairs = zip(slices.phases.names, slices.fractions, strict=True)
        there = f'; slices: {", ".join(f"{n} {f:.4f}" for n, f in pairs)}'
    return f'Phase fractions were {how} (volume: {got}{there}).'


def _software(made: Provenance) -> str:
    named = ', '.join(f'{_LIBRARIES[key]} {made.versions[key]}' for key in _LIBRARIES if key in made.versions)
    version = made.versions.get(TOOL)
    tool = f'{TOOL} {version}' if version else TOOL
    sources = [*made.inputs, *([made.weights] if made.weights is not None else [])]
    hashes = ', '.join(f'{source.name} {source.sha256[:12]}' for source in sources)
    date = f' on {made.created[:10]}' if made.created else ''
    return (
        f'Software: {tool}{f" with {named}" if named else ""}{date}. Sha256 of slices and weights (first 12 digits): '
        f'{hashes}.'
    )


def _voxel(volume: Volume) -> str:
    if not volume.voxel_size.is_known:
        return 'physical size not known'
    return f'voxel {volume.voxel_size}'.replace('um', 'µm')


def _unit(volume: Volume) -> str:
    return 'µm' if volume.voxel_size.unit == 'um' else volume.voxel_size.unit


def _duration(seconds: float) -> str:
    return f'{seconds:.0f} s' if seconds < 120 else f'{seconds / 60:.1f} min'
