"""What the network is told of a section: distances, phases of the next lines, depth along them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_microrecon.engine.conditioned.network import STRIDE, SectionNet
from napari_microrecon.engine.conditioned.planes import Planes
from napari_microrecon.engine.conditioned.sections import Scheme
from napari_microrecon.engine.conditioned.statistics import SliceStatistics
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet, Symmetry
from napari_microrecon.engine.volume import Volume

PHASES = Phases.default(2)


def scheme_of(rock: np.ndarray, places: list[tuple[str, int]], symmetry: Symmetry = 'isotropic') -> Scheme:
    axes = {'z': 0, 'y': 1, 'x': 2}
    slices = SliceSet.of([Slice(np.take(rock, p, axes[n]), PHASES, n, p) for n, p in places], symmetry)  # type: ignore[arg-type]
    return Scheme.of(Planes.of(slices, (48, 48, 52)), slices, 5.0)


def test_layouts_of_parallel_slices_show_rows(rock: np.ndarray) -> None:
    for normal in ('z', 'y', 'x'):
        scheme = scheme_of(rock, [(normal, 4), (normal, 20)])
        assert [layout.rows for layout in scheme.layouts] == [(4, 20), (4, 20)]
        assert not scheme.crossed
        assert normal not in [layout.normal for layout in scheme.layouts]


def test_layouts_of_crossing_slices(rock: np.ndarray) -> None:
    scheme = scheme_of(rock, [('z', 4), ('y', 9)])
    by_normal = {layout.normal: layout for layout in scheme.layouts}
    assert (by_normal['x'].rows, by_normal['x'].columns) == ((4,), (9,))
    assert (by_normal['y'].rows, by_normal['y'].columns) == ((4,), ())
    assert (by_normal['z'].rows, by_normal['z'].columns, by_normal['z'].transposed) == ((9,), (), False)
    assert scheme.crossed
    assert scheme_of(rock, [('z', 4), ('y', 9)], 'orthotropic').channels == scheme.channels + 3


def test_features_tell_lines_distances_and_depth(rock: np.ndarray) -> None:
    scheme = scheme_of(rock, [('z', 4), ('z', 12)])
    image = torch.zeros(1, 20, 16, dtype=torch.int64)
    image[0, 4, 6:] = 1
    image[0, 12, 10:] = 1
    image[0, 8] = 1  # hidden: must not be seen
    features, logits = scheme.features(image, (4, 12), (), 'y')
    below, above, depth_below, _, low, high, _ = features[0]
    assert torch.equal(below[7], image[0, 4].float())
    assert torch.equal(above[7], image[0, 12].float())
    assert depth_below[7, 8] == pytest.approx(2.5 / 8)
    assert depth_below[7, 5] == pytest.approx(-0.5 / 8)
    assert low[7, 0] == pytest.approx(np.log1p(3) / 4)
    assert high[7, 0] == pytest.approx(np.log1p(5) / 4)
    hidden, _ = scheme.features(image.clone().index_fill_(1, torch.tensor([8]), 0), (4, 12), (), 'y')
    assert torch.equal(features, hidden)
    assert torch.equal(logits[0, :, 4].argmax(0), image[0, 4])
    assert logits[0, 1, 8, 12] > logits[0, 0, 8, 12]
    assert logits[0, 1, 8, 2] < logits[0, 0, 8, 2]


def test_untrained_network_is_the_interpolation() -> None:
    network = SectionNet(7, 3).eval()
    logits = torch.randn(1, 3, 4 * STRIDE, 4 * STRIDE)
    with torch.no_grad():
        assert torch.equal(network(torch.randn(1, 7, 4 * STRIDE, 4 * STRIDE), logits), logits)


def test_statistics_of_an_anisotropic_material() -> None:
    layers = np.zeros((64, 64, 64), np.uint8)
    layers[np.arange(64) % 8 < 4] = 1  # a change every four layers along z, none across
    layers[:, np.arange(64) % 32 < 16] ^= 1  # and every sixteen along y
    own = SliceStatistics.of(SliceSet.of([Slice(layers[:, :, 5], PHASES, 'x', 5)], 'orthotropic')).change
    assert own[0] == pytest.approx(15 / 63)
    assert own[1] == pytest.approx(3 / 63)
    flat = SliceSet.of([Slice(layers[:, :, 5], PHASES, 'x', 5)])
    assert SliceStatistics.of(flat).change == pytest.approx((15 / 63, 3 / 63, 9 / 63)), 'x is assumed to be like both'
    told = SliceStatistics.of(flat, Volume(layers, PHASES)).change
    assert told == pytest.approx((15 / 63, 3 / 63, 0), abs=0.002), 'the volume knows better'
