"""The numbers of the random streams: what volumes of a seed are made of."""

from __future__ import annotations

import numpy as np

from napari_microrecon.engine.generator.random_streams import Stream, random_stream


def test_numbers_stay_because_volumes_are_made_of_them() -> None:
    assert {name: int(stream) for name, stream in Stream.__members__.items()} == {
        'FIELD': 1, 'CANDIDATES': 2, 'TRAINING_VOLUMES': 3, 'NETWORK_NOISE': 4, 'INDEPENDENT_VALUES': 5, 'CELLS': 6,
        'COATED_FIELD': 7, 'GRAIN_SIZES': 10, 'GRAIN_SCATTER': 11, 'GRAIN_ARRIVALS': 12, 'DENDRITE_STEMS': 13,
        'DENDRITE_FILLING': 14, 'GROWN_NOISE': 31, 'STREWN_SPECKS': 32, 'SCATTERED_FRACTIONS': 33,
        'REMOVED_SPECKS': 34, 'PLATES_AND_NEEDLES': 12,
    }  # fmt: skip
    shared = [name for name, stream in Stream.__members__.items() if name != stream.name]
    assert shared == ['PLATES_AND_NEEDLES'], 'a new use gets a number of its own'


def test_a_stream_is_that_of_its_number() -> None:
    by_name = random_stream(7, Stream.FIELD, 2).random(4)
    by_number = np.random.Generator(np.random.Philox(np.random.SeedSequence(7, spawn_key=(1, 2)))).random(4)
    assert np.array_equal(by_name, by_number)
    assert not np.array_equal(by_name, random_stream(7, Stream.CANDIDATES, 2).random(4))
