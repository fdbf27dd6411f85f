"""Any picture gets a prior or a refusal by name, in bounded time and memory and with signs of life in between."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import ndtri

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.priors import PriorModel, fitting_prior
from napari_microrecon.engine.generator.priors.cells import CellField
from napari_microrecon.engine.generator.priors.dendrites import DendriteField
from napari_microrecon.engine.generator.priors.effort import MOST, Effort, Trial
from napari_microrecon.engine.generator.priors.enough import check_enough_features
from napari_microrecon.engine.generator.priors.extract import PIXELS, extracted
from napari_microrecon.engine.generator.priors.fields import MOST_VOXELS, drawn_shape, smooth_noise
from napari_microrecon.engine.generator.priors.gaussian import GaussianField
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.voxels import Axis

LITTLE = MOST / 12  # of the usual effort: enough for a first look at every family
PER_VOXEL = 3e-7  # seconds of a processor that a busy machine may take for a voxel of the effort
STEP = 2.0  # seconds of a processor between two signs of life, on a busy machine


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _exemplars(*pictures: np.ndarray) -> Exemplars:
    """Of one picture, or of three with normals z, y and x."""
    phases = Phases.default(max(int(picture.max()) for picture in pictures) + 1)
    normals: tuple[Axis, ...] = ('z', 'y', 'x')
    return Exemplars.of(SliceSet.of([Slice(p, phases, n) for p, n in zip(pictures, normals, strict=False)]))


def _blobs(shape: tuple[int, int], length: float, fraction: float = 0.4) -> np.ndarray:
    """Level cut of smoothed noise."""
    noise = ndimage.gaussian_filter(_rng().standard_normal(shape, dtype=np.float32), length, mode='wrap')
    return (noise > np.quantile(noise[::3, ::3], 1 - fraction)).astype(np.uint8)


def _bands(count: int, along: int = 0) -> np.ndarray:
    """As many bands as told, 256 x 256."""
    line = (np.arange(256) * count // 256 % 2).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(line[:, None] if along == 0 else line, (256, 256)))


def _chequers(edge: int) -> np.ndarray:
    at = np.arange(256) // edge
    return (np.add.outer(at, at) % 2).astype(np.uint8)


def _discs(edge: int, radius: int, count: int) -> np.ndarray:
    """Discs strewn at random."""
    away = np.ones((edge, edge), bool)
    away[tuple(_rng(1).integers(0, edge, (2, count)))] = False
    return (ndimage.distance_transform_edt(away) <= radius).astype(np.uint8)


def _voronoi(edge: int, count: int, phases: int) -> np.ndarray:
    seeds = cKDTree(_rng(2).random((count, 2)) * edge)
    _, nearest = seeds.query(np.moveaxis(np.mgrid[:edge, :edge], 0, -1))
    return _rng(3).integers(0, phases, count).astype(np.uint8)[nearest]


def _line() -> np.ndarray:
    picture = np.zeros((256, 256), np.uint8)
    picture[100] = 1
    return picture


def _gradient() -> np.ndarray:
    """Blobs that are few on the left and hold together on the right."""
    noise = ndimage.gaussian_filter(_rng().standard_normal((256, 256)), 3)
    return (noise / noise.std() > np.linspace(2, -2, 256)).astype(np.uint8)


def _fibres() -> list[np.ndarray]:
    """Round in the plane across them, long in the two others."""
    stripes = [
        np.broadcast_to(ndimage.binary_dilation(_rng(s).random(256) < 0.04, iterations=5), (256, 256)) for s in (1, 2)
    ]
    return [_discs(256, 7, 90), *(np.ascontiguousarray(s).astype(np.uint8) for s in stripes)]


KINDS: dict[str, tuple[bool, Callable[[], list[np.ndarray]]]] = {
    'three bands': (False, lambda: [_bands(3)]),
    'two halves': (False, lambda: [_bands(2, 1)]),
    'one grain': (False, lambda: [_discs(256, 80, 1)]),
    'a line': (False, lambda: [_line()]),
    'a few pixels': (False, lambda: [_bands(2)[120:136, :16]]),
    'gradient': (True, lambda: [_gradient()]),
    'noise': (True, lambda: [(_rng().random((256, 256)) < 0.4).astype(np.uint8)]),
    'one-pixel chequers': (True, lambda: [_chequers(1)]),
    'large chequers': (True, lambda: [_chequers(64)]),
    'one-pixel stripes': (True, lambda: [_bands(256, 1)]),
    'half a per cent': (True, lambda: [_discs(512, 3, 45)]),
    'half a per cent of three phases': (True, lambda: [np.where(_discs(512, 3, 45), 2, _blobs((512, 512), 4))]),
    'three halves': (True, lambda: [_bands(2), _bands(2, 1), _bands(2)]),
    'thin strip': (True, lambda: [_blobs((60, 2000), 4)]),
    'thin strip of large blobs': (True, lambda: [_blobs((60, 2000), 15)]),
    'six phases': (True, lambda: [_voronoi(400, 600, 6)]),
    'fibres in three planes': (True, _fibres),
    'layers': (True, lambda: [_bands(2), _bands(20), _bands(20)]),
}  # fmt: skip


def _fit(exemplars: Exemplars, effort: Effort) -> tuple[PriorModel, float, float]:
    """Prior, seconds of a processor in all, and the most between two signs of life."""
    job = fitting_prior(exemplars, effort)
    began = last = time.thread_time()
    longest = 0.0
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value, time.thread_time() - began, max(longest, time.thread_time() - last)
        now = time.thread_time()
        longest, last = max(longest, now - last), now


@pytest.fixture(scope='module', autouse=True)
def compiled() -> None:
    """The first fit on a machine compiles the inner loops, which is not what is measured here."""
    GrainField.fit(0.3, (0.1, 0.1, 0.1)).sample((8, 8, 8), _rng(), periodic=False)
    drain(fitting_prior(_exemplars(_blobs((64, 64), 2)), Effort(1)))


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_of_picture_gets_a_prior_or_a_refusal(kind: str) -> None:
    fits, pictures = KINDS[kind]
    exemplars = _exemplars(*pictures())
    if not fits:
        with pytest.raises(InputError, match=r'slices: hold .* feature.*, and \d are needed .*; give a larger picture'):
            drain(fitting_prior(exemplars))
        return
    effort = Effort(LITTLE)
    prior, seconds, longest = _fit(exemplars, effort)
    assert effort.voxels < LITTLE
    # What has been begun is finished: the first look at every phase, and one family in all draws.
    assert seconds < PER_VOXEL * (LITTLE - effort.voxels) + 2.0 * exemplars.phase_count
    assert longest < STEP
    fields = prior.sample((32, 32, 32), 0, periodic=False)
    assert np.isfinite(fields).all()
    assert fields.std() > 0


@pytest.mark.slow
def test_a_picture_of_sixteen_million_pixels_takes_no_longer_than_a_small_one() -> None:
    small, large = (_exemplars(_blobs((edge, edge), 3)) for edge in (512, 4096))
    tracemalloc.start()
    try:
        (prior, seconds, longest), before = _fit(large, Effort(LITTLE)), _fit(small, Effort(LITTLE))[1]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seconds < before + 6
    assert longest < STEP
    assert peak < 700e6
    assert 'windows of the slices' in prior.reason


def test_what_is_not_tried_is_said() -> None:
    # Long ellipses in the one slice of an isotropic material: nothing is near, so that everything would be tried.
    picture = _exemplars(np.repeat(_blobs((64, 256), 3), 4, axis=0))
    effort = Effort(LITTLE / 4)
    prior, _, _ = _fit(picture, effort)
    assert effort.left_out
    assert prior.reason.endswith(f'; for want of time not tried: {", ".join(effort.left_out)}')
    assert _fit(picture, Effort(LITTLE / 4))[0] == prior


def test_enough_features_are_asked_of_all_slices_together() -> None:
    half = _bands(2)
    with pytest.raises(InputError):
        check_enough_features(_exemplars(half, half))
    check_enough_features(_exemplars(half, half, _blobs((256, 256), 4)))
    # A labyrinth is one area of each phase.
    check_enough_features(_exemplars(_blobs((128, 128), 4, 0.5)))
    # Noise on two halves is no feature beside them.
    noisy = half.copy()
    noisy[tuple(_rng().integers(0, 256, (2, 20)))] ^= 1
    with pytest.raises(InputError, match='slices: hold one feature'):
        check_enough_features(_exemplars(noisy))


def test_coarse_pictures_are_fitted_at_low_resolution_with_their_own_lengths() -> None:
    coarse = _blobs((768, 768), 24)
    less, by, how = drain(extracted(_exemplars(coarse), Trial('')))
    assert by > 1
    assert how.startswith(f'at {by} pixels to one')
    assert less.images['z'] is less.images['x']
    assert less.images['z'][0].shape == (768 // by, 768 // by)
    prior, _, _ = _fit(_exemplars(coarse), Effort(LITTLE))
    assert how in prior.reason
    masks = [prior.sample((96, 96, 96), i, periodic=False)[0] > ndtri(0.6) for i in range(4)]
    wanted = _exemplars(coarse).edge_density(1)['z']
    assert np.mean([np.diff(m, axis=a).mean() for m in masks for a in range(3)]) == pytest.approx(wanted, rel=0.35)


def test_fine_pictures_are_fitted_as_they_are() -> None:
    fine = _exemplars(_blobs((500, 700), 4))
    assert drain(extracted(fine, Trial(''))) == (fine, 1, '')


def test_windows_hold_as_many_pixels_of_every_size_of_picture() -> None:
    for shape in ((1200, 1200), (200, 6000), (2048, 700)):
        less, by, _ = drain(extracted(_exemplars(_blobs(shape, 2)), Trial('')))
        assert by == 1
        assert 0.9 * PIXELS < sum(image.size for image in less.images['z']) <= PIXELS
        assert np.mean([image.mean() for image in less.images['z']]) == pytest.approx(0.4, abs=0.02)


def test_drawn_volumes_are_bounded_whatever_the_stretch() -> None:
    assert drawn_shape(128, (1.0, 1.0, 1.0)) == (128, 128, 128)
    assert drawn_shape(96, (0.5, 1.0, 2.0)) == (48, 96, 192)
    for stretch in ((50.0, 0.14, 0.14), (0.01, 10.0, 10.0), (1e4, 1e-2, 1e-2)):
        assert np.prod(drawn_shape(128, stretch)) <= MOST_VOXELS
        assert min(drawn_shape(128, stretch)) >= 32


def test_slow_noise_has_its_variance_and_its_correlation() -> None:
    for periodic in (False, True):
        drawn = np.stack([smooth_noise((8, 96, 90), (1, 30, 20), _rng(i), periodic=periodic) for i in range(150)])
        assert (drawn**2).mean() == pytest.approx(1, abs=0.12)
        told = (drawn[..., 20:] * drawn[..., :-20]).mean() / (drawn**2).mean()
        assert told == pytest.approx(np.exp(-0.25), abs=0.06)
    # The ends of a periodic one meet.
    assert np.abs(drawn[..., 0] - drawn[..., -1]).mean() < 0.1


@pytest.mark.parametrize(
    'field',
    [
        GrainField.fit(0.3, (0.08, 0.08, 0.08)),
        GrainField.fit(0.3, (0.08, 0.08, 0.08)).model_copy(update={'bent': 0.4}),
        CellField.fit(0.3, (0.1, 0.1, 0.1)),
        GaussianField.fit(0.09 + 0.21 * np.exp(-np.arange(30) / 5), 0.3),
        GaussianField.fit(0.25 + 0.25 * np.sinc(np.arange(40) / 10) * np.exp(-np.arange(40) / 30), 0.5),
        DendriteField(
            along=0, spacing=20, arm_spacing=8, stem=2, arm=1.5, values=tuple(np.linspace(-9, 4, 65)), support=20
        ),
    ],
    ids=['grains', 'bent grains', 'cells', 'gaussian', 'waves', 'dendrites'],
)
def test_a_scaled_field_is_the_same_structure_magnified(
    field: GrainField | CellField | GaussianField | DendriteField,
) -> None:
    large = field.scaled(3)
    plain = [field.sample((28, 28, 28), _rng(i), periodic=False) > 0.5 for i in range(30)]
    magnified = [large.sample((84, 84, 84), _rng(i), periodic=False)[1::3, 1::3, 1::3] > 0.5 for i in range(10)]
    faces = [np.mean([np.diff(m, axis=a).mean() for m in masks for a in range(3)]) for masks in (plain, magnified)]
    # Field by field another draw; a Gaussian one is smoothed a little more, so that it can be interpolated.
    assert faces[1] == pytest.approx(faces[0], rel=0.2)
    shares = [np.mean(masks, axis=(1, 2, 3)) for masks in (plain, magnified)]
    scatter = np.hypot(*(share.std(ddof=1) / np.sqrt(len(share)) for share in shares))
    assert abs(shares[1].mean() - shares[0].mean()) < 3.5 * scatter + 0.01
    assert large.support == pytest.approx(3 * field.support)
