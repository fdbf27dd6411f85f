"""Which weights a set of slices gets, in whatever order its phases are counted."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.generator import ReconstructParams, choose_weights, choosing_weights, reconstruct
from napari_microrecon.engine.generator.checkpoint import Weights
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.samples import get_sample
from napari_microrecon.engine.slices import Slice, SliceSet

pytestmark = pytest.mark.usefixtures('quick_priors')  # any prior serves here

ORDERS = {'sandstone': (1, 0), 'cathode': (2, 0, 1)}


def slices_of(name: str, order: tuple[int, ...] = (), phases: Phases | None = None) -> SliceSet:
    """Slices of a sample with phases nobody has named; phase k is what `order[k]` is in the sample."""
    slices = get_sample(name).load_slices()
    count = slices.phases.count
    turned = np.argsort(order or range(count)).astype(np.uint8)
    return SliceSet.of(
        [Slice(turned[s.labels], phases or Phases.default(count), s.normal, None, slices.voxel_size) for s in slices],
        'isotropic',
    )


@pytest.mark.parametrize('name', ORDERS)
def test_phases_in_another_order_get_the_same_weights_and_the_same_volume(name: str) -> None:
    order = ORDERS[name]
    plain, turned = (choose_weights('auto', slices_of(name, o)) for o in ((), order))
    assert (plain.weights.name, turned.weights.name) == (name, name)
    assert (plain.weights.header.order, turned.weights.header.order) == ((), order)
    assert turned.distance == pytest.approx(plain.distance)
    assert f'phase 0 is its {plain.weights.phases.names[order[0]]}' in turned.reason
    # Where each volume meets the fractions, the last voxels are a matter of rounding, which differs with the order.
    params = ReconstructParams(shape=(32, 32, 32), seed=3, fractions='ensemble', device='cpu')
    made = [
        drain(reconstruct(slices_of(name, o), choice.weights, params)).volumes[0].labels
        for o, choice in (((), plain), (order, turned))
    ]
    np.testing.assert_array_equal(made[0], np.asarray(order)[made[1]])


def test_the_order_is_part_of_the_file(tmp_path) -> None:
    turned = choose_weights('auto', slices_of('sandstone', (1, 0))).weights
    turned.save(tmp_path / 'turned.safetensors')
    assert Weights.load(tmp_path / 'turned.safetensors').header.order == (1, 0)
    again = choose_weights(str(tmp_path / 'turned.safetensors'), slices_of('sandstone', (1, 0)))
    assert again.weights.header.order == (1, 0)
    assert again.distance == pytest.approx(0, abs=0.01)


def test_a_named_pore_stays_a_pore() -> None:
    first = Phases.named('pore', 'solid', pore=0)
    assert choose_weights('auto', slices_of('sandstone', (1, 0), first)).weights.header.order == (1, 0)
    # Said the other way round, the sparse phase is the solid: no shipped weights make that.
    second = Phases.named('solid', 'pore', pore=1)
    assert not choose_weights('auto', slices_of('sandstone', (1, 0), second)).weights.header.trained


def test_fitting_a_prior_can_be_given_up(granular: np.ndarray) -> None:
    # Slices that nothing remembers: every family is tried, with a sign of life in between.
    labels = np.ascontiguousarray(granular[20].T)
    slices = SliceSet.of([Slice(labels, Phases.named('grain', 'pore', pore=1), 'z', name='never seen')])
    job = choosing_weights('prior', slices)
    seen = [next(job).stage for _ in range(4)]
    assert seen[0] == 'choosing weights'
    assert set(seen[1:]) == {'fitting the structural prior'}
    job.close()
    with pytest.raises(StopIteration):
        next(job)
    chosen = choose_weights('prior', slices)
    assert 'prior' in chosen.reason
    assert not chosen.weights.header.trained
