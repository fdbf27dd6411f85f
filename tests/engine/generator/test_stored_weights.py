"""A weights file is believed nothing: what cannot be is refused in one line, before anything large is made of it."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator import ReconstructParams, Weights, reconstruct
from napari_microrecon.engine.generator.checkpoint import LOGIT_SAMPLE, SLICE_CODE, WeightsHeader, shipped_weights
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.network import build_network, encoder_of
from napari_microrecon.engine.generator.params import Architecture
from napari_microrecon.engine.generator.priors import PriorModel
from napari_microrecon.engine.generator.priors.cells import CellField
from napari_microrecon.engine.generator.priors.coating import KNOTS, CoatingField
from napari_microrecon.engine.generator.priors.dendrites import DendriteField
from napari_microrecon.engine.generator.priors.gaussian import GaussianField
from napari_microrecon.engine.generator.priors.grains import SCORES, GrainField
from napari_microrecon.engine.generator.synthesis import ExemplarField
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import SliceSet
from napari_microrecon.engine.voxels import VoxelSize

Header = dict[str, Any]
Tensors = dict[str, torch.Tensor]
RISING = tuple(float(v) for v in np.linspace(-2, 2, len(SCORES)))
GRAINS = GrainField.fit(0.3, (0.06, 0.06, 0.06))
FIELDS = {
    'grains': GRAINS,
    'cells': CellField(spacing=12.0, distances=tuple(np.linspace(0, 0.5, 81)), support=24.0),
    'gaussian': GaussianField.tabulated(np.linspace(1, 0, 8)),
    'dendrites': DendriteField(
        along=0, spacing=25.0, arm_spacing=12.0, stem=4.0, arm=3.0, values=RISING, support=25.0
    ),
}  # fmt: skip
COATING = CoatingField(
    texture=GaussianField.tabulated(np.linspace(1, 0, 8)),
    values=tuple(np.linspace(-2, 0, KNOTS)),
    levels=(0.0,) * KNOTS,
    sums=RISING,
    support=24.0,
)


def header_of(prior: PriorModel, **more: Any) -> Header:
    """Header of weights of a small network with this prior, as plain data."""
    count = prior.phase_count
    fractions = [1 / count] * count
    return {
        'format': 1,
        'name': 'small',
        'architecture': Architecture(
            phase_count=count, field_count=prior.channels, channels=4, levels=2
        ).model_dump(mode='json'),
        'prior': prior.model_dump(mode='json'),
        'phases': Phases.default(count).model_dump(mode='json'),
        'voxel_size': VoxelSize.cube(2, 'um').model_dump(mode='json'),
        'fractions': fractions,
        'isotropic': True,
        'fingerprint': {
            'fractions': fractions, 'correlation_lengths': [[4.0] * 3] * count, 'edges': [[0.06] * 3] * count,
        },
        **more,
    }  # fmt: skip


def two_phases(kind: str) -> PriorModel:
    return PriorModel(phase_count=2, fields=(FIELDS[kind],), order=(1, 0), thresholds=(0.0,))


def three_phases() -> PriorModel:
    return PriorModel(phase_count=3, fields=(GRAINS, COATING), order=(1, 2, 0), thresholds=(0.1, -0.2))


def tensors_of(header: Header) -> Tensors:
    """Tensors of a network that was not trained."""
    architecture = Architecture.model_validate(header['architecture'])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(architecture)
        tensors = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
        tensors[LOGIT_SAMPLE] = torch.randn((256, architecture.phase_count)).half()
    encoder = encoder_of(network)
    if encoder is not None:
        tensors[SLICE_CODE] = torch.zeros((1, len(encoder.film.bias)))
    return tensors


def write(path: Path, header: Header | str, tensors: Tensors) -> Path:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, {'napari-microrecon': text})
    return path


def put(place: str, value: Any) -> Callable[[Header, Tensors], None]:
    """Set a field of the header, 'prior.fields.0.radius' for instance."""

    def change(header: Header, tensors: Tensors) -> None:
        *parents, last = place.split('.')
        at: Any = header
        for part in parents:
            at = at[int(part)] if isinstance(at, list) else at[part]
        at[int(last) if isinstance(at, list) else last] = value

    return change


def drop(place: str) -> Callable[[Header, Tensors], None]:
    def change(header: Header, tensors: Tensors) -> None:
        *parents, last = place.split('.')
        at: Any = header
        for part in parents:
            at = at[int(part)] if isinstance(at, list) else at[part]
        del at[last]

    return change


def tensor(name: str, make: Callable[[torch.Tensor], torch.Tensor | None]) -> Callable[[Header, Tensors], None]:
    def change(header: Header, tensors: Tensors) -> None:
        made = make(tensors[name])
        if made is None:
            del tensors[name]
        else:
            tensors[name] = made

    return change


def filled(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def make(old: torch.Tensor) -> torch.Tensor:
        new = old.clone()
        new.view(-1)[0] = value
        return new

    return make


NAN, INF = math.nan, math.inf
TENSORS: dict[str, tuple[Any, str]] = {
    'NaN in a kernel': (tensor('enter.0.0.conv.weight', filled(NAN)), 'NaN'),
    'infinity in a kernel': (tensor('head.weight', filled(INF)), 'infinite'),
    'minus infinity in the logits': (tensor(LOGIT_SAMPLE, filled(-INF)), 'infinite'),
    'NaN in the code of the slices': (tensor(SLICE_CODE, filled(NAN)), 'NaN'),
    'integer kernel': (tensor('head.weight', lambda t: t.to(torch.int32)), 'I32'),
    'integer bias': (tensor('head.bias', lambda t: t.long()), 'I64'),
    'bool kernel': (tensor('head.weight', lambda t: t > 0), 'BOOL'),
    'floating-point count': (tensor('attend.0.pool.count', lambda t: t.float()), 'a count'),
    'negative count': (tensor('attend.0.pool.count', lambda t: torch.full_like(t, -3)), 'below zero'),
    'tensor of another shape': (tensor('head.weight', lambda t: t[:, :2]), 'shape'),
    'tensor left out': (tensor('head.weight', lambda t: None), 'lacks'),
    'logits left out': (tensor(LOGIT_SAMPLE, lambda t: None), 'logits'),
    'too few logits': (tensor(LOGIT_SAMPLE, lambda t: t[:3]), 'logits'),
    'logits of one more phase': (tensor(LOGIT_SAMPLE, lambda t: torch.cat([t, t], 1)), 'shape'),
    'logits all alike': (tensor(LOGIT_SAMPLE, torch.zeros_like), 'one phase'),
    'code left out': (tensor(SLICE_CODE, lambda t: None), 'lacks'),
    'one tensor too many': (lambda h, t: t.update(extra=torch.zeros(3)), 'does not belong'),
    'network without its encoder': (put('architecture.slice_encoder', False), 'tensor'),
}
HEADERS: dict[str, tuple[Any, str]] = {
    'format 0': (put('format', 0), 'format'),
    'format -1': (put('format', -1), 'format'),
    'format 2': (put('format', 2), 'newer version'),
    'format 999': (put('format', 999), 'newer version'),
    'format of no number': (put('format', 'one'), 'format'),
    'fractions of 5 and -4': (put('fractions', [5, -4]), 'fractions'),
    'fractions that do not sum to one': (put('fractions', [0.2, 0.2]), 'sum'),
    'NaN fraction': (put('fractions', [NAN, 0.5]), 'fractions'),
    'three fractions of two phases': (put('fractions', [0.2, 0.3, 0.5]), 'fractions'),
    'order doubled': (put('order', [0, 0]), 'order'),
    'order beyond the phases': (put('order', [1, 2]), 'order'),
    'NaN voxel size': (put('voxel_size.z', NAN), 'voxel_size'),
    'infinite voxel size': (put('voxel_size.z', INF), 'voxel_size'),
    'negative voxel size': (put('voxel_size.y', -1), 'voxel_size'),
    'absurd voxel size': (put('voxel_size.y', 1e300), 'voxel_size'),
    'unknown unit': (put('voxel_size.unit', 'parsec'), 'unit'),
    'channels beyond memory': (put('architecture.channels', 10**9), 'channels'),
    'levels beyond memory': (put('architecture.levels', 60), 'levels'),
    'no channels': (put('architecture.channels', 0), 'channels'),
    'phases beyond eight': (put('architecture.phase_count', 10**6), 'phase_count'),
    'other number of phases': (put('architecture.phase_count', 3), 'phases'),
    'other number of fields': (put('architecture.field_count', 2), 'fields'),
    'unknown attention': (put('architecture.attention', 'total'), 'attention'),
    'fingerprint of one phase': (put('fingerprint.edges', [[0.1] * 3]), 'fingerprint'),
    'NaN fingerprint': (put('fingerprint.edges.0.0', NAN), 'fingerprint'),
    'negative edges': (put('fingerprint.edges.0.0', -0.1), 'fingerprint'),
    'labels that do not count up': (put('phases.items.1.label', 7), 'labels'),
    'pore that is no phase': (put('phases.pore', 9), 'pore'),
    'name with a line break': (put('name', 'a\nb'), 'name'),
    'unknown field with a line break': (put('left\nover', 1), 'left over'),
    'prior left out': (drop('prior'), 'prior'),
    'untrained but with tensors': (put('trained', False), 'does not belong'),
}
GRAIN, PRIOR = 'prior.fields.0.', 'prior.'
PRIORS: dict[str, tuple[str, Any, str]] = {
    'NaN radius': ('grains', put(GRAIN + 'radius', NAN), 'radius'),
    'infinite radius': ('grains', put(GRAIN + 'radius', INF), 'radius'),
    'negative radius': ('grains', put(GRAIN + 'radius', -3), 'radius'),
    'no radius': ('grains', put(GRAIN + 'radius', 0), 'radius'),
    'radius of a continent': ('grains', put(GRAIN + 'radius', 1e12), 'radius'),
    'large grains as many as small ones': ('grains', put(GRAIN + 'radius', 1e5), 'density'),
    'grains in every voxel': ('grains', put(GRAIN + 'density', 900.0), 'density'),
    'infinite density': ('grains', put(GRAIN + 'density', INF), 'density'),
    'no grains': ('grains', put(GRAIN + 'density', 1e-30), 'density'),
    'spread of 50': ('grains', put(GRAIN + 'spread', 50), 'spread'),
    'negative spread': ('grains', put(GRAIN + 'spread', -0.1), 'spread'),
    'flatness of none': ('grains', put(GRAIN + 'flatness', 0), 'flatness'),
    'flatness of a million': ('grains', put(GRAIN + 'flatness', 1e6), 'flatness'),
    'bent by NaN': ('grains', put(GRAIN + 'bent', NAN), 'bent'),
    'bent beyond one': ('grains', put(GRAIN + 'bent', 1.5), 'bent'),
    'channels beyond one': ('grains', put(GRAIN + 'channels', 7), 'channels'),
    'a billionth of a grain in each box': ('grains', put(GRAIN + 'even', 1e-9), 'even'),
    'negative evenness': ('grains', put(GRAIN + 'even', -1), 'even'),
    'table of two values': ('grains', put(GRAIN + 'values', [0.0, 1.0]), 'values'),
    'falling table': ('grains', put(GRAIN + 'values', list(reversed(RISING))), 'fall'),
    'NaN in a table': ('grains', put(GRAIN + 'values', [NAN, *RISING[1:]]), 'values'),
    'negative stretch': ('grains', put(GRAIN + 'stretch', [-1, 1, -1]), 'stretch'),
    'infinite stretch': ('grains', put(GRAIN + 'stretch', [INF, 1, 1]), 'stretch'),
    'stretch that swells': ('grains', put(GRAIN + 'stretch', [100, 100, 100]), 'stretch'),
    'stretch of two axes': ('grains', put(GRAIN + 'stretch', [1, 1]), 'stretch'),
    'NaN support': ('grains', put(GRAIN + 'support', NAN), 'support'),
    'unknown family': ('grains', put(GRAIN + 'kind', 'clouds'), "structural prior 'clouds'"),
    'cells of a thousandth': ('cells', put(GRAIN + 'spacing', 1e-3), 'every voxel'),
    'cells of nothing': ('cells', put(GRAIN + 'spacing', 0), 'spacing'),
    'infinite cells': ('cells', put(GRAIN + 'spacing', INF), 'spacing'),
    'seeds that cannot keep apart': ('cells', put(GRAIN + 'apart', 40), 'apart'),
    'distances in disorder': ('cells', put(GRAIN + 'distances', [1.0, 0.5] * 40 + [0.1]), 'distances'),
    'no distances': ('cells', put(GRAIN + 'distances', []), 'distances'),
    'correlation beyond one': ('gaussian', put(GRAIN + 'correlation', [1.0, 4.0, 0.0]), 'correlation'),
    'correlation of NaN': ('gaussian', put(GRAIN + 'correlation', [1.0, NAN, 0.0]), 'correlation'),
    'correlation of none': ('gaussian', put(GRAIN + 'correlation', []), 'correlation'),
    'correlation that begins at zero': ('gaussian', put(GRAIN + 'correlation', [0.0] * 5), 'begins'),
    'step of nothing': ('gaussian', put(GRAIN + 'step', 0), 'step'),
    'infinite smoothing': ('gaussian', put(GRAIN + 'smoothing', INF), 'smoothing'),
    'scale of nothing': ('gaussian', put(GRAIN + 'scale', 0), 'scale'),
    'support beyond the table': ('gaussian', put(GRAIN + 'support', 1e9), 'support'),
    'grid beyond memory': ('gaussian', put(GRAIN + 'correlation', [1.0] * 4096), ''),
    'axis that is none': ('dendrites', put(GRAIN + 'along', 3), 'along'),
    'arms beyond number': ('dendrites', put(GRAIN + 'arm_spacing', 1e-6), 'arm_spacing'),
    'stems far apart with arms beyond number': ('dendrites', put(GRAIN + 'spacing', 1e5), 'spacing'),
    'stems wider than their spacing': ('dendrites', put(GRAIN + 'stem', 1e5), 'stem'),
    'infinite arms': ('dendrites', put(GRAIN + 'arm', INF), 'arm'),
    'arms a thousand spacings long': ('dendrites', put(GRAIN + 'length', 1e3), 'length'),
    'stems that lean by NaN': ('dendrites', put(GRAIN + 'lean', NAN), 'lean'),
    'fine structure of no width': ('dendrites', put(GRAIN + 'fine', [0, 0]), 'fine'),
    'level of NaN': ('dendrites', put(GRAIN + 'fine_level', NAN), 'fine_level'),
    'coating of itself': ('coating', put('prior.fields.1.coated', 1), 'coated'),
    'coating of a field before the first': ('coating', put('prior.fields.1.coated', -1), 'coated'),
    'coating with half of its levels': ('coating', put('prior.fields.1.levels', [0.0] * 12), 'levels'),
    'coating with sums in disorder': ('coating', put('prior.fields.1.sums', list(reversed(RISING))), 'sums'),
    'texture of a coating': ('coating', put('prior.fields.1.texture.correlation', [1.0, INF]), 'texture'),
    'thresholds of NaN': ('coating', put(PRIOR + 'thresholds', [NAN, 0]), 'thresholds'),
    'one threshold too few': ('coating', put(PRIOR + 'thresholds', [0]), 'thresholds'),
    'order that names a phase twice': ('coating', put(PRIOR + 'order', [1, 1, 0]), 'order'),
    'order of two of three phases': ('coating', put(PRIOR + 'order', [1, 0]), 'order'),
    'phases beyond number': ('coating', put(PRIOR + 'phase_count', 10**9), 'phase_count'),
    'no fields': ('coating', put(PRIOR + 'fields', []), 'fields'),
}  # fmt: skip


def refusal(path: Path, header: Header | str, tensors: Tensors) -> str:
    """What is said when a file is refused; it is one line."""
    with pytest.raises(InputError) as error:
        Weights.load(write(path, header, tensors))
    told = str(error.value)
    assert path.name in told
    assert '\n' not in told
    assert len(told) < 400
    return told


@pytest.fixture(scope='module')
def sound() -> dict[str, tuple[Header, Tensors]]:
    """Headers and tensors of sound weights, by the family of their prior."""
    found: dict[str, tuple[Header, Tensors]] = {}
    for kind in (*FIELDS, 'coating'):
        header = header_of(three_phases() if kind == 'coating' else two_phases(kind))
        found[kind] = header, tensors_of(header)
    return found


@pytest.mark.parametrize('kind', [*FIELDS, 'coating'])
def test_sound_weights_load(kind: str, sound: dict[str, tuple[Header, Tensors]], tmp_path: Path) -> None:
    weights = Weights.load(write(tmp_path / 'sound.safetensors', *sound[kind]))
    weights.network()
    assert Weights.load(weights.save(tmp_path / 'again.safetensors')).sha256 == weights.sha256


@pytest.mark.parametrize('change', [*TENSORS, *HEADERS])
def test_what_cannot_be_is_refused(change: str, sound: dict[str, tuple[Header, Tensors]], tmp_path: Path) -> None:
    header, tensors = copy.deepcopy(sound['grains'][0]), dict(sound['grains'][1])
    make, word = (TENSORS | HEADERS)[change]
    make(header, tensors)
    assert word in refusal(tmp_path / 'odd.safetensors', header, tensors)


@pytest.mark.parametrize('change', PRIORS)
def test_absurd_priors_are_refused(change: str, sound: dict[str, tuple[Header, Tensors]], tmp_path: Path) -> None:
    kind, make, word = PRIORS[change]
    header, tensors = copy.deepcopy(sound[kind][0]), sound[kind][1]
    make(header, tensors)
    if change == 'grid beyond memory':
        put(GRAIN + 'step', 10.0)(header, tensors)
        put(GRAIN + 'support', 40_000.0)(header, tensors)
    assert word in refusal(tmp_path / 'odd.safetensors', header, tensors)


@pytest.mark.parametrize(
    ('text', 'word'),
    [('', 'no JSON'), ('[1]', 'no JSON object'), ('{"format": 1}', 'name'), ('[' * 10**5, 'no JSON'), ('null', 'JSON')],
)
def test_headers_that_are_none(text: str, word: str, tmp_path: Path) -> None:
    assert word in refusal(tmp_path / 'odd.safetensors', text, {'a': torch.zeros(1)})


def test_pictures_of_an_exemplar_are_looked_at(one_slice: SliceSet, tmp_path: Path) -> None:
    field = ExemplarField.of(Exemplars.of(one_slice))
    prior = two_phases('grains').model_copy(update={'exemplar': field})
    header = header_of(prior, trained=False)
    path = write(tmp_path / 'grown.safetensors', header, {})
    assert Weights.load(path).header.prior.exemplar == field
    good = field.pictures['z'][0]
    bomb = _packed_head(40_000, 40_000)
    for picture, word in (
        ('no base64 at all', 'base64'),
        ('', 'no PNG'),
        (good[:200], 'damaged'),
        (_packed_head(64, 64), 'damaged'),
        (bomb, 'pixels'),
        (_packed_head(3, 3), 'too small'),
        (_packed_labels(np.full((64, 64), 9, np.uint8)), 'label 9'),
    ):
        odd = copy.deepcopy(header)
        odd['prior']['exemplar']['pictures'] = {'z': [picture]}
        assert word in refusal(tmp_path / 'odd.safetensors', odd, {})
    for change, word in (
        (put('prior.exemplar.pictures', {}), 'pictures'),
        (put('prior.exemplar.fractions', [5, -4]), 'fractions'),
        (put('prior.exemplar.phase_count', 3), 'fractions'),
        (put('prior.exemplar.pictures', {'w': [good]}), 'pictures'),
    ):
        odd = copy.deepcopy(header)
        change(odd, {})
        assert word in refusal(tmp_path / 'odd.safetensors', odd, {})


def _packed_head(columns: int, rows: int) -> str:
    import base64

    size = columns.to_bytes(4, 'big') + rows.to_bytes(4, 'big')
    return base64.b64encode(b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR' + size + b'\x08\0\0\0\0' + b'\0' * 8).decode()


def _packed_labels(labels: np.ndarray) -> str:
    import base64
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(labels).save(buffer, 'PNG')
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_network_that_overflows_is_told(
    one_slice: SliceSet, sound: dict[str, tuple[Header, Tensors]], tmp_path: Path
) -> None:
    header, tensors = sound['grains'][0], dict(sound['grains'][1])
    for name, value in tensors.items():
        if value.is_floating_point() and name not in (LOGIT_SAMPLE, SLICE_CODE):
            tensors[name] = torch.full_like(value.float(), 9e8)
    weights = Weights.load(write(tmp_path / 'huge.safetensors', header, tensors))
    with pytest.raises(InputError, match='no numbers'):
        drain(reconstruct(one_slice, weights, ReconstructParams(shape=(16, 16, 16), device='cpu')))


def test_weights_of_batch_norm_name_who_can_read_them(sound: dict[str, tuple[Header, Tensors]], tmp_path: Path) -> None:
    header, tensors = copy.deepcopy(sound['grains'][0]), dict(sound['grains'][1])
    tensors['enter.0.0.norm.running_mean'] = torch.zeros(4)
    header['provenance'] = {'created': '2026-11-20T10:00:00+00:00'}
    told = refusal(tmp_path / 'old.safetensors', header, tensors)
    assert '0.1.0 of before 21 November 2026 can read it (trained 2026-11-20)' in told


def test_shipped_weights_are_within_the_bounds() -> None:
    for path in shipped_weights().values():
        header = Weights.load(path).header
        assert WeightsHeader.model_validate_json(header.model_dump_json()) == header


@pytest.mark.parametrize('kind', [*FIELDS, 'coating'])
def test_odd_priors_are_refused_or_drawn(kind: str, tmp_path: Path) -> None:
    base = header_of(three_phases() if kind == 'coating' else two_phases(kind), trained=False)
    rng = random.Random(1)
    places = [place for place in _numbers(base['prior']['fields'], ('prior', 'fields')) if 'values' not in place]
    drawn = 0
    for _ in range(40):
        header = copy.deepcopy(base)
        for place in rng.sample(places, rng.choice((1, 1, 2, 3))):
            at: Any = header
            for part in place[:-1]:
                at = at[part]
            odd = rng.choice((0, 1e-3, 0.05, 0.5, 1, 3, 12, 100, 1e4, 1e6, -1))
            at[place[-1]] = odd if rng.random() < 0.5 else at[place[-1]] * rng.choice((0.1, 0.5, 2, 10, 30))
        try:
            prior = Weights.load(write(tmp_path / 'odd.safetensors', header, {})).header.prior
        except InputError:
            continue
        for periodic in (False, True):
            assert np.isfinite(prior.sample((24, 24, 24), 0, periodic=periodic)).all()
        drawn += 1
    assert drawn > 3


def _numbers(value: Any, place: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    """Places of numbers that stand alone or are few."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _numbers(item, (*place, key))]
    if isinstance(value, list):
        return [found for i, item in enumerate(value[:4]) for found in _numbers(item, (*place, i))] * (len(value) < 5)
    return [place] if isinstance(value, int | float) and not isinstance(value, bool) else []


@pytest.mark.parametrize('of', ['trained', 'grown'])
def test_damaged_bytes_are_read_or_refused(
    of: str, one_slice: SliceSet, sound: dict[str, tuple[Header, Tensors]], tmp_path: Path
) -> None:
    if of == 'grown':
        field = ExemplarField.of(Exemplars.of(one_slice))
        header = header_of(two_phases('grains').model_copy(update={'exemplar': field}), trained=False)
        whole = write(tmp_path / 'whole.safetensors', header, {}).read_bytes()
    else:
        whole = write(tmp_path / 'whole.safetensors', *sound['coating']).read_bytes()
    rng = random.Random(3)
    path = tmp_path / 'damaged.safetensors'
    refused: list[str] = []
    for _ in range(500):
        path.write_bytes(damaged(whole, rng))
        try:
            Weights.load(path).network()
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 150
    assert not any('\n' in told or len(told) > 400 for told in refused)


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """Bytes with some flipped, most of them in the header, or cut."""
    head = 8 + int.from_bytes(whole[:8], 'little')
    if rng.random() < 0.25:
        return whole[: rng.randrange(len(whole))]
    made = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        at = rng.randrange(head if rng.random() < 0.7 else len(made))
        made[at] = rng.randrange(256)
    return bytes(made)


def test_plain_networks_of_earlier_versions_load_without_their_idle_gates(tmp_path: Path) -> None:
    header = header_of(two_phases('grains'))
    header['architecture'] |= {'attention': 'none', 'scale_aggregation': False, 'slice_encoder': False}
    tensors = tensors_of(header)
    plain = Weights.load(write(tmp_path / 'plain.safetensors', header, tensors))
    with_gates = tensors_of({**header, 'architecture': header['architecture'] | {'slice_encoder': True}})
    gates = {name: tensor for name, tensor in with_gates.items() if name.startswith('attend.')}
    assert gates
    old = Weights.load(write(tmp_path / 'old.safetensors', header, tensors | gates))
    assert all(torch.equal(old.network().state_dict()[k], v) for k, v in plain.network().state_dict().items())
    gates.popitem()
    assert 'lacks the tensor attend' in refusal(tmp_path / 'odd.safetensors', header, tensors | gates)
