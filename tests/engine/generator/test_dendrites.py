"""Dendrites along an axis: what they are told by, what their fit keeps, and that nothing else is taken for them."""

import itertools

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import ndtri

from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.priors import PriorModel, choose_prior
from napari_microrecon.engine.generator.priors.dendrites import DendriteField
from napari_microrecon.engine.generator.priors.effort import Trial
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.generator.priors.growth import coarse, grown_dendrites, rows_of_arms
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.samples import get_sample
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.voxels import AXES


def _rng(index: int) -> np.random.Generator:
    return np.random.default_rng(index)


def _exemplars(volume: np.ndarray) -> Exemplars:
    """Middle planes of a volume."""
    planes = [np.take(volume, n // 2, axis).astype(np.uint8) for axis, n in enumerate(volume.shape)]
    phases = Phases.named('between', 'dendrites')
    return Exemplars.of(SliceSet.of([Slice(plane, phases, normal) for plane, normal in zip(planes, AXES, strict=True)]))


def _spruces(along: int) -> np.ndarray:
    """Stems on a loose square lattice with tapered arms every 11 voxels: dendrites by another hand than the field's."""
    n, at = 112, np.mgrid[:112, :112, :112].astype(np.float32)
    rng, depth = _rng(5), np.full((112,) * 3, -50.0, np.float32)
    for y, x in itertools.product(range(14, n, 28), repeat=2):
        y, x = y + rng.uniform(-4, 4), x + rng.uniform(-4, 4)
        dy, dx = at[1] - y, at[2] - x
        phase = (at[0] + rng.uniform(0, 11)) % 11 - 5.5
        # Arms in a cross that taper to their tips 13 voxels out.
        reach, aside = np.maximum(abs(dy), abs(dx)), np.minimum(abs(dy), abs(dx))
        arms = 3.2 * (1 - reach / 16) + 0.6 - np.hypot(phase, aside)
        depth = np.maximum(depth, np.maximum(arms, 3.5 - np.hypot(dy, dx)))
    depth += 0.5 * ndimage.gaussian_filter(rng.standard_normal(depth.shape), 2) / 0.05
    return np.moveaxis(depth > 0, 0, along)


@pytest.fixture(scope='module')
def fitted() -> DendriteField:
    exemplars = _exemplars(_spruces(0))
    rows = rows_of_arms(exemplars, 1)
    assert rows is not None
    return drain(grown_dendrites(exemplars, 1, rows, Trial('dendrites'), favoured=True))


@pytest.mark.parametrize('along', [0, 1, 2])
def test_rows_of_arms_are_found_along_their_axis(along: int) -> None:
    rows = rows_of_arms(_exemplars(_spruces(along)), 1)
    assert rows is not None
    assert rows.along == along
    assert rows.spacing == pytest.approx(11, rel=0.05)


@pytest.mark.parametrize('name', ['sandstone', 'limestone', 'cathode', 'brass'])
def test_other_materials_have_no_rows_of_arms(name: str) -> None:
    exemplars = _exemplars(get_sample(name).load_volume().labels == 1)
    assert rows_of_arms(exemplars, 1) is None
    stretched = GrainField.fit(0.5, (0.04, 0.09, 0.09)).sample((96, 96, 96), _rng(1), periodic=False)
    assert rows_of_arms(_exemplars(stretched > 0), 1) is None


def test_dendrites_have_the_arms_and_the_faces_of_the_slices(fitted: DendriteField) -> None:
    wanted = _exemplars(_spruces(0)).edge_density(1)
    fraction = np.mean([image.mean() for images in _exemplars(_spruces(0)).images.values() for image in images])
    assert fitted.arm_spacing == pytest.approx(11, rel=0.05)
    drawn = [fitted.sample((88, 88, 88), _rng(i), periodic=True) > ndtri(1 - fraction) for i in range(4)]
    found = [np.mean([np.diff(mask, axis=axis).mean() for mask in drawn]) for axis in range(3)]
    assert np.mean(found) == pytest.approx(np.mean(list(wanted.values())), rel=0.25)


def test_dendrites_are_standard_normal_over_the_ensemble(fitted: DendriteField) -> None:
    for periodic in (False, True):
        values = np.stack([fitted.sample((88, 88, 88), _rng(i), periodic=periodic) for i in range(6)])
        for fraction in (0.2, 0.4):
            shares = (values > ndtri(1 - fraction)).mean((1, 2, 3))
            error = shares.std(ddof=1) / np.sqrt(len(shares))
            assert shares.mean() == pytest.approx(fraction, abs=3 * error + 0.02)


def test_periodic_dendrites_wrap_and_seeds_tell_them_apart(fitted: DendriteField) -> None:
    shape = (44, 56, 64)
    values = fitted.sample(shape, _rng(0), periodic=True)
    for axis in range(3):
        inside = np.abs(np.diff(values, axis=axis)).mean()
        across = np.abs(np.take(values, 0, axis) - np.take(values, -1, axis)).mean()
        assert across < 1.3 * inside
    assert np.array_equal(values, fitted.sample(shape, _rng(0), periodic=True))
    assert not np.array_equal(values, fitted.sample(shape, _rng(1), periodic=True))


def test_stems_run_along_their_axis(fitted: DendriteField) -> None:
    for along in range(3):
        field = fitted.model_copy(update={'along': along})
        mask = field.sample((72, 80, 88), _rng(2), periodic=False) > 0
        faces = [np.diff(mask, axis=axis).mean() for axis in range(3)]
        assert np.argmin(faces) == along
        clusters, _ = ndimage.label(mask)
        both = np.intersect1d(np.take(clusters, 0, along), np.take(clusters, -1, along))
        assert np.isin(clusters, both[both > 0]).sum() > 0.8 * mask.sum()


def test_coarse_leaves_out_what_is_thin_everywhere() -> None:
    picture = np.zeros((40, 40), bool)
    picture[5:15, 5:15] = True
    picture[8:10, 15:30] = True  # an arm that belongs to it
    picture[25:27, 5:35] = True
    kept = coarse(picture, 3.0)
    assert kept[8:10, 15:30].all()
    assert not kept[25:27].any()


def test_cast_iron_gets_dendrites_from_its_slices_alone() -> None:
    sample = get_sample('cast-iron')
    prior = choose_prior(Exemplars.of(sample.load_slices()))
    field = prior.fields[0]
    assert isinstance(field, DendriteField), prior.reason
    assert (field.along, field.favoured) == (0, True)
    assert 'dendrites of this phase' in prior.reason
    again = PriorModel.model_validate_json(prior.model_dump_json())
    assert again == prior
    assert np.array_equal(again.sample((24, 24, 24), 1, periodic=True), prior.sample((24, 24, 24), 1, periodic=True))
