"""Pictures for the eye: equal size, equal scale, the right plane."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from napari_microrecon.engine.shape import shape_pictures


def _occurs_in(crop: np.ndarray, picture: np.ndarray) -> bool:
    views = np.lib.stride_tricks.sliding_window_view(picture, crop.shape)
    return bool((views == crop).all((2, 3)).any())


def test_pairs_are_crops_of_equal_size(bodies: SimpleNamespace) -> None:
    volume = bodies.balls(2)[:50, :60, :]
    slices = bodies.slices_of(bodies.balls(1)[30])
    pairs = shape_pictures(slices, volume, count=5, edge=56)
    assert len(pairs) == 5
    for crop, section in pairs:
        assert crop.shape == section.shape == (50, 50)
        assert _occurs_in(crop, slices.slices[0].labels)


def test_each_plane_is_shown_with_its_own_slice(bodies: SimpleNamespace) -> None:
    along = bodies.needles(1, along=0)
    slices = bodies.planes_of(along)
    for axis, (crop, section) in enumerate(shape_pictures(slices, along, edge=40)):
        assert _occurs_in(crop, slices.slices[3 * axis + axis].labels)
        assert _occurs_in(section, np.take(along, 36, axis))


def test_pairs_of_one_large_slice_show_different_places(bodies: SimpleNamespace) -> None:
    slices = bodies.slices_of(np.concatenate([bodies.balls(1)[30], bodies.balls(3)[30]], axis=1))
    crops = [crop for crop, _ in shape_pictures(slices, bodies.balls(2), count=3, edge=48)]
    assert len({crop.tobytes() for crop in crops}) == 3
